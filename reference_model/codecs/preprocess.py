"""From decoded media to model inputs, and from model outputs to media: pictures, sound levels, padding."""

import torch
from torch import Tensor
from torch.nn import functional

from reference_model.codecs.resize import resize_bilinear
from reference_model.codecs.sizes import SizeRule, generation_size

# Peak to which the release scales every given sound.
PEAK = 0.999146
# Silence that the release appends to the reference audio, so that its last word does not run into the speech.
REFERENCE_TAIL_SECONDS = 0.3


def frames_to_video(frames: Tensor, rule: SizeRule = "exact", size: tuple[int, int] | None = None) -> Tensor:
    """Resize RGB frames `[T, H, W, 3]` (uint8) and scale them to [-1, 1]: `[3, T, H', W']` in fp32.

    `size` is (height, width) in pixels; without it the frames get the size that the release generates at.

    Raises:
        ValueError: the frames are not uint8 `[T, H, W, 3]` with T >= 1.
    """
    if frames.dtype != torch.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or frames.shape[0] < 1:
        raise ValueError(f"frames must be uint8 [T, H, W, 3], got {frames.dtype} {tuple(frames.shape)}")
    height, width = size or generation_size(frames.shape[1], frames.shape[2], rule)
    resized = resize_bilinear(frames.permute(3, 0, 1, 2), height, width)
    return (resized.float() / 255.0 - 0.5) / 0.5


def video_to_frames(video: Tensor) -> Tensor:
    """Turn video `[3, T, H, W]` in [-1, 1] into RGB frames `[T, H, W, 3]` (uint8).

    Values are limited to [-1, 1] and cut, not rounded, to whole grey levels, as in the release. The release takes
    a clip whose brightest pixel is at most 1 for one that is not scaled yet; that is not repeated here.

    Raises:
        ValueError: the video is not `[3, T, H, W]`.
    """
    if video.ndim != 4 or video.shape[0] != 3:
        raise ValueError(f"video must be [3, T, H, W], got {tuple(video.shape)}")
    return ((video.float().clamp(-1.0, 1.0) + 1.0) * 127.5).to(torch.uint8).permute(1, 2, 3, 0).contiguous()


def rescale_peak(waveform: Tensor, peak: float = PEAK) -> Tensor:
    """Scale a waveform `[..., N]` so that its largest absolute sample is `peak`, in the dtype given.

    Silence (every sample exactly 0, or no sample) stays as it is: it has no level to scale. The release divides
    by zero there. Rows of a batch are scaled one by one.

    Raises:
        ValueError: a sample is not a finite number.
    """
    if not torch.isfinite(waveform).all():
        raise ValueError("the waveform has samples that are not finite")
    if waveform.shape[-1] == 0:
        return waveform
    loudest = waveform.abs().amax(-1, keepdim=True)
    return torch.where(loudest > 0, waveform / torch.where(loudest > 0, loudest, 1.0) * peak, waveform)


def reference_waveform(waveform: Tensor, sample_rate: int = 24_000) -> Tensor:
    """Reference audio as the release gives it to the mel: scaled to the peak, then 0.3 s of zeros.

    `[..., N]` at `sample_rate` (Hz) becomes `[..., N + 0.3 sample_rate]`.

    Raises:
        ValueError: a sample is not a finite number.
    """
    return functional.pad(rescale_peak(waveform), (0, round(REFERENCE_TAIL_SECONDS * sample_rate)))


def waveform_to_int16(waveform: Tensor) -> Tensor:
    """16-bit samples of a waveform in [-1, 1]: limited, times 32767, cut (not rounded) as in the release."""
    return (waveform.float().clamp(-1.0, 1.0) * 32_767.0).to(torch.int16)

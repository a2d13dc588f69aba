"""Flow-matching sampling as pure functions: times, noise, and the Euler loop."""

from collections.abc import Callable

import torch
from torch import Tensor

from reference_model.layout import Size
from reference_model.params import ModelParams

VelocityField = Callable[[int, Tensor, Tensor, Tensor], tuple[Tensor | None, Tensor | None]]
"""(step, time `[]`, video, audio) -> velocities of video and audio; None leaves a modality as it is."""


def timesteps(steps: int, shift: float, dtype: torch.dtype = torch.float32) -> Tensor:
    """Times `[steps + 1]` from 1000 to 0: evenly spaced, shifted towards noise, rounded to dtype.

    t = 1000 s u / (1 + (s - 1) u). The release rounds to bfloat16, which leaves steps of 4 near 1000; fp32 is
    the default here. ValueError for fewer than one step or a shift that is not positive.
    """
    if steps < 1 or shift <= 0:
        raise ValueError(f"need at least one step and a positive shift, got {steps} and {shift}")
    spaced = torch.linspace(1000, 1, steps, dtype=torch.float64).float()
    u = torch.cat((spaced, torch.zeros(1))) / 1000
    return (1000 * (shift * u / (1 + (shift - 1) * u))).to(dtype)


def step_sizes(times: Tensor) -> Tensor:
    """dt `[steps]` of times `[steps + 1]` on the 0..1000 scale, in their dtype."""
    return (times[:-1] - times[1:]) / 1000


def draw_noise(params: ModelParams, size: Size, seed: int) -> tuple[Tensor, Tensor]:
    """Noise of one sample: video `[48, F, H, W]`, audio `[S, 80]`, fp32 on the CPU.

    One generator per sample: its clip depends on its seed alone, not on batch, order, worker or device.
    """
    generator = torch.Generator().manual_seed(seed)
    video = torch.randn(
        params.latent_channels, size.frames, size.height, size.width, generator=generator, dtype=torch.float32
    )
    return video, torch.randn(size.tokens, params.mel_bands, generator=generator, dtype=torch.float32)


def euler(field: VelocityField, video: Tensor, audio: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """Integrate dx = -v dt from noise to data along times `[steps + 1]`; the state stays fp32.

    Nothing is overwritten on the way: conditions act inside the model, and given parts are put back by the caller.
    """
    video, audio = video.float(), audio.float()
    sizes = step_sizes(times)
    for step in range(len(sizes)):
        video_velocity, audio_velocity = field(step, times[step], video, audio)
        if video_velocity is not None:
            video = video - sizes[step] * video_velocity
        if audio_velocity is not None:
            audio = audio - sizes[step] * audio_velocity
    return video, audio

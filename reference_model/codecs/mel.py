"""Log-mel spectrogram of the release at 24 kHz, and its normalisation.

Frames do not overlap the ends of the clip: the waveform is reflected by (window - hop) / 2 samples at both ends,
so that N samples give exactly floor(N / hop) frames, frame t centred on the samples t hop … (t + 1) hop.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_LINEAR_HZ_PER_MEL = 200.0 / 3.0
_LOG_FROM_HZ = 1000.0
_LOG_STEP = math.log(6.4) / 27.0


@dataclass(frozen=True)
class MelParams:
    """Numbers of the spectrogram; the defaults are the release's.

    Frequencies in Hz, `window_length` (= FFT size) and `hop_length` in samples; `mean` and `std` belong to the
    natural logarithm of the mel amplitude and are scalars for all bands.
    """

    sample_rate: int = 24_000
    window_length: int = 1024
    hop_length: int = 240
    bands: int = 80
    lowest_hz: float = 0.0
    highest_hz: float = 8_000.0
    floor: float = 1e-5
    mean: float = -5.1753
    std: float = 2.1544

    @property
    def padding(self) -> int:
        """Samples reflected at either end."""
        return (self.window_length - self.hop_length) // 2

    @property
    def frames_per_second(self) -> float:
        """Mel frames (audio tokens) per second."""
        return self.sample_rate / self.hop_length


RELEASED_MEL = MelParams()


def hz_to_mel(hz: Tensor) -> Tensor:
    """Slaney's scale: linear up to 1 kHz (15 mel), 27 mel per factor of 6.4 above."""
    log_part = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL + (hz.clamp(min=1e-10) / _LOG_FROM_HZ).log() / _LOG_STEP
    return torch.where(hz < _LOG_FROM_HZ, hz / _LINEAR_HZ_PER_MEL, log_part)


def mel_to_hz(mel: Tensor) -> Tensor:
    """Inverse of `hz_to_mel`."""
    first_log_mel = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
    log_part = _LOG_FROM_HZ * ((mel - first_log_mel) * _LOG_STEP).exp()
    return torch.where(mel < first_log_mel, mel * _LINEAR_HZ_PER_MEL, log_part)


def mel_basis(params: MelParams = RELEASED_MEL) -> Tensor:
    """Triangular filters `[bands, window_length / 2 + 1]` (fp32), each of the same area in Hz (Slaney)."""
    bins_hz = torch.linspace(0.0, params.sample_rate / 2, params.window_length // 2 + 1, dtype=torch.float64)
    ends = hz_to_mel(torch.tensor([params.lowest_hz, params.highest_hz], dtype=torch.float64))
    corners = mel_to_hz(torch.linspace(float(ends[0]), float(ends[1]), params.bands + 2, dtype=torch.float64))
    lower, centre, upper = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    rising, falling = (bins_hz - lower) / (centre - lower), (upper - bins_hz) / (upper - centre)
    triangles = torch.minimum(rising, falling).clamp(min=0.0)
    return (triangles * 2.0 / (upper - lower)).float()


def stft(waveform: Tensor, params: MelParams = RELEASED_MEL) -> Tensor:
    """Complex spectrum `[B, window_length / 2 + 1, N // hop]` of a waveform `[B, N]` (periodic Hann window)."""
    padded = functional.pad(waveform[:, None], (params.padding, params.padding), mode="reflect")[:, 0]
    window = torch.hann_window(params.window_length, dtype=padded.dtype, device=padded.device)
    return torch.stft(
        padded, params.window_length, params.hop_length, window=window, center=False, return_complex=True
    )


def log_mel(waveform: Tensor, params: MelParams = RELEASED_MEL) -> Tensor:
    """Natural-log mel amplitude `[B, bands, N // hop]` in fp32 of a waveform `[B, N]` at `params.sample_rate`.

    A waveform of another dtype is converted to fp32 first: give it in bf16 for the release's rounding.

    Raises:
        ValueError: the waveform is not `[B, N]`, or too short to be reflected at its ends.
    """
    if waveform.ndim != 2:
        raise ValueError(f"waveform must be [B, N], got {tuple(waveform.shape)}")
    if waveform.shape[1] <= params.padding:
        raise ValueError(f"waveform needs more than {params.padding} samples, got {waveform.shape[1]}")
    spectrum = stft(waveform.float(), params)
    # The small constant is inside the root, as in the release; it bounds the gradient at silence.
    magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()
    mel = mel_basis(params).to(magnitude.device) @ magnitude
    return mel.clamp(min=params.floor).log()


def normalise(log_mel: Tensor, params: MelParams = RELEASED_MEL) -> Tensor:
    """Model input `[B, T, bands]` from log-mel `[B, bands, T]`, in the dtype of the input (bf16 in the release)."""
    return ((log_mel - params.mean) / params.std).transpose(1, 2)


def denormalise(tokens: Tensor, params: MelParams = RELEASED_MEL) -> Tensor:
    """Log-mel `[B, bands, T]` from model tokens `[B, T, bands]`; inverse of `normalise`."""
    return tokens.transpose(1, 2) * params.std + params.mean

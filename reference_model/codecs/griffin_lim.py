"""A vocoder without weights: Griffin-Lim phase reconstruction, for the small model and for tests.

It is not BigVGAN and never stands in for it silently: its sound is audibly worse, and it has its own name.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reference_model.codecs.mel import RELEASED_MEL, MelParams, mel_basis

# Below this, sums of squared windows and magnitudes count as nothing; it only avoids division by zero.
_TINY = 1e-8
_TINY_POWER = 1e-12


@dataclass(frozen=True)
class GriffinLimVocoder:
    """A `Vocoder`: fast Griffin-Lim (Perraudin et al. 2013) on magnitudes recovered from the mel bands.

    `iterations` of phase reconstruction with momentum `alpha` (0 is the original method of 1984); the first
    phases are drawn with `seed`, the same ones for every clip, so a clip sounds the same in any batch.
    """

    params: MelParams = RELEASED_MEL
    iterations: int = 64
    magnitude_iterations: int = 64
    alpha: float = 0.99
    seed: int = 0

    @torch.no_grad()
    def decode(self, log_mel: Tensor) -> Tensor:
        """Turn natural-log mel `[B, bands, T]` into a waveform `[B, T * hop]` within [-1, 1].

        Raises:
            ValueError: the mel is not `[B, bands, T]`.
        """
        if log_mel.ndim != 3 or log_mel.shape[1] != self.params.bands:
            raise ValueError(f"log_mel must be [B, {self.params.bands}, T], got {tuple(log_mel.shape)}")
        magnitude = self.magnitude(log_mel.float().exp())
        bins, frames = magnitude.shape[1:]
        generator = torch.Generator().manual_seed(self.seed)
        angles = (2 * torch.pi * torch.rand(bins, frames, generator=generator)).to(magnitude.device)
        phase = torch.polar(torch.ones_like(angles), angles).expand(magnitude.shape)
        previous = torch.zeros_like(phase)
        for _ in range(self.iterations):
            rebuilt = self._analyse(self._synthesise(magnitude * phase))
            accelerated = rebuilt + self.alpha * (rebuilt - previous)
            phase = accelerated / accelerated.abs().clamp(min=_TINY)
            previous = rebuilt
        waveform = self._synthesise(magnitude * phase)
        padding = self.params.padding
        return waveform[:, padding : waveform.shape[1] - padding].clamp(-1.0, 1.0)

    def magnitude(self, mel: Tensor) -> Tensor:
        """Non-negative magnitudes `[B, window / 2 + 1, T]` whose mel bands come close to `mel` `[B, bands, T]`.

        Multiplicative updates (Lee and Seung 2001) from the transposed filterbank: they keep bins that no band
        covers at zero and never produce a negative magnitude.
        """
        basis = mel_basis(self.params).to(mel.device)
        target = basis.T @ mel
        gram = basis.T @ basis
        magnitude = target / basis.sum(0, keepdim=True).T.square().clamp(min=_TINY_POWER)
        for _ in range(self.magnitude_iterations):
            magnitude = magnitude * target / (gram @ magnitude).clamp(min=_TINY_POWER)
        return magnitude

    def _analyse(self, padded: Tensor) -> Tensor:
        """Spectrum `[B, bins, T]` of a waveform that still has its padding at both ends."""
        window = torch.hann_window(self.params.window_length, device=padded.device)
        frames = padded.unfold(1, self.params.window_length, self.params.hop_length) * window
        spectrum: Tensor = torch.fft.rfft(frames).transpose(1, 2)
        return spectrum

    def _synthesise(self, spectrum: Tensor) -> Tensor:
        """Least-squares waveform `[B, (T - 1) hop + window]` of a spectrum `[B, bins, T]`, padding included."""
        window = torch.hann_window(self.params.window_length, device=spectrum.device)
        frames = torch.fft.irfft(spectrum.transpose(1, 2), n=self.params.window_length) * window
        weight = window.square().expand(frames.shape[1:])[None]
        return self._overlap_add(frames) / self._overlap_add(weight).clamp(min=_TINY)

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """Add frames `[B, T, window]` at steps of `hop`: `[B, (T - 1) hop + window]`."""
        length = (frames.shape[1] - 1) * self.params.hop_length + self.params.window_length
        folded: Tensor = functional.fold(
            frames.transpose(1, 2),
            output_size=(1, length),
            kernel_size=(1, self.params.window_length),
            stride=(1, self.params.hop_length),
        )
        return folded[:, 0, 0]

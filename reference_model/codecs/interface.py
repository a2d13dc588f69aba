"""What the pipeline asks of a codec, whichever library or network is behind it."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class VideoCodec(Protocol):
    """Pictures to latents and back; causal in time, so a single image is a video of one frame."""

    @property
    def latent_channels(self) -> int:
        """Number of channels C of a latent."""
        ...

    @property
    def temporal_factor(self) -> int:
        """Frames per latent frame after the first one, which stands for a single frame."""
        ...

    @property
    def spatial_factor(self) -> int:
        """Pixels per latent pixel, s, in both directions."""
        ...

    def encode(self, video: Tensor) -> Tensor:
        """Encode video `[B, 3, T, H, W]` in [-1, 1] to normalised latents `[B, C, F, H/s, W/s]`.

        F = 1 + (T - 1) // temporal_factor; frames after the last full group are not encoded.
        """
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Decode latents `[B, C, F, h, w]` to video `[B, 3, temporal_factor (F - 1) + 1, h s, w s]` in [-1, 1]."""
        ...


class Vocoder(Protocol):
    """Log-mel frames to a waveform."""

    def decode(self, log_mel: Tensor) -> Tensor:
        """Turn natural-log mel amplitudes `[B, 80, T]` (100 frames/s) into a waveform `[B, T * 240]` at 24 kHz."""
        ...


class CaptionEncoder(Protocol):
    """Captions to the rows that the video branch attends to."""

    def encode(self, captions: Sequence[str]) -> list[Tensor]:
        """Encode each caption by itself to `[L, D]`, L its number of tokens (at least one, also for "")."""
        ...

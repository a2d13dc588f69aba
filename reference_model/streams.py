"""The tokens of one branch on their way through the layers."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reference_model.attention import KeyValue
from reference_model.conditions import Conditions
from reference_model.layers import Block, TimeEmbedding
from reference_model.params import ModelParams


@dataclass(frozen=True)
class Stream:
    """One branch: tokens `[B, L, C]`, their times and rotation.

    The first `reference` tokens belong to the reference and never take part in the interaction; updates reach
    tokens from `made` on, those before are given.
    """

    tokens: Tensor
    time: TimeEmbedding
    rotation: Tensor
    text_rotation: Tensor | None
    reference: int
    made: int
    target_time: TimeEmbedding

    @property
    def targets(self) -> Tensor:
        """The tokens after the reference `[B, L - reference, C]`."""
        return self.tokens[:, self.reference :]

    def through(self, block: Block, text: KeyValue) -> "Stream":
        """The stream after one transformer block."""
        return replace(self, tokens=block(self.tokens, self.time, self.rotation, text, self.text_rotation))

    def updated(self, update: Tensor) -> "Stream":
        """The stream after an update `[B, L - reference, C]`; given tokens stay as they are."""
        reached = self.tokens[:, self.made :] + update[:, self.made - self.reference :]
        return replace(self, tokens=torch.cat((self.tokens[:, : self.made], reached), dim=1))


def check_inputs(params: ModelParams, video: Tensor, audio: Tensor, time: Tensor, given: Conditions) -> None:
    """Raise a ValueError with the actual shapes where inputs and conditions disagree."""
    batch, channels, bands = len(video), params.latent_channels, params.mel_bands
    wanted = {
        "video": (video, (batch, channels, None, None, None)),
        "audio": (audio, (batch, None, bands)),
        "time": (time, (batch,)),
        "reference image": (given.reference_image, (batch, channels, 1, *video.shape[3:])),
        "caption": (given.caption, (batch, None, params.caption_width)),
        "speech": (given.speech, (batch, None)),
        "given video": (given.given_video, (batch, channels, None, *video.shape[3:])),
        "reference audio": (given.reference_audio, (batch, None, bands)),
        "given audio": (given.given_audio, (batch, None, bands)),
    }
    for name, (tensor, shape) in wanted.items():
        if tensor is None:
            continue
        fits = tensor.ndim == len(shape) and all(
            want is None or want == size for want, size in zip(shape, tensor.shape, strict=True)
        )
        if not fits:
            expected = " x ".join("?" if size is None else str(size) for size in shape)
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, expected {expected}")
    if given.given_frames > video.shape[2] or given.clean > video.shape[2]:
        raise ValueError(
            f"{max(given.given_frames, given.clean)} frames given for a clip of {video.shape[2]} latent frames"
        )
    if given.given_tokens > audio.shape[1]:
        raise ValueError(f"{given.given_tokens} audio tokens given for a clip of {audio.shape[1]}")

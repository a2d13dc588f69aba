"""What a sample is made from, and what may flow in a pass."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import Enum

import torch
from torch import Tensor

from reference_model.attention import KeyValue


class Exchange(Enum):
    """Directions in which the branches speak to each other in one pass."""

    BOTH = (True, True)
    TO_VIDEO = (True, False)
    TO_AUDIO = (False, True)
    NONE = (False, False)

    @property
    def a2v(self) -> bool:
        """Whether audio flows to video."""
        return self.value[0]

    @property
    def v2a(self) -> bool:
        """Whether video flows to audio."""
        return self.value[1]


class Wanted(Enum):
    """Which velocities a caller will use; the other branch runs only if something flows from it."""

    BOTH = (True, True)
    VIDEO = (True, False)
    AUDIO = (False, True)

    @property
    def video(self) -> bool:
        """Whether the video velocity is wanted."""
        return self.value[0]

    @property
    def audio(self) -> bool:
        """Whether the audio velocity is wanted."""
        return self.value[1]


@dataclass(frozen=True)
class Conditions:
    """The given parts of a batch of B samples; what is not given is None.

    reference_image `[B, 48, 1, H, W]`; given_video `[B, 48, k, H, W]`, the first k latent frames; reference_audio
    `[B, R, 80]`, a voice to speak in; given_audio `[B, C, 80]`, the first C mel frames, normalised; caption
    `[B, Lc, text width]`; caption rows beyond an item's own are zero; speech ids `[B, L]` int64 (-1 = filler) with
    speech_lengths `[B]` (None: all L). `clean_frames` latent frames stand at time 0; None means k.
    """

    reference_image: Tensor
    caption: Tensor
    speech: Tensor
    speech_lengths: Tensor | None = None
    given_video: Tensor | None = None
    reference_audio: Tensor | None = None
    given_audio: Tensor | None = None
    clean_frames: int | None = None

    @property
    def given_frames(self) -> int:
        """k, the latent frames that are given."""
        return 0 if self.given_video is None else self.given_video.shape[2]

    @property
    def clean(self) -> int:
        """Latent frames at time 0; the release allows it to differ from the number given (quirk kept)."""
        return self.given_frames if self.clean_frames is None else self.clean_frames

    @property
    def reference_tokens(self) -> int:
        """R, the tokens of the reference voice."""
        return 0 if self.reference_audio is None else self.reference_audio.shape[1]

    @property
    def given_tokens(self) -> int:
        """C, the audio tokens that are given."""
        return 0 if self.given_audio is None else self.given_audio.shape[1]

    def to(self, device: torch.device, dtype: torch.dtype) -> "Conditions":
        """The same conditions elsewhere; ids stay integers."""

        def move(value: object) -> object:
            if not isinstance(value, Tensor):
                return value
            return value.to(device, dtype) if value.is_floating_point() else value.to(device)

        return Conditions(**{field.name: move(getattr(self, field.name)) for field in fields(self)})  # type: ignore[arg-type]


@dataclass(frozen=True)
class Texts:
    """Captions and speech of a batch as the cross-attention keys and values of every layer.

    They depend on the prompt alone and serve all steps.
    """

    captions: tuple[KeyValue, ...]
    speech: tuple[KeyValue, ...]


@dataclass(frozen=True)
class Memory:
    """What a branch that does not change over the steps says to the other one, per interaction layer.

    None: that branch has to run. An entry None: its layer was skipped.
    """

    video: tuple[tuple[KeyValue, ...] | None, ...] | None = None
    audio: tuple[KeyValue | None, ...] | None = None


@dataclass(frozen=True)
class Prediction:
    """Velocities (noise minus data) in fp32, and face masks.

    video `[B, 48, F, H, W]`, reference_frame `[B, 48, 1, H, W]` (of no use but to compare), audio `[B, S, 80]`; None
    if not wanted. face_masks: `[B, F, h, w]` in 0..1 for each interaction layer whose mask was computed.
    """

    video: Tensor | None
    reference_frame: Tensor | None
    audio: Tensor | None
    face_masks: tuple[Tensor, ...]


def pad_rows(rows: Sequence[Tensor], fill: float = 0.0) -> Tensor:
    """Stack tensors `[L_i, ...]` of different lengths into `[B, max L, ...]`."""
    longest = max(len(row) for row in rows)
    out = rows[0].new_full((len(rows), longest, *rows[0].shape[1:]), fill)
    for item, row in zip(out, rows, strict=True):
        item[: len(row)] = row
    return out

"""The declared facts of a metric: what its numbers mean, what it needs, and where it comes from."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """Base of every schema: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Direction(StrEnum):
    """Which way is better. `ZERO`: the closer to zero. `NONE`: a fact, not a quality."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"
    NONE = "none"


class Tier(StrEnum):
    """Where a method comes from.

    `EMBEDDED`: its weights come from package archives, or it needs none. `PAPER`: the method that papers name.
    """

    EMBEDDED = "embedded"
    PAPER = "paper"


class Artefact(StrEnum):
    """What analysis makes of a clip; a metric names what it reads, and only that is computed."""

    FRAMES = "frames"
    FACES = "faces"
    CROPS = "crops"
    THUMBNAILS = "thumbnails"
    WHOLE_FRAMES = "whole_frames"
    PICTURES = "pictures"
    SPEECH = "speech"
    VOICE_ACTIVITY = "voice_activity"
    TRANSCRIPT = "transcript"
    SPEAKER = "speaker"


SampleField = Literal[
    "task", "image", "caption", "speech", "reference_audio", "reference_text", "condition_audio", "condition_video",
    "facts", "published",
]  # fmt: skip
"""Fields of a sample that a metric may declare; what it does not declare, it does not see."""


class FieldSpec(Frozen):
    """One number that a metric gives: unit, range, direction, and what its sign means."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    unit: str
    direction: Direction
    low: float | None = None
    high: float | None = None
    meaning: str
    sign: str = ""


class MetricSpec(Frozen):
    """All facts of a metric. `name` is its identity: scores of different names are never compared.

    The first field is the headline: it stands in the summary table. `floors` names the control systems that must
    score badly if the metric measures what it claims; for other controls it expects nothing.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")
    version: int = Field(ge=1)
    protocol: str | None = None
    title: str
    summary: str
    fields: tuple[FieldSpec, ...] = Field(min_length=1)
    needs: tuple[Artefact, ...] = ()
    sample_needs: tuple[SampleField, ...] = ()
    weights: tuple[str, ...] = ()
    extra: str | None = None
    tier: Tier
    licence: str
    source: str
    floors: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _distinct_fields(self) -> Self:
        names = [f.name for f in self.fields]
        if len(set(names)) != len(names):
            raise ValueError(f"metric {self.id} declares a field twice: {names}")
        return self

    @property
    def name(self) -> str:
        """The versioned name: `timbre.reference@1`, or `lipsync.lse[syncnet-python@1]` with a protocol."""
        return f"{self.id}[{self.protocol}@{self.version}]" if self.protocol else f"{self.id}@{self.version}"

    @property
    def headline(self) -> FieldSpec:
        """The field that stands in the summary table."""
        return self.fields[0]

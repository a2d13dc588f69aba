"""What a metric answers: a score, or the reason why there is none. Never a sentinel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from uniavgen_bench.core.errors import PicklableError


class Reason(StrEnum):
    """The closed list of reasons for a missing value; each has its sentence in `REASON_TEXT`."""

    UNREADABLE = "unreadable"
    NO_VIDEO = "no_video"
    NO_AUDIO = "no_audio"
    BAD_AUDIO = "bad_audio"
    SILENT = "silent"
    NO_SPEECH = "no_speech"
    NO_FACE = "no_face"
    SEVERAL_SPEAKERS = "several_speakers"
    TOO_SHORT = "too_short"
    TOO_SMALL = "too_small"
    NOT_MEASURABLE = "not_measurable"
    NO_REFERENCE = "no_reference"
    NO_TRANSCRIPT = "no_transcript"
    UNVERIFIED_TRANSCRIPT = "unverified_transcript"
    LANGUAGE = "language"
    WEIGHTS = "weights"
    NOT_INSTALLED = "not_installed"
    NO_JUDGE = "no_judge"
    NOT_GENERATED = "not_generated"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    FAILED = "failed"


REASON_TEXT: Mapping[Reason, str] = {
    Reason.UNREADABLE: "the file cannot be decoded",
    Reason.NO_VIDEO: "the file has no video stream",
    Reason.NO_AUDIO: "the file has no audio stream",
    Reason.BAD_AUDIO: "the audio holds values that are not numbers",
    Reason.SILENT: "the audio is silent",
    Reason.NO_SPEECH: "no speech was found in the audio",
    Reason.NO_FACE: "no face was found for long enough",
    Reason.SEVERAL_SPEAKERS: "several faces could be the speaker",
    Reason.TOO_SHORT: "the clip is shorter than the protocol allows",
    Reason.TOO_SMALL: "the face or picture is smaller than the protocol allows",
    Reason.NOT_MEASURABLE: "the evidence is too weak for a number",
    Reason.NO_REFERENCE: "the sample has no reference to compare with",
    Reason.NO_TRANSCRIPT: "the sample has no transcript",
    Reason.UNVERIFIED_TRANSCRIPT: "the sample's transcript was made by a recogniser and not verified",
    Reason.LANGUAGE: "the metric does not know the sample's language",
    Reason.WEIGHTS: "the weights of the metric are not here",
    Reason.NOT_INSTALLED: "an optional package is not installed",
    Reason.NO_JUDGE: "no judge is set up: the metric asks a model behind an endpoint and a key (docs/judges.md)",
    Reason.NOT_GENERATED: "the system gave no clip for this sample",
    Reason.TIMEOUT: "making or scoring the clip took longer than allowed",
    Reason.CRASHED: "the process that made or scored the clip died",
    Reason.FAILED: "making or scoring the clip failed",
}

MAKING_TEXT: Mapping[Reason, str] = {
    Reason.TIMEOUT: "making the clip took longer than allowed",
    Reason.CRASHED: "the program that makes the clip ended with an error",
    Reason.FAILED: "making the clip failed",
}
"""What a reason says where it is known that there is no clip because a system's job gave none."""


@dataclass(frozen=True)
class Score:
    """One finite number of one field of one metric for one clip."""

    value: float

    def __post_init__(self) -> None:
        """Refuse values that are not finite: a metric without a number answers `Missing`."""
        if not math.isfinite(self.value):
            raise ValueError(f"a score must be finite, got {self.value}: return Missing(reason) instead")


@dataclass(frozen=True)
class Missing:
    """The reason why there is no score, with a detail for the reader of the report."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        """Render as `reason: detail`."""
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value


class MissingError(PicklableError):
    """Raised by artefacts and metrics where no score is possible; the runner turns it into `Missing`."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        self.missing = Missing(reason, detail)
        super().__init__(str(self.missing))


@dataclass(frozen=True)
class Curve:
    """A series over the clip's time for the report: `t` in seconds, `y` in `unit`, same length."""

    name: str
    unit: str
    t: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True)
class Evidence:
    """What a reader may look at beside a score: curves over time, and labelled texts."""

    curves: tuple[Curve, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measurement:
    """The answer of a metric for one clip: a `Score` or `Missing` per declared field, and evidence."""

    scores: Mapping[str, Score | Missing]
    evidence: Evidence = field(default_factory=Evidence)

"""What the validity study of `lipsync.mouth_audio` finds, as typed results."""

from __future__ import annotations

from dataclasses import dataclass

from uniavgen_bench.validity.sync_statistics import Estimate


@dataclass(frozen=True)
class GroupValidity:
    """One kind of clips: shares of offsets within 40 and 80 ms, and AUC of true against swapped sound."""

    kind: str
    within_40: Estimate
    within_80: Estimate
    within_40_source: Estimate
    within_80_source: Estimate
    auc_near: Estimate
    auc_confidence: Estimate


@dataclass(frozen=True)
class SourceOffset:
    """A source's own offset: median over its clips in ms, and how many of them are measurable."""

    source: str
    kind: str
    clips: int
    median_ms: float
    measurable: int


@dataclass(frozen=True)
class ThresholdRow:
    """What a least confidence does: share of true clips kept, of swapped kept, and kept offsets within 80 ms."""

    confidence: float
    kept: float
    swapped_kept: float
    within_80: float


@dataclass(frozen=True)
class ClipLine:
    """One clip: offset and confidence as it is, and the median confidence of swapped sound."""

    clip: str
    source: str
    real: bool
    offset_ms: float
    confidence: float
    swapped_confidence: float
    published_lse_c: float | None


@dataclass(frozen=True)
class MouthAudioValidity:
    """All that the study found.

    `features_agree`: share of shifts at which shifting the features gives the same offset as shifting the waveform.
    """

    clips: int
    missing: dict[str, int]
    common_bias_ms: float
    groups: tuple[GroupValidity, ...]
    lse: Estimate | None
    lse_without_zeros: Estimate | None
    lse_on_driving_speech: Estimate | None
    lse_on_driving_speech_without_zeros: Estimate | None
    lse_given_movement: Estimate | None
    lse_given_movement_without_zeros: Estimate | None
    sources: tuple[SourceOffset, ...]
    thresholds: tuple[ThresholdRow, ...]
    features_agree: float
    lines: tuple[ClipLine, ...]

"""Statistics of a lip-sync metric with intervals over sources: clips of one source are not independent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.metrics.mouth_audio_model import peak_of
from uniavgen_bench.validity.clip_sets import ListedClip
from uniavgen_bench.validity.mouth_audio import near
from uniavgen_bench.validity.sync_statistics import (
    RESAMPLES,
    SEED,
    Estimate,
    auc,
    partial_spearman,
    share_within,
    spearman,
)


@dataclass(frozen=True)
class SyncStudy:
    """What a metric said about one clip.

    `curve` [61] as the clip is and `swapped` [W, 61] under the sound of others; `errors` [S] ms: estimated offset minus
    the shift that was put in; `movement`: spread of the mouth's opening; `driven_confidence`: with the speech that
    drove the clip; `facts`: seconds, inter-ocular distance in px, yaw in degrees, fps.
    """

    clip: ListedClip
    curve: Float64
    swapped: Float64
    errors: Float64
    movement: float
    driven_confidence: float | None
    facts: tuple[float, float, float, float]

    @property
    def offset(self) -> float:
        """The offset in ms."""
        return peak_of(self.curve).offset_ms

    @property
    def confidence(self) -> float:
        """Peak minus median."""
        return peak_of(self.curve).confidence


@dataclass(frozen=True)
class Seen:
    """The numbers of a study that are resampled: `near` values lie within 40 ms of the expected lag.

    `shares` and `own_shares`: of estimates within 40 and 80 ms, with the common bias out or the source's own.
    """

    source: str
    confidence: float
    near: float
    swapped_confidence: Float64
    swapped_near: Float64
    shares: dict[int, float]
    own_shares: dict[int, float]
    lse_c: float | None
    lse_d: float | None
    driven: float | None
    movement: float


def common_bias(studies: Sequence[SyncStudy]) -> float:
    """Return the median over all estimates: the one bias that is taken out before errors are counted."""
    return float(np.median(np.concatenate([s.errors for s in studies])))


def seen_in(studies: Sequence[SyncStudy], bias: float) -> list[Seen]:
    """Return the numbers of some studies; a source's own offset is the median of its other clips."""
    offsets = [s.offset for s in studies]
    found = []
    for study in studies:
        kin = [
            offset
            for other, offset in zip(studies, offsets, strict=True)
            if other is not study and _source(other) == _source(study)
        ]
        found.append(
            Seen(
                source=study.clip.source,
                confidence=study.confidence,
                near=near(study.curve, bias),
                swapped_confidence=np.array([peak_of(c).confidence for c in study.swapped]),
                swapped_near=np.array([near(c, bias) for c in study.swapped]),
                shares=_shares(study.errors - bias),
                own_shares=_shares(study.errors - (float(np.median(kin)) if kin else bias)),
                lse_c=study.clip.sample.published.get("lse_c"),
                lse_d=study.clip.sample.published.get("lse_d"),
                driven=study.driven_confidence,
                movement=study.movement,
            )
        )
    return found


def _shares(errors: Float64) -> dict[int, float]:
    return {limit: share_within(errors, limit) for limit in (40, 80)}


def _source(study: SyncStudy) -> tuple[str, bool]:
    return study.clip.source, study.clip.real


def over_sources(seen: Sequence[Seen], statistic: Callable[[Sequence[Seen]], float]) -> Estimate:
    """Return a statistic with its 95 % percentile interval from 1000 draws, seeded.

    Sources are drawn with all their clips, and clips within each; clips alone where there is one source.
    """
    groups: dict[str, list[Seen]] = {}
    for one in seen:
        groups.setdefault(one.source, []).append(one)
    names = sorted(groups)
    rng = np.random.default_rng(SEED)
    values = []
    for _ in range(RESAMPLES):
        drawn: list[Seen] = []
        for name in rng.integers(0, len(names), len(names)):
            group = groups[names[name]]
            drawn += [group[i] for i in rng.integers(0, len(group), len(group))]
        value = statistic(drawn)
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5]) if values else (float("nan"), float("nan"))
    return Estimate(statistic(seen), float(low), float(high), len(seen))


def auc_near(seen: Sequence[Seen]) -> float:
    """Return the AUC of true against swapped sound by the value near the expected lag."""
    return auc(np.array([s.near for s in seen]), np.concatenate([s.swapped_near for s in seen]))


def auc_confidence(seen: Sequence[Seen]) -> float:
    """Return the AUC of true against swapped sound by the confidence, wherever its peak lies."""
    return auc(np.array([s.confidence for s in seen]), np.concatenate([s.swapped_confidence for s in seen]))


def within(limit: int, *, own: bool) -> Callable[[Sequence[Seen]], float]:
    """Return the statistic: the share of estimates within 40 or 80 ms, with the source's own bias out or the common."""
    return lambda seen: float(np.mean([(s.own_shares if own else s.shares)[limit] for s in seen]))


def published(
    which: str, *, driven: bool = False, partial: bool = False
) -> Callable[[Sequence[Seen]], float]:
    """Return the statistic: Spearman of the confidence with the published `lse_c` or `lse_d`.

    `driven`: the confidence with the speech that drove the clip; `partial`: given the mouth's movement.
    """

    def statistic(seen: Sequence[Seen]) -> float:
        ours = np.array([s.driven if driven else s.confidence for s in seen], np.float64)
        theirs = np.array([getattr(s, which) for s in seen], np.float64)
        if partial:
            return partial_spearman(ours, theirs, np.array([s.movement for s in seen]))
        return spearman(ours, theirs)

    return statistic


def rated(seen: Sequence[Seen], which: str, *, driven: bool = False) -> list[Seen]:
    """Return those with a published score; scores of 0 say that no face was found, so they are left out."""
    return [s for s in seen if (getattr(s, which) or 0.0) > 0 and (not driven or s.driven is not None)]

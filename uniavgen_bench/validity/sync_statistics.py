"""Statistics of a lip-sync metric on clips whose truth is known: shifted sound, swapped sound, published scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from uniavgen_bench.analysis.artefacts import Float64

RESAMPLES = 1000
SEED = 20251116


@dataclass(frozen=True)
class ShiftedClip:
    """What a metric said about one clip.

    `offset` ms and `confidence` as it is; `errors` [S] ms: estimate minus the shift that was put in; `near` and
    `swapped_near` [W]: best value within 40 ms of the expected lag, `swapped_confidence` [W], for W other sounds.
    """

    name: str
    source: str
    real: bool
    offset: float
    confidence: float
    errors: Float64
    near: float
    swapped_near: Float64
    swapped_confidence: Float64
    published_lse_c: float | None
    movement: float
    driven_confidence: float | None = None


@dataclass(frozen=True)
class Estimate:
    """A statistic with its 95 % percentile bootstrap interval over clips, and how many clips it is from."""

    value: float
    low: float
    high: float
    clips: int


def share_within(errors: Float64, limit: float) -> float:
    """Return the share of errors of at most `limit` ms."""
    return float((np.abs(errors) <= limit + 1e-9).mean())


def common_bias(clips: Sequence[ShiftedClip]) -> float:
    """Return the median over all estimates: the one bias that is taken out before errors are counted."""
    return float(np.median(np.concatenate([c.errors for c in clips])))


def source_biases(clips: Sequence[ShiftedClip]) -> list[float]:
    """Return for each clip the median offset of the *other* clips of its source and kind, else the common bias."""
    everywhere = common_bias(clips)
    found = []
    for clip in clips:
        others = [c.offset for c in clips if c is not clip and (c.source, c.real) == (clip.source, clip.real)]
        found.append(float(np.median(others)) if others else everywhere)
    return found


def auc(true: Float64, false: Float64) -> float:
    """Return the probability that a true value lies above a false one (ties count half)."""
    ranks = rankdata(np.concatenate([true, false]))
    return float((ranks[: len(true)].sum() - len(true) * (len(true) + 1) / 2) / (len(true) * len(false)))


def spearman(x: Float64, y: Float64) -> float:
    """Return Spearman's rank correlation; 0 where one side does not vary."""
    ranks = np.stack([rankdata(x), rankdata(y)])
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    spread = float(np.sqrt((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float(centred[0] @ centred[1]) / spread if spread else 0.0


def partial_spearman(x: Float64, y: Float64, given: Float64) -> float:
    """Return the rank correlation of x and y with the ranks of `given` taken out."""
    r_xy, r_xz, r_yz = spearman(x, y), spearman(x, given), spearman(y, given)
    return float((r_xy - r_xz * r_yz) / np.sqrt(max((1 - r_xz**2) * (1 - r_yz**2), 1e-12)))


def bootstrap(clips: Sequence[ShiftedClip], statistic: Callable[[Sequence[ShiftedClip]], float]) -> Estimate:
    """Return a statistic of the clips with its percentile interval from 1000 resamples of clips, seeded."""
    rng = np.random.default_rng(SEED)
    values = []
    for _ in range(RESAMPLES):
        drawn = [clips[i] for i in rng.integers(0, len(clips), len(clips))]
        value = statistic(drawn)
        if np.isfinite(value):
            values.append(value)
    low, high = np.percentile(values, [2.5, 97.5]) if values else (float("nan"), float("nan"))
    return Estimate(statistic(clips), float(low), float(high), len(clips))


def within(clips: Sequence[ShiftedClip], biases: Sequence[float], limit: float) -> Estimate:
    """Return the share of estimates within `limit` ms after each clip's bias is taken out."""
    shares = {id(c): share_within(c.errors - b, limit) for c, b in zip(clips, biases, strict=True)}
    return bootstrap(clips, lambda drawn: float(np.mean([shares[id(c)] for c in drawn])))


def auc_near(clips: Sequence[ShiftedClip]) -> Estimate:
    """Return the AUC of true against swapped sound by the value near the expected lag."""
    return bootstrap(clips, _auc_near)


def auc_confidence(clips: Sequence[ShiftedClip]) -> Estimate:
    """Return the AUC of true against swapped sound by the confidence, wherever its peak lies."""
    return bootstrap(clips, _auc_confidence)


def _auc_near(clips: Sequence[ShiftedClip]) -> float:
    return auc(np.array([c.near for c in clips]), np.concatenate([c.swapped_near for c in clips]))


def _auc_confidence(clips: Sequence[ShiftedClip]) -> float:
    return auc(np.array([c.confidence for c in clips]), np.concatenate([c.swapped_confidence for c in clips]))


def agreement_with_lse(clips: Sequence[ShiftedClip], *, zeros: bool) -> Estimate | None:
    """Return Spearman of the confidence with published LSE-C; `zeros=False` leaves out clips published as 0."""
    rated = _rated(clips, zeros=zeros)
    if len(rated) < 4:
        return None
    return bootstrap(
        rated, lambda drawn: spearman(_column(drawn, "confidence"), _column(drawn, "published_lse_c"))
    )


def agreement_on_driving_speech(clips: Sequence[ShiftedClip], *, zeros: bool) -> Estimate | None:
    """Return the same when the metric hears the clean speech that drove the clip, as the publishers' SyncNet did."""
    rated = [c for c in _rated(clips, zeros=zeros) if c.driven_confidence is not None]
    if len(rated) < 4:
        return None
    return bootstrap(
        rated, lambda drawn: spearman(_column(drawn, "driven_confidence"), _column(drawn, "published_lse_c"))
    )


def agreement_given_movement(clips: Sequence[ShiftedClip], *, zeros: bool) -> Estimate | None:
    """Return the same rank correlation with the movement of the mouth taken out."""
    rated = _rated(clips, zeros=zeros)
    if len(rated) < 5:
        return None
    return bootstrap(
        rated,
        lambda drawn: partial_spearman(
            _column(drawn, "confidence"), _column(drawn, "published_lse_c"), _column(drawn, "movement")
        ),
    )


def _rated(clips: Sequence[ShiftedClip], *, zeros: bool) -> list[ShiftedClip]:
    return [c for c in clips if c.published_lse_c is not None and (zeros or c.published_lse_c > 0)]


def _column(clips: Sequence[ShiftedClip], name: str) -> Float64:
    return np.array([getattr(c, name) for c in clips], dtype=np.float64)

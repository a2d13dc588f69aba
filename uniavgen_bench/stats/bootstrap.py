"""Confidence intervals of a mean when clips come in clusters (one identity, or one sample with repeats)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

LEAST = 3
"""Fewer clusters than this carry no interval."""

FEW = 10
"""Below this many clusters a bootstrap interval tends to be too narrow, and the reader is told."""

LARGE = 300
"""Above this many clusters BCa and percentile agree, and the percentile interval is made by matrix."""

SMALL_RESAMPLES = 4_999
LARGE_RESAMPLES = 2_000


@dataclass(frozen=True)
class Interval:
    """A confidence interval at `level` (0 … 1) and the sentence of how it was made."""

    low: float
    high: float
    level: float
    method: str


@dataclass(frozen=True)
class NoInterval:
    """Why there is no interval."""

    why: str


@dataclass(frozen=True)
class Clustered:
    """The scored clips of one system and field by cluster: `sums` [K], and how many, `counts` [K].

    Clusters without a scored clip stay in with count 0, so that all fields of a system share one K. `unit` names a
    cluster in the plural, for the reader.
    """

    sums: Float64
    counts: Float64
    unit: str


def intervals(groups: Sequence[Clustered], *, level: float, seed: int) -> list[Interval | NoInterval]:
    """Return the interval of the mean over clips for each group.

    Whole clusters are drawn with replacement, and the mean is taken over the clips drawn. Up to `LARGE` scored
    clusters: BCa of `scipy.stats.bootstrap`. Above: percentiles of resampled means, computed as products with
    one matrix of draws for all groups of a size. A group's interval depends on nothing but the group and `seed`.
    """
    found: list[Interval | NoInterval | None] = [None] * len(groups)
    large: dict[int, list[int]] = {}
    for i, group in enumerate(groups):
        scored = int(np.count_nonzero(group.counts))
        if scored < LEAST:
            what = f"{scored} {group.unit}" if scored else "no scored clip"
            found[i] = NoInterval(f"{what}: an interval needs at least {LEAST}")
        elif _constant(group):
            value = float(group.sums.sum() / group.counts.sum())
            found[i] = Interval(value, value, level, "all values are equal")
        elif scored <= LARGE:
            found[i] = _bca(group, level, seed)
        else:
            large.setdefault(len(group.counts), []).append(i)
    for size, members in large.items():
        chosen = [groups[i] for i in members]
        for i, interval in zip(members, _by_matrix(chosen, size, level, seed), strict=True):
            found[i] = interval
    return [interval for interval in found if interval is not None]


def _constant(group: Clustered) -> bool:
    has = group.counts > 0
    means = group.sums[has] / group.counts[has]
    return bool(np.ptp(means) <= 1e-12 * max(1.0, float(np.abs(means).max())))


def _ratio(sums: Any, counts: Any, axis: int = -1) -> Any:
    # Rounded, because BCa counts the resamples below the mean itself: ties must not turn on the last bit.
    return np.round(sums.sum(axis=axis) / counts.sum(axis=axis), 9)


def _bca(group: Clustered, level: float, seed: int) -> Interval:
    from scipy.stats import bootstrap

    has = group.counts > 0
    counts = group.counts[has]
    centre = float(group.sums.sum() / counts.sum())
    scale = float(np.std(group.sums[has] / counts))
    data = ((group.sums[has] - centre * counts) / scale, counts)
    size = int(has.sum())
    method: Literal["BCa", "percentile"] = "BCa"
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # degenerate data shows as NaN, which is handled below
            result = bootstrap(
                data,
                _ratio,
                paired=True,
                vectorized=True,
                n_resamples=SMALL_RESAMPLES,
                confidence_level=level,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        low, high = centre + scale * float(result.low), centre + scale * float(result.high)
        if np.isfinite(low) and np.isfinite(high):
            break
    few = ", few: likely too narrow" if size < FEW else ""
    return Interval(
        low, high, level, f"{method} bootstrap, {SMALL_RESAMPLES:,} resamples of {size} {group.unit}{few}"
    )


def _by_matrix(groups: Sequence[Clustered], size: int, level: float, seed: int) -> list[Interval]:
    """Percentile intervals of groups with K = `size` clusters: draws [R, K] times sums and counts [K]."""
    rng = np.random.default_rng(seed)
    means = np.empty((len(groups), LARGE_RESAMPLES))
    # Products so small that BLAS stays on one thread: on busy cores several wait for each other far longer than they
    # compute.
    step = max(1, min(LARGE_RESAMPLES, 9_000 // size))
    for start in range(0, LARGE_RESAMPLES, step):
        rows = min(step, LARGE_RESAMPLES - start)
        draws = rng.integers(0, size, size=(rows, size), dtype=np.int64)
        draws += np.arange(rows)[:, None] * size
        weights = np.bincount(draws.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)
        # One product per group, so that a group's result does not depend on its neighbours' memory layout.
        for i, group in enumerate(groups):
            means[i, start : start + rows] = (weights @ group.sums) / (weights @ group.counts)
    tail = (1 - level) / 2
    bounds = np.quantile(means, [tail, 1 - tail], axis=1)
    return [
        Interval(
            float(low),
            float(high),
            level,
            f"percentile bootstrap, {LARGE_RESAMPLES:,} resamples of {size:,} {group.unit}",
        )
        for low, high, group in zip(bounds[0], bounds[1], groups, strict=True)
    ]

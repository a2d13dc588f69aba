"""How large a paired difference is, with cluster-bootstrap intervals, and what could have been seen at all."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.comparison import CompareBlock, Estimate
from uniavgen_bench.stats.bootstrap import LARGE, LARGE_RESAMPLES, LEAST, SMALL_RESAMPLES
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.seeding import generator

Float64 = NDArray[np.float64]

RANK_EFFICIENCY = 3 / math.pi
"""Clusters that the t-test needs for each that the signed-rank test needs, for normal differences."""

CLUSTERED_EFFICIENCY = 0.87
"""The same for clusters of several samples, which are ranked by wins first: found by `stats.simulate`."""


@dataclass(frozen=True)
class Effects:
    """Size of the paired difference in the field's unit, standardised (`d`), and as dominance (`cliff`)."""

    difference: Estimate | None
    d: Estimate | None
    cliff: Estimate | None


@dataclass(frozen=True)
class Moments:
    """What resampling needs of the clusters that hold a pair [K]: counts, sums, squares, and wins minus losses.

    Differences are divided by `scale`, so that all entries are of order one.
    """

    counts: Float64
    sums: Float64
    squares: Float64
    wins: Float64
    scale: float
    unit: str


def moments(differences: Differences) -> Moments:
    """Collect the moments of the pairs by cluster."""
    values = differences.values
    scale = float(np.nanmax(np.abs(values), initial=0.0)) or 1.0
    values = values / scale
    counts = differences.counts()
    has = counts > 0
    return Moments(
        counts[has],
        differences.by_cluster(values)[has],
        differences.by_cluster(values**2)[has],
        differences.by_cluster(np.sign(values))[has],
        scale,
        differences.pairs.unit_of_cluster,
    )


def _mean(counts: Any, sums: Any, squares: Any, wins: Any, axis: int = -1) -> Any:
    # Rounded, because BCa counts the resamples below the estimate: ties must not turn on the last bit.
    return np.round(sums.sum(axis=axis) / counts.sum(axis=axis), 12)


def _d(counts: Any, sums: Any, squares: Any, wins: Any, axis: int = -1) -> Any:
    n = counts.sum(axis=axis)
    mean = sums.sum(axis=axis) / n
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = np.maximum(squares.sum(axis=axis) / n - mean**2, 0.0) * n / (n - 1)
        return np.round(np.where(variance > 1e-20, mean / np.sqrt(variance), np.nan), 9)


def _cliff(counts: Any, sums: Any, squares: Any, wins: Any, axis: int = -1) -> Any:
    return np.round(wins.sum(axis=axis) / counts.sum(axis=axis), 12)


STATISTICS = {"difference": _mean, "d": _d, "cliff": _cliff}
Name = Literal["difference", "d", "cliff"]


def effects_of(all_differences: Sequence[Differences], *, level: float, seed: int) -> list[Effects]:
    """Estimate the effects of each comparison; whole clusters are drawn with replacement.

    Up to `LARGE` clusters: BCa of `scipy.stats.bootstrap`; above: percentiles. Draws depend on K and `seed` alone.
    """
    all_moments = [moments(d) for d in all_differences]
    bounds: list[dict[str, tuple[float, float, str]]] = [{} for _ in all_moments]
    large: dict[int, list[int]] = {}
    for i, found in enumerate(all_moments):
        size = len(found.counts)
        if size > LARGE:
            large.setdefault(size, []).append(i)
        elif size >= LEAST:
            bounds[i] = {name: _bca(found, name, level, seed) for name in STATISTICS}
    for size, members in large.items():
        made = _percentiles([all_moments[i] for i in members], size, level, seed)
        for i, each in zip(members, made, strict=True):
            bounds[i] = each
    return [
        Effects(**{name: _estimate(found, name, has, level, d.pairs.sign) for name in STATISTICS})
        for d, found, has in zip(all_differences, all_moments, bounds, strict=True)
    ]


def _estimate(
    found: Moments, name: str, bounds: dict[str, tuple[float, float, str]], level: float, sign: int
) -> Estimate | None:
    if not len(found.counts) or (name == "d" and found.counts.sum() < 2):
        return None
    value = float(STATISTICS[name](found.counts, found.sums, found.squares, found.wins))
    if not math.isfinite(value):
        return None
    low, high, method = bounds.get(name, (math.nan, math.nan, f"fewer than {LEAST} {found.unit}"))
    if name == "difference":  # back to the field's own unit and sign; effects stay turned
        value, low, high = (sign * found.scale * v for v in (value, low, high))
        low, high = min(low, high), max(low, high)
    if not (math.isfinite(low) and math.isfinite(high)):
        return Estimate(value=value, level=level, method=method)
    return Estimate(value=value, low=low, high=high, level=level, method=method)


def _bca(found: Moments, name: str, level: float, seed: int) -> tuple[float, float, str]:
    from scipy.stats import bootstrap

    data = (found.counts, found.sums, found.squares, found.wins)
    size = len(found.counts)
    means = data[1] / data[0] if name == "difference" else data[3] / data[0]
    if name != "d" and np.ptp(means) <= 1e-12:
        value = float(STATISTICS[name](*data))
        return value, value, f"all {found.unit} are equal"
    low = high = math.nan
    method: Literal["BCa", "percentile"] = "BCa"
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # degenerate data shows as NaN, which is handled below
            interval = bootstrap(
                data,
                STATISTICS[name],
                paired=True,
                vectorized=True,
                n_resamples=SMALL_RESAMPLES,
                confidence_level=level,
                method=method,
                rng=generator(seed, "bootstrap", size),
            ).confidence_interval
        low, high = float(interval.low), float(interval.high)
        if math.isfinite(low) and math.isfinite(high):
            break
    return low, high, f"{method} bootstrap, {SMALL_RESAMPLES:,} resamples of {size} {found.unit}"


def _percentiles(
    all_moments: Sequence[Moments], size: int, level: float, seed: int
) -> list[dict[str, tuple[float, float, str]]]:
    rng = generator(seed, "bootstrap", size)
    drawn = np.empty((len(all_moments), 4, LARGE_RESAMPLES))
    # Products so small that they stay on one thread: on busy cores several wait for each other far longer than they
    # compute. One product per comparison, so that none depends on its neighbours.
    step = max(1, min(LARGE_RESAMPLES, 9_000 // size))
    columns = [(m.counts, m.sums, m.squares, m.wins) for m in all_moments]
    for start in range(0, LARGE_RESAMPLES, step):
        rows = min(step, LARGE_RESAMPLES - start)
        draws = rng.integers(0, size, size=(rows, size), dtype=np.int64)
        draws += np.arange(rows)[:, None] * size
        weights = np.bincount(draws.ravel(), minlength=rows * size).reshape(rows, size).astype(np.float64)
        for i, four in enumerate(columns):
            for k, column in enumerate(four):
                drawn[i, k, start : start + rows] = weights @ column
    tail = (1 - level) / 2
    found = []
    for i, each in enumerate(all_moments):
        counts, sums, squares, wins = drawn[i][:, :, None]
        text = f"percentile bootstrap, {LARGE_RESAMPLES:,} resamples of {size:,} {each.unit}"
        bounds = {}
        for name, statistic in STATISTICS.items():
            low, high = np.quantile(statistic(counts, sums, squares, wins), [tail, 1 - tail])
            bounds[name] = (float(low), float(high), text)
        found.append(bounds)
    return found


def detectable(differences: Differences, block: CompareBlock) -> float | None:
    """Return the smallest true mean difference that the block's test sees with the block's power, in the field's unit.

    From the power of the t-test (`statsmodels.stats.power.TTestPower`) on the observed spread between clusters; for
    the signed-rank test with its efficiency for normal differences. None below `LEAST` clusters, or without spread.
    """
    counts, sums = differences.counts(), differences.sums()
    has = counts > 0
    size = int(has.sum())
    if size < LEAST:
        return None
    counts, sums = counts[has], sums[has]
    residuals = sums - counts * (sums.sum() / counts.sum())
    error = math.sqrt(float((residuals**2).sum()) * size / (size - 1)) / float(counts.sum())
    if error <= 0:
        return None
    several = float(counts.sum()) > 1.5 * size
    efficiency = CLUSTERED_EFFICIENCY if several else RANK_EFFICIENCY
    clusters = size * (efficiency if block.test == "wilcoxon" else 1.0)
    effect = _detectable_d(clusters, block.alpha, block.power)
    return None if effect is None else effect * error * math.sqrt(size)


@cache
def _detectable_d(clusters: float, alpha: float, power: float) -> float | None:
    from scipy.optimize import brentq
    from statsmodels.stats.power import TTestPower

    def lack(effect: float) -> float:
        # The right side alone: the other is below alpha / 2 and falls fast, and scipy's noncentral t returns NaN in
        # its far tail there. On the right side it does so only where the power is 1.
        found = float(TTestPower().power(effect, clusters, alpha / 2, alternative="larger"))
        return (1.0 if math.isnan(found) else found) - power

    top = 1.0
    while lack(top) < 0:
        top *= 2
        if top > 1e3:
            return None
    return float(brentq(lack, 0.0, top, xtol=1e-9))

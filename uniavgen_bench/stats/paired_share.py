"""What share of a baseline's mean a system reaches, over the samples that both have."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from uniavgen_bench.stats.bootstrap import LEAST, SMALL_RESAMPLES, Interval, NoInterval
from uniavgen_bench.stats.pairs import Float64, Pairs


@dataclass(frozen=True)
class PairedShare:
    """The system's mean as a share of the baseline's, both over `pairs` of `planned` samples; None without a share."""

    share: float | None
    mean_system: float | None
    mean_baseline: float | None
    interval: Interval | NoInterval
    pairs: int
    planned: int

    @property
    def complete(self) -> bool:
        """Whether every planned sample has a number from both."""
        return self.pairs == self.planned


def paired_share(pairs: Pairs, *, level: float = 0.95, seed: int = 2025) -> PairedShare:
    """Divide the means of both systems; the interval draws whole clusters with replacement (BCa, else percentile).

    There is no share of a mean that is not above 0, and no interval where resampled means are not.
    """
    both = pairs.both
    planned, count = len(pairs.samples), int(both.sum())
    if not count:
        return PairedShare(None, None, None, NoInterval("no sample has a number from both"), 0, planned)
    own, base = float(pairs.system_values[both].mean()), float(pairs.baseline_values[both].mean())
    if base <= 0:
        why = NoInterval("the baseline's mean is not above 0")
        return PairedShare(None, own, base, why, count, planned)
    return PairedShare(own / base, own, base, _interval(pairs, level, seed), count, planned)


def _interval(pairs: Pairs, level: float, seed: int) -> Interval | NoInterval:
    from scipy.stats import bootstrap

    both, members = pairs.both, pairs.members
    has = np.unique(members[both])
    if len(has) < LEAST:
        return NoInterval(f"{len(has)} {pairs.unit_of_cluster}: an interval needs at least {LEAST}")
    sums: list[Float64] = [
        np.bincount(members[both], weights=values[both])[has].astype(np.float64)
        for values in (pairs.system_values, pairs.baseline_values)
    ]
    shares = sums[0] / np.where(sums[1] == 0, np.nan, sums[1])
    if np.ptp(shares) <= 1e-12:
        return Interval(float(shares[0]), float(shares[0]), level, "all shares are equal")

    def share(own: Any, base: Any, axis: int = -1) -> Any:
        below = base.sum(axis=axis)
        return np.where(below > 0, own.sum(axis=axis) / np.where(below > 0, below, 1.0), np.nan)

    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # degenerate data shows as NaN, which is handled below
            found = bootstrap(
                sums, share, paired=True, vectorized=True, n_resamples=SMALL_RESAMPLES,
                confidence_level=level, method=method, rng=np.random.default_rng(seed),
            )  # fmt: skip
        low, high = float(found.confidence_interval.low), float(found.confidence_interval.high)
        if np.isnan(found.bootstrap_distribution).any():
            return NoInterval("the baseline's mean is not above 0 in some resamples")
        if np.isfinite(low) and np.isfinite(high):
            break
    text = f"{method} bootstrap, {SMALL_RESAMPLES:,} resamples of {len(has)} {pairs.unit_of_cluster}"
    return Interval(low, high, level, text)

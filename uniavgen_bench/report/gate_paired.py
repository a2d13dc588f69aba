"""A run's loss against its baseline, sample by sample: what the gate asks of the paired statistics."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from uniavgen_bench.report.gate_noise import Noise, noise_of
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.pairs import Pairs
from uniavgen_bench.stats.sign_flip import sign_flip


@dataclass(frozen=True)
class Coverage:
    """How many of the baseline's samples have fewer numbers than they had, and the share of numbers lost, 0 … 1."""

    attempted: int
    lost: int
    share: float


def coverage_of(pairs: Pairs) -> Coverage:
    """Return what a system lost beside the baseline; a number gained elsewhere makes up for nothing."""
    lost = np.maximum(pairs.system_lacks - pairs.baseline_lacks, 0.0)
    return Coverage(len(lost), int(np.count_nonzero(lost)), float(lost.mean()) if len(lost) else 0.0)


def with_losses(pairs: Pairs, margin: float) -> Pairs:
    """Give each sample that only the baseline has the largest loss among the pairs, and no less than the margin.

    So a loss of coverage that is allowed does not take a bad sample out of the test.
    """
    lacking = ~np.isnan(pairs.baseline_values) & np.isnan(pairs.system_values)
    if not lacking.any() or not pairs.both.any():
        return pairs
    losses = -Differences.of(pairs).values[pairs.both]
    worst = max(float(losses.max()), margin)
    values = np.where(lacking, pairs.baseline_values - pairs.sign * worst, pairs.system_values)
    return replace(pairs, system_values=values)


def shown_worse(pairs: Pairs, margin: float, *, alpha: float, seed: int) -> bool:
    """Whether the loss is shown to be larger than the margin, by sign flips of whole clusters at one-sided alpha."""
    differences = Differences.of(pairs)
    counts, sums = differences.counts(), differences.sums()
    has = counts > 0
    return bool(has.any()) and sign_flip([sums[has] + margin * counts[has]], seed=seed)[0].down < alpha


def paired_noise(pairs: Pairs) -> Noise | None:
    """Return the noise of the mean difference over the pairs."""
    both = pairs.both
    if not both.any():
        return None
    return noise_of(Differences.of(pairs).values[both], pairs.members[both])

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
    """Put a loss in place of each number that only the baseline has, so that no bad sample is taken out of the test.

    A sample without any number has the largest loss among the pairs, no less than the margin, and no less than down to
    the field's bound on its bad side; a lost repeat counts as that bound. A field without a bound has no worst value:
    there a lost sample may still seem better than it was.
    """
    gone = ~np.isnan(pairs.baseline_values) & np.isnan(pairs.system_values)
    if not pairs.both.any():
        return pairs
    values = pairs.system_values
    if pairs.worst is not None:
        lost = np.where(pairs.both, np.maximum(pairs.system_lacks - pairs.baseline_lacks, 0.0), 0.0)
        values = np.where(lost > 0, lost * pairs.worst + (1 - lost) * values, values)
    if gone.any():
        largest = max(float(-np.nanmin(Differences.of(pairs).values)), margin)
        losses = np.full(len(values), largest)
        if pairs.worst is not None:
            losses = np.fmax(losses, pairs.sign * (pairs.baseline_values - pairs.worst))
        values = np.where(gone, pairs.baseline_values - pairs.sign * losses, values)
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

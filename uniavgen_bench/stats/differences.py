"""Differences of two systems by cluster, good ones positive, with what is missing on the side of who lacks it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.pairs import Pairs
from uniavgen_bench.stats.sign_flip import Tails
from uniavgen_bench.stats.signed_rank import signed_rank

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Differences:
    """Paired differences `system - baseline`, turned so that positive is better.

    `values` [N] are NaN where not both have a number. `lost` [N] is +1 where the baseline lacks more of a sample's
    repeats than the system, -1 where the system does, else 0. `members` [N] numbers the K clusters; all planned
    samples stand in one, so that K does not depend on what is missing.
    """

    pairs: Pairs
    values: Float64
    lost: Float64
    members: NDArray[np.int64]
    clusters: int

    @classmethod
    def of(cls, pairs: Pairs) -> Differences:
        """Compute the differences of pairs."""
        values = pairs.sign * (pairs.system_values - pairs.baseline_values)
        # Sums of repeats differ in the last bits: what is equal must stay equal.
        scale = float(np.nanmax(np.abs([pairs.system_values, pairs.baseline_values]), initial=0.0))
        values = np.where(np.abs(values) <= 1e-12 * scale, 0.0, values)
        gap = pairs.baseline_lacks - pairs.system_lacks
        lost = np.where(np.abs(gap) < 1e-9, 0.0, np.sign(gap))
        members = pairs.members
        return cls(pairs, values, lost, members, int(members.max()) + 1 if members.size else 0)

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Which samples [N] have a number from both."""
        return ~np.isnan(self.values)

    def by_cluster(self, values: Float64) -> Float64:
        """Sum values [N] by cluster [K]; NaN counts as nothing."""
        found = np.bincount(self.members, weights=np.nan_to_num(values), minlength=self.clusters)
        return found.astype(np.float64)

    def counts(self) -> Float64:
        """Return the number of pairs by cluster [K]."""
        return self.by_cluster(self.paired.astype(np.float64))

    def sums(self) -> Float64:
        """Return the sum of differences over the pairs by cluster [K]."""
        return self.by_cluster(self.values)

    def worst_sums(self) -> Float64:
        """Return cluster sums [K] where a missing value is the worst that the field allows.

        Where the field has no worst value, a missing one outweighs all differences together: `lost` decides, and the
        differences only where it is even.
        """
        pairs = self.pairs
        if pairs.worst is not None:
            filled = [
                np.where(lacks > 0, lacks * pairs.worst + (1 - lacks) * np.nan_to_num(values), values)
                for values, lacks in (
                    (pairs.system_values, pairs.system_lacks),
                    (pairs.baseline_values, pairs.baseline_lacks),
                )
            ]
            return self.by_cluster(pairs.sign * (filled[0] - filled[1]))
        even = np.where(self.lost == 0, np.nan_to_num(self.values), 0.0)
        heavy = 4 * float(np.abs(even).sum()) or 1.0
        return self.by_cluster(even) + heavy * self.by_cluster(self.lost)

    def worst_ranks(self) -> tuple[float, Tails]:
        """Return the signed-rank statistic and test over clusters, with worst ranks for missing samples.

        A cluster is ordered by its balance of samples won and lost, where a sample that one lacks is lost by it; then
        by the balance of missing samples; then by its mean difference. So a cluster of one sample that one
        system lacks has the largest rank against it. Clusters of one sample that both have, and in which both are
        equal, are dropped, as Wilcoxon does.
        """
        even = np.where(self.lost == 0, np.nan_to_num(self.values), 0.0)
        won = np.where(self.lost != 0, self.lost, np.sign(even))
        size = np.bincount(self.members, minlength=self.clusters)
        orders = np.stack(
            [self.by_cluster(won) / size, self.by_cluster(self.lost) / size, self.by_cluster(even) / size],
            axis=1,
        )
        scale = float(np.abs(orders[:, 2]).max(initial=0.0)) or 1.0
        orders = np.round(orders / [1.0, 1.0, scale], 12)
        equal = (orders == 0).all(axis=1) & (size == 1) & (self.counts() == 1)
        return signed_rank(orders[~equal], dropped=int(equal.sum()))

    def rank_test(self) -> Tails:
        """Return the signed-rank test of `worst_ranks`; what is missing takes no side in a field of no direction."""
        if self.pairs.direction is not Direction.NONE:
            return self.worst_ranks()[1]
        return Differences(
            self.pairs, self.values, np.zeros_like(self.lost), self.members, self.clusters
        ).worst_ranks()[1]

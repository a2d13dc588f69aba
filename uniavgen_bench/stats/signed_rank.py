"""Wilcoxon's signed-rank test with worst ranks for what is missing: it can only lose by a missing value."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.stats.sign_flip import Tails

Float64 = NDArray[np.float64]

EXACT = 200
"""Up to this many clusters the null distribution is counted, above it is normal."""


def signed_rank(orders: Float64, *, dropped: int = 0) -> tuple[float, Tails]:
    """Return the sum of signed ranks and its one-sided p-values.

    `orders` [K, L] holds one row per cluster: its difference, by levels of which an earlier one outweighs all later
    ones; the sign of a row is that of its first entry that is not zero. Equal sizes share their mean rank. `dropped`
    clusters are known to be exactly equal in both systems and are no row here. Rows of zeros keep a (low) rank without
    a sign. The null distribution is that of distinct ranks: it depends on K alone, so the p-value moves only with the
    sum, and the sum only with the differences, in the same direction.
    """
    rows = len(orders)
    if not rows:
        return 0.0, Tails(1.0, 1.0)
    signs = _signs(orders)
    statistic = float((signs * _ranks(orders * signs[:, None])).sum())
    return statistic, Tails(_tail(statistic, rows, rows + dropped), _tail(-statistic, rows, rows + dropped))


def _signs(orders: Float64) -> Float64:
    signs = np.zeros(len(orders))
    for level in orders.T:
        signs = np.where(signs == 0, np.sign(level), signs)
    return signs


def _ranks(sizes: Float64) -> Float64:
    """Return mean ranks [K] of rows in lexicographic order."""
    order = np.lexsort(sizes.T[::-1])
    ordered = sizes[order]
    new = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
    group = np.cumsum(new) - 1
    count = np.bincount(group)
    last = np.cumsum(count)
    ranks = np.empty(len(sizes))
    ranks[order] = (last - (count - 1) / 2)[group]
    return ranks


def _tail(statistic: float, rows: int, clusters: int) -> float:
    """Return P(W >= statistic) for the sum W of the ranks 1 … rows with random signs."""
    if clusters <= EXACT:
        # W = total - 2 * (sum of the negative ranks)
        total = rows * (rows + 1) / 2
        negative = math.floor((total - statistic) / 2 + 1e-9)
        return float(_counts(rows)[: negative + 1].sum()) if negative >= 0 else 0.0
    from scipy.special import ndtr

    return float(ndtr((1 - statistic) / math.sqrt(rows * (rows + 1) * (2 * rows + 1) / 6)))


@cache
def _counts(rows: int) -> Float64:
    """Return the probabilities of each sum of negative ranks, 0 … rows (rows + 1) / 2."""
    chances = np.ones(1)
    for rank in range(1, rows + 1):
        longer = np.zeros(len(chances) + rank)
        longer[: len(chances)] += chances / 2
        longer[rank:] += chances / 2
        chances = longer
    return chances

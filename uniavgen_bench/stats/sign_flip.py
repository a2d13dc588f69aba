"""Permutation of two systems within clusters: every cluster's difference may change its sign, all else stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.stats.seeding import generator

Float64 = NDArray[np.float64]

EXACT = 32
"""Up to this many clusters all sign flips are counted: the sums of either half are sorted and matched."""

FEWER, MORE = 9_999, 99_999
"""Flips that are drawn above `EXACT` clusters: `MORE` up to `MANY` clusters, `FEWER` above."""

MANY = 1_000
BLOCK = 100_000
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Tails:
    """One-sided p-values: that the sum of differences is as large as it is (`up`), or as small (`down`)."""

    up: float
    down: float

    @property
    def two_sided(self) -> float:
        """Twice the smaller tail, at most 1."""
        return min(1.0, 2 * min(self.up, self.down))


def smallest_p(clusters: int) -> float:
    """Return the smallest two-sided p that flips of this many clusters can give."""
    if clusters <= EXACT:
        return min(1.0, 2.0 ** (1 - clusters))
    return 2 / (1 + (MORE if clusters <= MANY else FEWER))


def sign_flip(differences: Sequence[Float64], *, seed: int) -> list[Tails]:
    """Test for each array [K] of cluster sums whether their signs could as well be random.

    A flip changes the signs of a subset of clusters; the flipped sum is at least the observed one exactly when the
    subset's sum is not positive. So `up` is the share of subsets with a sum <= 0, and lowering any cluster's sum
    can only raise it: the test is monotone. Up to `EXACT` clusters all subsets are counted; above, drawn ones, with
    the observed order among them (+1). Draws depend on K and `seed` alone, so that tests share nothing but them.
    """
    found: dict[int, Tails] = {}
    drawn: dict[int, list[int]] = {}
    for i, values in enumerate(differences):
        if len(values) <= EXACT:
            found[i] = _exact(values)
        else:
            drawn.setdefault(len(values), []).append(i)
    for size, members in drawn.items():
        found |= zip(members, _drawn([differences[i] for i in members], size, seed), strict=True)
    return [found[i] for i in range(len(differences))]


def _exact(values: Float64) -> Tails:
    half = len(values) // 2
    left, right = _subset_sums(values[:half]), np.sort(_subset_sums(values[half:]))
    near = TOLERANCE * float(np.abs(values).sum())
    total = len(left) * len(right)
    up = int(np.searchsorted(right, near - left, side="right").sum())
    down = total - int(np.searchsorted(right, -near - left, side="left").sum())
    return Tails(up / total, down / total)


def _subset_sums(values: Float64) -> Float64:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums


def _drawn(differences: Sequence[Float64], size: int, seed: int) -> list[Tails]:
    flips = MORE if size <= MANY else FEWER
    rng = generator(seed, "sign flips", size)
    near = np.asarray([TOLERANCE * float(np.abs(values).sum()) for values in differences])
    up, down = np.ones(len(differences), dtype=np.int64), np.ones(len(differences), dtype=np.int64)
    # No matrix products: on busy cores their threads wait for each other far longer than they compute. Eight clusters
    # share a byte of chance and a table of their 256 subset sums instead.
    tables = [_tables(values) for values in differences]
    eights = -(-size // 8)
    step = max(1, BLOCK // eights)
    for start in range(0, flips, step):
        rows = min(step, flips - start)
        chosen = rng.integers(0, 256, size=(rows, eights), dtype=np.uint8) + 256 * np.arange(eights)
        for i, table in enumerate(tables):
            sums = table.take(chosen).sum(axis=1)
            up[i] += np.count_nonzero(sums <= near[i])
            down[i] += np.count_nonzero(sums >= -near[i])
    return [Tails(float(u) / (flips + 1), float(d) / (flips + 1)) for u, d in zip(up, down, strict=True)]


def _tables(values: Float64) -> Float64:
    """Return the 256 subset sums of every eight values, one after the other."""
    padded = np.zeros(-(-len(values) // 8) * 8)
    padded[: len(values)] = values
    sums = np.zeros((len(padded) // 8, 1))
    for column in padded.reshape(-1, 8).T:
        sums = np.concatenate([sums, sums + column[:, None]], axis=1)
    return sums.ravel()

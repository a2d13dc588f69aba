"""Correction over a family of tests in which no system can gain by losing values elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from uniavgen_bench.stats.sign_flip import Tails

Correction = Literal["holm", "bh", "none"]


@dataclass(frozen=True)
class PairedTest:
    """A paired test in a family: `better` and `worse` name who wins when the difference is positive or negative.

    Without a better side both are empty.
    """

    better: str
    worse: str
    tails: Tails


def adjusted(p: Sequence[float], correction: Correction) -> list[float]:
    """Return p-values corrected over the family: those of `statsmodels.stats.multitest.multipletests`.

    Not called from there, because every call of it collects all garbage of the process, which takes longer than
    the tests do; equality is tested.
    """
    if correction == "none" or not p:
        return list(p)
    values = np.asarray(p, dtype=np.float64)
    if correction == "bh":
        from scipy.stats import false_discovery_control

        return [float(value) for value in false_discovery_control(values)]
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    found = np.empty_like(values)
    found[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in found]


def corrected(tests: Sequence[PairedTest], correction: Correction) -> list[float]:
    """Return the corrected two-sided p-value of each test, in the direction that it points.

    In a step-down correction a rejected test makes the others easier, so a system that is worse in one field could
    escape by dropping values in another. Therefore, when the claim "`w` is better than `l`" is corrected, no claim
    against `w` and no claim of `l` counts as rejected. The result is never below the plain correction's (the error
    rate keeps its bound), and a system that loses values only loses by it, in whatever field.
    """
    if correction == "none":
        return [test.tails.two_sided for test in tests]
    plain = adjusted([test.tails.two_sided for test in tests], correction)
    up = np.asarray([min(1.0, 2 * test.tails.up) for test in tests])
    down = np.asarray([min(1.0, 2 * test.tails.down) for test in tests])
    positive = np.asarray([test.better for test in tests])
    negative = np.asarray([test.worse for test in tests])
    directed = positive != negative
    found = np.asarray(plain)
    claims: dict[tuple[str, str], list[int]] = {}
    for i, test in enumerate(tests):
        if directed[i]:
            upward = test.tails.up <= test.tails.down
            claims.setdefault((test.better, test.worse) if upward else (test.worse, test.better), []).append(
                i
            )
    for (winner, loser), members in claims.items():
        # A claim is put out (p = 1) when it is against the winner, or the loser's own.
        no_up = (negative == winner) | (positive == loser) | ~directed
        no_down = (positive == winner) | (negative == loser) | ~directed
        p = np.minimum(np.where(no_up, 1.0, up), np.where(no_down, 1.0, down))
        found[members] = np.asarray(adjusted([float(value) for value in p], correction))[members]
    return [float(value) for value in found]

"""Where one clip's score lies among the scores of all systems' clips."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.numbers import percent

WIDTH = 100.0
"""Width of the drawing in its own units."""

LEAST_OTHERS = 4
"""A share of fewer clips than this says nothing."""


@dataclass(frozen=True)
class Distribution:
    """The scores of one column, sorted, their quartiles and median, and how they are compared."""

    values: NDArray[np.float64]
    quartiles: tuple[float, float, float]
    direction: Direction


@dataclass(frozen=True)
class Place:
    """A drawing's positions in 0 … `WIDTH`, and the sentence for those who do not see it."""

    at: float
    low: float
    middle: float
    high: float
    sentence: str


def distribution(values: NDArray[np.float64], direction: Direction) -> Distribution:
    """Return the distribution of the numbers among `values` [N]."""
    known = np.sort(values[~np.isnan(values)])
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75]) if len(known) else (0.0, 0.0, 0.0)
    return Distribution(known, (float(low), float(middle), float(high)), direction)


def place(value: float, among: Distribution, *, member: bool) -> Place | None:
    """Return the place of a value; `member` says whether it is one of the values, and is not compared with itself.

    None when there are fewer than `LEAST_OTHERS` other values.
    """
    others = len(among.values) - member
    if others < LEAST_OTHERS:
        return None
    lowest = min(float(among.values[0]), value)
    highest = max(float(among.values[-1]), value)
    span = highest - lowest

    def at(number: float) -> float:
        return round(WIDTH * (number - lowest) / span, 2) if span else WIDTH / 2

    if among.direction is Direction.ZERO:
        sizes = np.abs(among.values)
        below, word = int(np.count_nonzero(sizes > abs(value))), "nearer to zero than"
        equal = int(np.count_nonzero(sizes == abs(value))) - member
    else:
        left = int(np.searchsorted(among.values, value, "left"))
        right = int(np.searchsorted(among.values, value, "right"))
        equal = right - left - member
        below = len(among.values) - right if among.direction is Direction.LOWER else left
        word = "higher than" if among.direction is Direction.NONE else "better than"
    low, middle, high = among.quartiles
    return Place(at(value), at(low), at(middle), at(high), sentence(word, below, equal, others))


def sentence(word: str, below: int, equal: int, others: int) -> str:
    """Say where a value lies: `better than 40 % of 50 others`; values that are the same are named, not passed over."""
    if equal == others:
        return f"the same as all {others} others"
    if not equal:
        return f"{word} {percent(below / others)} of {others} others"
    same = f"the same as {percent(equal / others)}"
    return f"{same} of {others} others" + (
        f", {word} {percent(below / others)}" if below else f", {word} none"
    )

"""Arithmetic that gives the same bits on every machine.

Pictures must have equal bytes everywhere, so the renderer uses only operations that IEEE 754 rounds correctly
(`+ - * /`, square root, comparison, floor), element by element, each as its own numpy call so that nothing fuses a
multiply with an add. What numpy computes by vector libraries (`exp`, `sin`, `power`) or in an order of its own
(`sum`, `dot`) is replaced by the polynomials and hashes of this file.
"""

from __future__ import annotations

import functools
import math
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
T = TypeVar("T")

MASK64 = (1 << 64) - 1


def mix64(value: int) -> int:
    """Hash an integer to 64 bits (SplitMix64's finaliser)."""
    value = (value + 0x9E3779B97F4A7C15) & MASK64
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK64
    return value ^ (value >> 31)


class Draws:
    """A stream of random numbers from a seed and a name; streams of different names are independent.

    Source: SplitMix64 (Steele, Lea and Flood 2014).
    """

    def __init__(self, seed: int, name: str) -> None:
        self.state = mix64(seed & MASK64)
        for letter in name.encode():
            self.state = mix64(self.state ^ letter)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Draw a number in [low, high)."""
        self.state = mix64(self.state)
        return low + (high - low) * ((self.state >> 11) / (1 << 53))

    def bell(self, mean: float, spread: float) -> float:
        """Draw from a bell of three uniforms: mean +- `spread` at most, standard deviation spread / 3."""
        return mean + spread * (self.uniform(-1, 1) + self.uniform(-1, 1) + self.uniform(-1, 1)) / 3

    def chance(self, share: float) -> bool:
        """Draw True with probability `share`."""
        return self.uniform() < share

    def pick(self, choices: dict[T, float]) -> T:
        """Draw a key with a probability proportional to its value."""
        left = self.uniform(0, math.fsum(choices.values()))
        for key, weight in choices.items():
            left -= weight
            if left < 0:
                return key
        return next(reversed(choices))


def sine(angle: float) -> float:
    """Compute the sine of an angle in radians by a polynomial (error below 1e-9)."""
    turns = angle / (2 * math.pi)
    turns -= math.floor(turns + 0.5)
    if turns > 0.25:
        turns = 0.5 - turns
    elif turns < -0.25:
        turns = -0.5 - turns
    x = turns * 2 * math.pi
    x2 = x * x
    series = 1 / 362880 - x2 * (1 / 39916800 - x2 / 6227020800)
    return x * (1 - x2 * (1 / 6 - x2 * (1 / 120 - x2 * (1 / 5040 - x2 * series))))


def cosine(angle: float) -> float:
    """Compute the cosine of an angle in radians by a polynomial (error below 1e-9)."""
    return sine(angle + math.pi / 2)


def unit(x: Floats) -> Floats:
    """Clamp to 0 … 1."""
    return np.minimum(np.maximum(x, np.float32(0)), np.float32(1))


def smoothstep(low: float, high: float, x: Floats) -> Floats:
    """Blend from 0 at `low` to 1 at `high` with level ends; `low` may exceed `high`."""
    t = unit((x - np.float32(low)) * np.float32(1.0 / (high - low)))
    return t * t * (np.float32(3) - (t + t))


def bump(x: Floats, centre: float, width: float) -> Floats:
    """Evaluate a smooth bell: 1 at `centre`, 0 from `width` away."""
    t = (x - np.float32(centre)) * np.float32(1.0 / width)
    t = np.maximum(np.float32(1) - t * t, np.float32(0))
    return t * t


def mix(a: Floats, b: Floats | np.floating[Any] | float, share: Floats) -> Floats:
    """Interpolate from a to b."""
    return a + (b - a) * share


def power8(x: Floats) -> Floats:
    """Raise to the eighth power by squaring."""
    x = x * x
    x = x * x
    return x * x


def smooth_min(a: Floats, b: Floats, radius: float) -> Floats:
    """Join two distances with a fillet of `radius` (quadratic polynomial smooth minimum)."""
    h = np.maximum(np.float32(radius) - np.abs(a - b), np.float32(0)) * np.float32(1.0 / radius)
    joined: Floats = np.minimum(a, b) - h * h * np.float32(radius * 0.25)
    return joined


def smooth_max(a: Floats, b: Floats, radius: float) -> Floats:
    """Intersect two distances with a fillet of `radius`."""
    return -smooth_min(-a, -b, radius)


@functools.cache
def noise_table(seed: int, side: int = 128) -> Floats:
    """Build a table [side, side] of uniform numbers in 0 … 1 from an integer hash."""
    cells = np.arange(side * side, dtype=np.uint64) + np.uint64(mix64(seed) >> 1)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        cells = (cells ^ (cells >> np.uint64(shift))) * np.uint64(factor)
    cells ^= cells >> np.uint64(31)
    return ((cells >> np.uint64(40)).astype(np.float32) * np.float32(1 / (1 << 24))).reshape(side, side)


def noise2(x: Floats, y: Floats) -> Floats:
    """Evaluate smooth value noise in 0 … 1 at points of the plane; its lattice has step 1 and period 128."""
    x0, y0 = np.floor(x), np.floor(y)
    fx, fy = x - x0, y - y0
    fx = fx * fx * (np.float32(3) - (fx + fx))
    fy = fy * fy * (np.float32(3) - (fy + fy))
    ix, iy = x0.astype(np.int32) & 127, y0.astype(np.int32) & 127
    jx, jy = (ix + 1) & 127, (iy + 1) & 127
    table = noise_table(20).reshape(-1)
    top = mix(table[iy * 128 + ix], table[iy * 128 + jx], fx)
    low = mix(table[jy * 128 + ix], table[jy * 128 + jx], fx)
    result: Floats = mix(top, low, fy)
    return result

"""The points that one frame shades."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.exact_math import Floats


@dataclass(frozen=True)
class Samples:
    """Points [n] on the bust as rays see them.

    `x, y, z`: in the turned head, before the jaw closes, where eyes, brows and mouth are drawn; `rest_y`: the height on
    the resting bust; `nx, ny, nz`: normal in the head, `ux, uy, uz`: direction of the ray in the head; `open`, `lit`,
    `curve`: from the bust's nodes; `foot`: width of a sample in head units; `passed`: least distance on the way before.
    """

    x: Floats
    y: Floats
    z: Floats
    rest_y: Floats
    nx: Floats
    ny: Floats
    nz: Floats
    ux: Floats
    uy: Floats
    uz: Floats
    open: Floats
    lit: Floats
    curve: Floats
    passed: Floats
    foot: float

    def pick(self, index: NDArray[np.intp]) -> Samples:
        """Take some of the points."""
        return Samples(
            self.x[index], self.y[index], self.z[index], self.rest_y[index],
            self.nx[index], self.ny[index], self.nz[index], self.ux[index], self.uy[index], self.uz[index],
            self.open[index], self.lit[index], self.curve[index], self.passed[index], self.foot,
        )  # fmt: skip

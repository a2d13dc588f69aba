"""BRISQUE: 36 numbers of a picture's local contrast, and the published support vector machine that judges them.

Mittal, Moorthy and Bovik, "No-reference image quality assessment in the spatial domain" (IEEE TIP 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64, UInt8
from uniavgen_bench.core.result import MissingError, Reason

KERNEL, SIGMA = 7, 7 / 6
FLOOR = 1 / 255
"""Added to the local deviation, so that flat parts do not divide by nothing."""
ROUNDING = 1e-9
LUMA = (0.2125, 0.7154, 0.0721)
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (-1, 1))
"""Rows and columns to the neighbour whose product with a px is looked at: right, below, below right, above right."""
SHAPES = (0.05, 20.0)
"""Between these the shape of a distribution is looked for."""

# fmt: off
LOWEST = np.array([
    0.336999, 0.019667, 0.23, -0.125959, 0.000167, 0.000616, 0.231, -0.125873, 0.000165, 0.0006, 0.241, -0.128814,
    0.000179, 0.000386, 0.243, -0.13308, 0.000182, 0.000421, 0.436998, 0.016929, 0.247, -0.200231, 0.000104, 0.000834,
    0.257, -0.200017, 0.000112, 0.000876, 0.257, -0.155072, 0.000112, 0.000356, 0.258, -0.154374, 0.000117, 0.000351,
])
HIGHEST = np.array([
    9.999411, 0.807472, 1.644021, 0.202917, 0.712384, 0.468672, 1.644021, 0.169548, 0.713132, 0.467896, 1.553016,
    0.101368, 0.687324, 0.533087, 1.554016, 0.101, 0.689177, 0.533133, 3.639918, 0.800955, 1.096995, 0.175286,
    0.755547, 0.39927, 1.095995, 0.155928, 0.751488, 0.402398, 1.041992, 0.093209, 0.623516, 0.532925, 1.042992,
    0.093714, 0.621958, 0.534484,
])
# fmt: on


@dataclass(frozen=True)
class SupportVectors:
    """A regression by radial basis functions: `vectors` [N, 36], `weights` [N]; the score is their sum minus `rho`."""

    gamma: float
    rho: float
    weights: Float64
    vectors: Float64

    def __call__(self, features: Float64) -> float:
        """Judge features [36]: about 0 (good) … 100 (bad)."""
        scaled = -1 + 2 * (features - LOWEST) / (HIGHEST - LOWEST)
        distances = np.square(self.vectors - scaled).sum(axis=1)
        return float(self.weights @ np.exp(-self.gamma * distances) - self.rho)


def load_support_vectors(path: Path) -> SupportVectors:
    """Read a regression in LIBSVM's text format.

    Raises:
        MissingError: `weights` when the file is not one of 36 features.
    """
    head, _, body = path.read_text(encoding="ascii", errors="replace").partition("\nSV\n")
    facts = dict(line.split(" ", 1) for line in head.splitlines() if " " in line)
    try:
        if (facts["svm_type"], facts["kernel_type"]) != ("epsilon_svr", "rbf"):
            raise ValueError("it is no regression by radial basis functions")
        rows = [line.split() for line in body.splitlines() if line.strip()]
        vectors = np.zeros((len(rows), len(LOWEST)))
        for row, cells in enumerate(rows):
            for cell in cells[1:]:
                index, value = cell.split(":")
                vectors[row, int(index) - 1] = float(value)
        if len(rows) != int(facts["total_sv"]):
            raise ValueError(f"{facts['total_sv']} vectors are announced, {len(rows)} are there")
        weights = np.array([float(cells[0]) for cells in rows])
        return SupportVectors(float(facts["gamma"]), float(facts["rho"]), weights, vectors)
    except (KeyError, ValueError, IndexError) as error:
        raise MissingError(Reason.WEIGHTS, f"{path.name} is not BRISQUE's regression: {error}") from error


def brisque_features(picture: UInt8) -> Float64 | None:
    """Return the 36 features of a picture [H, W, 3] RGB at its size and at half of it; None when it is flat."""
    import cv2

    grey: Float64 = (picture.astype(np.float64) / 255) @ np.array(LUMA)
    half = np.asarray(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_CUBIC), np.float64)
    parts = [_features(grey), _features(half)]
    if any(part is None for part in parts):
        return None
    return np.concatenate([part for part in parts if part is not None])


def normalised(grey: Float64) -> Float64:
    """Take the local mean out of a grey picture [H, W] in 0 … 1 and divide by the local deviation."""
    import cv2

    steps = np.arange(KERNEL) - KERNEL // 2
    window = np.exp(-np.square(steps) / (2 * SIGMA**2))
    window /= window.sum()

    def blurred(x: Float64) -> Float64:
        return np.asarray(cv2.sepFilter2D(x, -1, window, window, borderType=cv2.BORDER_CONSTANT), np.float64)

    mean = blurred(grey)
    deviation = np.sqrt(np.abs(mean**2 - blurred(grey**2)))
    found: Float64 = (grey - mean) / (deviation + FLOOR)
    # In flat parts the sign of a rounding error would decide on which side of zero a px counts.
    found[np.abs(found) < ROUNDING] = 0.0
    return found


def _features(grey: Float64) -> Float64 | None:
    contrast = normalised(grey)
    fitted = [fit(contrast)]
    height, width = contrast.shape
    for down, right in NEIGHBOURS:
        top = max(0, -down)
        here = contrast[top : height - max(0, down), : width - right]
        there = contrast[top + down : height + min(0, down), right:]
        fitted.append(fit(here * there))
    values: list[float] = []
    for i, found in enumerate(fitted):
        if found is None:
            return None
        shape, mean, left, right_ = found
        values += [shape, (left + right_) / 2] if i == 0 else [shape, mean, left, right_]
    return np.array(values)


def fit(values: Float64) -> tuple[float, float, float, float] | None:
    """Fit an asymmetric generalised Gaussian: shape, mean, and variance on the left and the right of zero.

    None when one side is empty or flat, or no shape fits (Lasmar, Stitou and Berthoumieu, ICIP 2009).
    """
    from scipy.optimize import brentq
    from scipy.special import gamma

    below, above = values[values < 0], values[values >= 0]
    if below.size == 0 or above.size == 0:
        return None
    left, right = float(np.square(below).mean()), float(np.square(above).mean())
    if left <= 0 or right <= 0:
        return None
    ratio = np.sqrt(left / right)
    peak = np.abs(values).mean() ** 2 / np.square(values).mean()
    target = peak * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2

    def lacking(shape: float) -> float:
        return float(gamma(2 / shape) ** 2 / (gamma(1 / shape) * gamma(3 / shape)) - target)

    if not lacking(SHAPES[0]) < 0 < lacking(SHAPES[1]):
        return None
    shape = float(brentq(lacking, *SHAPES, xtol=1e-12))
    spread = np.sqrt(gamma(1 / shape) / gamma(3 / shape)) * gamma(2 / shape) / gamma(1 / shape)
    return shape, float((np.sqrt(right) - np.sqrt(left)) * spread), left, right

"""Signed distances of simple solids, element by element on float32 points."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.datasets.portraits.exact_math import Floats, unit

Point = tuple[float, float, float]


def length(x: Floats, y: Floats, z: Floats) -> Floats:
    """Compute the Euclidean length."""
    result: Floats = np.sqrt(x * x + y * y + z * z)
    return result


def ball(x: Floats, y: Floats, z: Floats, centre: Point, radius: float) -> Floats:
    """Measure the distance to a ball."""
    cx, cy, cz = (np.float32(c) for c in centre)
    return length(x - cx, y - cy, z - cz) - np.float32(radius)


def ellipsoid(x: Floats, y: Floats, z: Floats, centre: Point, radii: Point) -> Floats:
    """Estimate the distance to an ellipsoid (first order; exact on the surface)."""
    cx, cy, cz = (np.float32(c) for c in centre)
    ax, ay, az = (np.float32(1.0 / r) for r in radii)
    qx, qy, qz = (x - cx) * ax, (y - cy) * ay, (z - cz) * az
    near = length(qx, qy, qz)
    slope = length(qx * ax, qy * ay, qz * az)
    return near * (near - np.float32(1)) / np.maximum(slope, np.float32(1e-3))


def cone(
    x: Floats, y: Floats, z: Floats, start: Point, end: Point, start_radius: float, end_radius: float
) -> Floats:
    """Measure the distance to a rounded stick whose radius changes from start to end."""
    bx, by, bz = (np.float32(b - a) for a, b in zip(start, end, strict=True))
    px, py, pz = (value - np.float32(a) for value, a in zip((x, y, z), start, strict=True))
    size = np.float32(1.0) / (bx * bx + by * by + bz * bz)
    h = unit((px * bx + py * by + pz * bz) * size)
    return length(px - bx * h, py - by * h, pz - bz * h) - (
        np.float32(start_radius) + np.float32(end_radius - start_radius) * h
    )


def lattice_balls(x: Floats, y: Floats, z: Floats, step: float, radius: float) -> Floats:
    """Measure the distance to balls on a body-centred lattice of the given step."""
    scale = np.float32(1.0 / step)
    half = np.float32(0.5)
    best: Floats | None = None
    for shift in (np.float32(0.0), half):
        qx, qy, qz = x * scale + shift, y * scale + shift, z * scale + shift
        away = length(qx - np.floor(qx + half), qy - np.floor(qy + half), qz - np.floor(qz + half))
        best = away if best is None else np.minimum(best, away)
    assert best is not None
    return best * np.float32(step) - np.float32(radius)

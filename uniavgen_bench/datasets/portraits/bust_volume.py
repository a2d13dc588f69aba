"""The bust of one identity as a grid of distances, with what shading needs kept at the nodes near the surface.

Built once per identity; a frame then only looks distances up. A node lies every 0.03 head units, about a pixel
and a quarter at 128.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, smooth_min, unit
from uniavgen_bench.datasets.portraits.hair_shape import hair_distance
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.head_shape import garment_distance, head_distance, neck_distance

STEP = 0.03
LOW = (-1.62, -2.02, -1.32)
COUNT = (109, 129, 88)
BAND = 4.0 * STEP
PART = 2048
# From the lowest node of a cell to the starts of its four edges along x, and to its eight corners.
EDGES = np.array([[0], [1], [COUNT[1]], [COUNT[1] + 1]]) * COUNT[0]
CORNERS = np.repeat(EDGES, 2, axis=0) + np.array([[0], [1]] * 4)
# Columns of `nodes`.
NORMAL_X, NORMAL_Y, NORMAL_Z, OPEN, LIT, HAIR, CLOTH, CURVE = range(8)


@dataclass(frozen=True)
class BustVolume:
    """Distances and, for nodes near the surface, rows of `nodes` [N, 8] found through `rows` [Z * Y * X].

    `pairs` [Z * Y * X]: a node's distance, and how much greater it is at the next node along x, to fetch both at once.

    The columns: outward normal (3), openness to the sky 0 … 1, share of the key light, distance to hair minus that to
    skin and cloth, distance to cloth minus that to skin, curvature (positive where convex).
    """

    pairs: NDArray[np.complex64]
    rows: NDArray[np.int32]
    nodes: Floats

    def distance(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Look up the distance to the bust at points [n]."""
        return self.gap_at(in_steps(np.stack((x, y, z))))

    def gap_at(self, points: Floats) -> Floats:
        """Look up the distance to the bust at points [3, n] in steps of the grid, an array that it works on."""
        pair = self.pairs.take(cell(points) + EDGES, mode="clip")
        edges = pair.imag * points[0]
        edges += pair.real
        faces = edges[1::2] - edges[::2]
        faces *= points[1]
        faces += edges[::2]
        gap: Floats = faces[1] - faces[0]
        gap *= points[2]
        gap += faces[0]
        return gap

    def surface(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Look up the columns of `nodes` at points [n] near the surface; gives [8, n]."""
        points = in_steps(np.stack((x, y, z)))
        found = np.empty((8, x.shape[0]), np.float32)
        # Parts whose corners stay in the processor's cache.
        for first in range(0, x.shape[0], PART):
            part = points[:, first : first + PART]
            corners = self.nodes.take(self.rows.take(cell(part) + CORNERS, mode="clip"), axis=0, mode="clip")
            across, up, ahead = (np.repeat(place, 8).reshape(-1, 8) for place in part)
            edges = corners[1::2] - corners[::2]
            edges *= across
            edges += corners[::2]
            faces = edges[1::2] - edges[::2]
            faces *= up
            faces += edges[::2]
            inside = faces[1] - faces[0]
            inside *= ahead
            inside += faces[0]
            found[:, first : first + PART] = inside.T
        return found


def in_steps(points: Floats) -> Floats:
    """Take points [3, n] to steps of the grid, counted from its corner, in place."""
    points -= np.array(LOW, np.float32)[:, None]
    points *= np.float32(1.0 / STEP)
    return points


def cell(points: Floats) -> NDArray[np.intp]:
    """Find the lowest nodes [n] of the cells around points [3, n] in steps; leaves their place in the cell, 0 … 1."""
    np.maximum(points, np.float32(0), out=points)
    np.minimum(points, np.array([count - 1.01 for count in COUNT], np.float32)[:, None], out=points)
    corners = np.floor(points)
    points -= corners
    # Node numbers are below 2 ** 24, which float32 counts exactly.
    index = corners[2]
    index *= np.float32(COUNT[1])
    index += corners[1]
    index *= np.float32(COUNT[0])
    index += corners[0]
    lowest: NDArray[np.intp] = index.astype(np.intp)
    return lowest


def paired(distances: Floats) -> NDArray[np.complex64]:
    """Lay every distance [n] beside the difference to the next one."""
    pairs = np.zeros((distances.shape[0], 2), np.float32)
    pairs[:, 0] = distances
    np.subtract(distances[1:], distances[:-1], out=pairs[:-1, 1])
    joined: NDArray[np.complex64] = pairs.view(np.complex64)[:, 0]
    return joined


def axes() -> tuple[Floats, Floats, Floats]:
    """Give the node coordinates along x, y and z."""
    x, y, z = (
        (np.arange(count) * STEP + low).astype(np.float32) for low, count in zip(LOW, COUNT, strict=True)
    )
    return x, y, z


def solids(head: HeadParams, at: Anatomy, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
    """Measure the distances to skin, hair and cloth at points [n]."""
    skin = smooth_min(head_distance(head, at, x, y, z), neck_distance(head, x, y, z), 0.10)
    return skin, hair_distance(head, at, x, y, z), garment_distance(head, x, y, z)


def in_parts(
    head: HeadParams, at: Anatomy, x: Floats, y: Floats, z: Floats, part: int = 16384
) -> tuple[Floats, Floats, Floats]:
    """Measure `solids` in parts that stay in the processor's cache."""
    found = [
        solids(head, at, x[first : first + part], y[first : first + part], z[first : first + part])
        for first in range(0, x.shape[0], part)
    ]
    skin, hair, cloth = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return skin, hair, cloth


def refined(coarse: Floats) -> Floats:
    """Double the resolution of a grid [Z, Y, X] by averaging neighbours."""
    for axis in range(3):
        moved = np.moveaxis(coarse, axis, 0)
        finer = np.empty((2 * moved.shape[0] - 1, *moved.shape[1:]), np.float32)
        finer[::2] = moved
        finer[1::2] = (moved[:-1] + moved[1:]) * np.float32(0.5)
        coarse = np.moveaxis(finer, 0, axis)
    return coarse


def build_volume(head: HeadParams, at: Anatomy) -> BustVolume:
    """Measure the bust of an identity on the grid: coarsely everywhere, finely near the surface."""
    axis_x, axis_y, axis_z = axes()
    coarse_axes = [
        (low + 2 * STEP * np.arange(count // 2 + 1)).astype(np.float32)
        for low, count in zip(LOW, COUNT, strict=True)
    ]
    zz, yy, xx = np.meshgrid(coarse_axes[2], coarse_axes[1], coarse_axes[0], indexing="ij")
    shape = xx.shape
    grids = []
    for solid in in_parts(head, at, xx.ravel(), yy.ravel(), zz.ravel()):
        grids.append(refined(solid.reshape(shape))[: COUNT[2], : COUNT[1], : COUNT[0]].reshape(-1).copy())
    union = np.minimum(np.minimum(grids[0], grids[1]), grids[2])
    near = np.flatnonzero(np.abs(union) < np.float32(BAND + 2 * STEP))
    iz, rest = np.divmod(near, COUNT[0] * COUNT[1])
    iy, ix = np.divmod(rest, COUNT[0])
    x, y, z = axis_x[ix], axis_y[iy], axis_z[iz]
    for grid, exact in zip(grids, in_parts(head, at, x, y, z), strict=True):
        grid[near] = exact
    skin, hair, cloth = grids
    union = np.minimum(np.minimum(skin, hair), cloth)
    band = near[np.abs(union[near]) < np.float32(BAND)]
    pairs = paired(union)
    nodes = surface_nodes(head, union, pairs, skin, hair, cloth, band)
    rows = np.zeros(union.shape, np.int32)
    rows[band] = np.arange(1, band.shape[0] + 1, dtype=np.int32)
    return BustVolume(pairs, rows, np.concatenate([np.zeros((1, 8), np.float32), nodes]))


def light_direction(head: HeadParams) -> tuple[float, float, float]:
    """Give the unit vector towards the key light."""
    x, y, z = head.light_side, head.light_height, 0.85
    size = (x * x + y * y + z * z) ** 0.5
    return x / size, y / size, z / size


def surface_nodes(
    head: HeadParams,
    union: Floats,
    pairs: NDArray[np.complex64],
    skin: Floats,
    hair: Floats,
    cloth: Floats,
    band: NDArray[np.intp],
) -> Floats:
    """Work out normals, openness, shadow and curvature at the nodes `band`, as rows [N, 8]."""
    row, slab, last = COUNT[0], COUNT[0] * COUNT[1], union.shape[0] - 1

    def at(shift: int) -> Floats:
        moved: Floats = union[np.minimum(np.maximum(band + shift, 0), last)]
        return moved

    here = union[band]
    beside = [(at(shift), at(-shift)) for shift in (1, row, slab)]
    nx, ny, nz = (plus - minus for plus, minus in beside)
    size = np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-6)
    nx, ny, nz = nx / size, ny / size, nz / size
    wide = [(at(2 * shift), at(-2 * shift)) for shift in (1, row, slab)]
    around = sum((plus + minus for plus, minus in wide), start=np.zeros_like(here))
    curve = (around - np.float32(6) * here) * np.float32(1.0 / (4 * STEP))
    axis_x, axis_y, axis_z = axes()
    iz, rest = np.divmod(band, slab)
    iy, ix = np.divmod(rest, row)
    x, y, z = axis_x[ix], axis_y[iy], axis_z[iz]
    look = BustVolume(pairs, np.zeros(1, np.int32), np.zeros((1, 8), np.float32))
    x, y, z = x - nx * here, y - ny * here, z - nz * here
    openness = np.ones_like(here)
    for reach, weight in ((0.07, 0.30), (0.16, 0.26), (0.32, 0.24), (0.60, 0.20)):
        far = np.float32(reach)
        gap = look.distance(x + nx * far, y + ny * far, z + nz * far) * np.float32(1.0 / reach)
        openness -= (np.float32(1) - unit(gap)) * np.float32(weight)
    lx, ly, lz = (np.float32(c) for c in light_direction(head))
    lit = np.ones_like(here)
    for step in range(12):
        far = np.float32(0.07 + 0.013 * step * step)
        gap = look.distance(
            x + nx * np.float32(0.03) + lx * far,
            y + ny * np.float32(0.03) + ly * far,
            z + nz * np.float32(0.03) + lz * far,
        )
        lit = np.minimum(lit, np.float32(0.15) + gap * (np.float32(5.0) / far))
    covered = hair[band] - np.minimum(skin[band], cloth[band])
    dressed = cloth[band] - skin[band]
    limit = np.float32(0.2)
    columns = (
        nx, ny, nz, unit(openness), unit(lit),
        np.clip(covered, -limit, limit), np.clip(dressed, -limit, limit), np.clip(curve, -1, 1),
    )  # fmt: skip
    return np.stack(columns, axis=1).astype(np.float32)

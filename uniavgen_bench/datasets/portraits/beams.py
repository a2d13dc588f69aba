"""Rays as the bust sees them: straight where the head is stiff, bent where the jaw is down or the neck turns.

Rays of several frames march together, which spares calls; nothing about a ray depends on those beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.bust_volume import LOW, STEP, BustVolume, in_steps
from uniavgen_bench.datasets.portraits.exact_math import Floats
from uniavgen_bench.datasets.portraits.pose import (
    CAMERA_Z,
    CENTRE_Y,
    JAW_SIDE,
    NECK_HIGH,
    Pose,
    jaw_down,
    neck_share,
)

NEAR_Z = 1.26
FAR_Z = LOW[2] - 0.10


class Kind(IntEnum):
    """What a ray goes through: the stiff head, the moving jaw, the turning neck."""

    STIFF = 0
    JAW = 1
    NECK = 2


COLUMNS = {Kind.STIFF: 6, Kind.JAW: 8, Kind.NECK: 14}


@dataclass(frozen=True)
class Rays:
    """Unit directions [n] of rays of one frame from the camera, in the world."""

    pose: Pose
    dx: Floats
    dy: Floats
    dz: Floats

    def pick(self, index: NDArray[np.intp]) -> Rays:
        """Take some of the rays."""
        return Rays(self.pose, self.dx[index], self.dy[index], self.dz[index])


@dataclass(frozen=True)
class Beams:
    """Rays [n] of one kind; their way is counted from the camera.

    `table` [6, 8 or 14, n]: start and direction in the resting bust (in steps of its grid for stiff rays, else in head
    units); for the others the jaw's drop and the slope of its bend; for those through the neck, start and direction in
    the world.
    """

    kind: Kind
    table: Floats
    mouth_y: float

    def pick(self, index: NDArray[np.intp]) -> Beams:
        """Take some of the rays."""
        return Beams(self.kind, self.table.take(index, axis=1), self.mouth_y)

    def gap(self, volume: BustVolume, way: Floats) -> Floats:
        """Measure the distance [n] to the bust where the rays are after `way` [n]."""
        points = self.table[3:6] * way
        points += self.table[:3]
        if self.kind is Kind.STIFF:
            return volume.gap_at(points)
        if self.kind is Kind.NECK:
            world = self.table[11:] * way
            world += self.table[8:11]
            points -= world
            points *= neck_share(world[1], world[2])
            points += world
        points[1] += jaw_down(self.mouth_y, self.table[6], self.table[7], *points)
        return volume.gap_at(in_steps(points))


def beams_of(frames: Sequence[Rays]) -> list[tuple[NDArray[np.intp], Beams]]:
    """Sort the rays of several frames by kind; gives which of all rays in a row they are, and their beams."""
    found: list[tuple[list[NDArray[np.intp]], list[Floats]]] = [([], []) for _ in Kind]
    first = 0
    for rays in frames:
        for kind, index, table in sorted_rays(rays):
            found[kind][0].append(index + first)
            found[kind][1].append(table)
        first += rays.dx.shape[0]
    return [
        (np.concatenate(indices), Beams(kind, np.concatenate(tables, axis=1), frames[0].pose.mouth_y))
        for kind, (indices, tables) in zip(Kind, found, strict=True)
        if indices
    ]


def sorted_rays(rays: Rays) -> list[tuple[Kind, NDArray[np.intp], Floats]]:
    """Sort the rays of one frame by kind, with their table of `Beams`."""
    pose = rays.pose
    world = (-pose.sway[0], CENTRE_Y - pose.sway[1], CAMERA_Z)
    start = pose.of_world(*world)
    dx, dy, dz = pose.direction(rays.dx, rays.dy, rays.dz)
    near, far = np.float32(NEAR_Z - CAMERA_Z) / rays.dz, np.float32(FAR_Z - CAMERA_Z) / rays.dz
    low = np.float32(world[1]) + np.minimum(rays.dy * near, rays.dy * far)
    neck = low < np.float32(NECK_HIGH)
    if pose.jaw == 0.0:
        jaw = np.zeros_like(neck)
    else:
        near_x, far_x = dx * near, dx * far
        inner = (np.minimum(near_x, far_x) < np.float32(JAW_SIDE - start[0])) & (
            np.maximum(near_x, far_x) > np.float32(-JAW_SIDE - start[0])
        )
        below = np.minimum(dy * near, dy * far) < np.float32(pose.mouth_y + 0.07 - start[1])
        jaw = inner & below & ~neck
    made = []
    for kind, chosen in ((Kind.STIFF, ~(neck | jaw)), (Kind.JAW, jaw), (Kind.NECK, neck)):
        index = np.flatnonzero(chosen)
        if not index.size:
            continue
        table = np.empty((COLUMNS[kind], index.size), np.float32)
        table[:3] = np.array(start)[:, None]
        for row, way in enumerate((dx, dy, dz)):
            table[3 + row] = way[index]
        if kind is Kind.STIFF:
            in_steps(table[:3])
            table[3:] *= np.float32(1.0 / STEP)
        else:
            table[6], table[7] = pose.jaw, pose.jaw_slope
        if kind is Kind.NECK:
            table[8:11] = np.array(world)[:, None]
            for row, way in enumerate((rays.dx, rays.dy, rays.dz)):
                table[11 + row] = way[index]
        made.append((kind, index, table))
    return made

"""Rays against the bust: sphere tracing through the grid of distances, many rays at once."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.bust_volume import LOW, BustVolume
from uniavgen_bench.datasets.portraits.exact_math import Floats
from uniavgen_bench.datasets.portraits.pose import CAMERA_Z, CENTRE_Y, Pose

NEAR_Z = 1.26
FAR_Z = LOW[2] - 0.10
CLOSE = np.float32(0.003)
# A tile of the first, coarse pass is this many pixels wide.
TILE = 4


@dataclass(frozen=True)
class Hits:
    """Where rays [n] end: the way along the ray, the distance left there, and the least distance passed on the way."""

    way: Floats
    gap: Floats
    passed: Floats


def distance_along(volume: BustVolume, pose: Pose, dx: Floats, dy: Floats, dz: Floats, way: Floats) -> Floats:
    """Measure the distance to the bust at points along rays from the camera."""
    x, y, z = pose.to_head(dx * way, np.float32(CENTRE_Y) + dy * way, np.float32(CAMERA_Z) + dz * way)
    return volume.distance(x, pose.close_jaw(x, y, z), z)


def approach(
    volume: BustVolume, pose: Pose, dx: Floats, dy: Floats, dz: Floats, radius: float, *, steps: int = 11
) -> Floats:
    """March wide rays [n] while nothing comes within `radius`; gives the way that is free, 1e9 for rays that leave."""
    end = np.float32(FAR_Z - CAMERA_Z) / dz
    way = np.float32(NEAR_Z - CAMERA_Z) / dz
    for _ in range(steps):
        gap = distance_along(volume, pose, dx, dy, dz, way)
        way = way + np.maximum(gap - np.float32(radius), np.float32(0)) * np.float32(0.95)
    far = (way >= end).astype(np.float32)
    free: Floats = np.minimum(way, end) + far * np.float32(1e9)
    return free


@dataclass
class March:
    """The rays still under way, as rows that shrink together."""

    index: NDArray[np.intp]
    dx: Floats
    dy: Floats
    dz: Floats
    end: Floats
    way: Floats
    gap: Floats
    least: Floats
    least_way: Floats
    passed: Floats
    before: Floats

    def keep(self, go: NDArray[np.bool_]) -> None:
        """Drop the rays that are not in `go`."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name)[go])


def trace(
    volume: BustVolume, pose: Pose, dx: Floats, dy: Floats, dz: Floats, start: Floats, *, steps: int = 22
) -> Hits:
    """March rays [n] from `start` until they meet the bust or leave; misses end where they came nearest."""
    count = start.shape[0]
    big = np.full(count, 9.0, np.float32)
    way, gap, passed = start.copy(), big.copy(), big.copy()
    rays = March(
        np.arange(count), dx, dy, dz, np.float32(FAR_Z - CAMERA_Z) / dz, start.copy(), big.copy(), big.copy(),
        start.copy(), big.copy(), big.copy(),
    )  # fmt: skip
    for step in range(steps):
        now = distance_along(volume, pose, rays.dx, rays.dy, rays.dz, rays.way)
        nearer = (now < rays.least).astype(np.float32)
        rays.least_way = rays.least_way + (rays.way - rays.least_way) * nearer
        rays.least = np.minimum(rays.least, now)
        turned = rays.before + np.float32(9) * (now <= rays.before + np.float32(1e-4)).astype(np.float32)
        rays.passed = np.minimum(rays.passed, turned)
        rays.before = now
        close = now <= CLOSE
        over = close | (rays.way >= rays.end)
        last = step == steps - 1
        ended = int(np.count_nonzero(over))
        # Rays that have ended wait, which is cheaper than to sort them out at every step.
        if last or 4 * ended > over.shape[0]:
            done = over | last
            at = rays.index[done]
            near = now[done] <= CLOSE + np.float32(0.004)
            # A long last step may have gone a little too deep.
            met = rays.way[done] + np.minimum(now[done], np.float32(0))
            way[at] = np.where(near, met, rays.least_way[done])
            gap[at] = np.where(near, now[done], rays.least[done])
            passed[at] = rays.passed[done]
            if last or ended == over.shape[0]:
                break
            rays.keep(~over)
            now, over = now[~over], over[~over]
        least = np.float32(0.006 if step < 5 else 0.02 if step < 9 else 0.04 if step < 13 else 0.07)
        rays.way = rays.way + np.maximum(now * np.float32(0.94), least) * (~over).astype(np.float32)
    return Hits(way, gap, passed)

"""Rays against the bust: sphere tracing through the grid of distances, many rays at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.beams import FAR_Z, NEAR_Z, Beams, Rays, beams_of
from uniavgen_bench.datasets.portraits.bust_volume import BustVolume
from uniavgen_bench.datasets.portraits.exact_math import Floats
from uniavgen_bench.datasets.portraits.pose import CAMERA_Z

# As near as this the surface is met: the last bit is one step of the distance left.
CLOSE = np.float32(0.005)
FAR_AWAY = np.float32(9)
STEPS = 22
# A tile of the first, coarse pass is this many pixels wide.
TILE = 4


@dataclass(frozen=True)
class Hits:
    """Where rays [n] end: the way along the ray, the distance left there, and the least distance passed on the way."""

    way: Floats
    gap: Floats
    passed: Floats

    def part(self, first: int, last: int) -> Hits:
        """Return rays first … last - 1."""
        return Hits(self.way[first:last], self.gap[first:last], self.passed[first:last])


def approach(volume: BustVolume, frames: Sequence[Rays], radius: float, *, steps: int = 11) -> Floats:
    """March wide rays [n] while nothing comes within `radius`; gives the way that is free, 1e9 for rays that leave."""
    dz = np.concatenate([rays.dz for rays in frames])
    end = np.float32(FAR_Z - CAMERA_Z) / dz
    free = np.float32(NEAR_Z - CAMERA_Z) / dz
    for index, beams in beams_of(frames):
        way = free[index]
        for _ in range(steps):
            gap = beams.gap(volume, way)
            gap -= np.float32(radius)
            np.maximum(gap, np.float32(0), out=gap)
            gap *= np.float32(0.95)
            way += gap
        free[index] = way
    far = (free >= end).astype(np.float32)
    result: Floats = np.minimum(free, end) + far * np.float32(1e9)
    return result


@dataclass
class March:
    """The rays still under way, as rows that shrink together."""

    index: NDArray[np.intp]
    beams: Beams
    end: Floats
    way: Floats
    least: Floats
    least_way: Floats
    passed: Floats
    before: Floats

    def keep(self, go: NDArray[np.intp]) -> None:
        """Drop the rays that are not in `go`."""
        self.beams = self.beams.pick(go)
        for name in ("index", "end", "way", "least", "least_way", "passed", "before"):
            setattr(self, name, getattr(self, name).take(go))


def trace(volume: BustVolume, frames: Sequence[Rays], start: Floats, *, slips: bool) -> Hits:
    """March the rays [n] of some frames from `start` until they meet the bust or leave.

    Misses end where they came nearest; `passed` is worked out where `slips` is wanted, else nothing was passed.
    """
    end = np.float32(FAR_Z - CAMERA_Z) / np.concatenate([rays.dz for rays in frames])
    hits = Hits(start.copy(), np.full_like(start, FAR_AWAY), np.full_like(start, FAR_AWAY))
    for index, beams in beams_of(frames):
        big = np.full(index.shape, FAR_AWAY, np.float32)
        way = start[index]
        march(
            volume,
            March(index, beams, end[index], way, big, way.copy(), big.copy(), big.copy()),
            hits,
            slips,
        )
    return hits


def march(volume: BustVolume, rays: March, hits: Hits, slips: bool) -> None:
    """March rays of one kind and write down where they end."""
    for step in range(STEPS):
        now = rays.beams.gap(volume, rays.way)
        nearer = (now < rays.least).astype(np.float32)
        rays.least_way += (rays.way - rays.least_way) * nearer
        rays.least = np.minimum(rays.least, now)
        if slips:
            turned = rays.before + FAR_AWAY * (now <= rays.before + np.float32(1e-4)).astype(np.float32)
            rays.passed = np.minimum(rays.passed, turned)
            rays.before = now
        over = (now <= CLOSE) | (rays.way >= rays.end)
        last = step == STEPS - 1
        ended = int(np.count_nonzero(over))
        # Rays that have ended wait, which is cheaper than to sort them out at every step.
        if last or 4 * ended > over.shape[0]:
            done = np.flatnonzero(over | last)
            at, gap, way = rays.index[done], now[done], rays.way[done]
            near = gap <= CLOSE + np.float32(0.004)
            hits.way[at] = np.where(near, way + gap, rays.least_way[done])
            hits.gap[at] = np.where(near, gap, rays.least[done])
            hits.passed[at] = rays.passed[done]
            if last or ended == over.shape[0]:
                return
            go = np.flatnonzero(~over)
            rays.keep(go)
            now, over = now[go], over[go]
        least = np.float32(0.006 if step < 5 else 0.02 if step < 9 else 0.04 if step < 13 else 0.07)
        rays.way += np.maximum(now * np.float32(0.94), least) * (~over).astype(np.float32)

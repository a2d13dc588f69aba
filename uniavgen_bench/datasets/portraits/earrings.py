"""Earrings: beads of metal or pearl at the lobes, as exact balls in front of what a ray met."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Draws, Floats, power8, unit
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.look import Linear, Look, linear
from uniavgen_bench.datasets.portraits.pose import CAMERA_Z, CENTRE_Y, Pose
from uniavgen_bench.datasets.portraits.shapes import Point

# A bead this much deeper than what a ray met still shows: it presses into the lobe.
SUNK = np.float32(0.035)


@dataclass(frozen=True)
class Bead:
    """A ball in head units and its linear colour."""

    centre: Point
    radius: float
    colour: Linear


def beads_of(head: HeadParams, at: Anatomy) -> tuple[Bead, ...]:
    """Give the beads of both ears; none for who wears no earrings."""
    if not head.earrings:
        return ()
    draw = Draws(head.seed, "earrings")
    metal = linear(draw.pick({(0.93, 0.74, 0.34): 2.0, (0.86, 0.87, 0.90): 1.0}))
    gem = linear(draw.pick({(0.95, 0.92, 0.88): 2.0, head.cloth: 1.0, (0.20, 0.55, 0.60): 1.0}))
    drop = draw.chance(0.6)
    beads = []
    for side in (-1.0, 1.0):
        x, y, z = 0.755 * head.width * side, at.eye_y - 0.10 - 0.165 * head.ear_size, -0.02
        if drop:
            beads.append(Bead((x, y, z), 0.028, metal))
            beads.append(Bead((x + 0.004 * side, y - 0.076, z), 0.050, gem))
        else:
            beads.append(Bead((x, y - 0.012, z), 0.046, metal))
    return tuple(beads)


def draw_beads(
    beads: tuple[Bead, ...],
    look: Look,
    pose: Pose,
    rays: tuple[Floats, Floats, Floats],
    foot: float,
    way: Floats,
    colour: Floats,
    cover: Floats,
) -> None:
    """Draw beads over what rays [n] saw, whose ways end at `way` [n]: changes `colour` [3, n] and `cover` [n]."""
    start = pose.of_world(-pose.sway[0], CENTRE_Y - pose.sway[1], CAMERA_Z)
    ways = pose.direction(*rays)
    for bead in beads:
        to = [np.float32(c - o) for c, o in zip(bead.centre, start, strict=True)]
        along = to[0] * ways[0] + to[1] * ways[1] + to[2] * ways[2]
        px, py, pz = (d * along - c for d, c in zip(ways, to, strict=True))
        off = np.sqrt(px * px + py * py + pz * pz)
        share = unit(np.float32(0.5) + (np.float32(bead.radius) - off) * np.float32(1.0 / foot))
        hidden = (cover > 0) & (way < along - SUNK)
        index = np.flatnonzero((share > 0) & ~hidden)
        if not index.size:
            continue
        inner = np.minimum(off[index] * np.float32(1.0 / bead.radius), np.float32(1))
        deep = np.sqrt(np.float32(1) - inner * inner)
        scale = np.float32(1.0 / bead.radius)
        nx, ny, nz = (p[index] * scale - d[index] * deep for p, d in zip((px, py, pz), ways, strict=True))
        tone = lit_bead(look, bead, nx, ny, nz, inner)
        part, under = share[index], cover[index]
        total = part + under * (np.float32(1) - part)
        colour[:, index] += (tone - colour[:, index]) * (part / np.maximum(total, np.float32(1e-6)))
        cover[index] = total


def lit_bead(look: Look, bead: Bead, nx: Floats, ny: Floats, nz: Floats, inner: Floats) -> Floats:
    """Light the points [n] of a bead; `inner` runs from 0 in its middle to 1 at its rim."""
    lx, ly, lz = (np.float32(c) for c in look.key_direction)
    facing = unit(nx * lx + ny * ly + nz * lz)
    shine = power8(unit(nx * np.float32(lx * 0.5) + ny * np.float32(ly * 0.5 + 0.15) + nz * np.float32(0.80)))
    flat = look.domain == "stylised"
    ink = unit((inner - np.float32(0.72)) * np.float32(6 if flat else 2)) * np.float32(0.85 if flat else 0.45)
    light = (np.float32(0.30) + np.float32(0.75) * facing) * (np.float32(1) - ink)
    rows = [np.float32(c) * light + shine * np.float32(0.55) for c in bead.colour]
    return np.stack(rows)

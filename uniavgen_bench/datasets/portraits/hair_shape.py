"""Hair as a solid: a shell over the skull cut along the hairline, and what each style adds to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import (
    Floats,
    bump,
    mix,
    noise2,
    smooth_max,
    smooth_min,
    smoothstep,
)
from uniavgen_bench.datasets.portraits.head_params import HairStyle, HeadParams
from uniavgen_bench.datasets.portraits.head_shape import skull_distance
from uniavgen_bench.datasets.portraits.shapes import Point, cone, ellipsoid, lattice_balls


@dataclass(frozen=True)
class Cut:
    """How the shell of a style sits: thickness on top and at the sides, and its line in head units."""

    top: float
    side: float
    front: float = 0.60
    recess: float = 0.0
    sideburn: float = -0.06
    nape: float = -0.62
    fringe: float | None = None
    sweep: float = 0.0
    teeth: float = 0.0


CUTS: dict[HairStyle, Cut] = {
    "bald": Cut(top=0.0, side=0.0),
    "buzz": Cut(top=0.035, side=0.025, front=0.62, recess=0.05),
    "crop": Cut(top=0.13, side=0.045, front=0.62, fringe=0.53, teeth=0.09),
    "side_part": Cut(top=0.15, side=0.055, front=0.64),
    "quiff": Cut(top=0.17, side=0.045, front=0.64),
    "spiky": Cut(top=0.11, side=0.06, front=0.58, fringe=0.46, teeth=0.12),
    "curly": Cut(top=0.12, side=0.09, front=0.56),
    "afro": Cut(top=0.20, side=0.18, front=0.56),
    "bob": Cut(top=0.12, side=0.12, front=0.58, fringe=0.30, teeth=0.05, sideburn=-0.3),
    "long": Cut(top=0.11, side=0.10, front=0.58, fringe=0.52, sweep=0.34, sideburn=-0.3),
    "wavy": Cut(top=0.14, side=0.13, front=0.58, fringe=0.50, sweep=0.40, sideburn=-0.3),
    "bun": Cut(top=0.09, side=0.07, front=0.56, sideburn=-0.12),
    "ponytail": Cut(top=0.10, side=0.07, front=0.57, fringe=0.42, sweep=0.36, teeth=0.03, sideburn=-0.12),
    "pigtails": Cut(top=0.11, side=0.08, front=0.57, fringe=0.31, teeth=0.07, sideburn=-0.15),
    "receding": Cut(top=0.035, side=0.09, front=1.1, sideburn=-0.12),
    "headscarf": Cut(top=0.12, side=0.12),
}


def hairline(cut: Cut, x: Floats, z: Floats, front: Floats) -> Floats:
    """Give the height of the hairline: `front` at the forehead, the sideburn beside it, the nape behind the ears."""
    ahead = smoothstep(0.08, 0.42, z)
    behind = smoothstep(-0.12, -0.40, z)
    above_ear = bump(z, -0.08, 0.22) * np.float32(0.22)
    side = mix(np.float32(cut.sideburn) + above_ear, np.float32(cut.nape), behind)
    return mix(side, front, ahead)


def shell(head: HeadParams, at: Anatomy, cut: Cut, x: Floats, y: Floats, z: Floats, base: Floats) -> Floats:
    """Measure the distance to the hair that covers the skull, with its fringe."""
    a = np.abs(x)
    thick = mix(np.full_like(y, cut.side), np.float32(cut.top), smoothstep(0.35, 0.95, y))
    clumps = noise2(
        x * np.float32(4.5) + z * np.float32(2.0) + np.float32(9), z * np.float32(4.5) + np.float32(40)
    )
    thick = thick * (np.float32(0.78) + np.float32(0.44) * clumps)
    parted = np.float32(head.parting)
    thick = thick - bump(x, head.parting, 0.07) * smoothstep(0.45, 0.75, y) * np.float32(
        min(0.04, cut.top * 0.3)
    )
    front = np.float32(cut.front) + np.float32(cut.recess) * bump(a, 0.36, 0.24) - np.float32(0.30) * a * a
    line = hairline(cut, x, z, front)
    thick = thick * (np.float32(0.30) + np.float32(0.70) * smoothstep(0.0, 0.26, y - line))
    d = smooth_max(base - thick, (line - y) * np.float32(0.85), 0.05)
    if cut.fringe is None:
        return d
    from_part = x - parted
    side = np.float32(1.0 if head.parting <= 0 else -1.0)
    swept = np.abs(from_part) if cut.sweep > 0.3 else from_part * side
    saw = x * np.float32(4.3) + np.float32(0.37)
    tooth = np.abs(saw - np.floor(saw) - np.float32(0.5))
    low = (
        np.float32(cut.fringe)
        - np.float32(cut.sweep) * swept * np.float32(0.75)
        + np.float32(cut.teeth * 2) * tooth
    )
    if cut.sweep > 0.3:
        low = low + np.float32(0.10) * bump(from_part, 0.0, 0.22)
    thin = (
        np.float32(0.055)
        + np.float32(0.035) * smoothstep(0.2, 0.75, y)
        + np.float32(0.05) * tooth * np.float32(4 * cut.teeth)
    )
    reach = smoothstep(-0.02, 0.14, z) if cut.sweep <= 0.3 else smoothstep(-0.10, 0.02, z)
    low = mix(np.full_like(low, 1.2), low, reach)
    thin = thin * (np.float32(0.55) + np.float32(0.45) * smoothstep(0.0, 0.20, y - low))
    bangs = smooth_max(base - thin, (low - y) * np.float32(0.8), 0.035)
    return smooth_min(d, bangs, 0.05)


def hair_distance(head: HeadParams, at: Anatomy, x: Floats, y: Floats, z: Floats) -> Floats:
    """Measure the distance to all hair of a head: scalp, tails and beard; far away for a bald shaven one."""
    base = skull_distance(head, at, x, y, z)
    cut = CUTS[head.hair_style]
    a = np.abs(x)
    d = np.full_like(x, 9.0) if head.hair_style == "bald" else shell(head, at, cut, x, y, z, base)
    low, wide = at.chin_y, head.width
    match head.hair_style:
        case "receding":
            d = smooth_max(base - np.float32(0.085), (hairline(cut, x, z, np.full_like(x, 1.2)) - y), 0.05)
            crown = smoothstep(0.42, 0.62, y) * smoothstep(-0.75, -0.45, z)
            d = d + crown * np.float32(0.14)
        case "quiff":
            tip: Point = (0.16 if head.parting <= 0 else -0.16, 1.22 * head.forehead, 0.42)
            wave = ellipsoid(x, y, z, (tip[0], tip[1] - 0.24, tip[2] - 0.02), (0.50, 0.24, 0.34))
            d = smooth_min(d, wave, 0.12)
            ridge = x * np.float32(3.2) + z * np.float32(2.0) + y
            groove = np.abs(ridge - np.floor(ridge) - np.float32(0.5)) * smoothstep(0.75, 1.1, y)
            d = d + groove * np.float32(0.05) - smoothstep(0.75, 1.1, y) * np.float32(0.012)
        case "side_part":
            lean = 0.15 if head.parting <= 0 else -0.15
            wave = ellipsoid(x, y, z, (lean, 0.86 * head.forehead, 0.30), (0.55, 0.20, 0.42))
            ridge = (x * np.float32(1.0 if lean > 0 else -1.0) + y * np.float32(0.5)) * np.float32(
                5
            ) - z * np.float32(2.2)
            groove = np.abs(ridge - np.floor(ridge) - np.float32(0.5)) * smoothstep(0.6, 0.9, y)
            d = (
                smooth_min(d, wave, 0.10)
                + groove * np.float32(0.04)
                - smoothstep(0.6, 0.9, y) * np.float32(0.01)
            )
        case "spiky":
            d = smooth_min(d, spikes(head, x, y, z), 0.05)
        case "curly":
            lattice = lattice_balls(x, y, z, 0.24, 0.118)
            curls = smooth_max(base - np.float32(0.22), lattice, 0.06)
            line = hairline(cut, x, z, np.full_like(x, 0.40)) + lattice * np.float32(0.9)
            d = smooth_min(d, smooth_max(curls, (line - y) * np.float32(0.8), 0.06), 0.05)
        case "afro":
            cloud = ellipsoid(x, y, z, (0, 0.40, -0.22), (1.10 * wide, 1.02, 0.98))
            cloud = cloud + lattice_balls(x, y, z, 0.17, 0.085) * np.float32(0.45)
            face = ellipsoid(x, y, z, (0, -0.25, 0.78), (0.66 * wide, 0.86, 0.72))
            cloud = smooth_max(cloud, -face, 0.12)
            d = smooth_min(d, smooth_max(cloud, np.float32(-0.52) - y, 0.1), 0.08)
        case "bob":
            d = smooth_min(d, curtain(head, x, y, z, low + 0.10, 0.86, wave=0.0), 0.08)
        case "long":
            d = smooth_min(d, curtain(head, x, y, z, -1.90, 0.82, wave=0.0), 0.10)
        case "wavy":
            d = smooth_min(d, curtain(head, x, y, z, -1.66, 0.90, wave=0.055), 0.10)
        case "bun":
            knot = ellipsoid(x, y, z, (0.0, 1.12 * head.forehead, -0.34), (0.34, 0.30, 0.34))
            turn = (x * np.float32(1.6) + y * np.float32(3.4)) + noise2(x * np.float32(3), y * np.float32(3))
            groove = np.abs(turn - np.floor(turn) - np.float32(0.5))
            d = smooth_min(d, knot + groove * np.float32(0.07) - np.float32(0.02), 0.05)
        case "ponytail":
            tail = cone(x, y, z, (0.10, 0.74, -0.78), (0.60, 0.46, -0.80), 0.16, 0.24)
            tail = smooth_min(
                tail, cone(x, y, z, (0.60, 0.46, -0.80), (0.98, -0.55, -0.62), 0.25, 0.17), 0.12
            )
            tail = smooth_min(
                tail, cone(x, y, z, (0.98, -0.55, -0.62), (0.84, -1.15, -0.50), 0.17, 0.03), 0.1
            )
            d = smooth_min(d, tail, 0.06)
        case "pigtails":
            tail = cone(a, y, z, (0.76 * wide, 0.36, -0.30), (1.06, 0.14, -0.30), 0.10, 0.22)
            tail = smooth_min(tail, cone(a, y, z, (1.06, 0.14, -0.30), (1.10, -0.72, -0.2), 0.23, 0.06), 0.12)
            d = smooth_min(d, tail, 0.03)
        case "headscarf":
            d = scarf(head, x, y, z, base)
        case _:
            pass
    if head.beard != "none" and head.beard != "stubble":
        d = np.minimum(d, beard_distance(head, at, x, y, z, base))
    return d


def spikes(head: HeadParams, x: Floats, y: Floats, z: Floats) -> Floats:
    """Measure the distance to a crown of pointed locks."""
    d: Floats | None = None
    lift = head.forehead - 1.0
    for px, py, pz, qx, qy, qz, r in (
        (0.0, 0.86, 0.34, 0.06, 1.27, 0.62, 0.22), (0.34, 0.80, 0.22, 0.58, 1.18, 0.46, 0.22),
        (-0.34, 0.80, 0.22, -0.50, 1.22, 0.44, 0.22), (0.58, 0.56, -0.05, 0.98, 0.90, 0.06, 0.22),
        (-0.58, 0.56, -0.05, -0.96, 0.92, 0.08, 0.22), (0.0, 0.92, -0.25, -0.04, 1.42, -0.12, 0.26),
        (0.62, 0.30, -0.30, 1.04, 0.46, -0.30, 0.22), (-0.62, 0.30, -0.30, -1.04, 0.48, -0.28, 0.22),
        (0.34, 0.84, -0.30, 0.62, 1.30, -0.30, 0.26), (-0.34, 0.84, -0.30, -0.64, 1.28, -0.28, 0.26),
    ):  # fmt: skip
        lock = cone(x, y, z, (px, py + lift, pz), (qx, qy + lift, qz), r, 0.012)
        d = lock if d is None else smooth_min(d, lock, 0.04)
    assert d is not None
    return d


def curtain(
    head: HeadParams, x: Floats, y: Floats, z: Floats, end: float, wide: float, *, wave: float
) -> Floats:
    """Measure the distance to hair that hangs around the face down to the height `end`."""
    wide *= head.width
    down = np.float32(0.45) - y
    if wave:
        turn = y * np.float32(2.6)
        t = turn - np.floor(turn) - np.float32(0.5)
        swing = t * (np.float32(1) - np.float32(4) * t * t) * np.float32(4)
        x = x + np.sign(x) * swing * np.float32(wave) * smoothstep(0.3, -0.2, y)
    spread = np.float32(1.0) + np.float32(0.04) * np.maximum(down, np.float32(0))
    qx, qz = x / spread, z
    tube = ellipsoid(
        qx, np.maximum(y - np.float32(0.40), np.float32(0)), qz, (0, 0, -0.16), (wide, 0.72, 0.80)
    )
    grain = np.abs(qx) * np.float32(2.2) + z * np.float32(3.8)
    clump = np.abs(grain - np.floor(grain) - np.float32(0.5))
    tube = tube + clump * np.float32(0.05) - np.float32(0.02)
    window = ellipsoid(x, y, z, (0, -0.40, 0.62), (0.64 * head.width, 0.98, 0.90))
    low = ellipsoid(x, y, z, (0, -1.9, 0.55), (0.50, 1.3, 0.70))
    d = smooth_max(tube, -smooth_min(window, low, 0.15), 0.10)
    ragged = np.float32(end) + clump * np.float32(0.16)
    return smooth_max(d, ragged - y, 0.09)


def scarf(head: HeadParams, x: Floats, y: Floats, z: Floats, base: Floats) -> Floats:
    """Measure the distance to a headscarf: a cloth around head and neck that leaves the face free."""
    fold = x * np.float32(2.0) + y * np.float32(2.4) - z
    pleat = np.abs(fold - np.floor(fold) - np.float32(0.5)) * np.float32(0.045)
    cover = base - np.float32(0.13) + pleat
    neck = cone(x, y, z, (0, -0.62, -0.10), (0, -1.45, -0.16), 0.52, 0.66) + pleat
    cover = smooth_min(cover, neck, 0.16)
    face = ellipsoid(x, y, z, (0, -0.20, 0.85), (0.565 * head.width, 0.80 * head.length, 0.85))
    return smooth_max(cover, -face, 0.06)


def beard_distance(head: HeadParams, at: Anatomy, x: Floats, y: Floats, z: Floats, base: Floats) -> Floats:
    """Measure the distance to a beard; the lips stay free."""
    a = np.abs(x)
    mouth = ellipsoid(
        x, y, z, (0, at.mouth_y - 0.022, 0.70), (at.mouth_half * 1.08, at.lip_low + 0.018, 0.40)
    )
    moustache = cone(
        a, y, z, (0.045, at.mouth_y + 0.128, 0.735), (0.235, at.mouth_y + 0.078, 0.672), 0.050, 0.034
    )
    chin = ellipsoid(x, y, z, (0, at.chin_y + 0.10, 0.50), (0.24, 0.17, 0.20))
    if head.beard == "moustache":
        return smooth_max(moustache, -mouth, 0.03)
    if head.beard == "goatee":
        return smooth_max(smooth_min(moustache, chin, 0.08), -mouth, 0.04)
    edge = np.float32(at.mouth_y + 0.06) + np.float32(0.55) * np.maximum(a - np.float32(0.22), np.float32(0))
    cover = smooth_max(base - np.float32(0.065), y - edge, 0.06)
    cover = smooth_max(cover, np.float32(-0.02) - z, 0.05)
    cover = smooth_min(cover, chin, 0.10)
    return smooth_max(smooth_min(cover, moustache, 0.06), -mouth, 0.04)

"""Glasses: frames in front of the eyes, temples to the ears, a breath of reflection on the lenses."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, bump, smoothstep, unit
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.look import Look, layer, linear
from uniavgen_bench.datasets.portraits.samples import Samples

PLANE_Z = 0.80


def lens_distance(head: HeadParams, at: Anatomy, x: Floats, y: Floats) -> Floats:
    """Measure the distance in the plane of the glasses to the rim of the nearer lens; negative inside."""
    a = np.abs(x) - np.float32(at.eye_x + 0.012)
    v = y - np.float32(at.eye_y - 0.02)
    size = 0.5 + 0.5 * min(head.eye_size, 1.16)
    if head.glasses == "round":
        circle: Floats = np.sqrt(a * a + v * v) - np.float32(0.222 * size)
        return circle
    half_x, half_y, r = 0.235 * size, (0.175 if head.glasses == "square" else 0.165) * size, 0.085
    qx = np.maximum(np.abs(a) - np.float32(half_x - r), np.float32(0))
    qy = np.maximum(np.abs(v) - np.float32(half_y - r), np.float32(0))
    rounded: Floats = np.sqrt(qx * qx + qy * qy) - np.float32(r)
    return rounded


def draw_glasses(
    head: HeadParams, look: Look, at: Anatomy, on: Samples, colour: Floats, bare: Floats
) -> Floats:
    """Lay glasses over lit points [n] of the head; temples show where it is `bare`, not under hair."""
    slope = (np.float32(PLANE_Z) - on.z) / np.minimum(on.uz, np.float32(-0.2))
    x, y = on.x + on.ux * slope, on.y + on.uy * slope
    # The plane bows back towards the temples.
    bow = np.float32(0.30) * x * x
    x, y = x - on.ux * bow / np.minimum(on.uz, np.float32(-0.2)) * np.float32(1), y
    soft = np.float32(1.0 / max(on.foot * 0.8, 0.004))
    d = lens_distance(head, at, x, y)
    wide = 0.012 if look.domain == "stylised" else 0.016 if head.glasses != "square" else 0.022
    rim = unit((np.float32(wide) - np.abs(d)) * soft + np.float32(0.5))
    if head.glasses == "half_rim":
        rim = rim * smoothstep(-0.05, 0.02, y - np.float32(at.eye_y - 0.02))
    a = np.abs(x)
    arch = np.float32(at.eye_y + 0.035) - np.float32(2.2) * a * a
    gap = np.float32(at.eye_x + 0.012 - 0.20 * (0.5 + 0.5 * min(head.eye_size, 1.16)))
    bridge = unit((np.float32(0.015) - np.abs(y - arch)) * soft + np.float32(0.5)) * unit(
        (gap - a) * soft + np.float32(0.5)
    )
    # Temples run along the sides of the head.
    side_y = np.float32(at.eye_y + 0.04) - (np.float32(0.6) - on.z) * np.float32(0.05)
    temple = unit((np.float32(0.019) - np.abs(on.y - side_y)) * soft + np.float32(0.5))
    temple = (
        temple
        * smoothstep(0.50, 0.56, np.abs(on.x))
        * smoothstep(-0.12, -0.04, on.z)
        * smoothstep(0.60, 0.52, on.z)
    )
    frame = unit(rim + bridge + temple * bare)
    ahead = smoothstep(-0.1, 0.0, on.z)
    shadow = bump(d + np.float32(0.05), 0.0, 0.06) * np.float32(0.16) * smoothstep(0.3, 0.45, on.z)
    colour = colour * (np.float32(1) - shadow)
    inside = unit(-d * soft)
    streak = bump(x + y * np.float32(0.8) - np.sign(x) * np.float32(at.eye_x - 0.02), 0.0, 0.07)
    sheen = inside * (
        np.float32(0.035) + np.float32(0.13) * streak * smoothstep(0.0, 0.12, y - np.float32(at.eye_y - 0.04))
    )
    colour = layer(colour, (0.92, 0.96, 1.0), sheen * ahead)
    tone = linear(head.glasses_colour)
    top = np.float32(0.75) + np.float32(0.7) * bump(d - np.float32(0.004), 0.0, 0.012) * smoothstep(
        0.02, 0.12, y
    )
    return layer(colour, np.array(tone, np.float32)[:, None] * top + np.float32(0.004), frame * ahead)

"""The bare bust as a solid: skull, face, ears, neck, shoulders."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, smooth_max, smooth_min
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.shapes import ball, cone, ellipsoid

# A short neck keeps the clothes in a picture that the face fills.
SHOULDERS_UP = 0.17


def skull_distance(head: HeadParams, at: Anatomy, x: Floats, y: Floats, z: Floats) -> Floats:
    """Measure the distance to the head without nose, ears and neck: what hair grows on and beards follow."""
    a = np.abs(x)
    w, jaw = head.width, head.jaw_width
    crown = 0.99 * head.forehead
    skull = ellipsoid(x, y, z, (0, crown - 0.80, -0.12), (0.73 * w, 0.80, 0.88))
    face = ellipsoid(x, y, z, (0, -0.16, 0.10), (0.645 * w, 0.70 * head.length, 0.64))
    d = smooth_min(skull, face, 0.22)
    low = at.chin_y
    jaw_solid = ellipsoid(x, y, z, (0, low + 0.40, 0.20), (0.475 * jaw * w, 0.36, 0.44))
    d = smooth_min(d, jaw_solid, 0.22)
    chin = ellipsoid(x, y, z, (0, low + 0.145, 0.47), (0.17 * jaw, 0.14 * head.chin, 0.15))
    d = smooth_min(d, chin, 0.20)
    if head.jaw_square > 0.02:
        corner = ball(a, y, z, (0.42 * jaw * w, low + 0.40, 0.02), 0.10 + 0.09 * head.jaw_square)
        d = smooth_min(d, corner, 0.24)
    cheek = ellipsoid(a, y, z, (0.34 * w, at.eye_y - 0.30, 0.44), (0.21, 0.19, 0.17 * head.cheeks))
    return smooth_min(d, cheek, 0.18)


def head_distance(head: HeadParams, at: Anatomy, x: Floats, y: Floats, z: Floats) -> Floats:
    """Measure the distance to the head with brows' ridge, eye sockets, nose, muzzle and ears."""
    a = np.abs(x)
    d = skull_distance(head, at, x, y, z)
    ridge = cone(a, y, z, (0.0, at.brow_y - 0.05, 0.64), (0.36, at.brow_y - 0.06, 0.50), 0.10, 0.09)
    d = smooth_min(d, ridge, 0.16)
    socket = ellipsoid(
        a, y, z, (at.eye_x - 0.005, at.eye_y + 0.005, 0.86), (at.eye_half * 1.25, at.eye_half * 0.85, 0.185)
    )
    d = smooth_max(d, -socket, 0.16)
    lid = ball(a, y, z, (at.eye_x, at.eye_y, at.ball_z - 0.02), at.ball_radius)
    d = smooth_min(d, lid, 0.10)
    w, tall, out = head.nose_width, at.nose_y, head.nose_height
    bridge = cone(x, y, z, (0, at.eye_y + 0.10, 0.655), (0, tall + 0.05, 0.74 + 0.10 * out), 0.055, 0.085 * w)
    d = smooth_min(d, bridge, 0.10)
    tip = ellipsoid(x, y, z, (0, tall + 0.015, 0.765 + 0.105 * out), (0.095 * w, 0.085, 0.085))
    d = smooth_min(d, tip, 0.07)
    wing = ellipsoid(a, y, z, (0.096 * w, tall - 0.005, 0.715 + 0.05 * out), (0.062 * w, 0.062, 0.080))
    d = smooth_min(d, wing, 0.055)
    nostril = ball(a, y, z, (0.052 * w, tall - 0.075, 0.745 + 0.06 * out), 0.030 * w)
    d = smooth_max(d, -nostril, 0.03)
    muzzle = ellipsoid(x, y, z, (0, at.mouth_y - 0.01, 0.56), (0.27, 0.20, 0.165))
    d = smooth_min(d, muzzle, 0.14)
    lips = ellipsoid(x, y, z, (0, at.mouth_y, 0.655), (at.mouth_half * 0.95, at.lip_up + at.lip_low, 0.085))
    d = smooth_min(d, lips, 0.05)
    big = head.ear_size
    px, py, pz = 0.735 * head.width, at.eye_y - 0.10, -0.10
    lean = a - np.float32(0.25) * (np.float32(pz + 0.05) - z)
    ear = ellipsoid(lean, y, z, (px, py, pz), (0.075, 0.205 * big, 0.135 * big))
    bowl = ellipsoid(lean, y, z, (px + 0.045, py + 0.02, pz + 0.045), (0.05, 0.125 * big, 0.075 * big))
    ear = smooth_max(ear, -bowl, 0.04)
    return smooth_min(d, ear, 0.05)


def neck_distance(head: HeadParams, x: Floats, y: Floats, z: Floats) -> Floats:
    """Measure the distance to the neck and the naked shoulders."""
    thick, wide = head.neck, head.shoulders
    y = y - np.float32(SHOULDERS_UP)
    neck = cone(x, y, z, (0, -0.55, -0.18), (0, -1.62, -0.24), 0.365 * thick, 0.40 * thick)
    trunk = ellipsoid(x, y, z, (0, -2.28, -0.22), (1.0 * wide, 0.86, 0.52))
    arm = ellipsoid(np.abs(x), y, z, (0.92 * wide, -1.98, -0.22), (0.36, 0.44, 0.36))
    return smooth_min(neck, smooth_min(trunk, arm, 0.25), 0.26)


def garment_distance(head: HeadParams, x: Floats, y: Floats, z: Floats) -> Floats:
    """Measure the distance to the clothes: the shoulders, a little thicker, up to the neckline of the garment."""
    body = neck_distance(head, x, y, z)
    a = np.abs(x)
    y = y - np.float32(SHOULDERS_UP)
    front = z + np.float32(0.22)
    if head.garment == "turtleneck":
        line = np.float32(-1.10) - np.float32(0.05) * front
        return smooth_max(body - np.float32(0.055), y - line, 0.05)
    if head.garment == "hoodie":
        line = np.float32(-1.34) - np.float32(0.35) * front
        d = smooth_max(body - np.float32(0.06), y - line, 0.06)
        hood = cone(a, y, z, (0.0, -1.22, -0.62), (0.50, -1.42, -0.12), 0.17, 0.14)
        hood = smooth_min(hood, cone(a, y, z, (0.50, -1.42, -0.12), (0.12, -1.86, 0.32), 0.14, 0.07), 0.12)
        return smooth_min(d, hood, 0.05)
    if head.garment == "v_neck":
        line = np.float32(-1.95) + np.float32(1.25) * a - np.float32(0.15) * front
        line = np.minimum(line, np.float32(-1.30) - np.float32(0.25) * front)
        return smooth_max(body - np.float32(0.04), y - line, 0.04)
    if head.garment in ("collar", "jacket"):
        line = np.float32(-1.80) + np.float32(1.0) * a
        line = np.minimum(line, np.float32(-1.24) - np.float32(0.18) * front)
        d = smooth_max(body - np.float32(0.045), y - line, 0.04)
        flap = cone(a, y, z, (0.30, -1.27, -0.02), (0.13, -1.62, 0.30), 0.075, 0.045)
        behind = cone(a, y, z, (0.0, -1.17, -0.52), (0.30, -1.27, -0.02), 0.075, 0.075)
        return smooth_min(d, smooth_min(flap, behind, 0.05), 0.03)
    line = np.float32(-1.42) - np.float32(0.30) * front + np.float32(0.22) * a * a
    return smooth_max(body - np.float32(0.04), y - line, 0.05)

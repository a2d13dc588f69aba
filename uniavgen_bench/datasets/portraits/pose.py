"""From the picture to the head: camera, head pose, skinning of the neck and the opening of the jaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, cosine, sine, smoothstep

CAMERA_Z = 7.5
HALF_VIEW = 1.45
CENTRE_Y = -0.03


@dataclass(frozen=True)
class Pose:
    """How a head is held in one frame: rotation (row-major, head to world), pivot, sway, drop of the chin."""

    rotation: tuple[float, ...]
    pivot: tuple[float, float, float]
    sway: tuple[float, float]
    jaw: float
    mouth_y: float

    def to_head(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Take points of the world [n] to the resting bust; shoulders stay, the neck turns by and by."""
        r = [np.float32(value) for value in self.rotation]
        px, py, pz = (np.float32(value) for value in self.pivot)
        x, y = x - np.float32(self.sway[0]), y - np.float32(self.sway[1])
        ax, ay, az = x - px, y - py, z - pz
        share = smoothstep(
            -1.32, -0.84, y + np.float32(0.55) * np.maximum(z - np.float32(0.05), np.float32(0))
        )
        qx = r[0] * ax + r[3] * ay + r[6] * az
        qy = r[1] * ax + r[4] * ay + r[7] * az
        qz = r[2] * ax + r[5] * ay + r[8] * az
        return x + (qx + px - x) * share, y + (qy + py - y) * share, z + (qz + pz - z) * share

    def close_jaw(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Give the height that points [n] of the head had before the jaw went down."""
        if self.jaw == 0.0:
            return y
        drop = np.float32(self.jaw)
        below = smoothstep(self.mouth_y + 0.07, self.mouth_y - 0.10 - 1.55 * self.jaw, y)
        side = smoothstep(0.66, 0.36, np.abs(x))
        ahead = smoothstep(-0.25, 0.30, z)
        keep = smoothstep(self.mouth_y - 1.15, self.mouth_y - 0.50, y)
        return y + drop * below * side * ahead * keep

    def to_world(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """Take one point of the face to the world; the face turns as a whole."""
        r = self.rotation
        ax, ay, az = x - self.pivot[0], y - self.pivot[1], z - self.pivot[2]
        return (
            r[0] * ax + r[1] * ay + r[2] * az + self.pivot[0] + self.sway[0],
            r[3] * ax + r[4] * ay + r[5] * az + self.pivot[1] + self.sway[1],
            r[6] * ax + r[7] * ay + r[8] * az + self.pivot[2],
        )


def rotation(yaw: float, pitch: float, roll: float) -> tuple[float, ...]:
    """Build a head's rotation: yaw turns to the picture's right, pitch down, roll clockwise (radians)."""
    cy, sy = cosine(yaw), sine(yaw)
    cp, sp = cosine(pitch), sine(pitch)
    cr, sr = cosine(-roll), sine(-roll)
    return (
        cr * cy - sr * sp * sy, -sr * cp, cr * sy + sr * sp * cy,
        sr * cy + cr * sp * sy, cr * cp, sr * sy - cr * sp * cy,
        -cp * sy, sp, cp * cy,
    )  # fmt: skip


def pose_of(
    at: Anatomy, yaw: float, pitch: float, roll: float, sway: tuple[float, float], jaw: float
) -> Pose:
    """Build a pose; angles in radians, sway in head units, jaw 0 … 1."""
    return Pose(rotation(yaw, pitch, roll), at.neck_pivot, sway, jaw * at.jaw_drop, at.mouth_y)


@dataclass(frozen=True)
class Camera:
    """A camera in front of the bust; `half` is half the height of the view where z = 0, in head units."""

    size: int
    half: float

    @property
    def pixel(self) -> float:
        """Return the side of a pixel where z = 0, in head units."""
        return 2 * self.half / self.size

    def rays(self, column: Floats, line: Floats) -> tuple[Floats, Floats, Floats]:
        """Give unit directions of the rays through places in the picture, in pixels from the upper left corner."""
        scale = np.float32(self.pixel)
        u = column * scale - np.float32(self.half)
        v = np.float32(self.half) - line * scale
        w = np.full_like(u, -CAMERA_Z)
        size = np.float32(1) / np.sqrt(u * u + v * v + w * w)
        return u * size, v * size, w * size

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Give the place (column, line) of a point of the world in the picture, in pixels."""
        scale = CAMERA_Z / (CAMERA_Z - z) / self.pixel
        return self.size / 2 + x * scale, self.size / 2 - (y - CENTRE_Y) * scale

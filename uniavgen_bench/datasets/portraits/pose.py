"""From the picture to the head: camera, head pose, skinning of the neck and the opening of the jaw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, cosine, sine, smoothstep, unit

CAMERA_Z = 7.5
HALF_VIEW = 1.45
CENTRE_Y = -0.03
# From here up the neck turns with the head; from here down it stays with the shoulders.
NECK_HIGH, NECK_LOW = -0.84, -1.32
# The jaw moves nothing further than this beside the middle.
JAW_SIDE = 0.66


@dataclass(frozen=True)
class Pose:
    """How a head is held in one frame: rotation (row-major, head to world), pivot, sway, drop of the chin."""

    rotation: tuple[float, ...]
    pivot: tuple[float, float, float]
    sway: tuple[float, float]
    jaw: float
    mouth_y: float

    @property
    def jaw_slope(self) -> float:
        """Return one over the height over which the drop of the jaw sets in; negative, as it sets in downwards."""
        return 1.0 / (-0.17 - 1.55 * self.jaw)

    def direction(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Turn directions [n] of the world to the head."""
        r = [np.float32(value) for value in self.rotation]
        return (
            r[0] * x + r[3] * y + r[6] * z,
            r[1] * x + r[4] * y + r[7] * z,
            r[2] * x + r[5] * y + r[8] * z,
        )

    def to_head(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats, Floats]:
        """Take points of the world [n] to the resting bust; shoulders stay, the neck turns by and by."""
        px, py, pz = (np.float32(value) for value in self.pivot)
        x, y = x - np.float32(self.sway[0]), y - np.float32(self.sway[1])
        share = neck_share(y, z)
        qx, qy, qz = self.direction(x - px, y - py, z - pz)
        return x + (qx + px - x) * share, y + (qy + py - y) * share, z + (qz + pz - z) * share

    def of_world(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """Take one point of the world, sway already gone, to the head as if all of it were stiff."""
        r = self.rotation
        ax, ay, az = x - self.pivot[0], y - self.pivot[1], z - self.pivot[2]
        return (
            r[0] * ax + r[3] * ay + r[6] * az + self.pivot[0],
            r[1] * ax + r[4] * ay + r[7] * az + self.pivot[1],
            r[2] * ax + r[5] * ay + r[8] * az + self.pivot[2],
        )

    def close_jaw(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """Give the height that points [n] of the head had before the jaw went down."""
        if self.jaw == 0.0:
            return y
        closed: Floats = y + jaw_down(self.mouth_y, np.float32(self.jaw), np.float32(self.jaw_slope), x, y, z)
        return closed

    def to_world(self, x: float, y: float, z: float) -> tuple[float, float, float]:
        """Take one point of the face to the world; the face turns as a whole."""
        r = self.rotation
        ax, ay, az = x - self.pivot[0], y - self.pivot[1], z - self.pivot[2]
        return (
            r[0] * ax + r[1] * ay + r[2] * az + self.pivot[0] + self.sway[0],
            r[3] * ax + r[4] * ay + r[5] * az + self.pivot[1] + self.sway[1],
            r[6] * ax + r[7] * ay + r[8] * az + self.pivot[2],
        )


def neck_share(y: Floats, z: Floats) -> Floats:
    """Give how far points [n] of the world turn with the head, 0 … 1."""
    ahead = np.maximum(z - np.float32(0.05), np.float32(0))
    return smoothstep(NECK_LOW, NECK_HIGH, y + np.float32(0.55) * ahead)


def jaw_down(
    mouth_y: float, drop: Floats | np.float32, slope: Floats | np.float32, x: Floats, y: Floats, z: Floats
) -> Floats:
    """Give how far the jaw, whose chin goes down by `drop`, takes points [n] of the head down."""
    t = unit((y - np.float32(mouth_y + 0.07)) * slope)
    below = t * t * (np.float32(3) - (t + t))
    side = smoothstep(JAW_SIDE, 0.36, np.abs(x))
    ahead = smoothstep(-0.25, 0.30, z)
    keep = smoothstep(mouth_y - 1.15, mouth_y - 0.50, y)
    down: Floats = drop * below * side * ahead * keep
    return down


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

"""468 landmarks of a face with MediaPipe's face mesh.

Source: Y. Kartynnik et al., "Real-time facial surface geometry from monocular video on mobile GPUs", 2019;
the 192 px network of MediaPipe, which looks at a square 1.5 times the face with the eyes level.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.artefacts import Float32, Float64, UInt8
from uniavgen_bench.analysis.networks import LiteNetwork
from uniavgen_bench.analysis.shrink import halved
from uniavgen_bench.weights.models import Models

WEIGHT = "face-landmarks"
SIDE = 192
POINTS = 468
ROI_SCALE = 1.5
LEFT_EYE_CORNER, RIGHT_EYE_CORNER = 33, 263
"""Outer eye corners, on the left and on the right of a frontal picture."""


@dataclass(frozen=True)
class Roi:
    """A rotated square in px of the picture: centre, side, and angle in radians (positive turns x towards y)."""

    x: float
    y: float
    side: float
    angle: float

    def matrix(self, side: int = SIDE) -> Float64:
        """Return the affine map [2, 3] from px of the network's input to px of the picture.

        Both count from the upper left corner of the upper left pixel, whose middle is at 0.5, 0.5.
        """
        scale = self.side / side
        cos, sin = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        half = side / 2
        return np.array(
            [[cos, -sin, self.x - (cos - sin) * half], [sin, cos, self.y - (sin + cos) * half]],
            dtype=np.float64,
        )


@dataclass(frozen=True)
class Mesh:
    """`points` [468, 3] in px of the picture (z in the same scale), `presence` 0 … 1."""

    points: Float32
    presence: float


class FaceMesh:
    """The landmark network of one process."""

    def __init__(self, network: LiteNetwork) -> None:
        self.network = network

    def find(self, picture: UInt8, roi: Roi) -> Mesh:
        """Return the landmarks of the face inside a region of a picture [H, W, 3] RGB."""
        outputs = self.network(sample(picture, roi))
        by_size = {array.size: array.reshape(-1) for array in outputs.values()}
        logit = float(np.clip(by_size[1][0], -80.0, 80.0))
        return Mesh(
            to_picture(by_size[POINTS * 3].reshape(POINTS, 3), roi), float(1.0 / (1.0 + np.exp(-logit)))
        )


def load_face_mesh(models: Models) -> FaceMesh:
    """Return this process's landmark network; raises `MissingError(weights)`."""
    return models.get(
        "face-mesh", lambda: FaceMesh(LiteNetwork(models.weight(WEIGHT), threads=models.threads))
    )


def sample(picture: UInt8, roi: Roi) -> Float32:
    """Resample a region to the network's input [192, 192, 3] in 0 … 1; outside the picture is black.

    Large faces are first halved by averages: a bilinear look at every fourth px would flicker.
    """
    import cv2

    matrix = roi.matrix()
    reach = roi.side * 0.75
    x0, y0 = max(0, int(roi.x - reach)), max(0, int(roi.y - reach))
    part = picture[y0 : max(0, int(roi.y + reach) + 1), x0 : max(0, int(roi.x + reach) + 1)]
    if part.size == 0:
        return np.zeros((SIDE, SIDE, 3), np.float32)
    matrix[:, 2] -= x0, y0
    part, step = halved(part, roi.side / SIDE)
    matrix /= step
    # warpAffine counts from the middle of the upper left pixel.
    matrix[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(part, matrix, (SIDE, SIDE), flags=flags)
    result: Float32 = crop.astype(np.float32) * np.float32(1 / 255)
    return result


def to_picture(points: Float32, roi: Roi) -> Float32:
    """Map network coordinates [n, 3] to px of the picture; z is scaled alike and not rotated."""
    matrix = roi.matrix()
    flat = points[:, :2].astype(np.float64) @ matrix[:, :2].T + matrix[:, 2]
    depth = points[:, 2:].astype(np.float64) * (roi.side / SIDE)
    return np.concatenate([flat, depth], axis=1).astype(np.float32)


def roi_from_points(
    box: NDArray[np.floating], left_eye: NDArray[np.floating], right_eye: NDArray[np.floating]
) -> Roi:
    """Return the region for a box [4] and two eye points [2]: 1.5 times its longer side, eyes level."""
    x0, y0, x1, y1 = (float(v) for v in box)
    angle = float(np.arctan2(right_eye[1] - left_eye[1], right_eye[0] - left_eye[0]))
    return Roi((x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0) * ROI_SCALE, angle)


def roi_from_mesh(points: Float32) -> Roi:
    """Return the region for the next look at a face from its landmarks [468, 3], as MediaPipe tracks."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return roi_from_points(
        np.concatenate([low, high]), points[LEFT_EYE_CORNER, :2], points[RIGHT_EYE_CORNER, :2]
    )

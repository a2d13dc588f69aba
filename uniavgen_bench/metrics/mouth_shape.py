"""The shape of the mouth from 468 landmarks: head pose taken out, size in inter-ocular distances.

Indices are those of MediaPipe's face mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64

RATE = 50
"""Rate of mouth and sound features in Hz."""

EYE_CORNERS = (33, 263)
"""Outer corners; their distance is the unit of length."""

# fmt: off
UPPER_FACE = (
    33, 133, 263, 362, 168, 6, 197, 195, 5, 4, 10, 151, 9, 8, 67, 297, 109, 338, 103, 332, 54, 284, 21, 251,
    127, 356, 162, 389, 234, 454, 122, 351, 193, 417,
)
"""Points that speech does not move: eye corners, bridge of the nose, forehead, temples."""

LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
)
JAW = (152, 148, 377, 176, 400, 149, 378, 199, 200, 18, 83, 313)
CHEEKS = (205, 425, 187, 411, 207, 427, 212, 432, 216, 436, 192, 416, 214, 434)
# fmt: on

UPPER_LIP_INNER, LOWER_LIP_INNER, CORNER_LEFT, CORNER_RIGHT = 13, 14, 78, 308

MAX_GAP = 0.2
"""Seconds between two frames of a track over which shapes are interpolated."""


@dataclass(frozen=True)
class MouthShape:
    """Pose-free shape on a uniform clock.

    `start` s of the clip's clock; `points` [T, P, 3] at 50 Hz in inter-ocular distances; `valid` [T] is False in
    gaps of the track. `opening` [T]: distance of the inner lips. `width` [T]: distance of the inner corners.
    """

    start: float
    points: Float32
    valid: np.ndarray
    opening: Float32
    width: Float32


def align(landmarks: Float32, template: Float64) -> Float32:
    """Rotate, scale and shift faces `[n, 468, 3]` so that their upper face lies on `template` `[U, 3]`.

    Least squares over similarity transforms (Umeyama 1991), a proper rotation per frame.
    """
    faces = landmarks.astype(np.float64)
    upper = faces[:, list(UPPER_FACE)]
    centre, target_centre = upper.mean(axis=1, keepdims=True), template.mean(axis=0)
    source, target = upper - centre, template - target_centre
    u, s, vt = np.linalg.svd(np.einsum("nui,uj->nij", source, target))
    sign = np.sign(np.linalg.det(u @ vt))
    u[:, :, 2] *= sign[:, None]
    s[:, 2] *= sign
    rotation = u @ vt
    scale = s.sum(axis=1) / np.maximum((source**2).sum(axis=(1, 2)), 1e-12)
    moved = np.einsum("npi,nij->npj", faces - centre, rotation) * scale[:, None, None]
    placed: Float32 = (moved + target_centre).astype(np.float32)
    return placed


def mouth_shape(times: Float64, landmarks: Float32, template: Float64, points: tuple[int, ...]) -> MouthShape:
    """Bring a track's landmarks `[n, 468, 3]` at `times` [n] s into the template's frame, at 50 Hz."""
    aligned = align(landmarks, template)
    start = float(np.ceil(times[0] * RATE - 1e-6) / RATE)
    count = max(int(np.floor((times[-1] - start) * RATE + 1e-6)) + 1, 1)
    clock = start + np.arange(count) / RATE
    right = np.clip(np.searchsorted(times, clock), 1, max(len(times) - 1, 1))
    right = np.minimum(right, len(times) - 1)
    left = np.maximum(right - 1, 0)
    gap = times[right] - times[left]
    weight = np.clip(np.divide(clock - times[left], gap, out=np.zeros(count), where=gap > 0), 0, 1)[
        :, None, None
    ]

    def at_clock(values: Float32) -> Float32:
        mixed: Float32 = (values[left] * (1 - weight) + values[right] * weight).astype(np.float32)
        return mixed

    shown = at_clock(aligned[:, list(points)])
    gauge = at_clock(aligned[:, [UPPER_LIP_INNER, LOWER_LIP_INNER, CORNER_LEFT, CORNER_RIGHT]])
    return MouthShape(
        start=start,
        points=shown,
        valid=gap <= MAX_GAP,
        opening=np.linalg.norm(gauge[:, 0] - gauge[:, 1], axis=1).astype(np.float32),
        width=np.linalg.norm(gauge[:, 2] - gauge[:, 3], axis=1).astype(np.float32),
    )


def mean_upper_face(faces: Float32, rounds: int = 10) -> Float64:
    """Return the mean upper face `[U, 3]` of faces `[n, 468, 3]`: frontal, unit inter-ocular distance.

    Generalised Procrustes analysis that starts from the face with the least depth between its eye corners.
    """
    upper = faces[:, list(UPPER_FACE)].astype(np.float64)
    left, right = (UPPER_FACE.index(i) for i in EYE_CORNERS)
    turned = np.abs(upper[:, right, 2] - upper[:, left, 2]) / np.linalg.norm(
        upper[:, right] - upper[:, left], axis=1
    )
    template = upper[int(turned.argmin())]
    for _ in range(rounds):
        template = _unit(template, left, right)
        template = align(faces, template)[:, list(UPPER_FACE)].astype(np.float64).mean(axis=0)
    return _unit(template, left, right)


def _unit(points: Float64, left: int, right: int) -> Float64:
    centred = points - points.mean(axis=0)
    scaled: Float64 = centred / np.linalg.norm(centred[right] - centred[left])
    return scaled

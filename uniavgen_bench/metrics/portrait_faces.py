"""A face as the portrait metrics compare it: its expression by landmarks, its looks by an aligned patch of colours.

Both are taken from the longest track of a clip and from the reference image, which shows the same person calm.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Crops, Float32, Float64, Track, UInt8
from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import load_face_mesh, roi_from_mesh, roi_from_points
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.metrics.mouth_shape import EYE_CORNERS, UPPER_FACE, align
from uniavgen_bench.weights.models import Models

# fmt: off
EXPRESSION = (
    70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 336, 296, 334, 293, 300, 285, 295, 282, 283, 276,
    33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7,
    263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249,
    61, 291, 0, 17, 13, 14, 78, 308, 37, 267, 84, 314, 40, 270, 39, 269, 91, 321, 181, 405,
    50, 280, 205, 425, 187, 411, 207, 427,
)
"""Brows, eyes, mouth and cheeks in MediaPipe's face mesh."""
# fmt: on
MIN_FRAMES = 8
"""Frames in which a face must be seen."""
MIN_PRESENCE = 0.5
EVERY = 3
"""Looks change little from frame to frame: every third one is averaged."""
SIDE = 64
EYES_APART = SIDE / 2.4
EYES_HEIGHT = 0.36 * SIDE
"""The patch is 2.4 distances between the outer corners of the eyes wide, and the eyes lie at 36 % of its height."""
OVAL = (32.0, 30.0, 19.0, 25.0)
"""Centre and half axes in px of what is looked at: hair, background and clothes lie outside."""
STRIDE = 4
"""Every fourth px of the blurred oval."""


@dataclass(frozen=True)
class ReferenceFace:
    """The picture [H, W, 3] RGB of a reference image, and the landmarks [468, 3] of its face."""

    picture: UInt8
    points: Float32


def reference_face(path: Path | None, models: Models) -> ReferenceFace:
    """Find the face of a reference image; found once per process and content.

    Raises:
        MissingError: `no_reference` when there is no image, it cannot be read, or it shows no face; `weights`.
    """
    if path is None or not path.is_file():
        raise MissingError(Reason.NO_REFERENCE, "the sample has no reference image")
    return models.get(f"reference-face {sha256_file(path)}", lambda: _find(path, models))


def _find(path: Path, models: Models) -> ReferenceFace:
    import cv2

    read = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if read is None:
        raise MissingError(Reason.NO_REFERENCE, f"{path.name} is no picture")
    picture = np.ascontiguousarray(read[..., ::-1]).astype(np.uint8, copy=False)
    faces = load_face_detector(models).detect(picture)
    if not faces:
        raise MissingError(Reason.NO_REFERENCE, "no face was found in the reference image")
    mesh = load_face_mesh(models)
    first = mesh.find(picture, roi_from_points(faces[0].box, faces[0].points[0], faces[0].points[1]))
    second = mesh.find(picture, roi_from_mesh(first.points))
    best = max(first, second, key=lambda found: found.presence)
    if best.presence < MIN_PRESENCE:
        raise MissingError(Reason.NO_REFERENCE, "the face of the reference image has no clear landmarks")
    return ReferenceFace(picture, best.points)


def long_enough(track: Track) -> Track:
    """Return a track of at least 8 frames; raises `MissingError(too_short)`."""
    if len(track.frames) < MIN_FRAMES:
        raise MissingError(
            Reason.TOO_SHORT, f"the face is seen in {len(track.frames)} frames, {MIN_FRAMES} needed"
        )
    return track


def expression(landmarks: Float32, reference: Float32, template: Float64) -> Float64:
    """Return how brows, eyes, mouth and cheeks lie against the reference's, [3P] in distances between the eyes.

    `landmarks` [n, 468, 3] and `reference` [468, 3] are brought onto the frontal `template` [U, 3]; the median over
    the frames stands for the clip, so that blinks and sounds do not count.
    """
    shown = np.median(align(landmarks, template)[:, list(EXPRESSION)], axis=0)
    calm = align(reference[None], template)[0, list(EXPRESSION)]
    difference: Float64 = (shown - calm).astype(np.float64).ravel()
    return difference


def clip_looks(track: Track, crops: Crops, template: Float64) -> Float64:
    """Return the looks [D] of the longest track's face, averaged over its frames; `crops` are those of all tracks."""
    import cv2

    patches = []
    for i in range(0, len(track.frames), EVERY):
        jpeg = np.frombuffer(crops.jpegs[0][i], np.uint8)
        picture = np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))[..., ::-1]
        x, y, side = (float(v) for v in crops.regions[0][i])
        points = (track.landmarks[i, :, :2] - np.array([x - side / 2, y - side / 2])) * (crops.side / side)
        patches.append(patch(np.ascontiguousarray(picture), points, template).astype(np.float32))
    return oval(np.mean(patches, axis=0, dtype=np.float32))


def reference_looks(reference: ReferenceFace, template: Float64) -> Float64:
    """Return the looks [D] of a reference image's face."""
    return oval(patch(reference.picture, reference.points[:, :2], template).astype(np.float32))


def patch(picture: UInt8, points: Float32 | Float64, template: Float64) -> UInt8:
    """Turn, scale and shift a picture so that the upper face of `points` [468, 2] lies on the template: [64, 64, 3]."""
    import cv2

    flat = template[:, :2]
    eyes = flat[[UPPER_FACE.index(corner) for corner in EYE_CORNERS]].mean(axis=0)
    target = (flat - eyes) * EYES_APART + np.array([SIDE / 2, EYES_HEIGHT])
    source = points[list(UPPER_FACE), :2].astype(np.float64)
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    # Least squares over turns, one scale and shifts in the plane.
    along, across = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    turn = np.array([[along, -across], [across, along]]) / max(float((a * a).sum()), 1e-9)
    matrix = np.column_stack([turn, target.mean(axis=0) - turn @ source.mean(axis=0)])
    moved = cv2.warpAffine(
        picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def oval(face: Float32) -> Float64:
    """Return the colours [D] of the blurred oval of a patch [64, 64, 3], about 0 … 4."""
    import cv2

    blurred = cv2.GaussianBlur(face, (0, 0), 1.0)
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    inside = ((x - OVAL[0]) / OVAL[2]) ** 2 + ((y - OVAL[1]) / OVAL[3]) ** 2 < 1
    colours: Float64 = np.asarray(blurred)[inside][::STRIDE].astype(np.float64).ravel() / 64.0
    return colours

"""Face detection with BlazeFace, full range: boxes, six key points, scores.

Source: V. Bazarevsky et al., "BlazeFace: Sub-millisecond neural face detection on mobile GPUs", 2019; the
full-range network of MediaPipe (192 px, one anchor per cell of a 48 x 48 grid).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.artefacts import Float32, UInt8
from uniavgen_bench.analysis.networks import LiteNetwork
from uniavgen_bench.analysis.shrink import shrunk
from uniavgen_bench.weights.models import Models

WEIGHT = "face-detector-full"
SIDE = 192
STRIDE = 4
MIN_SCORE = 0.5
NMS_IOU = 0.3
LOGIT_LIMIT = 80.0
"""Logits are clipped here, so that their exponential stays finite."""


@dataclass(frozen=True)
class Detection:
    """One face: `box` [4] x0, y0, x1, y1 and `points` [6, 2] in px of the picture, `score` 0 … 1.

    Points: the eye on the picture's left, the eye on its right, nose tip, mouth, ear on the left, ear on the right.
    """

    box: Float32
    points: Float32
    score: float


@dataclass(frozen=True)
class Window:
    """A square of the picture that the network looks at: corner and side in px; parts outside are black."""

    x: float
    y: float
    side: float


class FaceDetector:
    """The detector of one process."""

    def __init__(self, network: LiteNetwork) -> None:
        self.network = network

    def detect(self, picture: UInt8, *, min_score: float = MIN_SCORE) -> list[Detection]:
        """Return the faces of a picture [H, W, 3] RGB, best score first.

        Where the whole picture shows no clear one, overlapping quarters are looked at: faces below 6 % of the
        longer side are too small for the network otherwise.
        """
        height, width = picture.shape[:2]
        found = self._look(picture, whole(width, height), min_score)
        if not found:
            found = [
                face for part in quarters(width, height) for face in self._look(picture, part, min_score)
            ]
        return weighted_nms(found)

    def _look(self, picture: UInt8, window: Window, min_score: float) -> list[Detection]:
        outputs = self.network(letterbox(picture, window))
        by_width = {array.shape[-1]: array[0] for array in outputs.values()}
        return decode(by_width[16], by_width[1][:, 0], window, min_score)


def load_face_detector(models: Models) -> FaceDetector:
    """Return this process's detector; raises `MissingError(weights)`."""
    return models.get(
        "face-detector", lambda: FaceDetector(LiteNetwork(models.weight(WEIGHT), threads=models.threads))
    )


def whole(width: int, height: int) -> Window:
    """Return the square around a picture, which lies in its middle."""
    side = float(max(width, height))
    return Window((width - side) / 2, (height - side) / 2, side)


def quarters(width: int, height: int) -> list[Window]:
    """Return squares of half the longer side that overlap by half; none where they would show no more detail."""
    side = max(width, height) / 2
    if side < SIDE:
        return []
    return [Window(x, y, side) for y in _corners(height, side) for x in _corners(width, side)]


def _corners(length: int, side: float) -> list[float]:
    """Return where windows along an axis begin so that they cover it with at least half a window of overlap."""
    if length <= side:
        return [(length - side) / 2]
    steps = int(np.ceil((length - side) / (side / 2)))
    return [i * (length - side) / steps for i in range(steps + 1)]


def letterbox(picture: UInt8, window: Window) -> Float32:
    """Resample a window of a picture to the network's input [192, 192, 3] in -1 … 1."""
    height, width = picture.shape[:2]
    x0, y0 = max(0, round(window.x)), max(0, round(window.y))
    x1, y1 = min(width, round(window.x + window.side)), min(height, round(window.y + window.side))
    scale = SIDE / window.side
    size = (max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale)))
    small = shrunk(picture[y0:y1, x0:x1], size)
    left = min(max(0, round((x0 - window.x) * scale)), SIDE - size[0])
    top = min(max(0, round((y0 - window.y) * scale)), SIDE - size[1])
    tensor = np.full((SIDE, SIDE, 3), -1.0, np.float32)
    tensor[top : top + size[1], left : left + size[0]] = small.astype(np.float32) / 127.5 - 1.0
    return tensor


def anchors(side: int = SIDE, stride: int = STRIDE) -> Float32:
    """Return the anchor centres [n, 2] in 0 … 1, row by row: the middle of every cell."""
    cells = side // stride
    axis = (np.arange(cells, dtype=np.float32) + np.float32(0.5)) / np.float32(cells)
    y, x = np.meshgrid(axis, axis, indexing="ij")
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def decode(raw: Float32, logits: Float32, window: Window, min_score: float = MIN_SCORE) -> list[Detection]:
    """Turn the network's numbers `raw` [n, 16] and `logits` [n] into faces in px of the picture."""
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -LOGIT_LIMIT, LOGIT_LIMIT)))
    kept = np.flatnonzero(scores >= min_score)
    if not len(kept):
        return []
    values = raw[kept].reshape(-1, 8, 2) / np.float32(SIDE)
    centres = anchors()[kept]
    corner, half = np.array([window.x, window.y]), values[:, 1] / 2
    middle = values[:, 0] + centres
    boxes = np.concatenate([middle - half, middle + half], axis=1) * window.side + np.tile(corner, 2)
    points = (values[:, 2:] + centres[:, None]) * window.side + corner
    return [
        Detection(box.astype(np.float32), point.astype(np.float32), float(score))
        for box, point, score in zip(boxes, points, scores[kept], strict=True)
    ]


def iou(box: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the intersection over union of a box [4] with boxes [n, 4]; 0 where both are empty."""
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    area = np.prod(np.maximum(box[2:] - box[:2], 0.0))
    areas = np.prod(np.maximum(others[:, 2:] - others[:, :2], 0.0), axis=1)
    union = area + areas - shared
    result: NDArray[np.floating] = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result


def weighted_nms(found: Sequence[Detection], min_iou: float = NMS_IOU) -> list[Detection]:
    """Merge overlapping detections into their mean, weighted by score; the best score stays.

    Source: the blending of BlazeFace, section "Post-processing": it halves the jitter of plain suppression.
    """
    rest = sorted(found, key=lambda face: (-face.score, *face.box.tolist()))
    merged: list[Detection] = []
    while rest:
        overlaps = iou(rest[0].box, np.stack([face.box for face in rest])) > min_iou
        overlaps[0] = True
        group = [face for face, near in zip(rest, overlaps, strict=True) if near]
        weights = np.array([face.score for face in group])
        weights /= weights.sum()
        box = np.tensordot(weights, np.stack([face.box for face in group]), axes=1).astype(np.float32)
        points = np.tensordot(weights, np.stack([face.points for face in group]), axes=1).astype(np.float32)
        merged.append(Detection(box, points, group[0].score))
        rest = [face for face, near in zip(rest, overlaps, strict=True) if not near]
    return merged

"""The picture of a face that emotion networks look at: upright, square, cut by landmarks from the stored crops."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Float64, UInt8
from uniavgen_bench.metrics.timbre_face_voice_faces import crop_picture

OUTER_EYES = (33, 263)
OVERSAMPLED = 4
LOOKS_PER_SECOND = 8.0
"""Expressions change slowly: faces are looked at about so often."""


def upright_chip(picture: UInt8, points: Float32 | Float64, side: int, scale: float) -> UInt8:
    """Turn a face so that its eyes lie level and cut the square around it: [side, side, 3].

    `points` [468, 2]: its landmarks in px of `picture` [H, W, 3]. The square has `scale` times the longer side of
    the box around the turned landmarks, and that box's middle.
    """
    import cv2

    left, right = points[OUTER_EYES[0]], points[OUTER_EYES[1]]
    angle = float(np.arctan2(right[1] - left[1], right[0] - left[0]))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned = points.astype(np.float64) @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    large = side * OVERSAMPLED
    zoom = large / max(float((high - low).max()) * scale, 1e-6)
    matrix = np.column_stack([turn * zoom, large / 2 - zoom * (low + high) / 2])
    # Averages over areas: a face is mostly larger than the chip, and single px of it would alias.
    moved = cv2.warpAffine(
        picture, matrix, (large, large), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def looked_at(times: Float64) -> list[int]:
    """Return which frames of a track with these `times` [n] s are looked at: about eight per second, evenly."""
    wanted = np.arange(times[0], times[-1] + 1e-9, 1.0 / LOOKS_PER_SECOND)
    nearest = np.abs(times[None] - wanted[:, None]).argmin(axis=1)
    return [int(i) for i in np.unique(nearest)]


def face_chips(clip: ClipArtefacts, side: int, scale: float) -> tuple[Float64, list[UInt8]]:
    """Return times [m] s and chips [side, side, 3] RGB of the speaker's face, about eight per second.

    Raises:
        MissingError: `no_face`, `several_speakers`.
    """
    number = clip.speaker.track
    track = clip.faces.tracks[number]
    times = clip.frames.times[track.frames]
    chips = []
    chosen = looked_at(times)
    for i in chosen:
        picture, shift, zoom = crop_picture(clip.crops, number, i)
        chips.append(upright_chip(picture, (track.landmarks[i, :, :2] - shift) * zoom, side, scale))
    return np.asarray(times[chosen], np.float64), chips

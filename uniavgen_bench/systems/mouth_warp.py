"""A picture of a face made to talk: its lower face is warped so that the mouth opens by a given amount.

Classical image warping, no network beyond the landmarks: the lower lip and jaw move down, the upper lip a little up,
and what opens between them is painted as the dark of a mouth. Head, eyes and everything else stand still.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import load_face_mesh, roi_from_mesh, roi_from_points
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.weights.models import Models

EYES = (33, 133, 263, 362)
"""Corners of the eyes in MediaPipe's face mesh."""
INNER_TOP, INNER_LOW, CORNER_LEFT, CORNER_RIGHT, CHIN, NOSE = 13, 14, 78, 308, 152, 2
MIN_PRESENCE = 0.5
UPPER_SHARE = 0.22
"""Share of the opening by which the upper lip rises."""
REACH = 1.25
"""The jaw moves down to this multiple of the distance from mouth to chin, less and less."""
CAVITY = (58.0, 22.0, 24.0)
"""Colour of the open mouth, RGB."""
WIDER = 1.12
"""The moving part is so much wider than the lips' inner line."""

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class MouthPlace:
    """Where the mouth of a picture is, in px.

    `centre` [2]; `across`, `down` [2]: unit vectors along the mouth and towards the chin; `half`: half the width;
    `chin`, `nose`: distances from the mouth; `eyes`: distance between the eyes, the unit of opening.
    """

    centre: Float32
    across: Float32
    down: Float32
    half: float
    chin: float
    nose: float
    eyes: float


def find_mouth(picture: UInt8, models: Models) -> MouthPlace:
    """Find the mouth of a portrait [H, W, 3] RGB.

    Raises:
        MissingError: `no_face` in the picture, or `weights` are not here.
    """
    faces = load_face_detector(models).detect(picture)
    if not faces:
        raise MissingError(Reason.NO_FACE, "no face was found in the reference image")
    mesh = load_face_mesh(models)
    first = mesh.find(picture, roi_from_points(faces[0].box, faces[0].points[0], faces[0].points[1]))
    second = mesh.find(picture, roi_from_mesh(first.points))
    best = max(first, second, key=lambda found: found.presence)
    if best.presence < MIN_PRESENCE:
        raise MissingError(Reason.NO_FACE, "the face of the reference image has no clear landmarks")
    return place_of(best.points)


def place_of(points: Float32) -> MouthPlace:
    """Return the mouth of landmarks [468, 3]."""
    flat = points[:, :2].astype(np.float32)
    left, right = flat[list(EYES[:2])].mean(axis=0), flat[list(EYES[2:])].mean(axis=0)
    eyes = float(np.linalg.norm(right - left))
    across = (right - left) / np.float32(max(eyes, 1e-6))
    down = np.array([-across[1], across[0]], np.float32)
    centre = (flat[INNER_TOP] + flat[INNER_LOW] + flat[CORNER_LEFT] + flat[CORNER_RIGHT]) / np.float32(4)
    return MouthPlace(
        centre=centre,
        across=across,
        down=down,
        half=WIDER * float(np.linalg.norm(flat[CORNER_RIGHT] - flat[CORNER_LEFT])) / 2,
        chin=max(float((flat[CHIN] - centre) @ down), 1.0),
        nose=max(float((centre - flat[NOSE]) @ down), 1.0),
        eyes=eyes,
    )


class MouthWarp:
    """Draws one portrait with its mouth open by any amount."""

    def __init__(self, picture: UInt8, place: MouthPlace) -> None:
        self._picture, self._place = picture, place
        height, width = picture.shape[:2]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        off_x, off_y = x - place.centre[0], y - place.centre[1]
        self._x, self._y = x, y
        along = (off_x * place.across[0] + off_y * place.across[1]) / np.float32(place.half)
        self._below = off_x * place.down[0] + off_y * place.down[1]
        self._bow = np.sqrt(np.maximum(np.float32(1) - along * along, np.float32(0)))

    def draw(self, opening: float) -> UInt8:
        """Return the picture [H, W, 3] with the inner lips `opening` apart, in distances between the eyes.

        At most half the distance from mouth to chin is opened; 0 gives the picture itself.
        """
        import cv2

        place = self._place
        gap = np.float32(min(max(opening, 0.0) * place.eyes, 0.5 * place.chin))
        if gap <= 0:
            return self._picture.copy()
        low, up = gap * np.float32(1 - UPPER_SHARE) * self._bow, gap * np.float32(UPPER_SHARE) * self._bow
        below = self._moved(self._below, low, REACH * place.chin)
        above = -self._moved(-self._below, np.minimum(up, np.float32(0.4 * place.nose)), place.nose)
        source = np.where(self._below >= 0, below, above)
        shift = source - self._below
        warped = cv2.remap(
            self._picture,
            self._x + shift * place.down[0],
            self._y + shift * place.down[1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        inside = np.minimum(low - self._below, up + self._below) + np.float32(0.5)
        share = np.clip(inside, 0, 1) * (self._bow > 0) * np.minimum((low + up) * np.float32(1.5), 1)
        colour = np.array(CAVITY, np.float32)
        mixed = warped.astype(np.float32) * (1 - share[..., None]) + colour * share[..., None]
        drawn: UInt8 = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        return drawn

    @staticmethod
    def _moved(at: Float32, by: Float32, reach: float) -> Float32:
        """Return where points at distance `at` >= 0 from the lips' line came from; beyond `reach` nothing moves."""
        inner = (at - by) / (np.float32(1) - by / np.float32(reach))
        return np.where(at >= np.float32(reach), at, np.maximum(inner, np.float32(0))).astype(np.float32)

    def film(self, openings: NDArray[np.floating]) -> Iterator[UInt8]:
        """Yield a picture for every opening [T]."""
        for opening in openings:
            yield self.draw(float(opening))

"""Crops and thumbnails: what is cut, where, and how it is filled."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.crops import CROP_SIDE, FILL, crop, crop_region, jpeg, thumbnail
from uniavgen_bench.analysis.landmarks import ROI_SCALE, Roi
from uniavgen_bench.analysis.video_pass import Picture, ThumbnailAlbum

whole = st.integers(-400, 900)


def ramp(height: int = 300, width: int = 500) -> np.ndarray:
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)


@given(whole, whole, st.integers(8, 700))
def test_a_crop_has_its_size_wherever_it_lies(left: int, top: int, side: int) -> None:
    assert crop(ramp(), left, top, side).shape == (CROP_SIDE, CROP_SIDE, 3)


def test_a_crop_inside_shows_exactly_these_pixels() -> None:
    picture = ramp()
    np.testing.assert_array_equal(crop(picture, 40, 20, CROP_SIDE), picture[20:276, 40:296])


@pytest.mark.parametrize(("left", "top"), [(-100, -50), (400, 200), (5000, 0), (0, -900)])
def test_outside_the_picture_a_crop_is_grey_110(left: int, top: int) -> None:
    white = np.full((300, 500, 3), 255, np.uint8)
    seen = crop(white, left, top, CROP_SIDE)
    y, x = np.mgrid[0:CROP_SIDE, 0:CROP_SIDE]
    inside = (x + left >= 0) & (x + left < 500) & (y + top >= 0) & (y + top < 300)
    assert np.all(seen[inside] == 255)
    assert np.all(seen[~inside] == FILL)


@pytest.mark.parametrize("side", [64, 200, 256, 400, 811])
def test_a_place_of_the_crop_is_that_place_of_the_picture(side: int) -> None:
    y, x = np.mgrid[0:1000, 0:1000] + 0.5
    place = np.array([120 + 0.6 * side, 90 + 0.3 * side])
    blob = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * (side / 20) ** 2))
    seen = crop(np.repeat((blob * 255).astype(np.uint8)[..., None], 3, axis=2), 120, 90, side)[..., 0].astype(
        float
    )
    v, u = np.mgrid[0:CROP_SIDE, 0:CROP_SIDE] + 0.5
    weight = seen**2 / (seen**2).sum()
    assert float((weight * u).sum()) == pytest.approx(0.6 * CROP_SIDE, abs=0.3)
    assert float((weight * v).sum()) == pytest.approx(0.3 * CROP_SIDE, abs=0.3)


@given(st.floats(0, 2000), st.floats(0, 2000), st.floats(30, 600))
def test_a_crop_holds_what_protocols_cut_around_a_face(x: float, y: float, face: float) -> None:
    """SyncNet's crop: 1.4 half sides to left and right, 1 above and 1.8 below the middle of a square face box."""
    left, top, side = crop_region(Roi(x, y, face * ROI_SCALE, 0.2))
    half = face / 2 * 1.05
    assert left <= x - 1.4 * half and x + 1.4 * half <= left + side
    assert top <= y - half and y + 1.8 * half <= top + side


def test_a_jpeg_of_quality_95_keeps_the_picture() -> None:
    picture = cv2.GaussianBlur(ramp(), (0, 0), 6)
    back = cv2.imdecode(np.frombuffer(jpeg(picture), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert float(np.abs(back.astype(int) - picture).mean()) < 2.0


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(736, 1280, (256, 445)), (1920, 1080, (455, 256)), (288, 360, (256, 320)), (120, 90, (120, 90))],
)
def test_thumbnails_have_a_short_side_of_256_or_less(
    height: int, width: int, expected: tuple[int, int]
) -> None:
    assert thumbnail(np.zeros((height, width, 3), np.uint8)).shape[:2] == expected


@pytest.mark.parametrize("fps", [5.0, 8.0, 16.0, 23.976, 25.0, 30.0, 60.0])
def test_thumbnails_come_eight_times_a_second_at_any_frame_rate(fps: float) -> None:
    album = ThumbnailAlbum()
    count = round(4 * fps)
    for i in range(count):
        album.take(Picture(i, 0.021 + i / fps, np.zeros((20, 30, 3), np.uint8)))
    thumbnails = album.all()
    assert len(thumbnails.jpegs) == len(thumbnails.frames) == len(thumbnails.times) == min(count, 32)
    assert thumbnails.frames[0] == 0
    np.testing.assert_allclose(thumbnails.times, 0.021 + thumbnails.frames / fps)
    late = thumbnails.times - 0.021 - np.arange(len(thumbnails.times)) / min(8.0, fps)
    assert np.all((late > -1e-6) & (late < 1 / fps + 1e-6))

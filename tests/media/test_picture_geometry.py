"""Pictures come out upright, with square pixels, and only when somebody looks."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clip_factory import flash_and_beep, turned

from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.probe import probe

WHITE, RED, BLACK = (255, 255, 255), (199, 0, 0), (0, 0, 0)


def corners(image: np.ndarray) -> list[tuple[int, ...]]:
    """Clockwise from the top left."""
    return [
        tuple(int(round(v / 3) * 3) for v in image[y, x]) for y, x in ((8, 8), (8, -9), (-9, -9), (-9, 8))
    ]


@pytest.mark.parametrize(
    ("degrees", "expected"),
    [
        (0, [WHITE, BLACK, BLACK, RED]),
        (-90, [RED, WHITE, BLACK, BLACK]),
        (180, [BLACK, RED, WHITE, BLACK]),
        (90, [BLACK, BLACK, RED, WHITE]),
    ],
)
def test_phone_video_is_turned_upright(tmp_path: Path, degrees: int, expected: list[tuple[int, ...]]) -> None:
    path = turned(tmp_path, degrees)
    image = next(iter(video_frames(path))).image
    found = corners(image)
    assert [np.abs(np.subtract(a, b)).max() <= 6 for a, b in zip(found, expected, strict=True)] == [
        True
    ] * 4, found
    facts = probe(path)
    assert (facts.height, facts.width) == image.shape[:2]


def test_mirrored_video_is_mirrored(tmp_path: Path) -> None:
    plain = next(iter(video_frames(turned(tmp_path, 0)))).image
    mirrored = next(iter(video_frames(turned(tmp_path, "mirror")))).image
    assert np.abs(mirrored[:, ::-1].astype(int) - plain).mean() < 3


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    path = flash_and_beep(tmp_path, "mp4-aac", sample_aspect_ratio=Fraction(3, 2)).path
    frame = next(iter(video_frames(path)))
    assert (frame.width, frame.height) == (192, 96)
    assert frame.image.shape == (96, 192, 3)
    facts = probe(path)
    assert (facts.width, facts.height) == (192, 96)


def test_a_scaled_picture_is_the_picture_but_smaller(tmp_path: Path) -> None:
    frame = next(iter(video_frames(turned(tmp_path, -90))))
    small = frame.scaled(24, 32)
    assert small.shape == (32, 24, 3) and small.flags.c_contiguous
    averaged = frame.image.reshape(32, 4, 24, 4, 3).mean(axis=(1, 3))
    assert np.abs(small - averaged).mean() < 4


def test_white_is_white_and_dark_is_dark(tmp_path: Path) -> None:
    clip = flash_and_beep(tmp_path, "mp4-aac")
    levels = {round(float(f.image.mean())) for f in video_frames(clip.path)}
    assert max(levels) >= 253 and min(levels) <= 26

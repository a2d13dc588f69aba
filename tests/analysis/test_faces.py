"""The face detector: anchors, decoding, suppression, and real pictures."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.face_detector import (
    SIDE,
    Detection,
    Window,
    anchors,
    decode,
    iou,
    letterbox,
    load_face_detector,
    quarters,
    weighted_nms,
    whole,
)
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

corner = st.floats(-50, 500, width=32)
length = st.floats(1, 400, width=32)
boxes = st.tuples(corner, corner, length, length).map(
    lambda b: np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]], np.float32)
)


def face(box: tuple[float, float, float, float], score: float) -> Detection:
    x0, y0, x1, y1 = box
    points = np.array([[x0 + (x1 - x0) * u, (y0 + y1) / 2] for u in (0.3, 0.7, 0.5, 0.5, 0.1, 0.9)])
    return Detection(np.array(box, np.float32), points.astype(np.float32), score)


def test_the_full_range_network_has_one_anchor_in_the_middle_of_each_of_48_by_48_cells() -> None:
    grid = anchors()
    assert grid.shape == (48 * 48, 2)
    assert grid[0].tolist() == pytest.approx([0.5 / 48, 0.5 / 48])
    assert grid[1, 0] > grid[0, 0] and grid[1, 1] == grid[0, 1]
    assert grid.mean(axis=0).tolist() == pytest.approx([0.5, 0.5])


def test_decoding_puts_a_face_where_its_anchor_is_and_scales_it_to_the_picture() -> None:
    window = Window(-100.0, 0.0, 384.0)
    raw, logits = np.zeros((48 * 48, 16), np.float32), np.full(48 * 48, -90.0, np.float32)
    cell = 24 * 48 + 12
    logits[cell] = 3.0
    raw[cell, 2:4] = 96.0
    raw[cell, 4:6] = (-24.0, -10.0)
    found = decode(raw, logits, window)
    assert len(found) == 1
    centre = np.array([12.5 / 48 * 384 - 100, 24.5 / 48 * 384])
    assert found[0].box.tolist() == pytest.approx([*(centre - 96), *(centre + 96)], abs=1e-3)
    assert found[0].points[0].tolist() == pytest.approx([centre[0] - 48, centre[1] - 20], abs=1e-3)
    assert found[0].score == pytest.approx(1 / (1 + np.exp(-3.0)))


def test_decoding_finds_nothing_below_the_least_score() -> None:
    assert decode(np.zeros((2304, 16), np.float32), np.full(2304, -0.1, np.float32), Window(0, 0, 100)) == []


@given(boxes, boxes)
def test_overlap_is_symmetric_between_0_and_1_and_1_with_itself(a: np.ndarray, b: np.ndarray) -> None:
    forth, back = float(iou(a, b[None])[0]), float(iou(b, a[None])[0])
    assert forth == pytest.approx(back, abs=1e-5)
    assert 0.0 <= forth <= 1.0 + 1e-5
    assert float(iou(a, a[None])[0]) == pytest.approx(1.0)


def test_an_empty_box_overlaps_nothing() -> None:
    empty = np.array([5, 5, 5, 5], np.float32)
    assert iou(empty, np.stack([empty, [0, 0, 9, 9]])).tolist() == [0.0, 0.0]


def test_overlapping_detections_are_averaged_by_their_scores_and_the_best_score_stays() -> None:
    merged = weighted_nms(
        [face((0, 0, 100, 100), 0.6), face((10, 0, 110, 100), 0.9), face((300, 0, 400, 100), 0.7)]
    )
    assert [d.score for d in merged] == [0.9, 0.7]
    assert merged[0].box.tolist() == pytest.approx([6, 0, 106, 100], abs=1e-4)
    assert merged[1].box.tolist() == [300, 0, 400, 100]


@given(st.lists(st.tuples(boxes, st.floats(0.3, 1.0)), max_size=12))
def test_after_suppression_the_order_of_detections_does_not_matter(
    found: list[tuple[np.ndarray, float]],
) -> None:
    faces = [Detection(box, np.zeros((6, 2), np.float32), score) for box, score in found]
    there, back = weighted_nms(faces), weighted_nms(faces[::-1])
    assert [d.score for d in there] == [d.score for d in back]
    for a, b in zip(there, back, strict=True):
        np.testing.assert_allclose(a.box, b.box, rtol=1e-4, atol=1e-3)
    assert len(there) <= len(faces)


@pytest.mark.parametrize(("width", "height"), [(1280, 736), (736, 1280), (1952, 1056), (384, 17), (700, 700)])
def test_quarters_cover_the_picture_and_hold_every_small_face_whole(width: int, height: int) -> None:
    windows = quarters(width, height)
    assert 1 <= len(windows) <= 9
    face = max(width, height) * 0.1
    for x in np.linspace(0, width - face, 23):
        for y in np.linspace(0, max(0.0, height - face), 23):
            assert any(
                w.x <= x + 1e-6 and w.y <= y + 1e-6 and x + face <= w.x + w.side + 1e-6
                and min(y + face, height) <= w.y + w.side + 1e-6
                for w in windows
            )  # fmt: skip


def test_a_small_picture_is_looked_at_once() -> None:
    assert quarters(320, 240) == []
    assert whole(320, 240) == Window(0, -40, 320)


@pytest.mark.parametrize(("width", "height"), [(400, 200), (200, 400), (192, 192), (1, 1000), (1000, 3)])
def test_a_letterboxed_picture_keeps_its_shape_and_lies_in_the_middle(width: int, height: int) -> None:
    white = np.full((height, width, 3), 255, np.uint8)
    side = float(max(width, height))
    tensor = letterbox(white, Window((width - side) / 2, (height - side) / 2, side))
    assert tensor.shape == (SIDE, SIDE, 3)
    inside = tensor[..., 0] == 1.0
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    assert len(columns) == max(1, round(width * SIDE / side))
    assert len(rows) == max(1, round(height * SIDE / side))
    for span in (rows, columns):
        assert abs(span[0] - (SIDE - 1 - span[-1])) <= 1
    assert np.all(tensor[~inside] == -1.0)


@pytest.fixture(scope="module")
def portrait(shared: Path) -> np.ndarray:
    clip = shared / "clips" / "grid_lipnet" / "evaluation_samples_GRID_bbaf2n.mpg"
    return next(itertools.islice(video_frames(clip), 20, None)).image


@pytest.mark.shared
@pytest.mark.weights
def test_a_real_face_is_found_once_and_its_points_lie_as_in_a_face(
    portrait: np.ndarray, weights_home: WeightLocator
) -> None:
    (found,) = load_face_detector(Models(weights_home)).detect(portrait)
    left_eye, right_eye, nose, mouth, left_ear, right_ear = found.points
    assert found.score > 0.8
    assert left_ear[0] < left_eye[0] < nose[0] < right_eye[0] < right_ear[0]
    assert left_eye[1] < nose[1] < mouth[1]
    assert np.all(found.box[:2] < mouth) and np.all(mouth < found.box[2:])


@pytest.mark.shared
@pytest.mark.weights
def test_a_face_moves_with_its_picture(portrait: np.ndarray, weights_home: WeightLocator) -> None:
    detector = load_face_detector(Models(weights_home))
    wide = np.zeros((600, 600, 3), np.uint8)
    height, width = portrait.shape[:2]
    places = []
    for x, y in ((0, 0), (200, 250)):
        wide[:] = 128
        wide[y : y + height, x : x + width] = portrait
        (found,) = detector.detect(wide)
        places.append(found.box - np.array([x, y, x, y]))
    size = places[0][2] - places[0][0]
    assert float(np.abs(places[0] - places[1]).max()) < 0.08 * size


@pytest.mark.shared
@pytest.mark.weights
@pytest.mark.parametrize("share", [0.045, 0.06, 0.15])
def test_faces_that_are_small_in_a_large_picture_are_found(
    portrait: np.ndarray, weights_home: WeightLocator, share: float
) -> None:
    import cv2

    detector = load_face_detector(Models(weights_home))
    (near,) = detector.detect(portrait)
    scale = share * 1280 / float(near.box[2] - near.box[0])
    small = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.full((736, 1280, 3), 90, np.uint8)
    x, y = 1000 - small.shape[1] // 2, 360 - small.shape[0] // 2
    picture[y : y + small.shape[0], x : x + small.shape[1]] = small
    (far,) = detector.detect(picture)
    expected = near.box * scale + np.array([x, y, x, y])
    assert float(iou(far.box, expected[None])[0]) > 0.6


@pytest.mark.weights
def test_noise_and_even_pictures_hold_no_face(weights_home: WeightLocator) -> None:
    detector = load_face_detector(Models(weights_home))
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    assert detector.detect(noise) == []
    assert detector.detect(np.full((240, 320, 3), 127, np.uint8)) == []

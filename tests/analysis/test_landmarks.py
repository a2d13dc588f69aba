"""Landmarks: the region that the network looks at, and real faces."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import (
    POINTS,
    SIDE,
    Roi,
    load_face_mesh,
    roi_from_mesh,
    roi_from_points,
    sample,
    to_picture,
)
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

rois = st.builds(
    Roi,
    x=st.floats(-200, 2000),
    y=st.floats(-200, 2000),
    side=st.floats(20, 1500),
    angle=st.floats(-3.1, 3.1),
)


@given(rois, st.lists(st.tuples(*[st.floats(-50, 250)] * 3), min_size=1, max_size=5))
def test_the_map_to_the_picture_can_be_undone(roi: Roi, points: list[tuple[float, float, float]]) -> None:
    given_points = np.array(points, np.float32)
    there = to_picture(given_points, roi)
    matrix = roi.matrix()
    back = (there[:, :2] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    np.testing.assert_allclose(back, given_points[:, :2], atol=0.02)
    np.testing.assert_allclose(there[:, 2] * SIDE / roi.side, given_points[:, 2], rtol=1e-4, atol=1e-4)


@given(rois)
def test_the_middle_of_the_input_is_the_middle_of_the_region_and_lengths_scale_alike(roi: Roi) -> None:
    middle, right, down = to_picture(
        np.array([[SIDE / 2, SIDE / 2, 0], [SIDE, SIDE / 2, 0], [SIDE / 2, SIDE, 0]], np.float32), roi
    )[:, :2]
    assert middle.tolist() == pytest.approx([roi.x, roi.y], abs=1e-2)
    assert np.hypot(*(right - middle)) == pytest.approx(roi.side / 2, rel=1e-3)
    assert np.hypot(*(down - middle)) == pytest.approx(roi.side / 2, rel=1e-3)
    assert float((right - middle) @ (down - middle)) == pytest.approx(0.0, abs=roi.side**2 * 1e-4)


def test_the_region_is_one_and_a_half_times_the_box_with_the_eyes_level() -> None:
    roi = roi_from_points(np.array([0, 0, 100, 80]), np.array([30, 30]), np.array([70, 70]))
    assert (roi.x, roi.y, roi.side) == (50.0, 40.0, 150.0)
    assert roi.angle == pytest.approx(np.pi / 4)
    matrix = roi.matrix()[:, :2]
    assert (np.linalg.inv(matrix) @ np.array([40.0, 40.0]))[1] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("side", [96.0, 192.0, 300.0, 800.0])
@pytest.mark.parametrize("angle", [0.0, 0.5])
def test_what_is_seen_at_a_place_of_the_input_lies_there_in_the_picture(side: float, angle: float) -> None:
    size = 1000
    y, x = np.mgrid[0:size, 0:size] + 0.5
    roi = Roi(510.0, 480.0, side, angle)
    target = to_picture(np.array([[120.0, 70.0, 0.0]], np.float32), roi)[0]
    blob = np.exp(-((x - target[0]) ** 2 + (y - target[1]) ** 2) / (2 * (side / 24) ** 2))
    picture = np.repeat((blob * 255).astype(np.uint8)[..., None], 3, axis=2)
    seen = sample(picture, roi)[..., 0].astype(float)
    v, u = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    weight = seen**2 / (seen**2).sum()
    assert float((weight * u).sum()) == pytest.approx(120.0, abs=0.25)
    assert float((weight * v).sum()) == pytest.approx(70.0, abs=0.25)


@pytest.mark.parametrize("roi", [Roi(-500, -500, 100, 0.3), Roi(5000, 10, 100, 0.0), Roi(50, 50, 9000, 1.0)])
def test_a_region_outside_the_picture_is_black_and_never_fails(roi: Roi) -> None:
    assert sample(np.full((100, 100, 3), 255, np.uint8), roi).shape == (SIDE, SIDE, 3)
    if roi.side < 1000:
        assert float(sample(np.full((100, 100, 3), 255, np.uint8), roi).max()) == 0.0


@pytest.fixture(scope="module")
def portrait(shared: Path) -> np.ndarray:
    clip = shared / "clips" / "grid_lipnet" / "evaluation_samples_GRID_bbaf2n.mpg"
    return next(itertools.islice(video_frames(clip), 20, None)).image


@pytest.mark.shared
@pytest.mark.weights
def test_a_real_face_gives_468_points_in_the_places_of_a_face(
    portrait: np.ndarray, weights_home: WeightLocator
) -> None:
    models = Models(weights_home)
    (face,) = load_face_detector(models).detect(portrait)
    mesh = load_face_mesh(models).find(portrait, roi_from_points(face.box, *face.points[:2]))
    assert mesh.points.shape == (POINTS, 3)
    assert mesh.presence > 0.99
    eyes = float(np.hypot(*(mesh.points[263, :2] - mesh.points[33, :2])))
    mouth = mesh.points[[13, 14], :2].mean(axis=0)
    assert float(np.hypot(*(mouth - face.points[3]))) < 0.25 * eyes
    assert mesh.points[1, 2] < mesh.points[[234, 454], 2].min(), "the nose is nearer than the ears"


@pytest.mark.shared
@pytest.mark.weights
def test_turning_the_picture_turns_the_landmarks(portrait: np.ndarray, weights_home: WeightLocator) -> None:
    models = Models(weights_home)
    (face,) = load_face_detector(models).detect(portrait)
    network = load_face_mesh(models)
    upright = network.find(portrait, roi_from_points(face.box, *face.points[:2]))
    upright = network.find(portrait, roi_from_mesh(upright.points))
    turned_picture = np.ascontiguousarray(np.rot90(portrait))
    expected = np.stack([upright.points[:, 1], portrait.shape[1] - upright.points[:, 0]], axis=1)
    again = roi_from_mesh(np.concatenate([expected, upright.points[:, 2:]], axis=1).astype(np.float32))
    turned = network.find(turned_picture, again)
    eyes = float(np.hypot(*(upright.points[263, :2] - upright.points[33, :2])))
    error = np.hypot(*(turned.points[:, :2] - expected).T)
    assert turned.presence > 0.99
    assert float(error.mean()) < 0.02 * eyes


@pytest.mark.weights
def test_noise_is_no_face(weights_home: WeightLocator) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    assert load_face_mesh(Models(weights_home)).find(noise, Roi(100, 100, 150, 0.0)).presence < 0.5

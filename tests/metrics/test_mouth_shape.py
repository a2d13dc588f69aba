"""The mouth's shape does not depend on where the head is, how large it is, or how many frames there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mouth_world import faces_at, resting_face, speech_drive
from scipy.spatial.transform import Rotation

from uniavgen_bench.metrics.mouth_audio_model import POINTS
from uniavgen_bench.metrics.mouth_shape import (
    CHEEKS,
    EYE_CORNERS,
    JAW,
    LIPS,
    RATE,
    UPPER_FACE,
    align,
    mean_upper_face,
    mouth_shape,
)

TEMPLATE = resting_face()[list(UPPER_FACE)]


@given(
    st.tuples(*[st.floats(-0.8, 0.8)] * 3),
    st.floats(20, 400),
    st.tuples(*[st.floats(-500, 500)] * 3),
)
@settings(max_examples=30)
def test_pose_place_and_size_are_taken_out(angles, size, place):
    face = resting_face()
    face[list(LIPS), 1] += np.linspace(0, 0.1, len(LIPS))
    moved = size * face @ Rotation.from_euler("xyz", angles).as_matrix() + place
    np.testing.assert_allclose(align(moved[None].astype(np.float32), TEMPLATE)[0], face, atol=2e-3)


def test_a_mirrored_face_is_not_turned_inside_out():
    mirrored = resting_face() * (-1, 1, 1)
    placed = align(mirrored[None].astype(np.float32), TEMPLATE)[0]
    volume = np.linalg.det((placed - placed.mean(axis=0)).T @ (mirrored - mirrored.mean(axis=0)))
    assert volume > 0, "a reflection is no rotation"


def test_upper_face_has_no_point_that_speech_moves():
    assert not set(UPPER_FACE) & {*LIPS, *JAW, *CHEEKS}
    assert len(set(POINTS)) == len(POINTS)
    assert set(EYE_CORNERS) <= set(UPPER_FACE)


def test_mean_upper_face_has_unit_eye_distance_and_its_own_shape():
    faces = faces_at(np.arange(40) / 5, speech_drive(8, 1), seed=1, jitter=0.0)
    mean = mean_upper_face(faces)
    left, right = (UPPER_FACE.index(i) for i in EYE_CORNERS)
    assert np.linalg.norm(mean[left] - mean[right]) == pytest.approx(1.0)
    distances = np.linalg.norm(mean[:, None] - mean[None], axis=-1)
    expected = np.linalg.norm(TEMPLATE[:, None] - TEMPLATE[None], axis=-1)
    np.testing.assert_allclose(distances, expected, atol=0.01)


@pytest.mark.parametrize("fps", [16, 24, 29.97, 60])
def test_opening_over_time_is_the_same_at_any_frame_rate(fps):
    seconds = 4.0
    slow = np.stack([0.5 + 0.5 * np.sin(2 * np.pi * 1.5 * np.arange(400) / 100), np.zeros(400)], axis=1)
    times = np.arange(int(seconds * fps)) / fps
    mouth = mouth_shape(times, faces_at(times, slow, 2, jitter=0.0), TEMPLATE, POINTS)
    clock = mouth.start + np.arange(len(mouth.opening)) / RATE
    expected = 0.02 + 0.2 * np.interp(clock * 100, np.arange(400), slow[:, 0])
    assert np.abs(mouth.opening - expected).max() < 0.015


def test_steps_inside_a_gap_of_the_track_are_not_valid():
    times = np.concatenate([np.arange(0, 1, 0.04), np.arange(2, 3, 0.04)])
    mouth = mouth_shape(times, faces_at(times, speech_drive(4, 3), 3), TEMPLATE, POINTS)
    clock = mouth.start + np.arange(len(mouth.valid)) / RATE
    assert not mouth.valid[(clock > 1.0) & (clock < 1.98)].any()
    assert mouth.valid[(clock < 0.95) | (clock > 2.0)].all()

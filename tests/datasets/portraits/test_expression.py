"""Emotions move brows, eyes and mouth corners in the declared direction, in the curves and in the pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.portraits.expression import SHIFTS, with_emotion
from uniavgen_bench.datasets.portraits.face_state import CURVES, EMOTIONS, REST, FaceState, resting, states_of
from uniavgen_bench.datasets.portraits.head_params import DOMAINS, Domain, sample_head
from uniavgen_bench.datasets.portraits.idle_motion import blinks, frame_times, idle, talking
from uniavgen_bench.datasets.portraits.render import HeadRenderer
from uniavgen_bench.datasets.portraits.truth import LANDMARKS
from uniavgen_bench.datasets.portraits.visemes import Sound


@pytest.fixture(scope="module", params=DOMAINS)
def renderer(request: pytest.FixtureRequest) -> HeadRenderer:
    domain: Domain = request.param
    return HeadRenderer.build(replace(sample_head(4), hair_style="bald"), 128, domain)


def felt(emotion: str, intensity: float = 1.0) -> FaceState:
    return replace(with_emotion(resting(1), emotion, intensity), pitch=np.zeros(1, np.float32))  # type: ignore[arg-type]


def test_neutral_changes_nothing_and_no_intensity_is_neutral() -> None:
    rest = resting(4)
    for emotion in EMOTIONS:
        for changed in (with_emotion(rest, "neutral", 1.0), with_emotion(rest, emotion, 0.0)):
            assert all(np.array_equal(getattr(rest, name), getattr(changed, name)) for name in CURVES)


def test_intensity_scales_every_shift() -> None:
    for emotion, shifts in SHIFTS.items():
        half, whole = felt(emotion, 0.5), felt(emotion)
        for name in set(shifts) - {"pitch"}:
            base = 1.0 if name == "eye_open" else 0.0
            assert getattr(whole, name)[0] - base == pytest.approx(
                2 * (getattr(half, name)[0] - base), abs=1e-6
            )


def test_curve_of_intensity_acts_frame_by_frame() -> None:
    grown = with_emotion(resting(3), "happy", np.array([0, 0.5, 1], np.float32))
    assert (np.diff(grown.smile) > 0).all()


@pytest.mark.parametrize("intensity", [-0.1, 1.2, float("nan")])
def test_intensity_outside_its_range_is_refused(intensity: float) -> None:
    with pytest.raises(InputError, match="intensity"):
        with_emotion(resting(1), "sad", intensity)


def test_unknown_emotion_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'angry'"):
        with_emotion(resting(1), "angri", 1.0)  # type: ignore[arg-type]


def corner_lift(renderer: HeadRenderer, emotion: str) -> float:
    points = renderer.draw(felt(emotion)).truth.landmarks[0]
    corners = (points[LANDMARKS.index("mouth_left"), 1] + points[LANDMARKS.index("mouth_right"), 1]) / 2
    middle = (points[LANDMARKS.index("inner_top"), 1] + points[LANDMARKS.index("inner_low"), 1]) / 2
    return float(middle - corners)


def test_corners_of_the_mouth_rise_with_joy_and_fall_with_grief_and_anger(renderer: HeadRenderer) -> None:
    lift = {emotion: corner_lift(renderer, emotion) for emotion in EMOTIONS}
    assert lift["happy"] > lift["neutral"] + 1.5
    assert lift["sad"] < lift["neutral"] - 1.5
    assert lift["angry"] < lift["neutral"] - 0.8


def brow_line(renderer: HeadRenderer, emotion: str, inner: bool) -> float:
    """Find the height of the left brow in the picture: the dark part of a strip through its inner or outer half."""
    rendered = renderer.draw(states_of([felt(emotion).frame(0)]))
    points = rendered.truth.landmarks[0]
    column = points[LANDMARKS.index("eye_left"), 0] + (7 if inner else -5)
    line = points[LANDMARKS.index("eye_left"), 1]
    strip = rendered.pictures[0, int(line) - 26 : int(line) - 8, int(column) - 2 : int(column) + 3].astype(
        np.float64
    )
    dark = strip.sum(axis=(1, 2))
    dark = np.maximum(np.median(dark) - dark, 0)
    return float((dark * np.arange(len(dark))).sum() / max(dark.sum(), 1e-9))


def test_brows_rise_with_surprise_and_sink_with_anger_in_the_picture(renderer: HeadRenderer) -> None:
    inner = {
        emotion: brow_line(renderer, emotion, inner=True)
        for emotion in ("neutral", "surprised", "angry", "sad")
    }
    assert inner["surprised"] < inner["neutral"] - 1
    assert inner["sad"] < inner["neutral"] - 1
    assert inner["angry"] > inner["neutral"] + 1


def eye_white(renderer: HeadRenderer, emotion: str) -> float:
    rendered = renderer.draw(felt(emotion))
    column, line = (int(value) for value in rendered.truth.landmarks[0, LANDMARKS.index("eye_left")])
    eye = rendered.pictures[0, line - 9 : line + 9, column - 11 : column + 12].astype(np.int64)
    return float(((eye[..., 2] > 110) & (eye[..., 0] - eye[..., 2] < 25)).sum())


def test_eyes_widen_with_surprise_and_fear_and_narrow_with_grief(renderer: HeadRenderer) -> None:
    white = {emotion: eye_white(renderer, emotion) for emotion in ("neutral", "surprised", "fearful", "sad")}
    assert white["surprised"] > white["neutral"] < white["fearful"]
    assert white["sad"] < white["neutral"]


def test_idle_motion_repeats_for_a_seed_differs_between_seeds_and_never_jumps() -> None:
    times = frame_times(250, 25.0)
    first, again, other = idle(1, times), idle(1, times), idle(2, times)
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in CURVES)
    assert not np.array_equal(first.yaw, other.yaw)
    for name, most in (("yaw", 0.02), ("pitch", 0.015), ("roll", 0.01), ("sway_x", 0.005)):
        assert np.abs(np.diff(getattr(first, name))).max() < most
    assert np.abs(first.yaw).max() < 0.35


def test_moments_decide_not_the_rate_of_frames() -> None:
    slow, fast = idle(4, frame_times(20, 12.5)), idle(4, frame_times(40, 25.0))
    for name in ("yaw", "pitch", "roll", "sway_x"):
        assert getattr(fast, name)[::2] == pytest.approx(getattr(slow, name), abs=1e-6)


def test_eyes_shut_fully_when_they_blink_and_are_open_most_of_the_time() -> None:
    lids = blinks(5, frame_times(500, 50.0))
    assert lids.max() == 1
    assert (lids > 0.5).mean() < 0.15
    assert 2 <= ((lids[1:] > 0.5) & (lids[:-1] <= 0.5)).sum() <= 7


def test_speaking_adds_the_mouth_to_the_idle_head() -> None:
    times = frame_times(25, 25.0)
    said = talking(6, [Sound("aa", 0.2, 0.5)], times)
    silent = talking(6, [], times)
    assert silent.mouth_open.max() == 0
    assert said.mouth_open[8] > 0.6
    assert np.array_equal(said.yaw, silent.yaw)
    assert REST.mouth_open == 0

"""`emotion.agreement`: the formula, curves over time, emotions asked for, and the portrait world's own protocol."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.core.result import Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics import emotion_agreement, emotion_agreement_portraits
from uniavgen_bench.metrics.emotion_agreement import agreement, over_time, window_means
from uniavgen_bench.metrics.emotion_agreement_portraits import overlap
from uniavgen_bench.metrics.emotion_face_reading import LABELS, FaceReading
from uniavgen_bench.metrics.emotion_voice import VoiceReading
from uniavgen_bench.metrics.voice_pitch import VoiceFrames

SHARES = st.floats(0, 1)


@given(SHARES, SHARES)
def test_agreement_is_symmetric_and_turns_with_one_side(face: float, voice: float) -> None:
    both = agreement(face, voice)
    assert both == pytest.approx(agreement(voice, face))
    assert 0 <= both <= 1
    assert both + agreement(1 - face, voice) == pytest.approx(1.0)


@pytest.mark.parametrize(("face", "voice", "found"), [(1, 1, 1), (0, 0, 1), (1, 0, 0), (0.5, 0.9, 0.5)])
def test_agreement_at_the_corners(face: float, voice: float, found: float) -> None:
    assert agreement(face, voice) == pytest.approx(found)


def reading(aroused: np.ndarray, times: np.ndarray) -> FaceReading:
    """A face that is happy as far as it is aroused, and neutral else."""
    shares = np.zeros((len(times), 7))
    shares[:, LABELS.index("happy")] = aroused
    shares[:, LABELS.index("neutral")] = 1 - aroused
    return FaceReading(times, shares)


def voice(curve: np.ndarray, times: np.ndarray, voiced: np.ndarray | None = None) -> VoiceFrames:
    """A voice whose pitch, tilt and level all follow a curve."""
    there = np.ones(len(times), np.bool_) if voiced is None else voiced
    return VoiceFrames(times, 7 + 0.3 * curve, there, -30 + 10 * curve, -8 + 6 * curve)


def curve(times: np.ndarray, phase: float = 0.0) -> np.ndarray:
    return 0.5 + 0.4 * np.sin(2 * np.pi * times / 3 + phase)


LOOKS, FRAMES = np.arange(0, 6, 0.125), np.arange(0, 6, 0.016)


def test_a_face_that_moves_with_the_voice_correlates_wherever_its_clock_starts() -> None:
    for start in (0.0, 0.5):
        found = over_time(reading(curve(LOOKS), LOOKS), voice(curve(FRAMES + start), FRAMES), start)[0]
        assert isinstance(found, Score) and found.value > 0.98
    against = over_time(reading(curve(LOOKS), LOOKS), voice(curve(FRAMES, np.pi), FRAMES), 0.0)[0]
    assert isinstance(against, Score) and against.value < -0.98


def test_a_short_clip_or_a_still_face_has_no_correlation() -> None:
    short = LOOKS[LOOKS < 2.5]
    found = over_time(reading(curve(short), short), voice(curve(FRAMES), FRAMES), 0.0)[0]
    assert isinstance(found, Missing) and found.reason is Reason.TOO_SHORT
    still = over_time(reading(np.full(len(LOOKS), 0.5), LOOKS), voice(curve(FRAMES), FRAMES), 0.0)[0]
    assert isinstance(still, Missing) and still.reason is Reason.NOT_MEASURABLE


@pytest.mark.parametrize(("moves", "counts"), [(0.008, False), (0.07, True)])
def test_a_face_that_only_its_encoding_moves_has_no_correlation(moves: float, counts: bool) -> None:
    waves = 0.5 + moves * (curve(LOOKS) - curve(LOOKS).mean()) / curve(LOOKS).std()
    found = over_time(reading(waves, LOOKS), voice(curve(FRAMES), FRAMES), 0.0)[0]
    assert isinstance(found, Score) is counts
    assert counts or (isinstance(found, Missing) and found.reason is Reason.NOT_MEASURABLE)


def test_silent_windows_are_left_out() -> None:
    spoken = FRAMES < 1.5
    found, centres, *_ = over_time(reading(curve(LOOKS), LOOKS), voice(curve(FRAMES), FRAMES, spoken), 0.0)
    assert isinstance(found, Missing)
    assert len(centres) and centres.max() < 2.5


def test_windows_with_too_few_values_are_nan() -> None:
    times = np.array([0.0, 0.1, 5.0])
    means = window_means(times, np.array([1.0, 3.0, 9.0]), np.array([0.0, 5.0]), 2)
    assert means[0] == 2.0 and np.isnan(means[1])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Replace the networks by known readings."""
    face = reading(np.full(len(LOOKS), 0.8), LOOKS)
    frames = voice(curve(FRAMES), FRAMES)
    heard = VoiceReading(frames, np.array([7.0, 0.2, 2.0, -5.0]), 0.5, 0.3)
    monkeypatch.setattr(emotion_agreement, "read_face", lambda clip, models: face)
    monkeypatch.setattr(emotion_agreement, "read_voice", lambda clip, models: heard)
    return SimpleNamespace(speech=SimpleNamespace(start=0.0))


@pytest.mark.parametrize(("asked", "value"), [("happy", 0.3), ("neutral", 0.2)])
def test_what_is_asked_for_must_be_in_both(made: Any, asked: str, value: float) -> None:
    found = emotion_agreement.measure(made, Sample(id="a", facts={"emotion": asked}), None).scores  # type: ignore[arg-type]
    assert found["asked"].value == pytest.approx(value)  # type: ignore[union-attr]
    assert found["agreement"].value == pytest.approx(0.8 * 0.3 + 0.2 * 0.7)  # type: ignore[union-attr]
    assert set(found) == {f.name for f in emotion_agreement.SPEC.fields}


def test_no_emotion_asked_for_costs_one_field(made: Any) -> None:
    found = emotion_agreement.measure(made, Sample(id="a"), None).scores  # type: ignore[arg-type]
    assert [n for n, s in found.items() if isinstance(s, Missing) and s.reason is Reason.NO_REFERENCE] == [
        "asked"
    ]
    assert isinstance(found["agreement"], Score)


@given(
    st.lists(st.floats(0.01, 1), min_size=6, max_size=6), st.lists(st.floats(0.01, 1), min_size=6, max_size=6)
)
def test_overlap_is_one_for_the_same_distribution_only(one: list[float], other: list[float]) -> None:
    p, q = np.array(one) / sum(one), np.array(other) / sum(other)
    assert overlap(p, p) == pytest.approx(1.0)
    assert overlap(p, q) == pytest.approx(overlap(q, p))
    assert overlap(p, q) <= 1.0
    if np.abs(p - q).max() > 0.05:
        assert overlap(p, q) < 1.0 - 1e-4


def test_portraits_compare_six_emotions(monkeypatch: pytest.MonkeyPatch) -> None:
    sad = np.array([0.1, 0.02, 0.8, 0.04, 0.02, 0.02])
    monkeypatch.setattr(
        emotion_agreement_portraits, "read_both", lambda clip, sample, models: (sad, sad[::-1])
    )
    measure = emotion_agreement_portraits.measure
    found = measure(None, Sample(id="a", facts={"emotion": "sad"}), None).scores  # type: ignore[arg-type]
    assert found["asked"] == Score(0.04)
    assert found["overlap"].value < 0.8  # type: ignore[union-attr]
    other = measure(None, Sample(id="a", facts={"emotion": "disgusted"}), None).scores  # type: ignore[arg-type]
    assert isinstance(other["asked"], Missing) and other["asked"].reason is Reason.NO_REFERENCE


def test_a_missing_face_is_told_once_for_all_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_face(clip: Any, models: Any) -> FaceReading:
        raise MissingError(Reason.NO_FACE)

    monkeypatch.setattr(emotion_agreement, "read_face", no_face)
    with pytest.raises(MissingError) as error:
        emotion_agreement.measure(SimpleNamespace(), Sample(id="a"), None)  # type: ignore[arg-type]
    assert error.value.missing.reason is Reason.NO_FACE

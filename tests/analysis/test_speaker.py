"""The speaker among several faces: mouths that move with the sound, sizes, and honest doubt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import (
    Faces,
    Frames,
    SpeakerChoice,
    Speech,
    Track,
    VoiceActivity,
)
from uniavgen_bench.analysis.speaker import choose_speaker, correlation, speaking
from uniavgen_bench.core.result import MissingError, Reason

FPS, SECONDS, RATE = 25.0, 5.0, 16_000
FRAMES = Frames(np.arange(int(FPS * SECONDS)) / FPS, 640, 360, np.array([[0, 124]]))
rng = np.random.default_rng(3)
SYLLABLES = np.repeat(rng.random(25), 5)[: int(FPS * SECONDS)]
"""Loudness 0 … 1 for each frame, new five times a second."""

NOISE = np.repeat(np.random.default_rng(8).random(25), 5)[: int(FPS * SECONDS)]


def track(opening: np.ndarray, *, first: int = 0, size: float = 100.0, x: float = 0.0) -> Track:
    n = len(opening)
    points = np.zeros((n, 468, 3), np.float32)
    points[:, 33, 0], points[:, 263, 0] = x, x + size * 0.6
    points[:, 14, 1] = opening * size * 0.6
    boxes = np.tile(np.array([x, 0, x + size, size], np.float32), (n, 1))
    ones = np.ones(n, np.float32)
    return Track(np.arange(first, first + n), boxes, ones, points, ones)


def sound(level: np.ndarray) -> tuple[Speech, VoiceActivity]:
    loud = np.repeat(level, int(RATE / FPS))
    samples = (loud * np.random.default_rng(0).normal(0, 0.1, len(loud))).astype(np.float32)
    voice = VoiceActivity(np.array([[0.2, 4.8]]), np.ones(250, np.float32), 0.02, 0.0)
    return Speech(samples, RATE, 0.0, RATE, 1), voice


def talk(level: np.ndarray, strength: float = 0.25) -> np.ndarray:
    """Lips that tremble as fast as the sound is loud."""
    beat = np.where(np.arange(len(level)) % 2, 1.0, 0.0)
    return strength * (0.2 + level) * beat


STILL = np.full(125, 0.02)


def test_the_only_face_is_the_speaker() -> None:
    chosen = choose_speaker(FRAMES, Faces((track(STILL),)), *sound(SYLLABLES))
    assert (chosen.track, chosen.choice) == (0, SpeakerChoice.ONLY_FACE)


@pytest.mark.parametrize("speaks", [0, 1])
def test_the_face_whose_mouth_moves_is_the_speaker_even_if_smaller(speaks: int) -> None:
    faces = [track(STILL, size=130), track(STILL, size=130)]
    faces[speaks] = track(talk(SYLLABLES), size=90, x=300)
    chosen = choose_speaker(FRAMES, Faces(tuple(faces)), *sound(SYLLABLES))
    assert (chosen.track, chosen.choice) == (speaks, SpeakerChoice.MOUTH_MOVES_WITH_SPEECH)
    assert all(0.0 <= value <= 1.0 for value in chosen.evidence)


def test_a_mouth_that_moves_with_the_sound_has_more_evidence_than_one_that_just_moves() -> None:
    steady = np.full_like(SYLLABLES, SYLLABLES.mean())
    faces = (track(talk(SYLLABLES)), track(talk(steady), x=300))
    with_sound, other = speaking(FRAMES, faces, *sound(SYLLABLES))
    assert with_sound > 1.15 * other


def test_two_equal_mouths_at_the_same_time_leave_it_open() -> None:
    faces = Faces((track(talk(SYLLABLES)), track(talk(SYLLABLES), x=300)))
    with pytest.raises(MissingError) as raised:
        choose_speaker(FRAMES, faces, *sound(SYLLABLES))
    assert raised.value.missing.reason is Reason.SEVERAL_SPEAKERS
    assert "faces 1 and 2 of 2" in raised.value.missing.detail


def test_equal_mouths_one_after_the_other_are_no_doubt_and_the_longer_is_taken() -> None:
    lips = talk(SYLLABLES)
    faces = Faces((track(lips[:70]), track(lips[70:], first=70)))
    assert choose_speaker(FRAMES, faces, *sound(SYLLABLES)).track == 0


def test_without_sound_the_clearly_larger_face_is_taken() -> None:
    faces = Faces((track(STILL, size=60), track(STILL, size=150, x=200)))
    chosen = choose_speaker(FRAMES, faces, None, None)
    assert (chosen.track, chosen.choice) == (1, SpeakerChoice.LARGEST)


def test_without_sound_two_faces_alike_leave_it_open() -> None:
    with pytest.raises(MissingError):
        choose_speaker(FRAMES, Faces((track(STILL), track(STILL, x=200))), None, None)


def test_where_no_mouth_moves_size_tells() -> None:
    faces = Faces((track(STILL, size=60), track(STILL, size=150, x=200)))
    assert choose_speaker(FRAMES, faces, *sound(SYLLABLES)).choice is SpeakerChoice.LARGEST


def test_sound_without_speech_tells_nothing() -> None:
    speech, _ = sound(SYLLABLES)
    silent = VoiceActivity(np.zeros((0, 2)), np.zeros(250, np.float32), 0.02, 0.0)
    faces = Faces((track(talk(SYLLABLES), size=60), track(STILL, size=150, x=200)))
    assert choose_speaker(FRAMES, faces, speech, silent).choice is SpeakerChoice.LARGEST


@given(st.floats(0.3, 3.0), st.floats(0, 500))
def test_the_evidence_does_not_depend_on_the_scale_of_the_picture(scale: float, x: float) -> None:
    heard = sound(SYLLABLES)
    plain = speaking(FRAMES, (track(talk(SYLLABLES)), track(talk(NOISE), size=80)), *heard)
    scaled = speaking(
        FRAMES, (track(talk(SYLLABLES), size=100 * scale, x=x), track(talk(NOISE), size=80 * scale)), *heard
    )
    assert scaled == pytest.approx(plain, rel=0.02)


def test_a_constant_series_correlates_with_nothing() -> None:
    assert correlation(np.ones(9), np.arange(9.0)) == 0.0

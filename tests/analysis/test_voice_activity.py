"""Voice activity: the real network on real and synthetic sound, and its segments against Silero's own rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Speech
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import HOP, MIN_SPEECH, detect_voice, voiced_spans
from uniavgen_bench.weights.models import Models

RATE = 16_000


class NoWeights:
    """The voice detector brings its own weights: asking for any is an error."""

    def path(self, name: str) -> Path:
        raise AssertionError(name)

    def sha256(self, name: str) -> str:
        raise AssertionError(name)


@pytest.fixture(scope="module")
def models() -> Models:
    return Models(NoWeights())


def heard(samples: np.ndarray, *, start: float = 0.0) -> Speech:
    return Speech(np.asarray(samples, np.float32), RATE, start, RATE, 1)


def silero_spans(monkeypatch: pytest.MonkeyPatch, probability: np.ndarray, length: int) -> np.ndarray:
    """The segments by the rule of faster-whisper's copy of Silero's code, on given probabilities."""
    from faster_whisper import vad

    monkeypatch.setattr(vad, "get_vad_model", lambda: lambda _: probability)
    options = vad.VadOptions(
        threshold=0.5,
        neg_threshold=0.35,
        min_speech_duration_ms=250,
        min_silence_duration_ms=100,
        speech_pad_ms=30,
    )
    found = vad.get_speech_timestamps(np.zeros(length, np.float32), options)
    return np.array([[s["start"], s["end"]] for s in found], np.float64).reshape(-1, 2)


@settings(max_examples=150, deadline=None)
@given(
    runs=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.4, 0.6, 1.0]), st.integers(1, 14)), max_size=25),
    cut=st.integers(0, HOP - 1),
)
def test_segments_follow_the_rule_of_silero(runs: Sequence[tuple[float, int]], cut: int) -> None:
    probability = np.array([p for p, n in runs for _ in range(n)], np.float32)
    length = max(0, len(probability) * HOP - cut)
    with pytest.MonkeyPatch.context() as patch:
        expected = silero_spans(patch, probability, length)
    found = voiced_spans(probability, length)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max(initial=0.0) <= 1.0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0.0, 1.0, width=32), max_size=120))
def test_segments_are_ordered_and_inside_the_sound(values: list[float]) -> None:
    length = len(values) * HOP
    spans = voiced_spans(np.array(values, np.float32), length)
    flat = spans.reshape(-1)
    assert (np.diff(flat) >= 0).all()
    assert ((flat >= 0) & (flat <= length)).all()
    assert (spans[:, 1] - spans[:, 0] > MIN_SPEECH).all()


@pytest.mark.parametrize("length", [1, 100, 3200, 511, 512, 513])
def test_very_short_sounds_have_a_probability_and_no_speech(length: int, models: Models) -> None:
    voice = detect_voice(heard(np.full(length, 0.1)), models)
    assert voice.segments.shape == (0, 2)
    assert len(voice.probability) == -(-length // HOP)


def test_noise_silence_and_music_are_no_speech(models: Models) -> None:
    t = np.arange(6 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in (261.6, 329.6, 392.0)) / 6
    noise = np.random.default_rng(0).normal(0, 0.1, len(t))
    for sound in (noise, np.zeros_like(t), chord * np.clip(np.sin(4 * np.pi * t), 0.2, 1)):
        assert len(detect_voice(heard(sound), models).segments) == 0


@pytest.mark.shared
def test_real_speech_between_silences_is_found_where_it_is(models: Models, shared: Path) -> None:
    speech = load_speech(shared / "clips/uniavgen_page/task4_t4_2_.mp4")
    quiet = np.zeros(3 * RATE, np.float32)
    before = speech.samples.copy()
    voice = detect_voice(heard(np.concatenate([quiet, speech.samples, quiet]), start=0.5), models)
    length = len(speech.samples) / RATE
    assert voice.start == 0.5
    assert voice.segments[0, 0] == pytest.approx(3.5, abs=0.15)
    assert voice.segments[-1, 1] == pytest.approx(3.5 + length, abs=0.3)
    assert (voice.segments[:, 1] - voice.segments[:, 0]).sum() > 0.8 * length
    assert voice.hop == pytest.approx(0.032)
    assert ((voice.probability >= 0) & (voice.probability <= 1)).all()
    detect_voice(speech, models)
    assert np.array_equal(speech.samples, before), "the detector must not write into the artefact"

"""Transcripts: windows that cut in pauses, and the real recogniser on real speech."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Speech, VoiceActivity
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.transcript import LONGEST, PAD, transcribe, windows
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

RATE = 16_000
ORIGIN = "clips/uniavgen_page/task4_t4_2_.mp4"
SAID = (
    "You won't be a great storyteller immediately after watching this video, "
    "but I think that once you start thinking"
)


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    return Models(weights_home)


def heard(samples: np.ndarray, start: float = 0.0) -> Speech:
    return Speech(np.asarray(samples, np.float32), RATE, start, RATE, 1)


def activity(segments: list[tuple[float, float]], seconds: float, start: float = 0.0) -> VoiceActivity:
    probability = np.random.default_rng(1).uniform(0, 1, int(np.ceil(seconds / 0.032))).astype(np.float32)
    return VoiceActivity(np.array(segments, np.float64).reshape(-1, 2), probability, 0.032, start)


@settings(max_examples=150, deadline=None)
@given(
    gaps=st.lists(
        st.tuples(st.floats(0.0, 20.0, width=32), st.floats(0.25, 70.0, width=32)), min_size=1, max_size=12
    ),
    tail=st.floats(0.0, 2.0, width=32),
    start=st.sampled_from([0.0, 0.5, -0.02]),
)
def test_windows_hold_all_speech_once_and_fit_the_network(
    gaps: list[tuple[float, float]], tail: float, start: float
) -> None:
    segments, at = [], start
    for pause, length in gaps:
        segments.append((at + pause, at + pause + length))
        at += pause + length
    seconds = at + tail - start
    speech = heard(np.zeros(round(seconds * RATE)), start)
    found = windows(activity(segments, seconds, start), speech)
    slack = 1e-3
    assert all(end - begin <= LONGEST + 2 * PAD + slack for begin, end in found)
    assert all(a[1] <= b[0] + slack for a, b in pairwise(found))
    assert found[0][0] >= start - slack
    assert found[-1][1] <= start + seconds + slack
    inside = sum(
        max(0.0, min(end, stop) - max(begin, first)) for begin, end in found for first, stop in segments
    )
    assert inside == pytest.approx(sum(stop - first for first, stop in segments), abs=0.01)


def test_neighbouring_segments_share_a_window_and_far_ones_do_not() -> None:
    speech = heard(np.zeros(60 * RATE))
    found = windows(activity([(1.0, 2.0), (2.5, 3.0), (50.0, 51.0)], 60.0), speech)
    assert found == [pytest.approx((0.8, 3.2)), pytest.approx((49.8, 51.2))]


def test_a_long_segment_is_cut_where_it_is_least_like_speech() -> None:
    voice = activity([(0.0, 40.0)], 40.0)
    voice.probability[:] = 0.9
    voice.probability[round(20.0 / 0.032)] = 0.5
    found = windows(voice, heard(np.zeros(40 * RATE)))
    assert [end for _, end in found] == [pytest.approx(20.0, abs=0.05), pytest.approx(40.0)]


def test_without_voice_there_is_no_transcript_and_no_network_is_loaded() -> None:
    class Nothing:
        def path(self, name: str) -> Path:
            raise AssertionError(f"{name} is not needed")

        def sha256(self, name: str) -> str:
            raise AssertionError(name)

    with pytest.raises(MissingError) as caught:
        transcribe(heard(np.zeros(3200)), activity([], 0.2), Models(Nothing()))
    assert caught.value.missing.reason == Reason.NO_SPEECH


@pytest.mark.shared
@pytest.mark.weights
def test_real_speech_is_heard_with_times_on_the_clip_clock(models: Models, shared: Path) -> None:
    plain = load_speech(shared / ORIGIN)
    quiet = np.zeros(30 * RATE, np.float32)
    speech = heard(np.concatenate([plain.samples, quiet, plain.samples]), start=0.25)
    transcript = transcribe(speech, detect_voice(speech, models), models)
    assert transcript.text == f"{SAID} {SAID}"
    assert transcript.language == "en"
    assert "whisper-tiny.en" in transcript.model
    assert [word.text for word in transcript.words] == transcript.text.split()
    half = len(transcript.words) // 2
    later = 30.0 + len(plain.samples) / RATE
    for first, second in zip(transcript.words[:half], transcript.words[half:], strict=True):
        assert second.start - first.start == pytest.approx(later, abs=0.3)
    for word in transcript.words:
        assert 0.25 <= word.start <= word.end <= 0.25 + len(speech.samples) / RATE
        assert 0.0 <= word.confidence <= 1.0


@pytest.mark.shared
@pytest.mark.weights
def test_the_same_sound_gives_the_same_transcript_again(models: Models, shared: Path) -> None:
    speech = load_speech(shared / "clips/grid_lipnet/evaluation_samples_GRID_lrwp9a.mpg")
    voice = detect_voice(speech, models)
    assert transcribe(speech, voice, models) == transcribe(speech, voice, Models(models.weights))


@pytest.mark.shared
@pytest.mark.weights
def test_a_word_of_half_a_second_is_heard(models: Models, shared: Path) -> None:
    plain = load_speech(shared / ORIGIN)
    speech = heard(plain.samples[RATE : RATE + 9600])
    transcript = transcribe(speech, detect_voice(speech, models), models)
    assert "storyteller" in transcript.text.lower()

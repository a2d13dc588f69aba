"""Seconds per 5 s of real speech: voice activity, transcript, speaker embedding. One thread, networks loaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from uniavgen_bench.analysis.artefacts import Speech, VoiceActivity
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.transcript import transcribe
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.metrics.resemblyzer_signal import levelled, partial_mels, without_silence
from uniavgen_bench.metrics.timbre_reference import embedding
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

pytestmark = [pytest.mark.shared, pytest.mark.weights]


@pytest.fixture(scope="module")
def clip(shared: Path) -> Path:
    return shared / "clips/uniavgen_page/task4_t4_2_.mp4"


@pytest.fixture(scope="module")
def speech(clip: Path) -> Speech:
    return load_speech(clip)


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    import torch

    torch.set_num_threads(1)
    return Models(weights_home)


@pytest.fixture(scope="module")
def voice(speech: Speech, models: Models) -> VoiceActivity:
    return detect_voice(speech, models)


def test_load_speech(benchmark: BenchmarkFixture, clip: Path) -> None:
    assert len(benchmark(load_speech, clip).samples) > 80_000


def test_voice_activity(benchmark: BenchmarkFixture, speech: Speech, models: Models) -> None:
    assert len(benchmark(detect_voice, speech, models).segments) > 0


def test_transcript(
    benchmark: BenchmarkFixture, speech: Speech, voice: VoiceActivity, models: Models
) -> None:
    transcribe(speech, voice, models)
    heard = benchmark.pedantic(transcribe, args=(speech, voice, models), rounds=5)
    assert "storyteller" in heard.text


def test_speaker_signal(benchmark: BenchmarkFixture, speech: Speech) -> None:
    mels = benchmark(lambda: partial_mels(without_silence(levelled(speech.samples))))
    assert mels.shape[1:] == (160, 40)


def test_speaker_embedding(benchmark: BenchmarkFixture, speech: Speech, models: Models) -> None:
    voiced = without_silence(levelled(speech.samples))
    embedding(voiced, models)
    assert benchmark(embedding, voiced, models).shape == (256,)

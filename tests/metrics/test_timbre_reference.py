"""`timbre.reference` against the package Resemblyzer: recorded numbers everywhere, the package where installed.

How `data/resemblyzer.json` was made stands in its key `how`.
"""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resemblyzer_sounds import SOUNDS, vowels

from uniavgen_bench.analysis.artefacts import Speech
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.resemblyzer_signal import (
    HOP,
    MIN_COVERAGE,
    PARTIAL,
    PARTIAL_STEP,
    levelled,
    partial_mels,
    partial_starts,
    without_silence,
)
from uniavgen_bench.metrics.timbre_reference import METRIC, WEIGHT, cosine, embedding
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

RECORDED = json.loads((Path(__file__).parent / "data" / "resemblyzer.json").read_text())
RATE = 16_000
SAME = 1e-5


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    import torch

    torch.set_num_threads(1)
    return Models(weights_home)


def sound(samples: np.ndarray) -> Speech:
    return Speech(np.asarray(samples, np.float32), RATE, 0.0, RATE, 1)


def measured(clip: Speech, reference: Speech, models: Models) -> Measurement:
    artefacts = SimpleNamespace(
        speech=clip, voice_activity=detect_voice(clip, models), reference_speech=reference
    )
    return METRIC.measure(artefacts, Sample(id="x"), models)


def similarity(clip: Speech, reference: Speech, models: Models) -> float:
    return measured(clip, reference, models).scores["similarity"].value


def voice_print(samples: np.ndarray, models: Models) -> np.ndarray:
    return embedding(without_silence(levelled(samples)), models)


def assert_recorded(samples: np.ndarray, recorded: dict, models: Models) -> None:
    voiced = without_silence(levelled(samples))
    assert len(voiced) == recorded["voiced_samples"]
    assert len(partial_starts(len(voiced))) == recorded["partials"]
    assert np.abs(embedding(voiced, models) - np.array(recorded["embedding"])).max() < SAME


@pytest.mark.weights
@pytest.mark.parametrize("name", SOUNDS)
def test_synthetic_voices_have_the_embeddings_of_the_package(name: str, models: Models) -> None:
    assert_recorded(SOUNDS[name](), RECORDED["sounds"][name], models)


@pytest.mark.weights
@pytest.mark.shared
@pytest.mark.parametrize("clip", RECORDED["clips"])
def test_real_clips_have_the_embeddings_of_the_package(clip: str, models: Models, shared: Path) -> None:
    assert_recorded(load_speech(shared / "clips" / clip).samples, RECORDED["clips"][clip], models)


@pytest.mark.weights
def test_the_package_itself_agrees_where_it_is_installed(models: Models) -> None:
    resemblyzer = pytest.importorskip("resemblyzer", reason="the extra `parity` is not installed")
    encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)
    for make in [*SOUNDS.values(), lambda: vowels(95.0, 9.7, level=0.9, pause=2.0)]:
        theirs = encoder.embed_utterance(resemblyzer.preprocess_wav(make()))
        assert np.abs(voice_print(make(), models) - theirs).max() < SAME


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 40 * RATE))
def test_partials_cover_the_sound_by_the_published_rule(length: int) -> None:
    starts = partial_starts(length)
    assert starts == [PARTIAL_STEP * k for k in range(len(starts))]
    covered = (length - starts[-1] * HOP) / (PARTIAL * HOP)
    assert covered >= MIN_COVERAGE or len(starts) == 1
    # What no partial holds is less than the share that a last one would have needed.
    assert length - (starts[-1] + PARTIAL) * HOP < PARTIAL_STEP * HOP
    assert PARTIAL_STEP == 77


def test_quiet_sounds_are_raised_and_loud_ones_are_left() -> None:
    quiet, loud = vowels(120.0, 1.0, level=0.01), vowels(120.0, 1.0, level=0.9)
    assert 20 * np.log10(np.sqrt(np.mean(np.square(levelled(quiet))))) == pytest.approx(-30.0, abs=1e-3)
    assert np.array_equal(levelled(loud), loud)
    assert np.array_equal(levelled(np.zeros(10, np.float32)), np.zeros(10, np.float32))


def test_long_silences_go_and_speech_stays() -> None:
    spoken = vowels(130.0, 4.0)
    gap = np.zeros(3 * RATE, np.float32)
    kept = len(without_silence(np.concatenate([spoken, gap, spoken]))) / RATE
    assert 7.5 < kept < 8.8
    assert len(without_silence(gap)) == 0
    assert len(without_silence(spoken[:100])) == 0


@pytest.mark.weights
def test_a_voice_is_itself_and_nearer_to_itself_than_to_another(models: Models) -> None:
    low, again, other = (sound(vowels(pitch, s)) for pitch, s in ((110.0, 5.0), (111.0, 4.0), (180.0, 1.3)))
    result = measured(low, low, models)
    assert result.scores["similarity"].value == pytest.approx(1.0, abs=1e-6)
    assert result.scores["seconds_clip"].value == pytest.approx(4.98, abs=1e-9)
    assert similarity(low, again, models) > similarity(low, other, models)
    assert similarity(low, other, models) == pytest.approx(similarity(other, low, models), abs=1e-6)


@pytest.mark.weights
@pytest.mark.parametrize("gain", [0.5, 0.1, 2.0**-6])
def test_the_level_of_a_quiet_sound_does_not_matter(gain: float, models: Models) -> None:
    quiet = vowels(150.0, 3.0, level=0.05)  # below -30 dBFS: the law holds only there
    assert 20 * np.log10(np.sqrt(np.mean(np.square(quiet)))) < -30.0
    assert cosine(voice_print(quiet, models), voice_print(gain * quiet, models)) > 1 - 1e-5


@pytest.mark.weights
def test_batches_do_not_change_an_embedding(models: Models) -> None:
    from uniavgen_bench.metrics.resemblyzer_encoder import embed, load_encoder

    encoder = load_encoder(models.weight(WEIGHT), "cpu")
    mels = partial_mels(vowels(140.0, 8.0))
    whole = embed(encoder, mels)
    assert len(mels) > 4
    for batch in (1, 2, 3, len(mels)):
        assert np.abs(embed(encoder, mels, batch=batch) - whole).max() < 1e-6
    assert np.linalg.norm(whole) == pytest.approx(1.0, abs=1e-6)
    assert whole.min() >= 0.0


@pytest.mark.weights
def test_noise_silence_and_short_sounds_have_their_reason(models: Models) -> None:
    voice = sound(SOUNDS["low"]())
    noise = sound(np.random.default_rng(0).normal(0, 0.1, 5 * RATE))
    silence = sound(np.zeros(5 * RATE))
    brief = sound(vowels(180.0, 1.3)[: round(0.9 * RATE)])
    expected = {
        Reason.NO_SPEECH: [(noise, voice), (silence, voice), (voice, noise)],
        Reason.TOO_SHORT: [(brief, voice), (voice, brief)],
    }
    for reason, pairs in expected.items():
        for clip, reference in pairs:
            with pytest.raises(MissingError) as caught:
                measured(clip, reference, models)
            assert caught.value.missing.reason == reason
            assert ("reference" in caught.value.missing.detail) == (clip is voice)


@pytest.mark.weights
def test_a_checkpoint_of_something_else_is_told(tmp_path: Path) -> None:
    import torch

    from uniavgen_bench.metrics.resemblyzer_encoder import load_encoder

    torch.save({"model_state": {"linear.weight": torch.zeros(3, 3)}}, tmp_path / "other.pt")
    with pytest.raises(MissingError, match=r"weights: other\.pt does not hold the speaker encoder"):
        load_encoder(tmp_path / "other.pt", "cpu")


@pytest.mark.weights
@pytest.mark.shared
def test_real_voices_are_told_apart(models: Models, shared: Path) -> None:
    page = shared / "clips" / "uniavgen_page"
    clips = {k: load_speech(page / f"task3_t3_{k}.mp4") for k in (1, 2, 3)}
    origins = {k: load_speech(page / f"task3_t3_{k}_.mp4") for k in (1, 2, 3)}
    same = [similarity(clips[k], origins[k], models) for k in clips]
    different = [similarity(clips[k], origins[j], models) for k in clips for j in origins if j != k]
    assert min(same) > 0.85
    assert max(different) < min(same)

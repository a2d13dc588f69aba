"""`speech.wer[large-v3@1]`: languages, guards and reasons; its own code on real speech with a smaller network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from test_speech_cer import SOUND, VOICED, Hears, NoWeights

from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Tier
from uniavgen_bench.metrics import speech_wer
from uniavgen_bench.metrics.catalogue import plain_name, registry
from uniavgen_bench.metrics.speech_text import WHISPER_LARGE_V3
from uniavgen_bench.metrics.speech_wer_large_v3 import METRIC, SPEC
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.manifest import load_manifest
from uniavgen_bench.weights.models import Models


def measured(asked: str, network: Hears, language: str = "en") -> Measurement:
    models = Models(NoWeights())
    models.get("whisper-large-v3", lambda: network)
    clip = SimpleNamespace(speech=SOUND, voice_activity=VOICED)
    return METRIC.measure(clip, Sample(id="x", speech=asked, language=language), models)


@pytest.mark.parametrize(
    ("language", "code", "asked", "heard"),
    [
        ("en-GB", "en", "Mr. Smith paid twenty five dollars", "mister smith paid $25"),
        ("de", "de", "Schöne Grüße, Jürgen!", "schöne grüße jürgen"),
        ("French", "fr", "C'est l'été.", "C’est l’été"),
        ("ko", "ko", "안녕하세요, 여러분", "안녕하세요 여러분"),
    ],
)
def test_the_language_of_the_sample_is_recognised_and_normalised(language, code, asked, heard):
    network = Hears(heard)
    result = measured(asked, network, language)
    assert set(result.scores) == {field.name for field in SPEC.fields}
    assert result.scores["wer"].value == 0.0, result.evidence.texts["edits"]
    assert network.asked["language"] == code


def test_known_edits_are_counted_as_by_the_small_recogniser():
    result = measured("Lay blue by C two again.", Hears("lay white by sea 2"))
    assert result.scores["wer"].value == pytest.approx(0.5)
    assert result.evidence.texts["edits"] == "lay [blue -> white] by [c -> sea] 2 [again -> ]"
    assert SPEC.fields == speech_wer.SPEC.fields


@pytest.mark.parametrize("language", ["zh-CN", "ja", "th", "yue", "tlh", "xx", ""])
def test_languages_without_spaces_and_unknown_ones_are_missing(language):
    with pytest.raises(MissingError) as caught:
        measured("hello", Hears("hello"), language)
    assert caught.value.missing.reason is Reason.LANGUAGE


def test_text_for_music_is_no_speech():
    with pytest.raises(MissingError) as caught:
        measured("hello", Hears("Thanks for watching!", no_speech=0.8, sure=-1.2))
    assert caught.value.missing.reason is Reason.NO_SPEECH


def test_languages_are_those_of_the_recogniser():
    tokenizer = pytest.importorskip("faster_whisper.tokenizer")
    assert set(tokenizer._LANGUAGE_CODES) == WHISPER_LARGE_V3


def test_it_stands_beside_the_small_recogniser_under_its_own_name():
    metrics = registry()
    assert plain_name("speech.wer[large-v3@1]", metrics) == "speech.wer.large-v3"
    assert metrics.load("speech.wer").spec.name == "speech.wer@1"
    assert SPEC.tier is Tier.PAPER
    weight = load_manifest()["whisper-large-v3"]
    assert not weight.tried and {f.file for f in weight.files} >= {"model.bin", "preprocessor_config.json"}


@pytest.mark.shared
@pytest.mark.weights
def test_its_own_path_recognises_real_english_with_a_smaller_network(
    shared: Path, weights_home: WeightLocator
):
    """large-v3 has 3 GB: here Whisper base lies in its place."""
    if weights_home.require(["whisper-base"], quiet=True).unavailable:
        pytest.skip("Whisper base cannot be had")

    class InItsPlace(NoWeights):
        def path(self, name: str) -> Path:
            assert name == "whisper-large-v3"
            return weights_home.path("whisper-base")

    models = Models(InItsPlace())
    speech = load_speech(shared / "clips/uniavgen_page/task4_t4_2_.mp4")
    clip = SimpleNamespace(speech=speech, voice_activity=detect_voice(speech, models))
    said = "You won't be a great storyteller immediately after watching this video, but I think that once you start"
    result = METRIC.measure(clip, Sample(id="x", speech=f"{said} thinking"), models)
    assert result.scores["wer"].value <= 0.1, result.evidence.texts["edits"]

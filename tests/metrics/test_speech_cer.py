"""`speech.cer`: laws of edit counts, two scripts as one, reasons, and the real recogniser on Mandarin clips."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Speech, Transcript, VoiceActivity
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics import speech_cer, speech_cer_large_v3
from uniavgen_bench.metrics.catalogue import plain_name, registry
from uniavgen_bench.metrics.speech_cer import METRIC, SPEC, load_simplified, normalised, rates
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

RATE = 16_000
VOICED = VoiceActivity(np.array([[0.0, 2.0]]), np.ones(63, np.float32), 0.032, 0.0)
SOUND = Speech(np.zeros(2 * RATE, np.float32), RATE, 0.0, RATE, 1)


@pytest.fixture(scope="module", autouse=True)
def opencc():
    pytest.importorskip("opencc", reason="the extra `chinese` is not installed")


class NoWeights:
    def path(self, name: str) -> Path:
        raise MissingError(Reason.WEIGHTS, name)

    def sha256(self, name: str) -> str:
        return name


class Hears:
    """Stands for the network: writes the same text for every window, more or less sure of it."""

    def __init__(self, text: str, no_speech: float = 0.1, sure: float = -0.2) -> None:
        self.segment = SimpleNamespace(text=text, words=(), no_speech_prob=no_speech, avg_logprob=sure)
        self.asked: dict[str, object] = {}

    def transcribe(self, samples, **asked):
        self.asked = asked
        return [self.segment], None


def hearing(network: Hears) -> Models:
    models = Models(NoWeights())
    models.get("whisper-base", lambda: network)
    return models


def measured(asked: str, network: Hears, language: str = "zh", **sample: object) -> Measurement:
    clip = SimpleNamespace(speech=SOUND, voice_activity=VOICED)
    return METRIC.measure(clip, Sample(id="x", speech=asked, language=language, **sample), hearing(network))


def values(result: Measurement) -> dict[str, float]:
    assert set(result.scores) == {field.name for field in SPEC.fields}
    assert all(isinstance(score, Score) for score in result.scores.values())
    return {name: score.value for name, score in result.scores.items()}


TEXT = st.text(st.sampled_from("我你他好人在做想现"), min_size=1, max_size=10)


@settings(max_examples=80)
@given(TEXT, TEXT)
def test_the_rate_is_the_sum_of_its_parts_and_no_matter_which_text_is_asked_for_the_edits_are_as_many(
    one, other
):
    heard = Transcript("", (), "zh", "by hand")
    there, back = (values(rates(a, a, heard, b)) for a, b in ((one, other), (other, one)))
    assert there["cer"] == pytest.approx(there["substitutions"] + there["deletions"] + there["insertions"])
    assert there["cer"] * len(one) == pytest.approx(back["cer"] * len(other))
    surplus = (there["insertions"] - there["deletions"]) * len(one)
    assert surplus == pytest.approx(len(other) - len(one))
    assert there["cer"] * len(one) <= max(len(one), len(other)) + 1e-9
    assert (there["cer"] == 0) == (one == other)


@settings(max_examples=60)
@given(st.text(max_size=30))
def test_normalising_twice_is_normalising_once(text):
    simplified = load_simplified()
    once = normalised(text, simplified)
    assert not any(c.isspace() for c in once)
    assert normalised(once, simplified) == once


@pytest.mark.parametrize(
    ("asked", "heard"),
    [
        ("我以前没得选择，现在我想做一个好人。", "我以前沒得選擇 現在我想做一個好人"),
        ("他拖着行李", "他拖著行李"),
        ("头发发展", "頭髮發展"),
        ("去ＫＴＶ唱歌！", "去KTV唱歌"),
        ("“著名”的作家", "著名的作家"),
    ],
)
def test_script_punctuation_and_width_are_no_errors(asked, heard):
    assert values(measured(asked, Hears(heard)))["cer"] == 0.0


def test_known_edits_are_counted_and_shown():
    network = Hears("我想做个好人啊")
    result = measured("我要做一个好人", network)
    assert values(result) == {
        "cer": pytest.approx(3 / 7),
        "substitutions": pytest.approx(1 / 7),
        "deletions": pytest.approx(1 / 7),
        "insertions": pytest.approx(1 / 7),
        "characters": 7.0,
    }
    assert result.evidence.texts["edits"] == "我[要 -> 想]做[一 -> ]个好人[ -> 啊]"
    assert network.asked["language"] == "zh" and network.asked["temperature"] == [0.0]
    assert values(measured("你好", Hears("")))["deletions"] == 1.0


@pytest.mark.parametrize(
    ("no_speech", "sure", "scored"), [(0.9, -1.5, False), (0.9, -0.5, True), (0.3, -1.5, True)]
)
def test_text_that_the_network_itself_takes_for_no_speech_is_no_answer(no_speech, sure, scored):
    network = Hears("请不吝点赞订阅", no_speech, sure)
    if scored:
        assert values(measured("你好", network))["cer"] > 1
        return
    with pytest.raises(MissingError) as caught:
        measured("你好", network)
    assert caught.value.missing.reason is Reason.NO_SPEECH


@pytest.mark.parametrize(
    ("language", "sample", "reason"),
    [
        ("en", {}, Reason.LANGUAGE),
        ("yue", {}, Reason.LANGUAGE),
        ("ja", {}, Reason.LANGUAGE),
        ("tlh", {}, Reason.LANGUAGE),
        ("zh", {"speech": "。，！"}, Reason.NO_TRANSCRIPT),
        ("zh", {"speech": None}, Reason.NO_TRANSCRIPT),
        ("zh", {"speech_verified": False}, Reason.UNVERIFIED_TRANSCRIPT),
    ],
)
def test_what_cannot_be_compared_has_its_reason(language, sample, reason):
    given_ = Sample(**{"id": "x", "speech": "你好", "language": language, **sample})
    with pytest.raises(MissingError) as caught:
        METRIC.measure(SimpleNamespace(), given_, Models(NoWeights()))
    assert caught.value.missing.reason is reason


@pytest.mark.parametrize("language", ["zh", "zh-CN", "zh_TW", "cmn", "Chinese", "zh-Hant-TW"])
def test_names_of_mandarin_are_mandarin(language):
    assert values(measured("你好", Hears("你好"), language))["cer"] == 0.0


def test_silence_and_music_are_no_speech_and_no_network_is_loaded():
    t = np.arange(4 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * f * t) for f in (262.0, 330.0, 392.0)) * (1 + np.sin(2 * np.pi * 2 * t))
    for samples in (0.05 * chord, np.zeros(4 * RATE)):
        speech = Speech(np.asarray(samples, np.float32), RATE, 0.0, RATE, 1)
        models = Models(NoWeights())
        clip = SimpleNamespace(speech=speech, voice_activity=detect_voice(speech, models))
        with pytest.raises(MissingError) as caught:
            METRIC.measure(clip, Sample(id="x", speech="你好", language="zh"), models)
        assert caught.value.missing.reason is Reason.NO_SPEECH


def test_without_the_package_or_the_weights_the_answer_says_so(monkeypatch):
    clip, sample = (
        SimpleNamespace(speech=SOUND, voice_activity=VOICED),
        Sample(id="x", speech="你好", language="zh"),
    )
    for metric, weight in ((METRIC, "whisper-base"), (speech_cer_large_v3.METRIC, "whisper-large-v3")):
        with pytest.raises(MissingError, match=weight) as caught:
            metric.measure(clip, sample, Models(NoWeights()))
        assert caught.value.missing.reason is Reason.WEIGHTS
    monkeypatch.setitem(sys.modules, "opencc", None)
    with pytest.raises(MissingError, match=r"uniavgen-bench\[chinese\]") as caught:
        METRIC.measure(clip, sample, Models(NoWeights()))
    assert caught.value.missing.reason is Reason.NOT_INSTALLED


@pytest.mark.parametrize("name", ["speech.cer@1", "speech.cer[large-v3@1]"])
def test_every_variant_is_found_by_its_versioned_name(name):
    metrics = registry()
    metric = metrics.load(plain_name(name, metrics))
    assert metric.spec.name == name
    assert dict(metric.parameters)["opencc"] != "absent"


@pytest.mark.shared
@pytest.mark.weights
@pytest.mark.parametrize(
    ("clip", "said", "most"),
    [
        # Nobody listened: the list's recogniser wrote these texts, and its likely errors were replaced by homophones
        # that make a sentence (the first is a line of a known film). An error that both share would go unnoticed.
        (
            "mochabench/1p_generalize_chinese_2_man_facing_right_agent_tense.mp4",
            "我以前没得选择，现在我想做一个好人。",
            0.07,
        ),
        (
            "mochabench/1p_generalize_chinese_4_man_man_agents_sunset.mp4",
            "那就要我死。对不起，我是警察。",
            0.17,
        ),
    ],
)
def test_real_mandarin_is_recognised(clip, said, most, shared: Path, weights_home: WeightLocator):
    if weights_home.require(["whisper-base"], quiet=True).unavailable:
        pytest.skip("Whisper base cannot be had")
    models = Models(weights_home)
    speech = load_speech(shared / "clips" / clip)
    heard = SimpleNamespace(speech=speech, voice_activity=detect_voice(speech, models))
    result = speech_cer.measure(heard, Sample(id="x", speech=said, language="zh-CN"), models)
    assert values(result)["cer"] <= most, result.evidence.texts["edits"]
    assert "whisper-base" in result.evidence.texts["recogniser"]
    swapped = speech_cer.measure(
        heard, Sample(id="x", speech="今天天气很好我们去公园", language="zh"), models
    )
    assert values(swapped)["cer"] > 0.7

"""GRID sentences over their grammar: what is asked for, how words are counted, and how a decoder walks the slots."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Speech, VoiceActivity
from uniavgen_bench.core.registry import METRICS, Registry
from uniavgen_bench.core.result import MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.datasets.portraits.sentences import GRID_SLOTS
from uniavgen_bench.metrics import grid_recogniser, speech_grid
from uniavgen_bench.metrics.grid_recogniser import (
    SLOTS,
    GridRecogniser,
    Recognised,
    is_grid,
    written,
)
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

RATE = 16_000
MODELS = Models(weights=None)  # type: ignore[arg-type]
CLIP = SimpleNamespace(
    speech=Speech(np.zeros(2 * RATE, np.float32), RATE, 0.0, RATE, 1),
    voice_activity=VoiceActivity(np.array([[0.2, 1.8]]), np.zeros(60, np.float32), 0.032, 0.0),
)


class Tokens:
    """One token a word, as Whisper's English vocabulary has for these words."""

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}

    def encode(self, text: str, add_special_tokens: bool) -> SimpleNamespace:
        return SimpleNamespace(ids=[self.ids.setdefault(word, len(self.ids)) for word in text.split()])

    def token_to_id(self, name: str) -> int:
        return self.ids.setdefault(name, len(self.ids))


def recogniser(logits_after) -> GridRecogniser:
    """A recogniser whose network answers with `logits_after(words so far)`: token of a word -> logit."""
    tokens = Tokens()
    found = GridRecogniser(SimpleNamespace(hf_tokenizer=tokens))  # type: ignore[arg-type]
    names = {number: word for word, number in tokens.ids.items()}

    def next_logits(heard, starts):
        answers = []
        for start in starts:
            said = [names[t].lower() for t in start[len(found._before) :]]
            logits = np.full(len(names) + 1, -9.0)
            for word, value in logits_after(said).items():
                logits[tokens.ids[written(word, len(said))]] = value
            answers.append(logits)
        return answers

    found._heard = lambda samples: None  # type: ignore[method-assign,assignment,return-value]
    found._next = next_logits  # type: ignore[method-assign]
    return found


def test_grammar_is_that_of_the_dataset() -> None:
    assert SLOTS == GRID_SLOTS and is_grid(["bin", "red", "by", "m", "four", "please"])
    assert Registry(METRICS, "metric", Metric).load("speech.grid").spec.name == "speech.grid@1"


@settings(max_examples=20, deadline=None)
@given(st.tuples(*(st.sampled_from(slot) for slot in SLOTS)))
def test_what_the_network_is_sure_of_is_recognised(sentence: tuple[str, ...]) -> None:
    heard = recogniser(lambda said: {sentence[len(said)]: 5.0}).recognise(np.zeros(9, np.float32))
    assert heard.words == sentence and min(heard.shares) > 0.99


def test_a_beam_forgives_a_first_word_that_leads_nowhere() -> None:
    def logits(said: list[str]) -> dict[str, float]:
        if not said:
            return {"bin": 1.0, "lay": 0.8}
        return {"blue" if len(said) == 1 else SLOTS[len(said)][0]: 6.0 if said[0] == "lay" else -8.5}

    assert recogniser(logits).recognise(np.zeros(9, np.float32)).words[0] == "lay"


def test_words_are_counted_slot_by_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Recognised(("lay", "blue", "at", "b", "two", "now"), (0.5,) * 6)
    fake = SimpleNamespace(recognise=lambda samples: heard)
    monkeypatch.setattr(speech_grid, "load_grid_recogniser", lambda models: fake)
    sample = Sample(id="a", speech="Lay green at D two now.")
    found = {
        n: s.value
        for n, s in speech_grid.measure(CLIP, sample, MODELS).scores.items()
        if isinstance(s, Score)
    }  # type: ignore[arg-type]
    assert found == {"wer": pytest.approx(2 / 6), "letter": 1.0, "others": pytest.approx(1 / 5)}


@pytest.mark.parametrize("text", ["Lay green at W two now", "lay green", "the moon was hidden behind clouds"])
def test_other_sentences_are_refused_before_a_network_is_loaded(text: str) -> None:
    with pytest.raises(MissingError) as missing:
        speech_grid.measure(CLIP, Sample(id="a", speech=text), MODELS)  # type: ignore[arg-type]
    assert missing.value.missing.reason is Reason.NO_TRANSCRIPT


def test_silence_has_no_words() -> None:
    quiet = SimpleNamespace(
        **{**vars(CLIP), "voice_activity": VoiceActivity(np.zeros((0, 2)), np.zeros(60), 0.03, 0.0)}
    )
    with pytest.raises(MissingError) as missing:
        speech_grid.measure(quiet, Sample(id="a", speech="lay green at d two now"), MODELS)  # type: ignore[arg-type]
    assert missing.value.missing.reason is Reason.NO_SPEECH


@pytest.mark.weights
def test_plain_speech_is_heard_far_better_than_by_guessing(weights_home) -> None:
    pytest.importorskip("espeakng_loader", reason="the portrait world speaks with the extra `portraits`")
    import soxr

    from uniavgen_bench.core.synthesiser import VoiceWish
    from uniavgen_bench.datasets.portrait_voices import say_as_stranger

    heard = grid_recogniser.load_grid_recogniser(Models(weights_home))
    wrong = []
    for seed, text in enumerate(("bin red by m four please", "set blue with o nine again")):
        spoken = say_as_stranger(text, VoiceWish(seed, "male", seconds=2.4))
        samples = soxr.resample(np.pad(spoken.samples, 4000), spoken.rate, RATE)
        found = heard.recognise(samples.astype(np.float32))
        wrong += [a != b for a, b in zip(text.split(), found.words, strict=True)]
    assert np.mean(wrong) < 0.5 * speech_grid.CHANCE

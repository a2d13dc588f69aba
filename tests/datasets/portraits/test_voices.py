"""Voices: the same bytes always, in keeping with the face, apart from each other, and moved by emotion."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys

import numpy as np
import pytest

from uniavgen_bench.core.errors import InputError, NotInstalledError
from uniavgen_bench.datasets.portraits import espeak
from uniavgen_bench.datasets.portraits.face_state import EMOTIONS
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.prosody import NEUTRAL, prosody_of
from uniavgen_bench.datasets.portraits.recipe import head_of
from uniavgen_bench.datasets.portraits.speech import SPEECH_RATE, Speech, say
from uniavgen_bench.datasets.portraits.voices import voice_of
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

needs_library = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("espeakng_loader") is None,
    reason="the extra portraits is not installed",
)
TEXTS = ("place blue at f nine now", "The moon was hidden behind the clouds.", "Did you feed the fish?")
FIRST = 3_000_000


def people(count: int) -> list[HeadParams]:
    return [head_of(FIRST + n) for n in range(count)]


def digest(speech: Speech) -> str:
    return hashlib.sha256(speech.samples.tobytes() + repr(speech.phones).encode()).hexdigest()[:16]


def median_pitch(speech: Speech) -> float:
    """Median pitch in Hz by autocorrelation: the first peak near the highest."""
    sound, size = speech.samples / 32768.0, 960
    found = []
    for at in range(0, len(sound) - size, size // 2):
        part = sound[at : at + size] - sound[at : at + size].mean()
        if np.square(part).mean() < 1e-5:
            continue
        full = np.correlate(part, part, "full")[size - 1 :] / np.arange(size, 0, -1)
        low, high = SPEECH_RATE // 420, SPEECH_RATE // 65
        best = full[low:high].max()
        if best < 0.5 * full[0]:
            continue
        inside = full[low:high]
        peaks = [
            k for k in range(1, len(inside) - 1)
            if inside[k] > 0.9 * best and inside[k - 1] <= inside[k] >= inside[k + 1]
        ]  # fmt: skip
        if peaks:
            found.append(SPEECH_RATE / (low + peaks[0]))
    return float(np.median(found))


@needs_library
def test_the_same_words_give_the_same_bytes_in_any_order_and_in_a_fresh_process() -> None:
    jobs = [(person, text, "fearful") for person in (0, 2) for text in TEXTS] + [(1, TEXTS[0], "neutral")]
    first = {job: digest(say(job[1], voice_of(head_of(FIRST + job[0])), job[2], 0.8)) for job in jobs}
    random.Random(1).shuffle(jobs)
    for person, text, emotion in jobs:
        assert (
            digest(say(text, voice_of(head_of(FIRST + person)), emotion, 0.8)) == first[person, text, emotion]
        )
    code = (
        "from tests.datasets.portraits.test_voices import *\n"
        "print(digest(say(TEXTS[2], voice_of(head_of(FIRST + 2)), 'fearful', 0.8)))"
    )
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == first[2, TEXTS[2], "fearful"]


@needs_library
def test_pitch_tells_women_from_men_among_those_grown_up() -> None:
    agreed = []
    for head in people(48)[::2]:
        if head.age != "child":
            pitch = median_pitch(say(TEXTS[1], voice_of(head), "neutral", 0.0))
            agreed.append((pitch > 150.0) == (head.gender == "female"))
    assert np.mean(agreed) >= 0.95


@needs_library
def test_emotions_change_pitch_rate_and_loudness_in_their_direction() -> None:
    def measured(emotion: str) -> tuple[float, float, float]:
        spoken = [say(TEXTS[1], voice_of(head), emotion, 1.0) for head in people(8)[::3]]
        loud = [20 * np.log10(np.std(s.samples / 32768.0)) for s in spoken]
        return (
            float(np.mean([median_pitch(s) for s in spoken])),
            float(np.mean([s.seconds for s in spoken])),
            float(np.mean(loud)),
        )

    pitch, seconds, loud = measured("neutral")
    happy, sad, angry, fearful = (measured(e) for e in ("happy", "sad", "angry", "fearful"))
    surprised = measured("surprised")
    assert (
        happy[0] > 1.1 * pitch and surprised[0] > 1.15 * pitch and fearful[0] > 1.1 * pitch and sad[0] < pitch
    )
    assert sad[1] > 1.05 * seconds and fearful[1] < 0.95 * seconds and angry[1] < 0.95 * seconds
    assert angry[2] > loud + 3 and sad[2] < loud - 3


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_an_emotion_without_intensity_is_neutral(emotion: str) -> None:
    still, given = prosody_of(emotion, 0.0), NEUTRAL
    assert (still.pitch, still.range, still.rate, still.loudness) == (
        given.pitch,
        given.range,
        given.rate,
        0.0,
    )
    assert still.tremor == still.breath == still.pause == 0.0


def test_unknown_emotions_and_intensities_are_named() -> None:
    with pytest.raises(InputError, match=r"unknown emotion 'hapy' \(did you mean 'happy'\?\)"):
        prosody_of("hapy", 0.5)
    with pytest.raises(InputError, match=r"0 … 1, got 1\.5"):
        prosody_of("happy", 1.5)


@needs_library
def test_texts_and_rates_that_cannot_be_spoken_are_refused() -> None:
    for text in ("", "   ", "a" * 501, "a\0b"):
        with pytest.raises(InputError, match="1 to 500 letters"):
            espeak.speak(text, "name x\nlanguage en-us\n", words_per_minute=150)
    with pytest.raises(InputError, match="80 … 400"):
        espeak.speak("hello", "name x\nlanguage en-us\n", words_per_minute=900)


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    espeak.library_files.cache_clear()
    try:
        with pytest.raises(NotInstalledError, match=r"pip install 'uniavgen-bench\[portraits\]'"):
            say("hello", voice_of(head_of(FIRST)), "neutral", 0.0)
    finally:
        espeak.library_files.cache_clear()


@needs_library
@pytest.mark.weights
def test_a_speaker_encoder_separates_the_people(weights_home: WeightLocator) -> None:
    import soxr
    import torch

    from uniavgen_bench.metrics.resemblyzer_encoder import embed, load_encoder
    from uniavgen_bench.metrics.resemblyzer_signal import levelled, partial_mels, without_silence

    torch.set_num_threads(1)
    encoder = load_encoder(Models(weights_home).weight("resemblyzer"), "cpu")

    def voice_print(speech: Speech) -> np.ndarray:
        sound = soxr.resample(speech.samples.astype(np.float32) / 32768.0, SPEECH_RATE, 16_000)
        return embed(encoder, partial_mels(without_silence(levelled(sound))))

    heads = people(20)
    prints = np.stack([voice_print(say(t, voice_of(h), "neutral", 0.0)) for h in heads for t in TEXTS[:2]])
    likeness = prints @ prints.T
    who = np.repeat(np.arange(len(heads)), 2)
    above = np.triu_indices(len(who), 1)
    same, other = (
        likeness[above][who[above[0]] == who[above[1]]],
        likeness[above][who[above[0]] != who[above[1]]],
    )
    auc = np.mean(same[:, None] > other[None]) + 0.5 * np.mean(same[:, None] == other[None])
    assert auc >= 0.95

"""Timelines: phones cover the clip, sound and mouth agree, and nobody can know beforehand when speech begins."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.portraits.clip_truth import phones_of_frames
from uniavgen_bench.datasets.portraits.phones import FROM_ESPEAK, VOWELS, Phone, named, phones_of
from uniavgen_bench.datasets.portraits.recipe import Recipe, draw_recipes, format_of
from uniavgen_bench.datasets.portraits.speech import SPEECH_RATE
from uniavgen_bench.datasets.portraits.timeline import (
    EARLIEST,
    LATEST,
    LEAD,
    LEAST_TAIL,
    VISEME_OF,
    Timeline,
    sounds_of,
    timeline_of,
)
from uniavgen_bench.datasets.portraits.visemes import VISEMES

pytest.importorskip("espeakng_loader")

FORM = format_of(64, 16, 2.0)


@cache
def timelines(count: int = 10, fps: int = 16) -> tuple[Timeline, ...]:
    recipes = draw_recipes("test", count, "both", "grid", format_of(64, fps, 2.0), 7)
    return tuple(timeline_of(recipe) for recipe in recipes)


def spoken(line: Timeline) -> list[Phone]:
    return [phone for phone in line.phones if phone.name != "SIL"]


def loudness(line: Timeline) -> np.ndarray:
    """dB of every 10 ms."""
    sound = line.sound[: len(line.sound) // 240 * 240].reshape(-1, 240) / 32768.0
    return np.asarray(10 * np.log10(np.square(sound).mean(axis=1) + 1e-9))


def test_sound_frames_and_phones_have_one_length() -> None:
    for line in (*timelines(), *timelines(2, 25)):
        seconds = line.recipe.form.seconds
        assert len(line.sound) == round(seconds * SPEECH_RATE)
        assert len(line.face) == line.recipe.form.frames == len(phones_of_frames(line))
        assert line.phones[0].start == 0.0 and line.phones[-1].end == pytest.approx(seconds, abs=1e-4)
        for one, following in zip(line.phones, line.phones[1:], strict=False):
            assert one.end == pytest.approx(following.start) and one.end > one.start


def test_speech_begins_at_varied_times_and_leaves_silence() -> None:
    starts = [line.start for line in timelines()]
    assert all(EARLIEST - 1e-3 <= start <= LATEST for start in starts)
    assert np.std(starts) > 0.03
    for line in timelines():
        assert line.end <= line.recipe.form.seconds - LEAST_TAIL
        assert not line.sound[: int(line.start * SPEECH_RATE) - 1].any()


def test_vowels_are_loud_and_closures_are_not() -> None:
    """The phone times are those of the sound: in the middle of vowels it is loud, in silences it is not."""
    inside: dict[str, list[float]] = {"vowel": [], "stop": [], "silence": []}
    agreement = []
    for line in timelines():
        loud = loudness(line)
        at = (np.arange(len(loud)) + 0.5) * 0.01
        starts = np.array([p.start for p in line.phones])
        now = np.searchsorted(starts, at, side="right") - 1
        vowel = np.array([line.phones[i].name in VOWELS for i in now])
        agreement.append(np.corrcoef(vowel, np.maximum(loud, loud.max() - 45))[0, 1])
        for phone in line.phones:
            kind = "vowel" if phone.name in VOWELS else "stop" if phone.name in "PTKBDG" else "silence"
            if kind == "silence" and phone.name != "SIL":
                continue
            middle = loud[int((phone.start + phone.end) / 0.02)]
            inside[kind].append(middle - loud.max())
    assert np.median(inside["vowel"]) > np.median(inside["stop"]) + 5
    assert np.median(inside["stop"]) > np.median(inside["silence"])
    assert np.mean(agreement) > 0.5


def test_mouth_and_loudness_agree_best_without_a_shift() -> None:
    shifts = np.arange(-0.24, 0.241, 0.02)
    best, agreement = [], []
    for line in timelines():
        loud = np.maximum(loudness(line), -60.0)
        smooth = np.convolve(loud, np.ones(6) / 6, "same")
        at, frames = (np.arange(len(loud)) + 0.5) * 0.01, np.arange(len(line.face)) / line.recipe.form.fps
        r = [np.corrcoef(np.interp(frames + s, at, smooth), line.face.mouth_open)[0, 1] for s in shifts]
        best.append(shifts[int(np.argmax(r))])
        agreement.append(max(r))
    assert abs(np.mean(best)) < 0.02
    assert np.mean(agreement) > 0.6


def test_lips_shut_for_p_b_m_and_open_for_open_vowels() -> None:
    shut, wide = [], []
    for line in timelines(2, 25):
        times = np.arange(len(line.face)) / 25
        for time, opening in zip(times, line.face.mouth_open, strict=True):
            phone = next(p for p in line.phones if p.start <= time < p.end or p is line.phones[-1])
            share = (time - phone.start) / (phone.end - phone.start)
            if 0.2 < share < 0.8:
                (shut if phone.name in "PBM" else wide if phone.name in ("AA", "AE", "AY") else []).append(
                    opening
                )
    assert shut and wide
    assert max(shut) < 0.15 < min(wide)


def test_every_phone_has_visemes_and_diphthongs_have_two() -> None:
    assert {name for names in FROM_ESPEAK.values() for name in names} == set(VISEME_OF)
    assert {v for visemes in VISEME_OF.values() for v in visemes} == set(VISEMES)
    moving = sounds_of((Phone("AY", 0.0, 0.2), Phone("M", 0.2, 0.3)))
    assert [(s.viseme, round(s.start + LEAD, 3), round(s.end + LEAD, 3)) for s in moving] == [
        ("aa", 0.0, 0.1), ("ih", 0.1, 0.2), ("PP", 0.2, 0.3)
    ]  # fmt: skip


def test_phones_of_an_utterance_have_no_gaps_and_keep_stress() -> None:
    from uniavgen_bench.datasets.portraits.espeak import SpokenPhone, Utterance

    marks = [("_", 0), ("b", 100), ("'aI3", 300), ("?", 900), ("n-", 1000), ("_:", 1400), ("_", 1500)]
    said = Utterance(np.zeros(2000, np.int16), tuple(SpokenPhone(n, s) for n, s in marks))
    got = [(p.name, round(p.start, 3), round(p.end, 3), p.stress) for p in phones_of(said, 0.001)]
    assert got == [
        ("SIL", 0.0, 0.1, 0), ("B", 0.1, 0.3, 0), ("AY", 0.3, 0.7, 1), ("ER", 0.7, 1.0, 1),
        ("AH", 1.0, 1.2, 0), ("N", 1.2, 1.4, 0), ("SIL", 1.4, 2.0, 0),
    ]  # fmt: skip


def test_a_phone_without_a_name_is_an_error() -> None:
    from uniavgen_bench.core.errors import BenchError
    from uniavgen_bench.datasets.portraits.espeak import SpokenPhone

    with pytest.raises(BenchError, match="not in the table: 'Q%'"):
        named(SpokenPhone("Q%", 0))


def test_a_clip_too_short_for_any_sentence_says_so() -> None:
    recipe = draw_recipes("test", 1, "both", "grid", format_of(64, 16, 0.6), 7)[0]
    with pytest.raises(InputError, match=r"no sentence fits 0\.56 s"):
        timeline_of(recipe)


def test_free_sentences_fit_longer_clips() -> None:
    recipe = draw_recipes("train", 1, "plain", "free", format_of(64, 16, 4.0), 7)[0]
    line = timeline_of(recipe)
    assert line.end < 4.0 and 4 <= len(line.text.split()) <= 14
    assert isinstance(line.recipe, Recipe)

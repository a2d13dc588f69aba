"""Sentences: the GRID grammar, enough free ones, and splits that share none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.datasets.portraits.exact_math import Draws
from uniavgen_bench.datasets.portraits.phones import phones_of
from uniavgen_bench.datasets.portraits.sentence_bank import FREE_SENTENCES
from uniavgen_bench.datasets.portraits.sentences import (
    GRAMMARS,
    GRID_COUNT,
    GRID_SLOTS,
    SPLITS,
    draw_sentence,
    free_sentences,
    grid_sentence,
    split_of,
)


def test_grid_has_51_words_and_every_number_gives_a_sentence_of_its_own() -> None:
    assert len({word for slot in GRID_SLOTS for word in slot}) == 51
    assert GRID_COUNT == 4 * 4 * 4 * 25 * 10 * 4
    some = {grid_sentence(number) for number in range(0, GRID_COUNT, 64)}
    assert len(some) == GRID_COUNT // 64
    assert all(
        word in slot for s in list(some)[:50] for word, slot in zip(s.split(), GRID_SLOTS, strict=True)
    )


def test_free_sentences_are_many_and_of_4_to_14_words() -> None:
    everything = [s for split in SPLITS for s in free_sentences(split)]
    assert len(FREE_SENTENCES) == len(set(FREE_SENTENCES)) >= 140
    assert len(everything) == len(set(everything)) >= 400
    assert {len(s.split()) for s in everything} <= set(range(4, 15))


def test_no_sentence_is_in_two_splits_however_it_is_written() -> None:
    written = {s.lower().strip(".!?"): split for split in SPLITS for s in free_sentences(split)}
    assert len(written) == sum(len(free_sentences(split)) for split in SPLITS)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, GRID_COUNT - 1))
def test_capitals_and_stops_do_not_move_a_sentence_to_another_split(number: int) -> None:
    sentence = grid_sentence(number)
    assert split_of(sentence) == split_of(sentence.capitalize() + ".")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(GRAMMARS), st.sampled_from(SPLITS), st.integers(5, 14))
def test_drawn_sentences_are_of_the_split_and_no_longer_than_asked(
    seed: int, grammar: str, split: str, most: int
) -> None:
    sentence = draw_sentence(Draws(seed, "x"), grammar, split, most_words=most)  # type: ignore[arg-type]
    assert split_of(sentence) == split
    assert len(sentence.split()) <= max(most, 6 if grammar == "grid" else 0)


def test_draws_are_spread_over_the_sentences() -> None:
    for grammar in GRAMMARS:
        drawn = [draw_sentence(Draws(seed, "spread"), grammar, "test") for seed in range(200)]
        assert len(set(drawn)) > 100


def test_every_word_is_spoken_with_phones_that_have_a_name() -> None:
    pytest.importorskip("espeakng_loader")
    from uniavgen_bench.datasets.portraits.espeak import RATE, speak
    from uniavgen_bench.datasets.portraits.head_params import sample_head
    from uniavgen_bench.datasets.portraits.voices import voice_file, voice_of

    words = sorted({w.strip(".,!?") for split in SPLITS for s in free_sentences(split) for w in s.split()})
    words += [word for slot in GRID_SLOTS for word in slot]
    voice = voice_file(voice_of(sample_head(1)), 120.0, 0.4)
    for first in range(0, len(words), 40):
        utterance = speak(" ".join(words[first : first + 40]), voice, words_per_minute=200)
        phones = phones_of(utterance, 1 / RATE)
        assert len(phones) > 40
    for sentence in FREE_SENTENCES[::4]:
        assert phones_of(speak(sentence, voice, words_per_minute=200), 1 / RATE)

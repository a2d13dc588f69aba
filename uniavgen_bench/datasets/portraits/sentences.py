"""What is said: the grammar of the GRID corpus, and free sentences; no sentence is in two splits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Literal, get_args

from uniavgen_bench.core.hashing import sha256_bytes

from .exact_math import Draws
from .sentence_bank import FREE_PATTERNS, FREE_SENTENCES

Split = Literal["train", "val", "test"]
Grammar = Literal["grid", "free"]
SPLITS: tuple[Split, ...] = get_args(Split)
GRAMMARS: tuple[Grammar, ...] = get_args(Grammar)

GRID_SLOTS: tuple[tuple[str, ...], ...] = (
    ("bin", "lay", "place", "set"),
    ("blue", "green", "red", "white"),
    ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)
"""Command, colour, preposition, letter (without w), digit, adverb: 51 words, 64,000 sentences.

Source: Cooke et al. 2006, "An audio-visual corpus for speech perception and automatic speech recognition".
"""

SHARES: dict[Split, int] = {"train": 80, "val": 10, "test": 10}
"""Of a hundred sentences, about how many fall to a split."""


def split_of(sentence: str) -> Split:
    """Return the split of a sentence: its letters alone decide, so splits stay disjoint when sentences are added."""
    bare = " ".join("".join(c if c.isalnum() else " " for c in sentence.lower()).split())
    bucket = int(sha256_bytes(bare.encode())[:8], 16) % 100
    return "train" if bucket < SHARES["train"] else "val" if bucket < 100 - SHARES["test"] else "test"


def grid_sentence(number: int) -> str:
    """Return sentence 0 … 63,999 of the GRID grammar."""
    words = []
    for slot in reversed(GRID_SLOTS):
        number, at = divmod(number, len(slot))
        words.append(slot[at])
    return " ".join(reversed(words))


GRID_COUNT = 64_000


@cache
def free_sentences(split: Split) -> tuple[str, ...]:
    """Return the free sentences of a split, 4 to 14 words each, sorted."""
    every = dict.fromkeys((*FREE_SENTENCES, *(s for pattern in FREE_PATTERNS for s in filled(pattern))))
    return tuple(sorted(sentence for sentence in every if split_of(sentence) == split))


def filled(pattern: Sequence[Sequence[str]]) -> list[str]:
    """Return every sentence of a pattern: one choice per slot, an empty choice leaves the slot out."""
    sentences = [""]
    for slot in pattern:
        sentences = [
            f"{start} {choice}" if choice and start else start or choice
            for start in sentences
            for choice in slot
        ]
    return [
        sentence[0].upper() + sentence[1:] + ("" if sentence[-1] in "?!." else ".") for sentence in sentences
    ]


def draw_sentence(draw: Draws, grammar: Grammar, split: Split, *, most_words: int | None = None) -> str:
    """Draw a sentence of a split.

    Args:
        draw: the source of chance.
        grammar: `grid` has six words always; `free` four to fourteen.
        split: whose sentences to draw from.
        most_words: the longest free sentence to take; at least 5, so that there is a choice.
    """
    if grammar == "grid":
        while True:
            sentence = grid_sentence(int(draw.uniform(0, GRID_COUNT)))
            if split_of(sentence) == split:
                return sentence
    known = free_sentences(split)
    # Hand-written sentences and each pattern are drawn alike, or the longest pattern would crowd out all others.
    groups = _groups(split, max(5, most_words or 14))
    group = groups[int(draw.uniform(0, len(groups)))]
    return known[group[int(draw.uniform(0, len(group)))]]


@cache
def _groups(split: Split, most_words: int) -> tuple[tuple[int, ...], ...]:
    place = {sentence: i for i, sentence in enumerate(free_sentences(split))}
    sources = [list(FREE_SENTENCES)] * 4 + [filled(pattern) for pattern in FREE_PATTERNS]
    groups = (
        tuple(place[s] for s in source if s in place and len(s.split()) <= most_words) for source in sources
    )
    return tuple(group for group in groups if group)

"""The voices of the portrait world for systems that need a synthesiser; never those of people in the dataset."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.core.synthesiser import SpokenText, Synthesiser, VoiceWish

if TYPE_CHECKING:
    from uniavgen_bench.datasets.portraits.voices import Voice

FIRST_STRANGER = 9_000_000
"""Identities from here on belong to no split."""
STRANGERS = 24
ROUNDS = 3
"""Attempts at a wished length: the synthesiser's pauses do not scale with its rate."""
SLOWEST, FASTEST = 0.6, 2.0
"""Bounds of the pace against the voice's own."""


@cache
def strangers(gender: str | None) -> tuple[Voice, ...]:
    """Return voices that are nobody's in the dataset, of one gender where one is asked for."""
    from uniavgen_bench.datasets.portraits.head_params import GENDERS, sample_head
    from uniavgen_bench.datasets.portraits.voices import voice_of

    wanted = [g for g in GENDERS if gender in (None, g)]
    return tuple(
        voice_of(sample_head(FIRST_STRANGER + i, gender=wanted[i % len(wanted)], age="adult"))
        for i in range(STRANGERS)
    )


def choose(wish: VoiceWish) -> Voice:
    """Return the stranger whose mean pitch is nearest to the wish, or one drawn by the seed."""
    voices = strangers(wish.gender)
    if wish.pitch is None:
        return voices[wish.seed % len(voices)]
    pitch = wish.pitch
    return min(voices, key=lambda voice: abs(np.log(voice.pitch / pitch)))


def say_as_stranger(text: str, wish: VoiceWish) -> SpokenText:
    """Speak a text calmly with another voice than anybody's in the dataset.

    Raises:
        InputError: a text that cannot be spoken.
        NotInstalledError: the extra `portraits` is not installed.
    """
    from uniavgen_bench.datasets.portraits.speech import SPEECH_RATE, say

    voice = choose(wish)
    speech = say(text, voice, "neutral", 0.0)
    hurry = 1.0
    for _ in range(ROUNDS if wish.seconds is not None else 0):
        assert wish.seconds is not None
        ratio = speech.seconds / wish.seconds
        if abs(ratio - 1.0) < 0.02:
            break
        hurry = min(max(hurry * ratio, SLOWEST), FASTEST)
        speech = say(text, voice, "neutral", 0.0, hurry=hurry)
    return SpokenText(speech.samples.astype(np.float32) / np.float32(32768), SPEECH_RATE)


SYNTHESISER = Synthesiser(
    name="portraits",
    summary="eSpeak NG with the voices of people who are in no split of the portrait world",
    say=say_as_stranger,
)

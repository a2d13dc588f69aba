"""What happens when in a clip: speech placed in time, its phones, and the motion of the face that speaks them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError

from .exact_math import Draws
from .face_state import FaceState
from .idle_motion import frame_times, talking
from .phones import Phone, PhoneName
from .recipe import Recipe, head_of, reference_sentence, sentence_draws
from .speech import SPEECH_RATE, Speech, say
from .visemes import Sound, Viseme
from .voices import Voice, voice_of

EARLIEST, LATEST = 0.10, 0.60
"""Seconds at which speech begins: varied, or a system could know when to move its mouth without listening."""
LEAST_TAIL = 0.05
"""Seconds of silence at the end, at least."""
SLIGHT_HURRY = 1.15
"""How much faster a voice may speak only so that the sentence can start at the time that was drawn."""
MOST_HURRY = 1.6
"""How much faster than usual a voice may speak so that a sentence fits; otherwise another sentence is taken."""
ATTEMPTS = 12
LEAD = 0.02
"""Seconds by which lips move before they are heard, as in life; with this, the opening of the mouth agrees best with
the loudness of the sound at no shift (without it, 20 ms later)."""

VISEME_OF: dict[PhoneName, tuple[Viseme, ...]] = {
    "AA": ("aa",), "AE": ("aa",), "AH": ("E",), "AO": ("oh",), "AW": ("aa", "ou"), "AY": ("aa", "ih"), "EH": ("E",),
    "ER": ("RR",), "EY": ("E", "ih"), "IH": ("ih",), "IY": ("ih",), "OW": ("oh", "ou"), "OY": ("oh", "ih"),
    "UH": ("ou",), "UW": ("ou",), "B": ("PP",), "CH": ("CH",), "D": ("DD",), "DH": ("TH",), "F": ("FF",),
    "G": ("kk",), "HH": ("kk",), "JH": ("CH",), "K": ("kk",), "L": ("nn",), "M": ("PP",), "N": ("nn",),
    "NG": ("kk",), "P": ("PP",), "R": ("RR",), "S": ("SS",), "SH": ("CH",), "T": ("DD",), "TH": ("TH",),
    "V": ("FF",), "W": ("ou",), "Y": ("ih",), "Z": ("SS",), "ZH": ("CH",), "SIL": ("sil",),
}  # fmt: skip
"""Phone -> viseme of the MPEG-4 set; a diphthong moves from one to another in its middle."""


@dataclass(frozen=True)
class Timeline:
    """A clip before it is drawn.

    `sound` Int16 [N] at 24 kHz lasts exactly as long as the frames; `phones` cover it without gaps, silence included;
    `face` has one state a frame, the first at 0 s. `hurry` is how much faster than usual the voice spoke.
    """

    recipe: Recipe
    text: str
    sound: NDArray[np.int16]
    phones: tuple[Phone, ...]
    start: float
    end: float
    hurry: float
    face: FaceState


def timeline_of(recipe: Recipe) -> Timeline:
    """Let the person of a recipe say its sentence.

    Raises:
        InputError: no sentence fits the length of the clip.
        NotInstalledError: the extra `portraits` is not installed.
    """
    voice = voice_of(head_of(recipe.identity))
    seconds = recipe.form.seconds
    wanted = Draws(recipe.seed, "start").uniform(EARLIEST, LATEST)
    text, speech, hurry = _fitting(recipe, voice, wanted)
    # What does not fit behind the time that was drawn starts earlier, but not all at the very first moment.
    latest = max(EARLIEST, seconds - LEAST_TAIL - speech.seconds)
    start = wanted if wanted <= latest else Draws(recipe.seed, "earlier").uniform(EARLIEST, latest)
    first = round(start * SPEECH_RATE)
    length = round(seconds * SPEECH_RATE)
    sound = np.zeros(length, np.int16)
    sound[first : first + len(speech.samples)] = speech.samples
    phones = placed(speech.phones, first / SPEECH_RATE, length / SPEECH_RATE)
    spoken = [phone for phone in phones if phone.name != "SIL"]
    face = talking(
        recipe.seed >> 8,
        sounds_of(phones),
        frame_times(recipe.form.frames, recipe.form.fps),
        emotion=recipe.emotion,
        intensity=recipe.intensity,
    )
    return Timeline(recipe, text, sound, phones, spoken[0].start, spoken[-1].end, hurry, face)


def reference_speech(recipe: Recipe, text: str) -> tuple[str, Speech]:
    """Return another sentence of the same voice, calm, and its sound."""
    other = reference_sentence(recipe, text)
    return other, say(other, voice_of(head_of(recipe.identity)), "neutral", 0.0)


def _fitting(recipe: Recipe, voice: Voice, wanted: float) -> tuple[str, Speech, float]:
    """Return a sentence, its speech and its hurry: a little hurry so that it can start when wanted, more if it must."""
    room = recipe.form.seconds - EARLIEST - LEAST_TAIL
    behind = recipe.form.seconds - wanted - LEAST_TAIL
    for attempt in range(ATTEMPTS):
        text = sentence_draws(recipe, attempt)
        hurry = 1.0
        # The library's pauses and rounding keep rate and length from being inverse, so a second step may be needed.
        for _ in range(3):
            speech = say(text, voice, recipe.emotion, recipe.intensity, hurry=hurry)
            if speech.seconds <= room:
                needed = hurry * 1.03 * speech.seconds / behind
                if hurry < needed <= SLIGHT_HURRY:
                    faster = say(text, voice, recipe.emotion, recipe.intensity, hurry=needed)
                    return text, faster, needed
                return text, speech, hurry
            hurry *= 1.03 * speech.seconds / room
            if hurry > MOST_HURRY:
                break
    raise InputError(
        f"no sentence fits {recipe.form.seconds:.2f} s",
        way_out="raise dataset.seconds; 2 s hold six short words",
    )


def placed(phones: tuple[Phone, ...], start: float, seconds: float) -> tuple[Phone, ...]:
    """Move phones to `start` s and fill a clip of `seconds` with silence around them."""
    spoken = phones[:-1] if phones[-1].name == "SIL" else phones
    moved = [Phone(p.name, p.start + start, p.end + start, p.stress) for p in spoken]
    last = moved[-1].end
    return (Phone("SIL", 0.0, start), *moved, Phone("SIL", last, seconds))


def sounds_of(phones: tuple[Phone, ...]) -> list[Sound]:
    """Return what the mouth shows of phones, `LEAD` s before they are heard.

    The second half of a diphthong is a sound of its own.
    """
    sounds = []
    for phone in phones:
        visemes = VISEME_OF[phone.name]
        step = (phone.end - phone.start) / len(visemes)
        for i, viseme in enumerate(visemes):
            start = phone.start + i * step - LEAD
            sounds.append(Sound(viseme, start, start + step))
    return sounds

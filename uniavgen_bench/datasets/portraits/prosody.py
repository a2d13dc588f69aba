"""How an emotion sounds: what it does to pitch, range, rate, loudness, pauses, brightness, breath and trembling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from uniavgen_bench.core.errors import InputError, unknown_name

from .face_state import EMOTIONS, Emotion


@dataclass(frozen=True)
class Prosody:
    """Changes to a voice at rest.

    `pitch`, `range`, `rate` are factors on mean pitch, its spread in octaves, and words per minute; `loudness` and
    `brightness` are dB (overall, and above about 2 kHz); `pause` is s between words; `breath` dB of breathing noise
    on top of the voice's own; `tremor` the depth of trembling in pitch (share) at `tremor_rate` Hz.
    """

    pitch: float = 1.0
    range: float = 1.0
    rate: float = 1.0
    loudness: float = 0.0
    brightness: float = 0.0
    pause: float = 0.0
    breath: float = 0.0
    tremor: float = 0.0
    tremor_rate: float = 6.0


NEUTRAL = Prosody()
FULL: Mapping[Emotion, Prosody] = {
    "neutral": NEUTRAL,
    "happy": Prosody(pitch=1.16, range=1.6, rate=1.07, loudness=2.5, brightness=2.5),
    "sad": Prosody(pitch=0.90, range=0.45, rate=0.9, loudness=-6.0, brightness=-6.0, pause=0.02, breath=4.0),
    "angry": Prosody(
        pitch=1.08, range=1.45, rate=1.12, loudness=6.0, brightness=6.0, tremor=0.006, tremor_rate=28.0
    ),
    "surprised": Prosody(pitch=1.16, range=2.0, rate=0.98, loudness=2.0, brightness=1.0, breath=2.0),
    "fearful": Prosody(
        pitch=1.20, range=0.7, rate=1.14, loudness=-2.5, breath=6.0, tremor=0.022, tremor_rate=7.5
    ),
}
"""At intensity 1. Directions follow Scherer 2003, "Vocal communication of emotion" (fear, anger fast; sadness slow,
soft; joy, surprise wide in range); the sizes are ours, kept within what a recogniser still understands."""


def prosody_of(emotion: str, intensity: float) -> Prosody:
    """Return the prosody of an emotion at an intensity from 0 (neutral) to 1.

    Raises:
        InputError: an unknown emotion, or an intensity outside 0 … 1.
    """
    known = next((name for name in EMOTIONS if name == emotion), None)
    if known is None:
        raise unknown_name("emotion", emotion, EMOTIONS)
    if not 0.0 <= intensity <= 1.0:
        raise InputError(f"the intensity of an emotion lies in 0 … 1, got {intensity}")
    full = FULL[known]
    changed = {}
    for field in fields(Prosody):
        rest, end = getattr(NEUTRAL, field.name), getattr(full, field.name)
        changed[field.name] = end if field.name == "tremor_rate" else rest + (end - rest) * intensity
    return Prosody(**changed)

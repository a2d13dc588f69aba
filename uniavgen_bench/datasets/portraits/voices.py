"""A voice per identity, in keeping with the gender and age that its face shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .exact_math import Draws
from .head_params import Age, Gender, HeadParams

Range = tuple[float, float]


@dataclass(frozen=True)
class Resonance:
    """A peak or dip of a voice's spectrum: centre in Hz, height in dB, width in octaves."""

    centre: float
    height: float
    width: float


@dataclass(frozen=True)
class Voice:
    """What makes a voice: all that is kept from sentence to sentence.

    `pitch` mean in Hz, `range` its spread from lowest to highest in octaves; `tract` the length of the vocal tract as
    a factor on frequencies (adult man 1); `formants` factors on the frequencies of formants 1 … 4 beside it, `widths`
    on their bandwidths; `rate` words a minute; `brightness` dB above 2 kHz; `breath` dB of noise against the voice;
    `jitter` share of random pitch change; `tremor` share of an old voice's tremble, at `tremor_rate` Hz; `roughness`
    0 … 1; `consonants` percent; `resonances` its own colouring; `room` 0 … 1, how much of the room is heard.
    """

    pitch: float
    range: float
    tract: float
    formants: tuple[float, float, float, float]
    widths: tuple[float, float, float, float]
    rate: float
    brightness: float
    breath: float
    jitter: float
    tremor: float
    tremor_rate: float
    roughness: int
    consonants: int
    resonances: tuple[Resonance, ...]
    room: float
    seed: int


PITCH: Mapping[tuple[Gender, Age], Range] = {
    ("male", "child"): (205.0, 250.0),
    ("male", "young"): (98.0, 132.0),
    ("male", "adult"): (82.0, 122.0),
    ("male", "old"): (92.0, 132.0),
    ("female", "child"): (240.0, 290.0),
    ("female", "young"): (190.0, 240.0),
    ("female", "adult"): (178.0, 222.0),
    ("female", "old"): (168.0, 205.0),
}
"""Mean pitch in Hz of speaking people. Facts: Stathopoulos et al. 2011 for the course over age."""
TRACT: Mapping[tuple[Gender, Age], Range] = {
    ("male", "child"): (1.14, 1.22),
    ("male", "young"): (0.95, 1.06),
    ("male", "adult"): (0.92, 1.05),
    ("male", "old"): (0.93, 1.04),
    ("female", "child"): (1.17, 1.26),
    ("female", "young"): (1.07, 1.17),
    ("female", "adult"): (1.05, 1.16),
    ("female", "old"): (1.04, 1.13),
}
"""Women's formants lie about 15 % above men's, children's 25 % and more (Peterson and Barney 1952)."""
SPEED: Mapping[Age, Range] = {
    "child": (142.0, 160.0), "young": (152.0, 178.0), "adult": (146.0, 170.0), "old": (128.0, 148.0),
}  # fmt: skip

ABOVE_BASE = 0.7
"""Where the median pitch of eSpeak NG's sentences lies between the two numbers of a voice file (measured)."""


def voice_of(head: HeadParams) -> Voice:
    """Draw the voice of an identity: its seed, gender and age alone fix it."""
    draw = Draws(head.seed, "voice")
    kind = head.gender, head.age
    old, child = head.age == "old", head.age == "child"
    return Voice(
        pitch=draw.uniform(*PITCH[kind]),
        range=draw.uniform(0.32, 0.62),
        tract=draw.uniform(*TRACT[kind]),
        formants=tuple(draw.uniform(1 - s, 1 + s) for s in (0.075, 0.09, 0.10, 0.12)),  # type: ignore[arg-type]
        widths=tuple(draw.uniform(0.7, 1.3) for _ in range(4)),  # type: ignore[arg-type]
        rate=draw.uniform(*SPEED[head.age]),
        brightness=draw.uniform(-6.0, 6.0) - (2.0 if old else 0.0),
        breath=draw.uniform(-46.0, -34.0) + (6.0 if old or child else 0.0),
        jitter=draw.uniform(0.002, 0.005) + (0.004 if old else 0.0),
        tremor=draw.uniform(0.008, 0.016) if old else 0.0,
        tremor_rate=draw.uniform(4.5, 6.0),
        roughness=int(draw.uniform(0, 2)) if head.gender == "male" and not child else 0,
        consonants=int(draw.uniform(85, 120)),
        resonances=tuple(
            Resonance(low * 2.0 ** draw.uniform(0, span), draw.uniform(-9.0, 9.0), draw.uniform(0.35, 0.8))
            for low, span in ((250.0, 1.0), (600.0, 1.0), (1300.0, 0.9), (2500.0, 0.7), (4200.0, 0.6))
        ),
        room=draw.uniform(0.05, 0.35),
        seed=head.seed,
    )


def voice_file(voice: Voice, pitch: float, octaves: float) -> str:
    """Return a voice definition of eSpeak NG: American English with this voice's formants.

    `pitch` mean in Hz and `octaves` of range are those that the library should make, before its output is played
    faster or slower by `tract`. `flutter 0` turns off the library's random pitch, which no seed fixes.
    """
    lines = [
        "name portrait",
        "language en-us",
        "phonemes en-us",
        "dictrules 3 6",
        "replace 03 I  i",
        "replace 03 I2 i",
        "flutter 0",
        f"pitch {round(pitch * 2 ** (-ABOVE_BASE * octaves))} {round(pitch * 2 ** ((1 - ABOVE_BASE) * octaves))}",
        f"roughness {voice.roughness}",
        f"consonants {voice.consonants} {voice.consonants}",
        "stressLength 140 120 190 170 0 0 255 300",
        "stressAmp 17 16 19 19 19 19 21 19",
    ]
    for number, (factor, width) in enumerate(zip(voice.formants, voice.widths, strict=True), start=1):
        lines.append(f"formant {number} {round(100 * factor)} 100 {round(100 * width)}")
    return "\n".join(lines) + "\n"

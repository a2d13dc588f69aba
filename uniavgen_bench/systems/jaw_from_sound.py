"""How far a mouth opens, guessed from sound alone, or from text alone."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 300.0, 1500.0
"""Hz: where the first formant of open vowels and the second of back vowels lie; hiss lies above, hum below."""
RANGE_DB = 26.0
"""The mouth is shut so far below the loudest moments."""
WINDOW = 0.05
"""Seconds of sound that one opening looks at."""
WIDEST = 0.20
"""The widest opening, in distances between the eyes."""
VOWELS = frozenset("aeiouy")
REST = 0.2
"""Opening of a consonant that does not shut the lips, against a vowel's."""
VOWEL_LENGTH, WORD_GAP = 1.6, 0.5
"""Lengths against that of a consonant."""

Float32 = NDArray[np.float32]


def jaw_from_sound(samples: Float32, rate: int, fps: float, frames: int) -> Float32:
    """Return the opening [T] for frames at i / `fps` s from a sound [N], in distances between the eyes.

    The energy of a formant band in dB, from the loudest (95th percentile) down to `RANGE_DB` below, opens the mouth.
    """
    from scipy.signal import butter, sosfiltfilt

    need = round((frames / fps + 1.0) * rate)
    padded = np.pad(samples.astype(np.float64), (0, max(0, need - len(samples))))
    band = sosfiltfilt(butter(3, (LOW, HIGH), btype="bandpass", fs=rate, output="sos"), padded)
    total = np.concatenate([[0.0], np.cumsum(band * band)])
    middle = np.arange(frames) / fps
    first = np.clip(np.round((middle - WINDOW / 2) * rate), 0, len(band)).astype(np.int64)
    last = np.clip(np.round((middle + WINDOW / 2) * rate), 1, len(band)).astype(np.int64)
    power = (total[last] - total[first]) / np.maximum(last - first, 1)
    if not power.max() > 1e-10:
        return np.zeros(frames, np.float32)
    loud = 10 * np.log10(np.maximum(power, 1e-12))
    share = np.clip(1.0 + (loud - np.percentile(loud, 95)) / RANGE_DB, 0.0, 1.0)
    return np.asarray(WIDEST * share**1.5, np.float32)


def units_of(text: str) -> list[tuple[float, float]]:
    """Return (length, height 0 … 1) of the units that a text is spelled in: a vowel group, a consonant, a gap.

    A final e after a consonant is silent unless it is the word's only vowel; doubled consonants and sh, ch, th, ph, ng,
    ck count once.
    """
    units: list[tuple[float, float]] = []
    for word in re.findall(r"[a-z]+", text.lower()):
        spoken = word[:-1] if re.fullmatch(r".*[aeiouy].*[^aeiouy]e", word) else word
        units += [(WORD_GAP, 0.0)] if units else []
        for unit in re.finditer(r"[aeiouy]+|[scpt]h|ng|ck|([^aeiouy])\1|[^aeiouy]", spoken):
            letter = unit.group()[0]
            if letter in VOWELS:
                units.append((VOWEL_LENGTH, 1.0))
            else:
                units.append((1.0, 0.0 if letter in "mbpfv" else REST))
    return units


def jaw_from_text(text: str, start: float, end: float, fps: float, frames: int) -> Float32:
    """Return the opening [T] of a mouth that spells a text between two times in s: vowels open it."""
    units = units_of(text)
    if not units:
        return np.zeros(frames, np.float32)
    lengths, heights = (np.array(column) for column in zip(*units, strict=True))
    ends = start + np.cumsum(lengths) * (end - start) / lengths.sum()
    centres = ends - lengths / 2 * (end - start) / lengths.sum()
    known = np.concatenate([[start - 1e-3], centres, [end + 1e-3]])
    at = np.interp(np.arange(frames) / fps, known, [0.0, *heights, 0.0], left=0.0, right=0.0)
    return np.asarray(0.8 * WIDEST * at, np.float32)

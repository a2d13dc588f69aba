"""How far a mouth opens, guessed from sound alone, or from text alone."""

from __future__ import annotations

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
REST = 0.04
"""Opening of a consonant against the widest."""

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


def jaw_from_text(text: str, start: float, end: float, fps: float, frames: int) -> Float32:
    """Return the opening [T] of a mouth that spells a text between two times in s: vowels open it.

    Letters take equal time, gaps between words one letter, closed.
    """
    letters = [c for c in text.lower() if c.isalpha() or c == " "]
    if not letters:
        return np.zeros(frames, np.float32)
    height = [1.0 if c in VOWELS else 0.0 if c in " mbp" else REST for c in letters]
    step = (end - start) / len(letters)
    centres = start + (np.arange(len(letters)) + 0.5) * step
    times = np.arange(frames) / fps
    at = np.interp(
        times,
        np.concatenate([[start - 1e-3], centres, [end + 1e-3]]),
        [0.0, *height, 0.0],
        left=0.0,
        right=0.0,
    )
    return np.asarray(WIDEST * 0.8 * at, np.float32)

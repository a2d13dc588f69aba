"""Sounds that anybody can make again, to which WebRTC's voice detector listens as to speech."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RATE = 16_000


def vowels(pitch: float, seconds: float, *, level: float = 0.1, pause: float = 0.0) -> NDArray[np.float32]:
    """A buzz at `pitch` Hz through three moving formants, four syllables a second; silent for `pause` s midway."""
    t = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * pitch * (t + 0.02 * np.sin(2 * np.pi * 3 * t) / (2 * np.pi * 3))
    sound = np.zeros_like(t)
    for harmonic in range(1, int(RATE / 2 / pitch)):
        frequency = harmonic * pitch
        gain = sum(
            np.exp(-(((frequency - centre * (1 + 0.2 * np.sin(2 * np.pi * 2 * t + k))) / width) ** 2))
            for k, (centre, width) in enumerate(((600, 150), (1400, 250), (2600, 350)))
        )
        sound += gain * np.sin(harmonic * phase + harmonic**2)
    sound *= np.clip(0.6 + np.sin(2 * np.pi * 4 * t), 0, 1)
    if pause:
        sound[np.abs(t - seconds / 2) < pause / 2] = 0.0
    return (level * sound / np.abs(sound).max()).astype(np.float32)


SOUNDS: dict[str, Callable[[], NDArray[np.float32]]] = {
    "low": lambda: vowels(110.0, 5.0),
    "high": lambda: vowels(220.0, 4.3, level=0.6),
    "quiet": lambda: vowels(150.0, 3.0, level=0.003),
    "paused": lambda: vowels(130.0, 6.0, pause=1.5),
    "short": lambda: vowels(180.0, 1.3),
}

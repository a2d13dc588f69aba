"""The sound that a mouth is compared with: log mel energies, and loudness of the speech band."""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.signal import get_window

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32, Float64

BANDS = 40
LOW, HIGH = 80.0, 7600.0
WINDOW = 400
FFT = 512
FLOOR_DB = 60.0
"""Energies further below the loudest one are cut off: silence has no shape."""


def mel_of_hz(hz: Float64) -> Float64:
    """HTK's mel scale."""
    mel: Float64 = 2595.0 * np.log10(1.0 + hz / 700.0)
    return mel


@cache
def mel_filters() -> Float64:
    """Return triangular filters `[40, 257]`, each with sum one."""
    edges = np.linspace(mel_of_hz(np.array(LOW)), mel_of_hz(np.array(HIGH)), BANDS + 2)
    hz = 700.0 * (10.0 ** (edges / 2595.0) - 1.0)
    bins = np.arange(FFT // 2 + 1) * SPEECH_RATE / FFT
    rise = (bins - hz[:-2, None]) / (hz[1:-1] - hz[:-2])[:, None]
    fall = (hz[2:, None] - bins) / (hz[2:] - hz[1:-1])[:, None]
    filters = np.maximum(0.0, np.minimum(rise, fall))
    scaled: Float64 = filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-9)
    return scaled


def log_mel(samples: Float32, times: Float64, start: float) -> Float32:
    """Return log mel energies `[T, 40]` in dB of windows of 25 ms centred on `times` [T] s of the clip's clock.

    `samples` at 16 kHz begin at `start` s. Sound that is not there counts as silence. The loudest energy is 0 dB,
    and what lies 60 dB below it is cut off.
    """
    centres = np.round((times - start) * SPEECH_RATE).astype(np.int64)
    first = centres - WINDOW // 2
    pad_left = max(0, -int(first.min(initial=0)))
    pad_right = max(0, int(first.max(initial=0)) + WINDOW - len(samples))
    padded = np.pad(samples.astype(np.float64), (pad_left, pad_right))
    frames = padded[(first + pad_left)[:, None] + np.arange(WINDOW)] * get_window("hann", WINDOW)
    power = np.abs(np.fft.rfft(frames, FFT, axis=1)) ** 2 @ mel_filters().T
    decibel = 10.0 * np.log10(np.maximum(power, 1e-12))
    loudest = decibel.max(initial=-120.0)
    out: Float32 = (np.maximum(decibel, loudest - FLOOR_DB) - loudest).astype(np.float32)
    return out

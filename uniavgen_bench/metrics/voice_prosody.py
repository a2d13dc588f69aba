"""How a voice sounds, apart from whose it is: loudness, brightness, and how far its pitch moves."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.core.result import MissingError, Reason

FEATURES = ("level", "brightness", "presence", "pitch_spread")
FRAME, HOP = 0.04, 0.01
LOWEST, HIGHEST = 60.0, 500.0
"""Hz: the pitch of people's voices."""
VOICED = 0.5
"""Autocorrelation from which a frame is voiced."""
QUIETEST_DB = 30.0
MIN_VOICED = 0.3
"""Seconds of voiced sound that are needed."""
OCTAVE_ERROR = 0.8
"""A pitch further than this from the median, in octaves, is taken for a mistake."""


def prosody(samples: Float32, rate: int) -> Float64:
    """Return the features of a sound [N]: `FEATURES`, [4].

    `level`: dB of the voiced frames against full scale. `brightness`, `presence`: dB of 2 to 7 kHz and of 1 to 2 kHz
    against 100 Hz to 1 kHz. `pitch_spread`: standard deviation of the pitch in octaves.

    Raises:
        MissingError: `no_speech` when too little of the sound is voiced.
    """
    size, hop = round(FRAME * rate), round(HOP * rate)
    if len(samples) < size:
        raise MissingError(Reason.NO_SPEECH, "the sound is shorter than a frame")
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[::hop]
    energy = np.square(frames).mean(axis=1)
    loud = energy > energy.max() * 10 ** (-QUIETEST_DB / 10)
    window, length = np.hanning(size), 1 << int(np.ceil(np.log2(2 * size)))
    spectrum = np.abs(np.fft.rfft(frames * window, length)) ** 2
    likeness = np.fft.irfft(spectrum)[:, :size]
    # A window shortens long lags; dividing by its own autocorrelation takes that out.
    own = np.fft.irfft(np.abs(np.fft.rfft(window, length)) ** 2)[:size]
    likeness = likeness / np.maximum(likeness[:, :1], 1e-12) / np.maximum(own / own[0], 0.05)
    first = int(rate / HIGHEST)
    inside = likeness[:, first : int(rate / LOWEST)]
    voiced = (inside.max(axis=1) > VOICED) & loud
    if voiced.sum() * HOP < MIN_VOICED:
        raise MissingError(
            Reason.NO_SPEECH, f"{voiced.sum() * HOP:.2f} s of voiced sound, {MIN_VOICED:g} s needed"
        )
    # The first lag that is nearly as good as the best: its multiples are as good.
    near = inside[voiced] >= 0.9 * inside[voiced].max(axis=1, keepdims=True)
    pitch = np.log2(rate / (first + near.argmax(axis=1)))
    pitch = pitch[np.abs(pitch - np.median(pitch)) < OCTAVE_ERROR]
    hertz = np.fft.rfftfreq(length, 1 / rate)

    def band(low: float, high: float) -> Float64:
        power = spectrum[voiced][:, (hertz >= low) & (hertz < high)].sum(axis=1)
        return np.asarray(10 * np.log10(power + 1e-12), np.float64)

    base = band(100, 1000)
    return np.array(
        [
            10 * np.log10(energy[voiced].mean() + 1e-12),
            float((band(2000, 7000) - base).mean()),
            float((band(1000, 2000) - base).mean()),
            float(pitch.std()),
        ]
    )

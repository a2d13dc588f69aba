"""What the speaker encoder of Resemblyzer sees of a sound: levelled, without long silences, as mel energies.

Every number here is the published method's (Resemblyzer 0.1.4; Wan et al., "Generalized end-to-end loss for speaker
verification", arXiv:1710.10467).
"""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32
from uniavgen_bench.metrics.audio_dnsmos import mel_filters

LEVEL_DBFS = -30.0
"""Quieter sounds are raised to this level (root mean square); louder ones stay as they are."""
MELS = 40
FFT = 400
"""Samples of an analysis window: 25 ms."""
HOP = 160
"""Samples from frame to frame: 10 ms."""
PARTIAL = 160
"""Frames that the network sees at once: 1.6 s."""
PARTIAL_STEP = round(SPEECH_RATE / 1.3 / HOP)
"""Frames from one partial utterance to the next: 1.3 partials a second."""
MIN_COVERAGE = 0.75
"""The share of sound that the last partial utterance must hold, unless it is the only one."""
VAD_WINDOW = round(0.030 * SPEECH_RATE)
VAD_MODE = 3
VAD_SMOOTHING = 8
"""Windows under one moving average of the voice flags."""
VAD_MAX_SILENCE = 6
"""Windows of silence that may stay between voiced ones."""


def levelled(samples: Float32) -> Float32:
    """Raise a quiet sound [N] to -30 dBFS root mean square; leave a louder one, and digital silence."""
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
    gain = 10.0 ** (LEVEL_DBFS / 20.0) / level if level > 0.0 else 1.0
    return samples * np.float32(max(1.0, gain))


def without_silence(samples: Float32) -> Float32:
    """Drop long silences, found by WebRTC's detector at its strictest: [N] -> [M], M <= N, maybe 0."""
    import webrtcvad
    from scipy.ndimage import binary_dilation

    count = len(samples) // VAD_WINDOW
    if count == 0:
        return samples[:0]
    blocks = samples[: count * VAD_WINDOW].reshape(count, VAD_WINDOW)
    full_scale = np.iinfo(np.int16).max
    pcm = np.clip(np.round(blocks * full_scale), -full_scale - 1, full_scale).astype("<i2")
    detector = webrtcvad.Vad(VAD_MODE)
    flags = np.array([detector.is_speech(block.tobytes(), SPEECH_RATE) for block in pcm], np.int64)
    around = np.pad(flags, ((VAD_SMOOTHING - 1) // 2, VAD_SMOOTHING // 2))
    votes = np.convolve(around, np.ones(VAD_SMOOTHING, np.int64), mode="valid")
    kept = binary_dilation(votes > VAD_SMOOTHING // 2, np.ones(VAD_MAX_SILENCE + 1, bool))
    voiced: Float32 = blocks[kept].reshape(-1)
    return voiced


def partial_starts(length: int) -> list[int]:
    """Return the first frame of every partial utterance of a sound of `length` samples; at least one."""
    frames = -(-(length + 1) // HOP)
    starts = list(range(0, max(1, frames - PARTIAL + PARTIAL_STEP + 1), PARTIAL_STEP))
    if len(starts) > 1 and (length - starts[-1] * HOP) / (PARTIAL * HOP) < MIN_COVERAGE:
        starts.pop()
    return starts


def mel_energies(samples: Float32) -> Float32:
    """Return mel energies (power, no logarithm) of a sound: [N] -> [1 + N // 160, 40]; edges padded with silence."""
    from scipy.fft import rfft
    from scipy.signal import get_window

    padded = np.pad(samples, FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP]
    window = get_window("hann", FFT, fftbins=True).astype(np.float32)
    filters = mel_filters(SPEECH_RATE, FFT, MELS)
    mels = np.empty((len(frames), MELS), np.float32)
    for first in range(0, len(frames), 1024):  # memory stays flat in long sounds
        spectrum = rfft(frames[first : first + 1024] * window, axis=1)
        mels[first : first + 1024] = np.square(np.abs(spectrum)) @ filters.T
    return mels


def partial_mels(voiced: Float32) -> Float32:
    """Return the mel energies of all partial utterances of a voiced sound, padded with silence: [P, 160, 40]."""
    starts = partial_starts(len(voiced))
    end = (starts[-1] + PARTIAL) * HOP
    mels = mel_energies(np.pad(voiced, (0, max(0, end - len(voiced)))))
    return np.stack([mels[start : start + PARTIAL] for start in starts])

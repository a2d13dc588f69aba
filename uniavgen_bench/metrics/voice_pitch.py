"""Pitch, level and spectral tilt of a voice, frame by frame; the pitch is read by the network SwiftF0."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32, Float64
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

WEIGHT = "swift-f0"
HOP = 256
"""Samples at 16 kHz between frames: 16 ms."""
LOWEST, HIGHEST = 60.0, 600.0
"""Hz: the pitch of people's voices, children and shouts included."""
VOICED = 0.5
"""The network's confidence from which a frame is voiced, as its package has it."""
QUIETEST_DB = 30.0
"""Frames so far below the loudest are left out: the network hears pitch in noise too."""
FRAME = 640
SPLIT, BOTTOM, TOP = 500.0, 80.0, 8000.0
"""Hz: the tilt compares what lies above 500 Hz with what lies below (HF500)."""
PIECE = 1875
"""Frames that are read at once (30 s); neighbours that the network needs are read with them."""
NEIGHBOURS = 11


@dataclass(frozen=True)
class VoiceFrames:
    """`times` [m] s from the sound's start, every 16 ms; `octaves` [m]: log2 of the pitch in Hz.

    `voiced` [m]; `level` [m] dB against full scale; `tilt` [m]: dB of 0.5 … 8 kHz against 80 … 500 Hz.
    """

    times: Float64
    octaves: Float64
    voiced: NDArray[np.bool_]
    level: Float64
    tilt: Float64


def voice_frames(samples: Float32, models: Models) -> VoiceFrames:
    """Read a sound [N] at 16 kHz; no frames for one that is shorter than 16 ms. Raises `MissingError(weights)`."""
    network = models.get(WEIGHT, lambda: _session(models.weight(WEIGHT), models.threads))
    count = len(samples) // HOP
    octaves, confidence = _pitch(network, samples, count)
    padded = np.pad(samples.astype(np.float64), (FRAME // 2, FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:count]
    level = 10 * np.log10(np.square(frames).mean(axis=1) + 1e-12)
    loud = level > (level.max(initial=-np.inf) - QUIETEST_DB)
    return VoiceFrames(
        times=np.arange(count, dtype=np.float64) * (HOP / SPEECH_RATE),
        octaves=octaves,
        voiced=(confidence >= VOICED) & loud,
        level=level,
        tilt=_tilt(frames),
    )


def _tilt(frames: Float64) -> Float64:
    length = 1024
    power = np.abs(np.fft.rfft(frames * np.hanning(FRAME), length)) ** 2
    hertz = np.fft.rfftfreq(length, 1 / SPEECH_RATE)
    above = power[:, (hertz >= SPLIT) & (hertz < TOP)].sum(axis=1)
    below = power[:, (hertz >= BOTTOM) & (hertz < SPLIT)].sum(axis=1)
    tilt: Float64 = 10 * (np.log10(above + 1e-12) - np.log10(below + 1e-12))
    return tilt


def _pitch(network: InferenceSession, samples: Float32, count: int) -> tuple[Float64, Float64]:
    low, high = np.asarray(LOWEST, np.float32), np.asarray(HIGHEST, np.float32)
    octaves, confidence = np.zeros(count), np.zeros(count)
    for start in range(0, count, PIECE):
        first, last = max(0, start - NEIGHBOURS), min(count, start + PIECE + NEIGHBOURS)
        part = np.ascontiguousarray(samples[first * HOP : last * HOP], np.float32)
        hertz, sure = network.run(["pitch", "confidence"], {"audio": part[None], "fmin": low, "fmax": high})
        stop = min(count, start + PIECE)
        inside = slice(start - first, stop - first)
        octaves[start:stop] = np.log2(np.maximum(hertz[0][inside].astype(np.float64), 1.0))
        confidence[start:stop] = sure[0][inside]
    return octaves, confidence


def _session(path: Path, threads: int) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has one class of error for each way in which a file can be wrong
        raise MissingError(Reason.WEIGHTS, f"{path.name} is no network that can be loaded") from error

"""Where somebody speaks, by Silero VAD v6: the network that the package faster-whisper carries.

Segments follow Silero's published rule and defaults: speech begins at a probability of 0.5, ends when it stays under
0.35 for 100 ms, is dropped when not longer than 250 ms, and is padded by 30 ms.
"""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32, Float64, Speech, VoiceActivity
from uniavgen_bench.weights.models import Models

HOP = 512
"""Samples under one probability: 32 ms at 16 kHz."""
ONSET = 0.5
OFFSET = 0.35
MIN_SPEECH = round(0.250 * SPEECH_RATE)
MIN_SILENCE = round(0.100 * SPEECH_RATE)
PAD = round(0.030 * SPEECH_RATE)


def detect_voice(speech: Speech, models: Models) -> VoiceActivity:
    """Return the probability of speech for every 32 ms and the segments of speech; there may be none.

    Source: Silero Team, "Silero VAD" (github.com/snakers4/silero-vad), v6 as ONNX.
    """
    from faster_whisper.vad import get_vad_model

    network = models.get("silero-vad", get_vad_model)
    samples = np.pad(speech.samples, (0, -len(speech.samples) % HOP)).astype(np.float32)
    probability = np.asarray(network(samples), np.float32).reshape(-1)
    spans = voiced_spans(probability, len(speech.samples))
    segments: Float64 = spans / SPEECH_RATE + speech.start
    return VoiceActivity(segments, probability, HOP / SPEECH_RATE, speech.start)


def voiced_spans(probability: Float32, length: int) -> Float64:
    """Return first and last sample [K, 2] of the segments in `length` samples, from probabilities [M] per hop."""
    spans: list[list[float]] = []
    begin: int | None = None
    quiet: int | None = None
    for index, value in enumerate(probability):
        at = index * HOP
        if value >= ONSET:
            begin, quiet = at if begin is None else begin, None
        elif value < OFFSET and begin is not None:
            quiet = at if quiet is None else quiet
            if at - quiet >= MIN_SILENCE:
                spans.append([begin, quiet])
                begin = quiet = None
    if begin is not None:
        spans.append([begin, length])
    return _padded([span for span in spans if span[1] - span[0] > MIN_SPEECH], length)


def _padded(spans: list[list[float]], length: int) -> Float64:
    """Widen spans by the pad, or to the middle of a pause too short for two pads."""
    if not spans:
        return np.zeros((0, 2))
    wide = np.array(spans, np.float64)
    reach = np.minimum(PAD, (wide[1:, 0] - wide[:-1, 1]) // 2)
    wide[1:, 0] -= reach
    wide[:-1, 1] += reach
    wide[0, 0] = max(0.0, wide[0, 0] - PAD)
    wide[-1, 1] = min(float(length), wide[-1, 1] + PAD)
    return wide

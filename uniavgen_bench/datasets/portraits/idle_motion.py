"""What a living head does by itself: it sways, blinks, looks about, and nods with what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.exact_math import Draws, mix64
from uniavgen_bench.datasets.portraits.expression import added, with_emotion
from uniavgen_bench.datasets.portraits.face_state import Curve, Emotion, FaceState, resting
from uniavgen_bench.datasets.portraits.visemes import Sound, mouth_curves

Float64 = NDArray[np.float64]


def wander(seed: int, name: str, times: Float64, period: float) -> Float64:
    """Evaluate a smooth curve [T] in -1 … 1 that changes direction about every `period` seconds."""
    key = Draws(seed, name).state
    place = times / period
    first = np.floor(place)
    knots = {
        int(k): mix64(key + int(k)) / (1 << 63) - 1.0 for k in range(int(first.min()), int(first.max()) + 2)
    }
    low = np.array([knots[int(k)] for k in first])
    high = np.array([knots[int(k) + 1] for k in first])
    t = place - first
    curve: Float64 = low + (high - low) * (t * t * (3.0 - 2.0 * t))
    return curve


def ramp(t: float) -> float:
    """Blend smoothly from 0 at t = 0 to 1 at t = 1."""
    t = min(1.0, max(0.0, t))
    return t * t * (3.0 - 2.0 * t)


def blinks(seed: int, times: Float64) -> Float64:
    """Give the lids' closing [T] 0 … 1: 80 ms down, 40 ms shut, 150 ms up, every 1.5 to 4.5 s."""
    draw = Draws(seed, "blink")
    curve = np.zeros(times.shape)
    moment = draw.uniform(0.3, 2.6)
    while moment < float(times.max()) + 0.3:
        for index, time in enumerate(times):
            since = float(time) - moment
            shut = ramp(since / 0.08) if since < 0.12 else 1.0 - ramp((since - 0.12) / 0.15)
            curve[index] = max(curve[index], shut if 0 <= since < 0.27 else 0.0)
        moment += draw.uniform(1.5, 4.5)
    return curve


def glances(seed: int, times: Float64) -> tuple[Float64, Float64]:
    """Give where the eyes look [T]: mostly at the viewer, at times quickly elsewhere and back."""
    draw = Draws(seed, "gaze")
    across, up = np.zeros(times.shape), np.zeros(times.shape)
    place, moment = (0.0, 0.0), draw.uniform(0.4, 1.6)
    while moment < float(times.max()) + 0.1:
        target = (0.0, 0.0) if draw.chance(0.5) else (draw.uniform(-0.5, 0.5), draw.uniform(-0.2, 0.28))
        for index, time in enumerate(times):
            moved = ramp((float(time) - moment) / 0.06)
            if float(time) >= moment:
                across[index] = place[0] + (target[0] - place[0]) * moved
                up[index] = place[1] + (target[1] - place[1]) * moved
        place, moment = target, moment + draw.uniform(0.5, 1.9)
    return across, up


def idle(seed: int, times: Float64, *, liveliness: float = 1.0) -> FaceState:
    """Move a silent face for T moments (seconds); the same seed gives the same motion."""
    base = resting(times.shape[0])
    side = Draws(seed, "stance")
    turn, lean = side.uniform(-0.12, 0.12), side.uniform(-0.04, 0.04)
    slow, quick = 2.3 / liveliness, 0.9 / liveliness
    across, up = glances(seed, times)
    yaw = turn + 0.11 * wander(seed, "yaw", times, slow) + 0.025 * wander(seed, "yaw2", times, quick)
    pitch = 0.045 * wander(seed, "pitch", times, slow * 0.8) + 0.015 * wander(seed, "pitch2", times, quick)
    curves = {
        "yaw": yaw,
        "pitch": pitch,
        "roll": lean + 0.05 * wander(seed, "roll", times, slow * 1.2),
        "sway_x": 0.025 * wander(seed, "sway", times, slow * 1.4),
        "sway_y": 0.012 * wander(seed, "breath", times, 1.7),
        "blink": blinks(seed, times),
        # Eyes stay with the viewer while the head turns.
        "gaze_x": across - 1.6 * yaw,
        "gaze_y": up + 1.6 * pitch,
        "brow_raise": 0.10 * wander(seed, "brows", times, 1.1),
    }
    return replace(base, **{name: curve.astype(np.float32) for name, curve in curves.items()})


def talking(
    seed: int,
    sounds: list[Sound],
    times: Float64,
    *,
    emotion: Emotion = "neutral",
    intensity: float | Curve = 0.0,
    liveliness: float = 1.0,
) -> FaceState:
    """Let a face speak the sounds with an emotion: mouth, idle motion, and nods and brows that stress wide vowels.

    `times` [T] are the frames' moments in seconds. Raises InputError for unknown visemes or emotions, for times that do
    not run forward and for an intensity outside 0 … 1.
    """
    mouth = mouth_curves(sounds, times)
    still = resting(times.shape[0])
    speech = replace(still, **mouth)
    stress = np.zeros(times.shape)
    for index, sound in enumerate(sounds):
        if sound.viseme in ("aa", "E", "oh") and Draws(seed + index, "stress").chance(0.45):
            middle = 0.5 * (sound.start + sound.end)
            away = (times - middle) / 0.22
            near = np.maximum(1.0 - away * away, 0.0)
            stress = np.maximum(stress, near * near)
    nods = replace(
        still, pitch=(0.055 * stress).astype(np.float32), brow_raise=(0.28 * stress).astype(np.float32)
    )
    return with_emotion(
        added(added(idle(seed, times, liveliness=liveliness), speech), nods), emotion, intensity
    )


def frame_times(count: int, fps: float) -> Float64:
    """Give the moments of `count` frames in seconds; raises ValueError when fps is not positive."""
    if not (math.isfinite(fps) and fps > 0):
        raise ValueError(f"frames per second must be positive, not {fps}")
    return np.arange(count) / fps

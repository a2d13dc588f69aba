"""Faces made of 468 points whose mouth follows a known sound, for tests of lip sync with a known answer."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from uniavgen_bench.analysis.artefacts import (
    Faces,
    Frames,
    Speaker,
    SpeakerChoice,
    Speech,
    Track,
    VoiceActivity,
)
from uniavgen_bench.metrics.mouth_shape import CHEEKS, JAW, LIPS

RATE = 16_000


def resting_face() -> np.ndarray:
    """A fixed rigid cloud `[468, 3]` with inner lips, corners and eyes in plausible places; unit eye distance."""
    rng = np.random.default_rng(11)
    face = rng.uniform(-0.7, 0.7, (468, 3))
    face[:, 2] = 0.3 * (face[:, 0] ** 2 + face[:, 1] ** 2)
    face[33], face[263] = (-0.5, -0.3, 0.1), (0.5, -0.3, 0.1)
    for i, point in enumerate(LIPS):
        angle = 2 * np.pi * i / 20
        face[point] = (-0.25 * np.cos(angle), 0.5 + 0.05 * np.sin(angle), -0.05)
    face[13], face[14], face[78], face[308] = (
        (0, 0.49, -0.05),
        (0, 0.51, -0.05),
        (-0.2, 0.5, 0),
        (0.2, 0.5, 0),
    )
    return face


def speech_drive(seconds: float, seed: int, rate: int = 100) -> np.ndarray:
    """Two slow signals `[n, 2]` 0 … 1 (opening, rounding), like syllables at 3 to 6 Hz with pauses."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(rng.uniform(3, 6, len(t))) / rate
    slow = np.interp(
        t, np.arange(0, seconds + 1, 0.3), rng.uniform(0, 1, len(np.arange(0, seconds + 1, 0.3)))
    )
    pause = (
        np.interp(t, np.arange(0, seconds + 1, 0.5), rng.uniform(0, 1, len(np.arange(0, seconds + 1, 0.5))))
        > 0.2
    )
    return np.stack([pause * (0.5 + 0.5 * np.sin(phase)) * (0.4 + 0.6 * slow), slow], axis=1)


def voice(drive: np.ndarray, seed: int, rate: int = 100) -> np.ndarray:
    """Noise whose loudness follows the opening and whose colour follows the rounding, 16 kHz."""
    from scipy.signal import butter, sosfilt

    rng = np.random.default_rng(seed + 1000)
    n = len(drive) * RATE // rate
    clock = np.arange(n) / RATE * rate
    opening, rounding = (np.interp(clock, np.arange(len(drive)), drive[:, i]) for i in range(2))
    noise = rng.normal(0, 1, n)
    low = sosfilt(butter(2, 900, "low", fs=RATE, output="sos"), noise)
    high = sosfilt(butter(2, 2500, "high", fs=RATE, output="sos"), noise)
    return (0.3 * opening * (rounding * low + (1 - rounding) * high) + 1e-4 * noise).astype(np.float32)


def faces_at(
    times: np.ndarray, drive: np.ndarray, seed: int, rate: int = 100, jitter: float = 0.3
) -> np.ndarray:
    """Landmarks `[n, 468, 3]` in px at `times` [n] s: mouth by `drive`, head turned and shifted slowly."""
    rng = np.random.default_rng(seed + 2000)
    opening, rounding = (np.interp(times * rate, np.arange(len(drive)), drive[:, i]) for i in range(2))
    faces = np.tile(resting_face(), (len(times), 1, 1))
    lower = [p for p in (*LIPS, *JAW) if resting_face()[p, 1] > 0.5]
    faces[:, lower, 1] += 0.2 * opening[:, None]
    mouth = [*LIPS, *CHEEKS]
    faces[:, mouth, 0] *= (1 - 0.2 * rounding)[:, None]
    for i, t in enumerate(times):
        yaw, roll = 0.3 * np.sin(0.7 * t + seed), 0.15 * np.sin(1.1 * t)
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        lean = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        faces[i] = 80 * (1 + 0.1 * np.sin(t)) * faces[i] @ turn @ lean + (320 + 10 * t, 240, 0)
    return (faces + rng.normal(0, jitter, faces.shape)).astype(np.float32)


def talking_clip(
    seconds: float = 6.0,
    seed: int = 0,
    *,
    fps: float = 25.0,
    delay: float = 0.0,
    sound: np.ndarray | None = None,
) -> SimpleNamespace:
    """The artefacts of a clip whose sound is `delay` s late (negative: ahead)."""
    drive = speech_drive(seconds, seed)
    times = np.arange(int(seconds * fps)) / fps
    samples = voice(drive, seed) if sound is None else sound
    n = len(times)
    track = Track(
        frames=np.arange(n),
        boxes=np.tile(np.array([[200, 150, 440, 400]], dtype=np.float32), (n, 1)),
        scores=np.ones(n, dtype=np.float32),
        landmarks=faces_at(times, drive, seed),
        presence=np.ones(n, dtype=np.float32),
    )
    return SimpleNamespace(
        frames=Frames(times=times, width=640, height=480, shots=np.array([[0, n - 1]])),
        faces=Faces(tracks=(track,)),
        speech=Speech(samples=samples, rate=RATE, start=delay, source_rate=RATE, source_channels=1),
        voice_activity=VoiceActivity(
            segments=np.array([[0.0, seconds]]), probability=np.ones(1, dtype=np.float32), hop=0.1, start=0.0
        ),
        speaker=Speaker(track=0, choice=SpeakerChoice.ONLY_FACE, evidence=(1.0,)),
    )

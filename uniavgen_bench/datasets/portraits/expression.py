"""Emotions: how far each moves brows, eyes and mouth corners at full intensity."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.datasets.portraits.face_state import EMOTIONS, Curve, Emotion, FaceState

# Added to the curves of a `FaceState` at intensity 1. Directions after FACS (Ekman and Friesen 1978): happiness
# AU 6 + 12, sadness 1 + 4 + 15, anger 4 + 5 + 7 + 23, surprise 1 + 2 + 5 + 26, fear 1 + 2 + 4 + 5 + 20.
SHIFTS: dict[Emotion, dict[str, float]] = {
    "neutral": {},
    "happy": {
        "smile": 0.95, "cheek": 0.9, "squint": 0.55, "brow_raise": 0.18, "mouth_wide": 0.35, "upper_lip": 0.4,
        "teeth": 0.25, "eye_open": -0.02,
    },
    "sad": {
        "smile": -0.95, "brow_inner": 0.95, "brow_raise": -0.12, "lid_slant": 0.65, "eye_open": -0.10, "gaze_y": -0.22,
        "mouth_wide": -0.12, "pitch": 0.07, "lip_press": 0.10,
    },
    "angry": {
        "smile": -0.55, "brow_frown": 1.0, "brow_raise": -0.30, "lid_slant": -0.85, "squint": 0.45, "mouth_wide": 0.12,
        "lip_press": 0.30, "upper_lip": 0.35, "pitch": 0.05,
    },
    "surprised": {
        "brow_raise": 1.0, "eye_open": 0.60, "mouth_round": 0.32, "jaw": 0.26, "mouth_open": 0.22, "smile": 0.05,
        "pitch": -0.04,
    },
    "fearful": {
        "brow_raise": 0.70, "brow_inner": 0.80, "brow_frown": 0.20, "eye_open": 0.58, "smile": -0.30,
        "mouth_wide": 0.50, "teeth": 0.55, "mouth_open": 0.10, "jaw": 0.06, "pitch": -0.06, "lid_slant": 0.15,
    },
}  # fmt: skip
# Curves that stay within 0 … 1 or -1 … 1 however much is added.
SHARES = (
    "mouth_open", "mouth_round", "lip_press", "upper_lip", "teeth", "tongue", "jaw", "cheek", "blink", "squint",
    "brow_inner", "brow_frown",
)  # fmt: skip
SIGNED = ("mouth_wide", "smile", "lid_slant", "gaze_x", "gaze_y", "brow_raise")


def bounded(states: FaceState) -> FaceState:
    """Keep every curve in its range."""
    limits = dict.fromkeys(SHARES, (0.0, 1.0)) | dict.fromkeys(SIGNED, (-1.0, 1.0)) | {"eye_open": (0.2, 1.7)}
    return replace(
        states,
        **{
            name: np.clip(getattr(states, name), np.float32(a), np.float32(b))
            for name, (a, b) in limits.items()
        },
    )


def with_emotion(states: FaceState, emotion: Emotion, intensity: float | Curve) -> FaceState:
    """Add an emotion to a face; `intensity` is 0 … 1, one number or a curve [T].

    Raises InputError for an unknown emotion and for an intensity outside 0 … 1.
    """
    if emotion not in EMOTIONS:
        raise unknown_name("emotion", emotion, EMOTIONS)
    strength = np.broadcast_to(np.asarray(intensity, np.float32), (len(states),))
    if not ((strength >= 0) & (strength <= 1)).all():
        raise InputError("the intensity of an emotion lies outside 0 … 1")
    shifts = SHIFTS[emotion]
    changed = {name: getattr(states, name) + strength * np.float32(shift) for name, shift in shifts.items()}
    return bounded(replace(states, **changed))


def added(a: FaceState, b: FaceState) -> FaceState:
    """Add two sets of curves of equal length; the eyes' opening is counted from 1."""
    total = {one.name: getattr(a, one.name) + getattr(b, one.name) for one in fields(FaceState)}
    total["eye_open"] = total["eye_open"] - np.float32(1)
    return bounded(FaceState(**total))

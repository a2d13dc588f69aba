"""Visemes: what the mouth does for each group of sounds, and how neighbours in time run into each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError, unknown_name

Viseme = Literal["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "ih", "oh", "ou"]
VISEMES: tuple[Viseme, ...] = get_args(Viseme)
# Dominance of the silence behind all sounds: lips leave and find their rest gradually.
BACKGROUND = 0.25

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class MouthTarget:
    """The mouth that a viseme aims at, and how it asserts itself.

    The first eight numbers are those of `FaceState`. `strength` is the height of the dominance function, `reach` how
    many seconds it lasts beyond each end of the sound.
    """

    mouth_open: float
    mouth_wide: float
    mouth_round: float
    lip_press: float
    upper_lip: float
    teeth: float
    tongue: float
    jaw: float
    strength: float
    reach: float


# The fifteen visemes of MPEG-4 FBA (ISO/IEC 14496-2, table C-1): silence, bilabials, labiodentals, dentals, alveolars,
# velars, affricates, sibilants, nasals, r, and five vowels.
TARGETS: dict[Viseme, MouthTarget] = {
    "sil": MouthTarget(0.00, 0.00, 0.00, 0.05, 0.00, 0.00, 0.00, 0.00, 1.0, 0.10),
    "PP": MouthTarget(0.00, -0.05, 0.05, 0.85, 0.00, 0.00, 0.00, 0.04, 14.0, 0.07),
    "FF": MouthTarget(0.09, 0.10, 0.00, 0.25, 0.45, 0.85, 0.00, 0.08, 9.0, 0.06),
    "TH": MouthTarget(0.20, 0.10, 0.00, 0.00, 0.20, 0.55, 0.95, 0.16, 2.2, 0.07),
    "DD": MouthTarget(0.22, 0.15, 0.00, 0.00, 0.15, 0.65, 0.45, 0.16, 1.3, 0.07),
    "kk": MouthTarget(0.28, 0.05, 0.00, 0.00, 0.10, 0.40, 0.15, 0.24, 0.9, 0.08),
    "CH": MouthTarget(0.24, -0.35, 0.55, 0.00, 0.40, 0.80, 0.10, 0.14, 2.6, 0.08),
    "SS": MouthTarget(0.15, 0.40, 0.00, 0.00, 0.20, 0.95, 0.10, 0.07, 2.4, 0.07),
    "nn": MouthTarget(0.20, 0.10, 0.00, 0.00, 0.10, 0.50, 0.55, 0.15, 1.1, 0.07),
    "RR": MouthTarget(0.24, -0.30, 0.45, 0.00, 0.10, 0.30, 0.20, 0.18, 1.6, 0.09),
    "aa": MouthTarget(0.92, 0.10, 0.00, 0.00, 0.25, 0.45, 0.10, 0.95, 2.2, 0.09),
    "E": MouthTarget(0.55, 0.55, 0.00, 0.00, 0.25, 0.60, 0.15, 0.50, 1.9, 0.09),
    "ih": MouthTarget(0.34, 0.75, 0.00, 0.00, 0.25, 0.75, 0.20, 0.26, 1.8, 0.09),
    "oh": MouthTarget(0.64, -0.25, 0.65, 0.00, 0.05, 0.15, 0.05, 0.62, 2.2, 0.10),
    "ou": MouthTarget(0.30, -0.45, 1.00, 0.00, 0.00, 0.05, 0.00, 0.26, 2.4, 0.10),
}
MOUTH_CURVES = ("mouth_open", "mouth_wide", "mouth_round", "lip_press", "upper_lip", "teeth", "tongue", "jaw")


@dataclass(frozen=True)
class Sound:
    """A viseme with its start and end in seconds."""

    viseme: Viseme
    start: float
    end: float


def checked(sounds: Sequence[Sound]) -> list[Sound]:
    """Return the sounds in order; raises InputError for unknown visemes and for times that do not run forward."""
    for sound in sounds:
        if sound.viseme not in TARGETS:
            raise unknown_name("viseme", sound.viseme, TARGETS)
        if not (np.isfinite(sound.start) and np.isfinite(sound.end) and sound.end > sound.start):
            raise InputError(
                f"viseme {sound.viseme!r} ends at {sound.end} s, not after its start at {sound.start} s"
            )
    return sorted(sounds, key=lambda sound: (sound.start, sound.end))


def weights(sounds: Sequence[Sound], times: Float64) -> Float64:
    """Share every moment among the sounds and the silence behind them: [len(sounds) + 1, T], columns sum to one.

    Each sound dominates around its middle and fades out `reach` seconds beyond its ends; what it gets is its dominance
    over the sum of all. Source: Cohen and Massaro 1993, with a bump of finite length for their exponential.
    """
    rows = [np.full(times.shape, BACKGROUND)]
    for sound in sounds:
        target = TARGETS[sound.viseme]
        half = 0.5 * (sound.end - sound.start)
        away = (times - (sound.start + half)) / (half + target.reach)
        near = np.maximum(1.0 - away * away, 0.0)
        rows.append(target.strength * near * near)
    total = rows[0]
    for row in rows[1:]:
        total = total + row
    return np.stack([row / total for row in rows])


def mouth_curves(sounds: Sequence[Sound], times: Float64) -> dict[str, NDArray[np.float32]]:
    """Blend sounds into the curves [T] of `MOUTH_CURVES` at `times` in seconds; silence is a shut mouth.

    Raises InputError for unknown visemes and for times that do not run forward.
    """
    listed = checked(sounds)
    share = weights(listed, times)
    targets = [TARGETS["sil"], *(TARGETS[sound.viseme] for sound in listed)]
    curves = {}
    for name in MOUTH_CURVES:
        total = np.zeros(times.shape)
        for target, row in zip(targets, share, strict=True):
            total = total + getattr(target, name) * row
        curves[name] = total
    # Lips that nearly meet touch: the last bit of opening is skin.
    curves["mouth_open"] = np.maximum(curves["mouth_open"] - 0.035, 0.0) / (1.0 - 0.035)
    return {name: curve.astype(np.float32) for name, curve in curves.items()}

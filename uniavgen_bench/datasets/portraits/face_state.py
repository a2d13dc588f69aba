"""What a face does over time: one number per frame for every part that moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError

Emotion = Literal["neutral", "happy", "sad", "angry", "surprised", "fearful"]
EMOTIONS: tuple[Emotion, ...] = get_args(Emotion)

Curve = NDArray[np.float32]


@dataclass(frozen=True)
class FaceFrame:
    """One frame of a `FaceState`; the fields mean the same."""

    mouth_open: float
    mouth_wide: float
    mouth_round: float
    lip_press: float
    upper_lip: float
    teeth: float
    tongue: float
    jaw: float
    smile: float
    cheek: float
    blink: float
    eye_open: float
    lid_slant: float
    squint: float
    gaze_x: float
    gaze_y: float
    brow_raise: float
    brow_inner: float
    brow_frown: float
    yaw: float
    pitch: float
    roll: float
    sway_x: float
    sway_y: float


@dataclass(frozen=True)
class FaceState:
    """Curves [T] of a talking face, as the picture shows them.

    Mouth: `mouth_open` 0 … 1, `mouth_wide` -1 … 1 (spread), `mouth_round` 0 … 1 (rounded and pushed forward),
    `lip_press` 0 … 1, `upper_lip` 0 … 1 (raised), `teeth` and `tongue` 0 … 1 (seen), `jaw` 0 … 1 (down), `smile`
    -1 … 1 (corners). Cheeks: `cheek` 0 … 1 (raised). Eyes: `blink` 0 … 1 (shut), `eye_open` about 1, `lid_slant`
    -1 (angry) … 1 (sad), `squint` 0 … 1 (lower lid up), `gaze_x` to the picture's right and `gaze_y` up, -1 … 1.
    Brows: `brow_raise` -1 … 1, `brow_inner` 0 … 1 (inner ends up), `brow_frown` 0 … 1 (inner ends down and
    together). Head: `yaw` to the picture's right, `pitch` down, `roll` clockwise, in radians; `sway_x`, `sway_y` in
    head units.
    """

    mouth_open: Curve
    mouth_wide: Curve
    mouth_round: Curve
    lip_press: Curve
    upper_lip: Curve
    teeth: Curve
    tongue: Curve
    jaw: Curve
    smile: Curve
    cheek: Curve
    blink: Curve
    eye_open: Curve
    lid_slant: Curve
    squint: Curve
    gaze_x: Curve
    gaze_y: Curve
    brow_raise: Curve
    brow_inner: Curve
    brow_frown: Curve
    yaw: Curve
    pitch: Curve
    roll: Curve
    sway_x: Curve
    sway_y: Curve

    def __post_init__(self) -> None:
        """Raise InputError when curves differ in length or hold numbers that are not finite."""
        count = self.mouth_open.shape[0]
        for name in CURVES:
            curve = getattr(self, name)
            if curve.shape != (count,):
                raise InputError(f"face curve {name!r} has shape {curve.shape}, not ({count},)")
            if not np.isfinite(curve).all():
                raise InputError(f"face curve {name!r} holds numbers that are not finite")

    def __len__(self) -> int:
        """Return the number of frames."""
        return int(self.mouth_open.shape[0])

    def frame(self, index: int) -> FaceFrame:
        """Return one frame."""
        return FaceFrame(**{name: float(getattr(self, name)[index]) for name in CURVES})

    def part(self, first: int, last: int) -> FaceState:
        """Return frames first … last - 1."""
        return FaceState(**{name: getattr(self, name)[first:last] for name in CURVES})


CURVES: tuple[str, ...] = tuple(field.name for field in fields(FaceState))
REST = FaceFrame(**{name: 1.0 if name == "eye_open" else 0.0 for name in CURVES})


def states_of(frames: Iterable[FaceFrame]) -> FaceState:
    """Gather single frames into curves."""
    listed = list(frames)
    return FaceState(**{name: np.array([getattr(f, name) for f in listed], np.float32) for name in CURVES})


def resting(count: int) -> FaceState:
    """Return `count` frames of a face at rest that looks at the viewer."""
    return states_of([REST] * count)

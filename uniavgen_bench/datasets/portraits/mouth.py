"""The mouth: where its lips are in a frame, and how lips, teeth and tongue look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, bump, mix, smoothstep, unit
from uniavgen_bench.datasets.portraits.face_state import FaceFrame
from uniavgen_bench.datasets.portraits.look import Look, layer, paint
from uniavgen_bench.datasets.portraits.samples import Samples

# The widest opening, as a share of the distance between the eyes.
WIDEST = 0.50


@dataclass(frozen=True)
class MouthShape:
    """The mouth of one frame, in head units.

    `half`: half the width; `lift`: corners above the middle; `up`, `down`: inner edges of the lips from the mouth's
    line; `upper`, `lower`: thickness of the lips; `boxy`: 0 for a lens-shaped, 1 for an elliptic opening; `line`:
    height of the mouth's line; `jaw`: how far the chin is down.
    """

    line: float
    half: float
    lift: float
    up: float
    down: float
    upper: float
    lower: float
    boxy: float
    jaw: float
    teeth: float
    tongue: float
    press: float

    @property
    def opening(self) -> float:
        """Return the height of the opening in the middle."""
        return self.up + self.down


def mouth_shape(at: Anatomy, frame: FaceFrame) -> MouthShape:
    """Place the lips of one frame."""
    opening = max(frame.mouth_open, 0.0) * WIDEST * at.eye_distance
    rounded, pressed = frame.mouth_round, frame.lip_press
    half = at.mouth_half * (1 + 0.20 * frame.mouth_wide - 0.40 * rounded + 0.16 * max(frame.smile, 0.0))
    # Corners that hang rise when the mouth opens.
    slack = 1.0 - (0.45 * min(1.0, opening / 0.10) if frame.smile < 0 else 0.0)
    # Lips turn outwards when they part, so more of them is seen.
    apart = min(1.0, 8.0 * opening)
    upper = at.lip_up * (1 - 0.55 * pressed) * (1 + 0.30 * rounded) * (1 - 0.18 * max(frame.smile, 0.0))
    lower = at.lip_low * (1 - 0.50 * pressed) * (1 + 0.22 * rounded)
    return MouthShape(
        line=at.mouth_y + 0.006 * frame.smile,
        half=half,
        lift=(0.012 + 0.075 * frame.smile) * (1 - 0.45 * rounded) * slack,
        up=opening * 0.24 + 0.020 * frame.upper_lip * min(1.0, 12 * opening),
        down=opening * 0.76 - 0.020 * frame.upper_lip * min(1.0, 12 * opening),
        upper=upper * (1 + 0.32 * apart),
        lower=lower * (1 + 0.18 * apart),
        boxy=min(1.0, 0.36 + rounded),
        jaw=frame.jaw * at.jaw_drop,
        teeth=frame.teeth,
        tongue=frame.tongue,
        press=pressed,
    )


@dataclass(frozen=True)
class LipLines:
    """Heights [n] of the four edges of the lips, from the top down."""

    top: Floats
    inner_top: Floats
    inner_low: Floats
    low: Floats
    s: Floats


def lip_lines(mouth: MouthShape, x: Floats) -> LipLines:
    """Evaluate the edges of the lips at places [n] across the mouth."""
    s = x * np.float32(1.0 / mouth.half)
    a = np.minimum(np.abs(s), np.float32(1))
    e = np.float32(1) - a * a
    root = np.sqrt(e)
    middle = np.float32(mouth.line) + np.float32(mouth.lift) * (a * a - np.float32(0.12))
    profile = mix(e * (np.float32(1.3) - np.float32(0.3) * e), root, np.full_like(e, mouth.boxy))
    full = mix(e, root, np.full_like(e, 0.45))
    bow = np.float32(1) - np.float32(0.26) * bump(a, 0.0, 0.26) - np.float32(0.10) * smoothstep(0.3, 0.9, a)
    inner_top = middle + np.float32(mouth.up) * profile
    inner_low = middle - np.float32(mouth.down) * profile
    return LipLines(
        inner_top + np.float32(mouth.upper) * full * bow,
        inner_top,
        inner_low,
        inner_low - np.float32(mouth.lower) * full,
        a,
    )


def draw_mouth(
    look: Look, at: Anatomy, mouth: MouthShape, on: Samples, albedo: Floats, gloss: Floats, ny: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Draw lips on skin points near the mouth.

    Gives albedo [3, n], gloss, the tilted normal's y, and the share [n] of the dark inside, drawn by `inside`.
    """
    plain = look.domain == "plain"
    x, y = on.x, on.y
    lines = lip_lines(mouth, x)
    soft = max(on.foot * 0.7, 0.004)
    width = np.float32(1.0 / soft)
    within = unit((np.float32(mouth.half) - np.abs(x)) * width * np.float32(0.5) + np.float32(0.5))
    top = unit((lines.top - y) * width + np.float32(0.5))
    low = unit((y - lines.low) * width + np.float32(0.5))
    lips = top * low * within
    tall = np.maximum(lines.top - lines.inner_top, np.float32(0.004))
    deep = np.maximum(lines.inner_low - lines.low, np.float32(0.004))
    on_upper = unit((y - lines.inner_top) / tall)
    on_lower = unit((lines.inner_low - y) / deep)
    is_upper = (y > (lines.inner_top + lines.inner_low) * np.float32(0.5)).astype(np.float32)
    strength = np.float32(0.85)
    shade = mix(np.full_like(y, 1.0), np.float32(0.80 if plain else 0.9), is_upper)
    albedo = layer(albedo, np.array(look.lips, np.float32)[:, None] * shade, lips * strength)
    # The lips bulge: the upper looks down, the lower up and catches the light.
    across = mix(np.float32(0.5) - on_lower, on_upper - np.float32(0.42), is_upper)
    tilt = across * np.float32(1.5) * lips
    ny = ny + tilt
    gloss = gloss + lips * (np.float32(1) - is_upper) * np.float32(0.55) + lips * is_upper * np.float32(0.2)
    inside = unit((lines.inner_top - y) * width + np.float32(0.5)) * unit(
        (y - lines.inner_low) * width + np.float32(0.5)
    )
    thin = unit((lines.inner_top - lines.inner_low) * np.float32(1.0 / 0.012))
    inside = inside * within * thin
    # A shut mouth is a soft dark line that deepens towards the corners.
    middle = (lines.inner_top + lines.inner_low) * np.float32(0.5)
    reach = np.float32(1.06)
    along = unit((reach - np.abs(x) * np.float32(1.0 / mouth.half)) * np.float32(14))
    wide = np.float32(0.011 if plain else 0.010) + np.float32(on.foot * 0.25)
    line = bump((y - middle) / wide, 0.0, 1.0) * along * (np.float32(1) - inside)
    corner = bump(np.abs(x) - np.float32(mouth.half * 0.99), 0.0, 0.035) * bump(
        (y - middle) / np.float32(0.03), 0.0, 1.0
    )
    dark = unit(line * np.float32(0.85) + corner * np.float32(0.45 if plain else 0.3))
    line_colour = (look.lips[0] * 0.16, look.lips[1] * 0.07, look.lips[2] * 0.08)
    albedo = layer(albedo, line_colour, dark)
    gloss = gloss * (np.float32(1) - dark)
    return albedo, gloss, ny, inside


def near_mouth(mouth: MouthShape, on: Samples) -> NDArray[np.bool_]:
    """Tell which points lie in a box that holds all that `draw_mouth` draws."""
    tall = mouth.up + mouth.upper + abs(mouth.lift) + 0.06
    deep = mouth.down + mouth.lower + abs(mouth.lift) + 0.06
    inside: NDArray[np.bool_] = (
        (np.abs(on.x) < np.float32(mouth.half * 1.12 + 0.05))
        & (on.y < np.float32(mouth.line + tall))
        & (on.y > np.float32(mouth.line - deep))
    )
    return inside


def is_mouth(mouth: MouthShape, on: Samples) -> NDArray[np.bool_]:
    """Tell which points lie on the lips or between them, whatever solid is there."""
    lines = lip_lines(mouth, on.x)
    inside: NDArray[np.bool_] = (
        (on.y < lines.top)
        & (on.y > lines.low)
        & (np.abs(on.x) < np.float32(mouth.half))
        & (on.z > np.float32(0.3))
    )
    return inside


def inside_colour(look: Look, at: Anatomy, mouth: MouthShape, on: Samples) -> Floats:
    """Colour the inside of the mouth at points [n]: the dark, teeth that stay with skull and jaw, the tongue."""
    plain = look.domain == "plain"
    n = on.x.shape[0]
    slope = np.float32(-1) / np.minimum(on.uz, np.float32(-0.3))
    back = np.float32(0.05)
    x, y = on.x + on.ux * slope * back, on.y + on.uy * slope * back
    lines = lip_lines(mouth, on.x)
    soft = np.float32(1.0 / max(on.foot * 0.8, 0.006))
    below_lip = lines.inner_top - on.y
    colour = paint((0.085, 0.014, 0.018) if plain else (0.11, 0.012, 0.020), n)
    rows = paint((0.80, 0.77, 0.71) if plain else (0.93, 0.92, 0.92), n)
    arc = x * x * np.float32(0.9)
    edge = np.float32(mouth.line + mouth.up * 0.9 - 0.010 - (0.050 if plain else 0.026) * mouth.teeth) + arc
    upper = unit((y - edge) * soft + np.float32(0.5)) * unit((np.float32(0.19) - np.abs(x)) * np.float32(18))
    upper = upper * np.float32(1.0 if mouth.teeth > 0.02 else 0.0)
    low_edge = np.float32(mouth.line - mouth.down * 0.92 + 0.005 + 0.040 * mouth.teeth) + arc * np.float32(
        0.6
    )
    lower = unit((low_edge - y) * soft + np.float32(0.5)) * unit(
        (np.float32(0.15) - np.abs(x)) * np.float32(18)
    )
    lower = lower * np.float32(0.75 * min(1.0, max(0.0, (mouth.teeth - 0.45) * 3)))
    gap = np.abs(x * np.float32(21) - np.floor(x * np.float32(21)) - np.float32(0.5))
    slit = unit((gap - np.float32(0.40)) * np.float32(6)) * np.float32(0.16 if plain else 0.0)
    mouth_low = mouth.line - mouth.down
    rise = 0.020 + 0.075 * mouth.tongue
    top = np.float32(mouth_low + rise) - x * x * np.float32(1.2) - np.float32(0.012) * bump(x, 0.0, 0.035)
    back2 = unit((top - y) * soft * np.float32(0.7) + np.float32(0.5))
    tongue = back2 * unit((np.float32(0.16) - np.abs(x)) * np.float32(16))
    tint = (0.34, 0.085, 0.085) if plain else (0.44, 0.10, 0.115)
    rim = np.float32(0.62) + np.float32(0.55) * bump((top - y) / np.float32(0.06), 0.35, 0.9)
    colour = layer(
        colour, np.array(tint, np.float32)[:, None] * rim, tongue * np.float32(min(1.0, mouth.opening * 12))
    )
    colour = layer(colour, rows * (np.float32(1) - slit) * np.float32(0.85), lower)
    colour = layer(colour, rows * (np.float32(1) - slit), upper)
    shadow = np.float32(0.58 if plain else 0.75) + np.float32(0.42 if plain else 0.25) * smoothstep(
        0.0, 0.055, below_lip
    )
    sides = np.float32(1) - np.float32(0.55 if plain else 0.2) * lines.s * lines.s
    return colour * shadow * sides

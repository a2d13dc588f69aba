"""Eyes and brows: lids that close, a ball that looks, lashes, creases, and brows that move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, bump, mix, noise2, smoothstep, unit
from uniavgen_bench.datasets.portraits.face_state import FaceFrame
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.look import Look, layer, linear, paint
from uniavgen_bench.datasets.portraits.samples import Samples


@dataclass(frozen=True)
class Lids:
    """The opening of an eye in one frame, in head units: heights above the eye's middle are `up` and `-low`."""

    up: float
    low: float
    shut: float
    slant: float
    tilt: float


def lids_of(head: HeadParams, at: Anatomy, frame: FaceFrame) -> Lids:
    """Place the lids of one frame."""
    shut = min(1.0, max(0.0, frame.blink + max(0.0, 1.0 - frame.eye_open) * 0.9))
    wide = max(0.0, frame.eye_open - 1.0)
    look_down = max(0.0, -frame.gaze_y) * 0.25
    return Lids(
        up=at.lid_up * (1 + 0.55 * wide - look_down + 0.12 * max(0.0, frame.gaze_y)),
        low=at.lid_low * (1 + 0.30 * wide - 0.55 * frame.squint),
        shut=shut,
        slant=frame.lid_slant,
        tilt=head.eye_tilt,
    )


def lid_curves(at: Anatomy, lids: Lids, u: Floats) -> tuple[Floats, Floats]:
    """Give the heights of the upper and lower lid over the eye's middle at u = -1 (inner) … 1 (outer corner)."""
    e = unit(np.float32(1) - u * u)
    root = np.sqrt(e)
    axis = u * np.float32(lids.tilt * at.eye_half * 0.55)
    lean = np.float32(1) - np.float32(0.16) * u
    upper = np.float32(lids.up) * mix(e, root, np.full_like(e, 0.55)) * lean
    if lids.slant:
        side = unit(np.float32(0.5) + u * np.float32(0.5 if lids.slant > 0 else -0.5))
        upper = upper * (np.float32(1) - np.float32(0.62 * abs(lids.slant)) * side)
    lower = -np.float32(lids.low) * mix(e, root, np.full_like(e, 0.35))
    closed = lower * np.float32(0.72)
    upper = upper + (closed - upper) * np.float32(lids.shut)
    lower = lower + (closed - lower) * np.float32(0.55 * lids.shut)
    return upper + axis, lower + axis


def draw_lids(
    head: HeadParams, look: Look, at: Anatomy, lids: Lids, on: Samples, albedo: Floats
) -> tuple[Floats, Floats, Floats]:
    """Draw lashes, creases and make-up on skin points [n]; gives albedo, the share of the open eye, and of ink."""
    plain = look.domain == "plain"
    u = (np.abs(on.x) - np.float32(at.eye_x)) * np.float32(1.0 / at.eye_half)
    v = on.y - np.float32(at.eye_y)
    upper, lower = lid_curves(at, lids, u)
    soft = np.float32(1.0 / max(on.foot * 0.7, 0.004))
    ahead = smoothstep(0.25, 0.38, on.z)
    within = unit((np.float32(1) - np.abs(u)) * np.float32(at.eye_half) * soft + np.float32(0.5)) * ahead
    gap = unit((upper - v) * soft + np.float32(0.5)) * unit((v - lower) * soft + np.float32(0.5)) * within
    gap = gap * unit((upper - lower) * np.float32(1.0 / 0.012))
    lash_tone = (0.012, 0.008, 0.010) if plain else (0.020, 0.010, 0.022)
    female = head.lashes
    # The lid's fold, and the shadow between fold and lashes.
    fold = upper * np.float32(1.0) + np.float32(0.040 + 0.012 * female) * (
        np.float32(1) - np.float32(0.45) * u * u
    )
    edge = unit((np.float32(1.12) - np.abs(u + np.float32(0.02))) * np.float32(6)) * ahead
    crease = bump((v - fold) / np.float32(0.014), 0.0, 1.0) * edge
    albedo = layer(
        albedo, (look.skin[0] * 0.42, look.skin[1] * 0.27, look.skin[2] * 0.25), crease * np.float32(0.55)
    )
    between = unit((v - upper) * np.float32(60)) * unit((fold - v) * np.float32(60)) * edge
    shade = 0.20 + 0.25 * max(0.0, female - 0.3)
    albedo = layer(
        albedo, (look.skin[0] * 0.62, look.skin[1] * 0.42, look.skin[2] * 0.42), between * np.float32(shade)
    )
    bag = bump((v - lower + np.float32(0.045 + 0.02 * head.wrinkles)) / np.float32(0.022), 0.0, 1.0) * edge
    albedo = layer(
        albedo,
        (look.skin[0] * 0.62, look.skin[1] * 0.44, look.skin[2] * 0.44),
        bag * np.float32(0.05 + 0.50 * head.wrinkles) * np.float32(1.0 if plain else 0.3),
    )
    # Lashes: a dark edge that thickens outwards; a wing beyond the outer corner.
    outer = unit(np.float32(0.5) + np.float32(0.5) * u)
    thick = np.float32(0.009 if plain else 0.016) + np.float32(0.013 * female + 0.003) * outer
    thick = thick + np.float32(on.foot * 0.12)
    over = u - np.float32(1)
    wing_up = np.maximum(over, np.float32(0)) * np.float32(at.eye_half) * np.float32(0.75 * female)
    line = upper + wing_up + thick * np.float32(0.25)
    reach = np.float32(1.02 + 0.20 * female)
    end = unit((reach - u) * np.float32(9)) * unit((np.float32(1.02) + u) * np.float32(16)) * ahead
    lash = unit((thick - np.abs(v - line)) * soft + np.float32(0.5)) * end
    low_end = unit((np.float32(1.0) - np.abs(u)) * np.float32(8)) * ahead
    low_wide = np.float32(0.006 if plain else 0.008) + np.float32(on.foot * 0.1)
    low_line = unit((low_wide - np.abs(v - lower + np.float32(0.004))) * soft + np.float32(0.5)) * low_end
    low_strength = np.float32(0.30 + 0.25 * female) * (np.float32(0.6) + np.float32(0.4) * outer)
    albedo = layer(
        albedo, (look.skin[0] * 0.25, look.skin[1] * 0.12, look.skin[2] * 0.11), low_line * low_strength
    )
    strength = np.float32(0.72 + 0.28 * min(1.0, female * 1.6))
    ink = lash * strength
    albedo = layer(albedo, lash_tone, ink)
    return albedo, gap * (np.float32(1) - lash), ink


def eye_colour(
    head: HeadParams, look: Look, at: Anatomy, lids: Lids, frame: FaceFrame, on: Samples
) -> Floats:
    """Colour the open eye at points [n]: white, iris, pupil, reflections and the lid's shadow."""
    plain = look.domain == "plain"
    side = np.sign(on.x)
    cx = side * np.float32(at.eye_x)
    cy, cz, radius = np.float32(at.eye_y), np.float32(at.ball_z - 0.02), np.float32(at.ball_radius)
    px, py, pz = on.x - cx, on.y - cy, on.z - cz
    along = px * on.ux + py * on.uy + pz * on.uz
    rest = px * px + py * py + pz * pz - radius * radius
    step = -along - np.sqrt(np.maximum(along * along - rest, np.float32(0)))
    scale = np.float32(1) / radius
    nx, ny, nz = (px + on.ux * step) * scale, (py + on.uy * step) * scale, (pz + on.uz * step) * scale
    # Eyes turn in a little, as they do when they look at somebody near.
    gx = np.float32(0.40 * frame.gaze_x) - side * np.float32(0.04)
    gy = np.float32(0.30 * frame.gaze_y - 0.02)
    gz = np.sqrt(np.float32(1) - gx * gx - gy * gy)
    off_x, off_y = nx - gx, ny - gy
    away = off_x * off_x + off_y * off_y + (nz - gz) * (nz - gz)
    rho = np.sqrt(away) * np.float32(at.ball_radius / at.iris_radius)
    soft = np.float32(1.0 / max(on.foot * 0.8 / at.iris_radius, 0.05))
    iris = unit((np.float32(1) - rho) * soft + np.float32(0.5))
    tone = linear(head.iris)
    u = (np.abs(on.x) - np.float32(at.eye_x)) * np.float32(1.0 / at.eye_half)
    v = on.y - cy
    upper, _ = lid_curves(at, lids, u)
    white = paint((0.80, 0.79, 0.78) if plain else (0.92, 0.93, 0.95), on.x.shape[0])
    pink = unit((np.abs(u) - np.float32(0.55)) * np.float32(2.0)) * np.float32(0.55 if plain else 0.15)
    white = layer(white, (0.62, 0.36, 0.33), pink)
    round_off = np.float32(0.62) + np.float32(0.38) * unit(nz * np.float32(1.5) - np.float32(0.2))
    colour: Floats = white * round_off
    # A bright crescent opposite the light, dark rim, dark above: what makes an iris deep.
    lower_glow = unit(np.float32(0.5) - off_y * np.float32(0.5 * at.ball_radius / at.iris_radius))
    fibre = noise2(off_x * np.float32(60) + np.float32(3), off_y * np.float32(60))
    gain = (
        np.float32(0.55)
        + np.float32(1.25) * lower_glow * lower_glow
        + np.float32(0.25) * (fibre - np.float32(0.5))
    )
    rim_dark = smoothstep(0.70, 1.0, rho)
    shaded: Floats = np.array(tone, np.float32)[:, None] * (gain * np.float32(1.35))
    shaded = layer(shaded, (tone[0] * 0.14, tone[1] * 0.12, tone[2] * 0.16), rim_dark * np.float32(0.85))
    pupil_size = 0.42 if plain else 0.46
    pupil = unit((np.float32(pupil_size) - rho) * soft + np.float32(0.5))
    shaded = layer(shaded, (0.006, 0.005, 0.008), pupil)
    colour = layer(colour, shaded, iris)
    lid_shadow = smoothstep(0.0, 0.062 if plain else 0.075, upper - v)
    colour = colour * (np.float32(0.36 if plain else 0.55) + np.float32(0.64 if plain else 0.45) * lid_shadow)
    lx, ly, _lz = look.key_direction
    sx, sy = np.float32(0.30 * lx + 0.4 * 0.5 * frame.gaze_x * 0.4), np.float32(0.17 * ly + 0.06)
    glint_size = np.float32(0.105 if plain else 0.16)
    gx2, gy2 = nx - sx, ny - sy - np.float32(0.02)
    glint = unit(
        (glint_size - np.sqrt(gx2 * gx2 + gy2 * gy2)) * np.float32(0.6 / max(on.foot * 1.4, 0.010))
        + np.float32(0.5)
    )
    hx, hy = nx + sx * np.float32(0.9), ny + np.float32(0.16 if plain else 0.20)
    second = unit(
        (glint_size * np.float32(0.55) - np.sqrt(hx * hx + hy * hy)) * np.float32(14) + np.float32(0.3)
    )
    shut = np.float32(1.0 - lids.shut)
    colour = layer(colour, (1.25, 1.25, 1.25), glint * shut)
    colour = layer(colour, (0.95, 0.97, 1.0), second * np.float32(0.30 if plain else 0.75) * iris * shut)
    return colour


def draw_brows(
    head: HeadParams, look: Look, at: Anatomy, frame: FaceFrame, on: Samples, albedo: Floats
) -> Floats:
    """Draw brows on skin points [n] that lie near them."""
    plain = look.domain == "plain"
    middle = at.eye_x + 0.005 - 0.030 * frame.brow_frown
    u = (np.abs(on.x) - np.float32(middle)) * np.float32(1.0 / at.brow_half)
    inner = unit(np.float32(0.45) - np.float32(0.62) * u)
    inner = inner * inner
    y = brow_height(head, at, frame, u, inner)
    thick = np.float32(0.030 * head.brow_thick) * (
        np.float32(1) - np.float32(0.62) * smoothstep(-0.1, 1.05, u)
    )
    thick = thick * (np.float32(0.75) + np.float32(0.25) * smoothstep(-1.1, -0.6, u)) + np.float32(0.004)
    soft = np.float32(1.0 / max(on.foot * 0.9, 0.012 if plain else 0.005))
    ends = unit((np.float32(1.0) - np.abs(u)) * np.float32(at.brow_half) * np.float32(40) + np.float32(0.25))
    share = unit((thick - np.abs(on.y - y)) * soft + np.float32(0.5)) * ends * smoothstep(0.22, 0.34, on.z)
    if plain:
        grain = noise2(
            np.abs(on.x) * np.float32(26) - on.y * np.float32(58), on.y * np.float32(14) + np.float32(7)
        )
        share = share * (np.float32(0.66) + np.float32(0.34) * grain)
        share = share * (np.float32(0.72) + np.float32(0.28) * smoothstep(-1.0, -0.45, u))
    return layer(albedo, linear(head.brow_colour), share * np.float32(0.93))


def brow_height(head: HeadParams, at: Anatomy, frame: FaceFrame, u: Floats, inner: Floats) -> Floats:
    """Give the height of a brow at u = -1 (inner) … 1 (outer end)."""
    arch = np.float32(0.012 + 0.040 * head.brow_arch) * bump(u, 0.42, 1.42)
    fall = np.float32(-0.012 - 0.010 * head.brow_arch) * smoothstep(0.45, 1.0, u)
    level = at.brow_y - 0.01 + 0.085 * frame.brow_raise - 0.040 * frame.brow_frown
    lift = np.float32(0.120 * frame.brow_inner - 0.100 * frame.brow_frown) * inner
    down = np.float32(-0.060 * frame.brow_inner + 0.035 * frame.brow_frown) * unit(u)
    height: Floats = np.float32(level) + arch + fall + lift + down
    return height


def crows_feet(head: HeadParams, at: Anatomy, frame: FaceFrame, on: Samples) -> Floats:
    """Give the darkness [n] of small lines beside the eyes, deeper when a face smiles or squints."""
    a = np.abs(on.x) - np.float32(at.eye_x + at.eye_half * 1.18)
    v = on.y - np.float32(at.eye_y)
    fan = v + np.float32(0.008) - a * np.float32(0.35) * np.sign(v + np.float32(0.008))
    turn = fan * np.float32(24)
    lines = bump(turn - np.floor(turn) - np.float32(0.5), 0.0, 0.22)
    near = bump(a, 0.05, 0.075) * bump(v, 0.0, 0.075)
    return lines * near * np.float32(head.wrinkles * (0.5 + 0.5 * frame.squint))

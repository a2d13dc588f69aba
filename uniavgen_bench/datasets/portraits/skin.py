"""Skin: its colours over the face, folds that emotions and age draw, and how it takes the light."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, bump, noise2, power8, smoothstep, unit
from uniavgen_bench.datasets.portraits.eyes import Lids, crows_feet, draw_brows, draw_lids
from uniavgen_bench.datasets.portraits.face_state import FaceFrame
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.look import Look, layer, linear, paint
from uniavgen_bench.datasets.portraits.mouth import MouthShape, draw_mouth, near_mouth
from uniavgen_bench.datasets.portraits.samples import Samples


def fold(x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float], width: float) -> Floats:
    """Give the darkness [n] of a crease between two places of the face, fading at its ends."""
    bx, by = end[0] - start[0], end[1] - start[1]
    size = bx * bx + by * by
    px, py = x - np.float32(start[0]), y - np.float32(start[1])
    h = (px * np.float32(bx) + py * np.float32(by)) * np.float32(1.0 / size)
    along = bump(h, 0.5, 0.72)
    qx, qy = px - np.float32(bx) * h, py - np.float32(by) * h
    bend = np.float32(0.10 * size**0.5) * (h - h * h)
    away = np.sqrt(qx * qx + qy * qy) + bend * np.float32(0)
    return bump(away, 0.0, width) * along


def skin_albedo(
    head: HeadParams, look: Look, at: Anatomy, lids: Lids, mouth: MouthShape, frame: FaceFrame, on: Samples
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Colour skin points [n] with all that is drawn on them.

    Gives albedo [3, n], gloss, the tilted normal's y, the share of the open eyes and that of the mouth's inside.
    """
    plain = look.domain == "plain"
    n = on.x.shape[0]
    a = np.abs(on.x)
    ahead = smoothstep(0.0, 0.30, on.z)
    albedo = paint(look.skin, n)
    cheek_x, cheek_y = at.eye_x * 1.22, at.eye_y - 0.30 + 0.03 * frame.cheek
    cheek = (
        bump(np.sqrt((a - np.float32(cheek_x)) ** 2 + (on.rest_y - np.float32(cheek_y)) ** 2), 0.0, 0.30)
        * ahead
    )
    nose = bump(np.sqrt(on.x * on.x + (on.y - np.float32(at.nose_y)) ** 2), 0.0, 0.17) * ahead
    ear = smoothstep(0.70 * head.width, 0.76 * head.width, a) * smoothstep(-0.5, -0.2, on.y)
    chin = bump(np.sqrt(on.x * on.x + (on.rest_y - np.float32(at.chin_y + 0.12)) ** 2), 0.0, 0.20) * ahead
    glow = unit(
        cheek * np.float32(0.62) + nose * np.float32(0.40) + ear * np.float32(0.45) + chin * np.float32(0.15)
    )
    albedo = layer(albedo, look.flush, glow * np.float32(head.blush * (0.95 if plain else 0.85)))
    forehead = smoothstep(0.15, 0.45, on.y) * ahead
    light_zone = (min(1.0, look.skin[0] * 1.06 + 0.01), look.skin[1] * 1.05, look.skin[2] * 1.0)
    albedo = layer(albedo, light_zone, forehead * np.float32(0.5))
    socket = bump((a - np.float32(at.eye_x)) / np.float32(0.27), 0.0, 1.0) * bump(
        (on.y - np.float32(at.eye_y + 0.02)) / np.float32(0.20), 0.0, 1.0
    )
    shaded = (look.skin[0] * 0.72, look.skin[1] * 0.56, look.skin[2] * 0.56)
    albedo = layer(albedo, shaded, socket * ahead * np.float32(0.10 if plain else 0.05))
    if plain:
        grain = noise2(
            on.x * np.float32(13) + np.float32(31), on.rest_y * np.float32(13) + on.z * np.float32(9)
        )
        albedo = albedo * (np.float32(0.97) + np.float32(0.06) * grain)
    if head.freckles > 0:
        spots = noise2(on.x * np.float32(34) + np.float32(5), on.rest_y * np.float32(34))
        zone = unit(cheek + nose * np.float32(1.3))
        albedo = layer(
            albedo, shaded, smoothstep(0.62, 0.92, spots) * zone * np.float32(0.60 * head.freckles)
        )
    # The beard that was shaved, and stubble.
    if head.gender == "male" and head.age != "child":
        amount = 0.55 if head.beard == "stubble" else 0.30 if head.beard != "none" else 0.13
        edge = np.float32(at.mouth_y + 0.08) + np.float32(0.55) * np.maximum(
            a - np.float32(0.2), np.float32(0)
        )
        zone = smoothstep(0.09, -0.06, on.rest_y - edge) * smoothstep(
            at.chin_y - 0.25, at.chin_y - 0.05, on.rest_y
        )
        zone = zone * smoothstep(-0.05, 0.15, on.z)
        dots = noise2(on.x * np.float32(55), on.rest_y * np.float32(55)) if plain else np.full_like(a, -0.2)
        hair = linear(head.hair_colour)
        mixed = (
            look.skin[0] * 0.45 + hair[0] * 0.3,
            look.skin[1] * 0.42 + hair[1] * 0.3,
            look.skin[2] * 0.48 + hair[2] * 0.3,
        )
        albedo = layer(albedo, mixed, zone * (np.float32(0.6) + np.float32(0.55) * dots) * np.float32(amount))
    albedo = layer(albedo, shaded, unit(creases(head, at, mouth, frame, on, plain)) * ahead)
    hole_x = (a - np.float32(0.050 * head.nose_width)) * np.float32(0.67)
    hole_y = on.y - np.float32(at.nose_y - 0.062)
    hole = bump(np.sqrt(hole_x * hole_x + hole_y * hole_y), 0.0, 0.030)
    dark = (look.skin[0] * 0.22, look.skin[1] * 0.09, look.skin[2] * 0.08)
    albedo = layer(albedo, dark, hole * ahead * np.float32(0.75 if plain else 0.55))
    gloss: Floats = np.float32(0.20) + np.float32(0.25) * nose + np.float32(0.10) * forehead
    ny, eye, inside = on.ny.copy(), np.zeros_like(a), np.zeros_like(a)
    # Brows, lids and mouth draw nothing outside of these boxes.
    ahead_of_ears = on.z > np.float32(0.2)
    at_eyes = ahead_of_ears & (np.abs(a - np.float32(at.eye_x)) < np.float32(1.4 * at.eye_half + 0.08))
    index = np.flatnonzero(
        at_eyes & (on.y > np.float32(at.eye_y - 0.30)) & (on.y < np.float32(at.brow_y + 0.32))
    )
    if index.size:
        here, under = on.pick(index), albedo[:, index]
        under = draw_brows(head, look, at, frame, here, under)
        albedo[:, index], eye[index], _ink = draw_lids(head, look, at, lids, here, under)
    index = np.flatnonzero(ahead_of_ears & near_mouth(mouth, on))
    if index.size:
        here = on.pick(index)
        albedo[:, index], gloss[index], ny[index], shown = draw_mouth(
            look, at, mouth, here, albedo[:, index], gloss[index], here.ny
        )
        inside[index] = shown * smoothstep(0.2, 0.3, here.z)
    return albedo, gloss, ny, eye, inside


def creases(
    head: HeadParams, at: Anatomy, mouth: MouthShape, frame: FaceFrame, on: Samples, plain: bool
) -> Floats:
    """Give the darkness [n] of the folds of a face: beside nose and mouth, on the forehead, between the brows."""
    a = np.abs(on.x)
    smile = max(frame.smile, 0.0)
    corner = mouth.half + 0.050 + 0.015 * smile
    deep = 0.10 + 0.80 * head.wrinkles + 0.45 * smile if plain else 0.50 * head.wrinkles + 0.20 * smile
    wing = 0.125 * head.nose_width
    total = fold(a, on.y, (wing, at.nose_y + 0.03), (corner, at.mouth_y + 0.05 * smile), 0.032) * np.float32(
        deep
    )
    sad = max(-frame.smile, 0.0)
    sag = 0.62 * head.wrinkles + 0.25 * sad
    total = total + fold(
        a, on.y, (mouth.half * 1.02, at.mouth_y - 0.03), (mouth.half * 1.12, at.mouth_y - 0.17), 0.026
    ) * np.float32(sag)
    total = total + bump(
        (on.y - np.float32(at.mouth_y - mouth.down - mouth.lower - 0.055)) / np.float32(0.03), 0.0, 1.0
    ) * bump(a, 0.0, 0.16) * np.float32(0.30)
    philtrum = bump(a, 0.0, 0.030) * bump(on.y, (at.nose_y + at.mouth_y) / 2 + 0.01, 0.085)
    total = total + philtrum * np.float32(0.22 if plain else 0.0)
    raised = max(frame.brow_raise, 0.0) * 0.8 + frame.brow_inner * 0.5
    lines = (0.42 + 0.5 * raised) * head.wrinkles + 0.14 * raised
    if lines > 0.02 and plain:
        for height in (0.16, 0.235, 0.31):
            y = np.float32(at.brow_y + height + 0.03 * frame.brow_raise) + np.float32(0.10) * a * a
            total = total + bump((on.y - y) / np.float32(0.020), 0.0, 1.0) * bump(a, 0.0, 0.42) * np.float32(
                lines
            )
    if frame.brow_frown > 0.02:
        total = total + fold(
            a, on.y, (0.045, at.brow_y - 0.09), (0.062, at.brow_y + 0.06), 0.022
        ) * np.float32(0.75 * frame.brow_frown)
    return total + crows_feet(head, at, frame, on) * np.float32(0.8 if plain else 0.0)


def light_skin(
    look: Look, at: Anatomy, on: Samples, albedo: Floats, gloss: Floats, nx: Floats, ny: Floats, nz: Floats
) -> Floats:
    """Light skin points [n]: soft light that bleeds red over the shadow's edge, sky and ground, gloss, rim."""
    size = np.float32(1) / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-6))
    nx, ny, nz = nx * size, ny * size, nz * size
    lx, ly, lz = (np.float32(c) for c in look.key_direction)
    facing = nx * lx + ny * ly + nz * lz
    # Light scatters through the thin skin around the eyes: no hard shadow there.
    socket = (
        bump((np.abs(on.x) - np.float32(at.eye_x)) / np.float32(0.30), 0.0, 1.0)
        * bump((on.y - np.float32(at.eye_y - 0.09)) / np.float32(0.24), 0.0, 1.0)
        * smoothstep(0.0, 0.3, on.z)
    )
    # The chin shades the neck; the grid keeps shadows of a resting head only, and this one moves little.
    lit = on.lit * neck_shade(on)
    lit = lit + (np.float32(1) - lit) * socket * np.float32(0.7)
    light = np.empty_like(albedo)
    up = ny * np.float32(0.5) + np.float32(0.5)
    crevice = on.open + (np.float32(1) - on.open) * socket * np.float32(0.6)
    for channel, (wrap, bleed) in enumerate(((0.42, 0.55), (0.22, 0.85), (0.16, 1.0))):
        soft = unit((facing + np.float32(wrap)) * np.float32(1.0 / (1.0 + wrap)))
        shadow = np.float32(1) - (np.float32(1) - lit) * np.float32(bleed)
        key = soft * (np.float32(0.55) + np.float32(0.45) * soft) * shadow * np.float32(look.key[channel])
        warm = crevice + (np.float32(1) - crevice) * crevice * np.float32((0.75, 0.30, 0.22)[channel])
        sky, ground = look.sky[channel], look.ground[channel] * 0.42
        around = (np.float32(ground) + np.float32(sky - ground) * up) * warm
        light[channel] = key * np.float32(0.86) + around * np.float32(0.84)
    colour = albedo * light
    vx, vy, vz = -on.ux, -on.uy, -on.uz
    hx, hy, hz = lx + vx, ly + vy, lz + vz
    size = np.float32(1) / np.sqrt(hx * hx + hy * hy + hz * hz)
    half = unit((nx * hx + ny * hy + nz * hz) * size)
    eighth = power8(half)
    shine = (eighth * eighth * np.float32(0.10) + power8(eighth) * np.float32(0.32)) * gloss * lit * crevice
    seen = unit(nx * vx + ny * vy + nz * vz)
    edge = np.float32(1) - seen
    edge = edge * edge * edge
    rx, ry, rz = (np.float32(c) for c in look.rim_direction)
    rim = unit(nx * rx + ny * ry + nz * rz + np.float32(0.15)) * edge * crevice * crevice * np.float32(0.55)
    for channel in range(3):
        colour[channel] += shine * np.float32(look.key[channel]) + rim * np.float32(look.rim[channel]) * (
            np.float32(0.25) + albedo[channel]
        )
    return colour


def neck_shade(on: Samples) -> Floats:
    """Give the share of light [n] that the chin leaves to the neck."""
    under = (
        smoothstep(-0.92, -1.02, on.rest_y)
        * smoothstep(-1.55, -1.12, on.rest_y)
        * smoothstep(0.44, 0.30, on.z)
    )
    return np.float32(1) - np.float32(0.62) * under


def flat_light(look: Look, on: Samples, albedo: Floats, nx: Floats, ny: Floats, nz: Floats) -> Floats:
    """Light points [n] as a drawing does: one step from light to a tinted shadow, and a little gradient."""
    size = np.float32(1) / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-6))
    lx, ly, lz = (np.float32(c) for c in look.key_direction)
    facing = (nx * lx + ny * ly + nz * lz) * size
    lit = smoothstep(0.20, 0.75, on.lit) * neck_shade(on) * np.float32(1.3) - np.float32(0.35)
    low = smoothstep(0.20, 0.05, on.y) * smoothstep(-1.02, -0.92, on.rest_y) * smoothstep(0.0, 0.2, on.z)
    lit = lit + (np.float32(1) - lit) * low
    step = smoothstep(0.02, 0.13, np.minimum(facing + np.float32(0.12), lit))
    glow = smoothstep(0.55, 1.0, facing) * np.float32(0.10)
    colour = np.empty_like(albedo)
    for channel, (shade, gain) in enumerate(((0.70, 1.02), (0.55, 1.0), (0.62, 0.99))):
        share = np.float32(shade) + (np.float32(1 - shade)) * step
        # Soft hollows keep the relief of a face that the one step of light does not show.
        hollow = np.float32(1) - (np.float32(1) - on.open) * np.float32((0.30, 0.50, 0.45)[channel])
        colour[channel] = albedo[channel] * share * (np.float32(gain) + glow) * hollow
    return colour

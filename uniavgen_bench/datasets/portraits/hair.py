"""Hair, cloth of a headscarf, and clothes: strands with a band of light, weave and folds."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.exact_math import Floats, bump, noise2, power8, smoothstep, unit
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.head_shape import SHOULDERS_UP
from uniavgen_bench.datasets.portraits.look import Look, layer, linear, paint
from uniavgen_bench.datasets.portraits.samples import Samples


def hair_colour(head: HeadParams, look: Look, at: Anatomy, on: Samples) -> Floats:
    """Shade hair points [n]."""
    plain = look.domain == "plain"
    n = on.x.shape[0]
    if head.hair_style == "headscarf" and head.beard == "none":
        return scarf_colour(head, look, on)
    # Strands fall from the crown: a strand is a direction around the crown's axis.
    cx, cy, cz = np.float32(head.parting * 0.4), np.float32(1.02), np.float32(-0.22)
    px, py, pz = on.x - cx, on.rest_y - cy, on.z - cz
    round_x, round_z = px, pz - py * np.float32(0.25)
    reach = np.float32(1) / np.sqrt(round_x * round_x + round_z * round_z + np.float32(0.02))
    sx, sz = round_x * reach, round_z * reach
    beard = (
        (on.rest_y < np.float32(at.mouth_y + 0.22)) & (on.z > np.float32(0.2)) & (np.abs(on.x) < 0.48)
    ).astype(np.float32)
    if head.beard in ("none", "stubble"):
        beard = beard * np.float32(0)
    sx = sx + (on.x * np.float32(2.2) - sx) * beard
    sz = sz + (on.rest_y * np.float32(0.25) - sz) * beard
    wave = noise2(on.rest_y * np.float32(2.2), sx * np.float32(3)) * np.float32(0.16)
    fine = noise2(
        (sx + wave) * np.float32(26) + np.float32(11), sz * np.float32(26) + on.rest_y * np.float32(0.8)
    )
    broad = noise2((sx + wave) * np.float32(7) + np.float32(50), sz * np.float32(7) + np.float32(3))
    if head.hair_style in ("afro", "curly", "buzz") or head.beard not in ("none", "stubble"):
        speckle = noise2(on.x * np.float32(24), on.rest_y * np.float32(24) + on.z * np.float32(17))
        share = np.float32(1.0 if head.hair_style in ("afro", "curly", "buzz") else 0.0)
        share = np.maximum(share, beard * np.float32(0.7))
        fine = fine + (speckle - fine) * share
    base, tint = linear(head.hair_colour), linear(head.hair_tint)
    dark = (base[0] * 0.42, base[1] * 0.36, base[2] * 0.38)
    albedo = paint(base, n)
    albedo = layer(
        albedo, dark, unit(np.float32(1.05) - broad * np.float32(1.5)) * np.float32(0.55 if plain else 0.28)
    )
    if plain:
        albedo = layer(albedo, tint, smoothstep(0.52, 0.95, fine) * np.float32(0.42))
        albedo = layer(albedo, dark, smoothstep(0.45, 0.08, fine) * np.float32(0.55))
    nx, ny, nz = on.nx, on.ny, on.nz
    # Kajiya and Kay 1989: light along a strand depends on the angle to its tangent, here down the skull.
    tx, ty, tz = px * np.float32(0.9), py - np.float32(0.35), pz
    down = nx * tx + ny * ty + nz * tz
    tx, ty, tz = tx - nx * down, ty - ny * down, tz - nz * down
    size = np.float32(1) / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-4))
    tx, ty, tz = tx * size, ty * size, tz * size
    lx, ly, lz = (np.float32(c) for c in look.key_direction)
    hx, hy, hz = lx - on.ux, ly - on.uy, lz - on.uz
    size = np.float32(1) / np.sqrt(hx * hx + hy * hy + hz * hz)
    shift = (fine - np.float32(0.5)) * np.float32(0.34 if plain else 0.0) + (
        broad - np.float32(0.5)
    ) * np.float32(0.22 if plain else 0.42)
    along = (tx * hx + ty * hy + tz * hz) * size + shift - np.float32(0.06)
    across = np.maximum(np.float32(1) - along * along, np.float32(0))
    band = power8(across)
    band = (
        band * band * unit(nx * lx + ny * ly + nz * lz + np.float32(0.35)) * on.lit * (np.float32(1) - beard)
    )
    facing = nx * lx + ny * ly + nz * lz
    if not plain:
        tone = np.minimum(facing, smoothstep(0.1, 0.6, on.lit) * np.float32(1.3) - np.float32(0.35))
        tone = tone + (broad - np.float32(0.5)) * np.float32(0.4)
        step = smoothstep(0.02, 0.12, tone)
        colour = np.empty_like(albedo)
        for channel, shade in enumerate((0.46, 0.40, 0.55)):
            colour[channel] = albedo[channel] * (np.float32(shade) + np.float32(1 - shade) * step)
        streak = smoothstep(0.62, 0.70, band)
        return layer(
            colour,
            (tint[0] * 1.15, tint[1] * 1.15, tint[2] * 1.15),
            streak * np.float32(0.30 if head.hair_style in ("afro", "curly") else 0.70),
        )
    soft = unit((facing + np.float32(0.35)) * np.float32(1 / 1.35))
    up = ny * np.float32(0.5) + np.float32(0.5)
    crevice = on.open * on.open * np.float32(0.6) + on.open * np.float32(0.4)
    seen = unit(-(nx * on.ux + ny * on.uy + nz * on.uz))
    edge = np.float32(1) - seen
    rx, ry, rz = (np.float32(c) for c in look.rim_direction)
    rim = unit(nx * rx + ny * ry + nz * rz + np.float32(0.2)) * edge * edge * on.open * np.float32(0.75)
    hollow = np.float32(0.80) + np.float32(0.5) * np.maximum(
        np.minimum(on.curve, np.float32(0.4)), np.float32(-0.5)
    )
    colour = np.empty_like(albedo)
    glossy = np.float32(0.35) + np.float32(0.9) * smoothstep(0.3, 0.9, fine)
    for channel in range(3):
        sky, ground = look.sky[channel], look.ground[channel] * 0.4
        around = (np.float32(ground) + np.float32(sky - ground) * up) * crevice
        light = (
            soft
            * soft
            * (np.float32(0.25) + np.float32(0.75) * on.lit)
            * np.float32(look.key[channel] * 0.95)
        )
        colour[channel] = albedo[channel] * (light + around * np.float32(0.85)) * hollow
        sheen = 0.30 * tint[channel] + 0.035
        colour[channel] += band * glossy * crevice * np.float32(sheen * look.key[channel])
        colour[channel] += rim * np.float32(look.rim[channel] * (0.10 + 0.55 * tint[channel]))
    return colour


def woven(look: Look, on: Samples, albedo: Floats) -> Floats:
    """Light cloth points [n]."""
    lx, ly, lz = (np.float32(c) for c in look.key_direction)
    facing = on.nx * lx + on.ny * ly + on.nz * lz
    if look.domain == "stylised":
        step = smoothstep(0.02, 0.12, np.minimum(facing, on.lit * np.float32(1.3) - np.float32(0.35)))
        result: Floats = albedo * (np.float32(0.50) + np.float32(0.50) * step)
        return result
    soft = unit((facing + np.float32(0.25)) * np.float32(0.8))
    up = on.ny * np.float32(0.5) + np.float32(0.5)
    edge = np.float32(1) - unit(-(on.nx * on.ux + on.ny * on.uy + on.nz * on.uz))
    fuzz = edge * edge * np.float32(0.16)
    colour = np.empty_like(albedo)
    for channel in range(3):
        sky = look.sky[channel]
        around = np.float32(sky) * (np.float32(0.35) + np.float32(0.65) * up) * on.open
        light = soft * (np.float32(0.2) + np.float32(0.8) * on.lit) * np.float32(look.key[channel] * 0.86)
        colour[channel] = albedo[channel] * (light + around * np.float32(0.85)) + fuzz * on.open * (
            albedo[channel] * np.float32(0.6) + np.float32(0.04)
        ) * np.float32(look.sky[channel])
    return colour


def scarf_colour(head: HeadParams, look: Look, on: Samples) -> Floats:
    """Shade the points [n] of a headscarf: cloth in the second colour, with a fold's soft grain."""
    grain = noise2(
        on.x * np.float32(6) + on.rest_y * np.float32(7), on.z * np.float32(4) - on.rest_y * np.float32(3)
    )
    albedo = paint(linear(head.cloth_second), on.x.shape[0]) * (np.float32(0.86) + np.float32(0.22) * grain)
    return woven(look, on, albedo)


def cloth_colour(head: HeadParams, look: Look, on: Samples) -> Floats:
    """Shade the points [n] of the clothes."""
    n = on.x.shape[0]
    a, y = np.abs(on.x), on.rest_y - np.float32(SHOULDERS_UP)
    albedo = paint(linear(head.cloth), n)
    second = linear(head.cloth_second)
    if head.stripes and head.garment in ("crew", "turtleneck"):
        turn = on.rest_y * np.float32(5.2) + on.z * np.float32(0.9)
        albedo = layer(
            albedo, second, smoothstep(0.30, 0.34, np.abs(turn - np.floor(turn) - np.float32(0.5)))
        )
    if head.garment == "jacket":
        shirt = smoothstep(0.02, -0.02, a - (y + np.float32(1.92)) * np.float32(0.55))
        albedo = layer(albedo, second, shirt)
    if head.garment == "collar":
        placket = bump(a, 0.0, 0.02) * smoothstep(-1.55, -1.6, y)
        albedo = albedo * (np.float32(1) - placket * np.float32(0.35))
    if head.garment == "hoodie":
        cord = bump(a, 0.16, 0.022) * smoothstep(-1.58, -1.62, y) * smoothstep(0.1, 0.2, on.z)
        albedo = layer(albedo, (0.8, 0.79, 0.76), cord * np.float32(0.9))
    if look.domain == "plain":
        weave = noise2(on.x * np.float32(40), on.rest_y * np.float32(40) + on.z * np.float32(30))
        folds = noise2(
            on.x * np.float32(2.6) + np.float32(4), on.rest_y * np.float32(3.2) + on.z * np.float32(2)
        )
        albedo = albedo * (np.float32(0.86) + np.float32(0.10) * weave + np.float32(0.18) * folds)
    return woven(look, on, albedo)

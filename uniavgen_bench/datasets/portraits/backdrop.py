"""What is behind the head: gradients, lights out of focus, simple rooms."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.datasets.portraits.exact_math import Draws, Floats, bump, noise2, smoothstep, unit
from uniavgen_bench.datasets.portraits.head_params import Domain, HeadParams
from uniavgen_bench.datasets.portraits.look import layer, linear, paint
from uniavgen_bench.datasets.portraits.palette import blend


def backdrop(head: HeadParams, domain: Domain, size: int) -> Floats:
    """Paint the background of an identity as linear colours [3, size * size]; the camera and it stand still."""
    places = (np.arange(size, dtype=np.float32) + np.float32(0.5)) * np.float32(1.0 / size)
    v, u = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
    upper, lower, lamp = (linear(colour) for colour in head.backdrop_colours)
    count = u.shape[0]
    colour = layer(paint(upper, count), lower, smoothstep(-0.1, 1.15, v))
    lit_x = 0.5 + 0.35 * (1 if head.light_side > 0 else -1)
    away = np.sqrt((u - np.float32(lit_x)) ** 2 + (v - np.float32(0.25)) ** 2)
    colour = layer(colour, lamp, bump(away, 0.0, 0.95) * np.float32(0.22))
    draw = Draws(head.seed, "backdrop")
    soft = 0.035 if domain == "plain" else 0.012
    match head.backdrop:
        case "bokeh":
            for _ in range(16):
                x, y, r = draw.uniform(), draw.uniform(0, 0.85), draw.uniform(0.025, 0.085)
                disc = np.sqrt((u - np.float32(x)) ** 2 + (v - np.float32(y)) ** 2)
                inside = smoothstep(r + 0.010, r - 0.010, disc)
                ring = np.float32(0.65) + np.float32(0.35) * bump(disc, r * 0.9, r * 0.35)
                tone = blend(lamp, upper, draw.uniform(0, 0.6))
                colour = layer(colour, tone, inside * ring * np.float32(draw.uniform(0.14, 0.42)))
        case "room":
            floor = smoothstep(0.70, 0.70 + soft, v)
            colour = layer(
                colour, (lower[0] * 0.55, lower[1] * 0.5, lower[2] * 0.48), floor * np.float32(0.7)
            )
            x, y = draw.uniform(0.10, 0.22), draw.uniform(0.14, 0.26)
            w, h = draw.uniform(0.08, 0.11), draw.uniform(0.09, 0.14)
            left = draw.chance(0.5)
            px = u if left else np.float32(1) - u
            frame = panel(px, v, x, y, w, h, soft)
            art = panel(px, v, x, y, w - 0.018, h - 0.018, soft)
            colour = layer(
                colour, (lower[0] * 0.5, lower[1] * 0.42, lower[2] * 0.40), frame * np.float32(0.8)
            )
            colour = layer(colour, lamp, art * np.float32(0.65))
            hill = smoothstep(
                -0.01, 0.03, v - np.float32(y + 0.02) - np.float32(0.6) * (px - np.float32(x)) ** 2
            )
            colour = layer(colour, upper, art * hill * np.float32(0.6))
            colour = plant(colour, np.float32(1) - px, v, soft, draw)
        case "window":
            x = 0.20 if draw.chance(0.5) else 0.80
            glow = bump(np.sqrt((u - np.float32(x)) ** 2 + (v - np.float32(0.3)) ** 2), 0.0, 0.75)
            colour = layer(colour, lamp, glow * np.float32(0.30))
            pane = panel(u, v, x, 0.30, 0.17, 0.25, soft)
            cross = np.maximum(bump(u, x, 0.022), bump(v, 0.28, 0.022))
            sky = layer(paint((0.80, 0.90, 0.98), count), (0.98, 0.95, 0.86), smoothstep(0.1, 0.6, v))
            cloud = smoothstep(0.55, 0.8, noise2(u * np.float32(7), v * np.float32(12)))
            sky = layer(sky, (1.0, 1.0, 1.0), cloud * np.float32(0.6))
            colour = layer(colour, sky, pane * (np.float32(1) - cross * np.float32(0.8)) * np.float32(0.85))
        case "sky":
            colour = layer(paint((0.30, 0.52, 0.80), count), (0.86, 0.90, 0.90), smoothstep(0.0, 0.9, v))
            puff = noise2(u * np.float32(4) + np.float32(draw.uniform(0, 60)), v * np.float32(7))
            puff = puff * np.float32(0.65) + noise2(u * np.float32(10), v * np.float32(15)) * np.float32(0.35)
            edge = 0.10 if domain == "plain" else 0.03
            cloud = smoothstep(0.55 - edge, 0.55 + edge, puff) * smoothstep(0.9, 0.5, v)
            colour = layer(colour, (0.98, 0.98, 0.99), cloud * np.float32(0.75))
            ridge = noise2(u * np.float32(5) + np.float32(20), np.full_like(u, 2.5)) * np.float32(0.10)
            hills = smoothstep(0.76 + soft, 0.76 - soft * 0.3, np.float32(1.50) - v + ridge - np.float32(0.0))
            colour = layer(colour, blend((0.24, 0.40, 0.26), lower, 0.35), hills * np.float32(0.9))
        case "shelves":
            wood = (lower[0] * 0.7 + 0.06, lower[1] * 0.55 + 0.03, lower[2] * 0.45 + 0.02)
            colour = layer(colour, wood, np.full_like(u, 0.45))
            first, second, _ = head.backdrop_colours
            tones = {
                head.cloth: 1.0,
                head.cloth_second: 1.0,
                first: 1.5,
                second: 1.5,
                (0.75, 0.68, 0.56): 1.5,
            }
            for shelf in (0.20, 0.46, 0.72):
                place = -0.02
                while place < 1.0:
                    wide, tall = draw.uniform(0.022, 0.050), draw.uniform(0.11, 0.19)
                    tone = linear(draw.pick(tones))
                    if draw.chance(0.82):
                        book = panel(u, v, place + wide / 2, shelf - tall / 2, wide / 2, tall / 2, soft * 0.5)
                        colour = layer(colour, tone, book * np.float32(0.62))
                    place += wide + 0.004
                board = panel(u, v, 0.5, shelf + 0.012, 0.6, 0.012, soft * 0.6)
                colour = layer(
                    colour, (wood[0] * 0.55, wood[1] * 0.5, wood[2] * 0.5), board * np.float32(0.8)
                )
            colour = layer(colour, upper, np.full_like(u, 0.22))
        case _:
            pass
    corner = (u - np.float32(0.5)) ** 2 + (v - np.float32(0.5)) ** 2
    darkened: Floats = colour * (np.float32(1.04) - np.float32(0.42) * corner)
    return darkened


def panel(u: Floats, v: Floats, x: float, y: float, half_x: float, half_y: float, soft: float) -> Floats:
    """Fill a soft-edged rectangle, 1 inside."""
    across = unit((np.float32(half_x) - np.abs(u - np.float32(x))) * np.float32(1 / soft) + np.float32(0.5))
    return across * unit(
        (np.float32(half_y) - np.abs(v - np.float32(y))) * np.float32(1 / soft) + np.float32(0.5)
    )


def plant(colour: Floats, u: Floats, v: Floats, soft: float, draw: Draws) -> Floats:
    """Add a plant out of focus in a corner."""
    root_x, root_y = 0.10, 0.86
    for _ in range(9):
        x, y = root_x + draw.uniform(-0.13, 0.16), root_y - draw.uniform(0.12, 0.42)
        bx, by = x - root_x, y - root_y
        size = bx * bx + by * by
        h = (
            (u - np.float32(root_x)) * np.float32(bx) + (v - np.float32(root_y)) * np.float32(by)
        ) * np.float32(1 / size)
        off_x, off_y = (
            u - np.float32(root_x) - np.float32(bx) * h,
            v - np.float32(root_y) - np.float32(by) * h,
        )
        away = np.sqrt(off_x * off_x + off_y * off_y)
        thick = np.float32(0.030) * unit(h * np.float32(2)) * unit(
            (np.float32(1) - h) * np.float32(3)
        ) - np.float32(0.003)
        leaf = unit((thick - away) * np.float32(1 / (soft * 0.7)) + np.float32(0.3)) * unit(h * np.float32(8))
        leaf = leaf * (h < np.float32(1)).astype(np.float32)
        tone = blend((0.10, 0.20, 0.10), (0.22, 0.36, 0.16), draw.uniform())
        colour = layer(colour, tone, leaf * np.float32(0.85))
    return colour

"""How an identity is lit and coloured: linear colours, lights, and the directions to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.datasets.portraits.bust_volume import light_direction
from uniavgen_bench.datasets.portraits.exact_math import Floats
from uniavgen_bench.datasets.portraits.head_params import Domain, HeadParams
from uniavgen_bench.datasets.portraits.palette import Colour, blend

Linear = tuple[float, float, float]


def linear(colour: Colour) -> Linear:
    """Take a colour of the picture to light; the renderer uses gamma 2, whose inverse is an exact square root."""
    return colour[0] * colour[0], colour[1] * colour[1], colour[2] * colour[2]


def paint(colour: Linear | Colour, count: int) -> Floats:
    """Fill [3, n] with a colour."""
    return np.repeat(np.array(colour, np.float32)[:, None], count, axis=1)


def layer(under: Floats, colour: Linear | Floats, share: Floats) -> Floats:
    """Lay a colour over colours [3, n] with opacities [n]."""
    over = colour if isinstance(colour, np.ndarray) else np.array(colour, np.float32)[:, None]
    result: Floats = under + (over - under) * share
    return result


@dataclass(frozen=True)
class Look:
    """Lights and the colours that several parts share, all linear."""

    domain: Domain
    key: Linear
    key_direction: tuple[float, float, float]
    sky: Linear
    ground: Linear
    rim: Linear
    rim_direction: tuple[float, float, float]
    skin: Linear
    flush: Linear
    lips: Linear
    ink: Linear


def look_of(head: HeadParams, domain: Domain) -> Look:
    """Derive lights and shared colours from an identity."""
    upper, _, lamp = head.backdrop_colours
    warm = blend((0.94, 0.97, 1.0), (1.0, 0.93, 0.83), head.light_warmth)
    skin = linear(head.skin)
    if domain == "stylised":
        # Drawings have no half-tones to model dark skin with: it is drawn a little lighter.
        skin = blend(skin, (0.92, 0.66, 0.50), 0.11)
    flush = (min(1.0, skin[0] * 0.98 + 0.03), skin[1] * 0.56, skin[2] * 0.54)
    side = -1.0 if head.light_side > 0 else 1.0
    rim = (0.86 * side, 0.25, -0.44)
    sky = blend(linear(upper), (0.62, 0.66, 0.72), 0.6)
    gain = 1.05
    return Look(
        domain=domain,
        key=(warm[0] * gain, warm[1] * gain, warm[2] * gain),
        key_direction=light_direction(head),
        sky=(sky[0] * 0.62, sky[1] * 0.62, sky[2] * 0.62),
        ground=blend(linear(head.cloth), (0.40, 0.33, 0.30), 0.6),
        rim=blend(linear(lamp), (0.9, 0.9, 0.9), 0.4),
        rim_direction=rim,
        skin=skin,
        flush=flush,
        lips=linear(head.lip_colour),
        ink=blend((0.030, 0.012, 0.016), skin, 0.05),
    )

"""From the points that rays hit to colours: which solid it is, what is drawn on it, how it is lit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.anatomy import Anatomy
from uniavgen_bench.datasets.portraits.bust_volume import (
    CLOTH,
    CURVE,
    HAIR,
    LIT,
    NORMAL_X,
    NORMAL_Y,
    NORMAL_Z,
    OPEN,
    BustVolume,
)
from uniavgen_bench.datasets.portraits.exact_math import Floats, bump, mix, smoothstep, unit
from uniavgen_bench.datasets.portraits.eyes import Lids, eye_colour
from uniavgen_bench.datasets.portraits.face_state import FaceFrame
from uniavgen_bench.datasets.portraits.glasses import draw_glasses
from uniavgen_bench.datasets.portraits.hair import cloth_colour, hair_colour
from uniavgen_bench.datasets.portraits.head_params import HeadParams
from uniavgen_bench.datasets.portraits.look import Look, layer
from uniavgen_bench.datasets.portraits.mouth import MouthShape, inside_colour, is_mouth
from uniavgen_bench.datasets.portraits.pose import CAMERA_Z, CENTRE_Y, Pose
from uniavgen_bench.datasets.portraits.samples import Samples
from uniavgen_bench.datasets.portraits.skin import flat_light, light_skin, skin_albedo
from uniavgen_bench.datasets.portraits.trace import Hits


@dataclass(frozen=True)
class Scene:
    """All that one frame needs to colour its points."""

    head: HeadParams
    look: Look
    at: Anatomy
    volume: BustVolume
    pose: Pose
    frame: FaceFrame
    mouth: MouthShape
    lids: Lids


@dataclass(frozen=True)
class Shaded:
    """Linear colours [3, n] of points, and which of them are face."""

    colour: Floats
    face: NDArray[np.bool_]


def shade(scene: Scene, hits: Hits, dx: Floats, dy: Floats, dz: Floats, foot: float) -> Shaded:
    """Colour the points where rays [n] met the bust."""
    way = hits.way
    x, y, z = scene.pose.to_head(dx * way, np.float32(CENTRE_Y) + dy * way, np.float32(CAMERA_Z) + dz * way)
    rest_y = scene.pose.close_jaw(x, y, z)
    columns = scene.volume.surface(x, rest_y, z)
    nx, ny, nz = columns[NORMAL_X], columns[NORMAL_Y], columns[NORMAL_Z]
    size = np.float32(1) / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-6))
    r = [np.float32(value) for value in scene.pose.rotation]
    ux = r[0] * dx + r[3] * dy + r[6] * dz
    uy = r[1] * dx + r[4] * dy + r[7] * dz
    uz = r[2] * dx + r[5] * dy + r[8] * dz
    on = Samples(
        x, y, z, rest_y, nx * size, ny * size, nz * size, ux, uy, uz,
        columns[OPEN], columns[LIT], columns[CURVE], hits.passed, foot,
    )  # fmt: skip
    # A beard makes room for the lips however far they open.
    is_hair = (columns[HAIR] < 0) & ~is_mouth(scene.mouth, on)
    is_cloth = ~is_hair & (columns[CLOTH] < 0)
    is_skin = ~is_hair & ~is_cloth
    colour = np.empty((3, way.shape[0]), np.float32)
    for chosen, paint_points in ((is_hair, shade_hair), (is_cloth, shade_cloth), (is_skin, shade_skin)):
        index = np.flatnonzero(chosen)
        if index.size:
            colour[:, index] = paint_points(scene, on.pick(index))
    if scene.head.glasses != "none":
        index = np.flatnonzero((z > 0) & (np.abs(y - np.float32(scene.at.eye_y)) < 0.42))
        if index.size:
            colour[:, index] = draw_glasses(
                scene.head,
                scene.look,
                scene.at,
                on.pick(index),
                colour[:, index],
                is_skin[index].astype(np.float32),
            )
    if scene.look.domain == "stylised":
        colour = outline(scene, on, colour)
    low = np.float32(scene.at.chin_y - 0.05)
    face = (
        is_skin & (rest_y > low) & (z > np.float32(-0.05)) & (np.abs(x) < np.float32(0.72 * scene.head.width))
    )
    return Shaded(colour, face)


def shade_hair(scene: Scene, on: Samples) -> Floats:
    """Colour points of hair."""
    return hair_colour(scene.head, scene.look, scene.at, on)


def shade_cloth(scene: Scene, on: Samples) -> Floats:
    """Colour points of clothes."""
    return cloth_colour(scene.head, scene.look, on)


def shade_skin(scene: Scene, on: Samples) -> Floats:
    """Colour points of skin, with the open eyes and the inside of the mouth."""
    head, look, at = scene.head, scene.look, scene.at
    albedo, gloss, ny, eye, inside = skin_albedo(head, look, at, scene.lids, scene.mouth, scene.frame, on)
    nx = on.nx
    if look.domain == "plain":
        colour = light_skin(look, at, on, albedo, gloss, nx, ny, on.nz)
    else:
        # A drawing has one clean shadow: the face is lit as an egg, not as nose and sockets.
        egg = (
            smoothstep(-0.1, 0.25, on.z)
            * smoothstep(at.chin_y - 0.10, at.chin_y + 0.05, on.rest_y)
            * np.float32(0.72)
        )
        ex, ey, ez = (
            on.x * np.float32(1.5),
            (on.rest_y - np.float32(0.05)) * np.float32(0.9),
            on.z + np.float32(0.12),
        )
        length = np.float32(1) / np.sqrt(ex * ex + ey * ey + ez * ez + np.float32(1e-4))
        colour = flat_light(
            look,
            on,
            albedo,
            mix(nx, ex * length, egg),
            mix(on.ny, ey * length, egg),
            mix(on.nz, ez * length, egg),
        )
        under = bump(on.x - np.float32(0.02 * (1 if look.key_direction[0] < 0 else -1)), 0.0, 0.085) * bump(
            on.y, at.nose_y - 0.075, 0.05
        )
        colour = layer(
            colour,
            (look.flush[0] * 0.55, look.flush[1] * 0.45, look.flush[2] * 0.5),
            under * np.float32(0.55),
        )
        # The side of the nose away from the light, as one soft stroke.
        away = -1.0 if look.key_direction[0] > 0 else 1.0
        slope = (np.float32(at.eye_y) - on.y) * np.float32(0.10)
        side = bump(on.x * np.float32(away) - np.float32(0.055) - slope, 0.0, 0.050)
        side = (
            side
            * smoothstep(at.nose_y - 0.06, at.nose_y + 0.03, on.y)
            * smoothstep(at.eye_y + 0.12, at.eye_y - 0.10, on.y)
        )
        stroke = (look.skin[0] * 0.70, look.skin[1] * 0.52, look.skin[2] * 0.52)
        colour = layer(colour, stroke, side * np.float32(0.55))
        lip_y = at.mouth_y - scene.mouth.down - scene.mouth.lower - 0.030
        chin_dip = bump(on.y, lip_y, 0.032) * bump(on.x, 0.0, 0.12)
        colour = layer(colour, stroke, chin_dip * np.float32(0.45))
        tip_x = on.x - np.float32(0.03 if look.key_direction[0] > 0 else -0.03)
        tip_y = on.y - np.float32(at.nose_y + 0.035)
        tip = bump(np.sqrt(tip_x * tip_x + tip_y * tip_y), 0.0, 0.045)
        colour = layer(colour, (1.0, 0.97, 0.94), tip * np.float32(0.45))
    index = np.flatnonzero(eye > 0)
    if index.size:
        ball = eye_colour(head, look, at, scene.lids, scene.frame, on.pick(index))
        if look.domain == "plain":
            lit = np.float32(0.55) + np.float32(0.45) * on.lit[index]
            ball = ball * lit
        colour[:, index] = layer(colour[:, index], ball, eye[index])
    index = np.flatnonzero(inside > 0)
    if index.size:
        dark = inside_colour(look, at, scene.mouth, on.pick(index))
        colour[:, index] = layer(colour[:, index], dark, inside[index])
    return colour


def outline(scene: Scene, on: Samples, colour: Floats) -> Floats:
    """Ink the edges of a drawing: where a ray slipped past something nearer, and at the rims of solids."""
    wide = np.float32(0.016 + on.foot * 0.25)
    slipped = unit((wide - on.passed) * np.float32(1.0 / 0.010))
    seen = -(on.nx * on.ux + on.ny * on.uy + on.nz * on.uz)
    rim = smoothstep(0.30, 0.16, seen) * np.float32(0.8)
    ink = np.maximum(slipped, rim)
    dark = colour * np.float32(0.16) + np.array(scene.look.ink, np.float32)[:, None] * np.float32(0.5)
    return layer(colour, dark, ink)

"""Frames of a talking head with the truth about each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.portraits.anatomy import Anatomy, anatomy_of
from uniavgen_bench.datasets.portraits.backdrop import backdrop
from uniavgen_bench.datasets.portraits.beams import Rays
from uniavgen_bench.datasets.portraits.bust_volume import BustVolume, build_volume
from uniavgen_bench.datasets.portraits.earrings import Bead, beads_of, draw_beads
from uniavgen_bench.datasets.portraits.exact_math import Floats, unit
from uniavgen_bench.datasets.portraits.eyes import lids_of
from uniavgen_bench.datasets.portraits.face_state import FaceFrame, FaceState
from uniavgen_bench.datasets.portraits.head_params import Domain, HeadParams, stylised
from uniavgen_bench.datasets.portraits.look import Look, look_of
from uniavgen_bench.datasets.portraits.mouth import mouth_shape
from uniavgen_bench.datasets.portraits.pose import HALF_VIEW, Camera, pose_of
from uniavgen_bench.datasets.portraits.shade import Scene, shade
from uniavgen_bench.datasets.portraits.trace import FAR_AWAY, TILE, Hits, approach, trace
from uniavgen_bench.datasets.portraits.truth import FrameTruth, Truth, frame_truths, gather

SMALLEST, LARGEST = 64, 256
# Places of the extra rays of a pixel that lies on an edge, beside the one through its middle.
EXTRA = ((0.06, -0.36), (0.30, 0.24), (-0.36, 0.12))
# Neighbours whose rays end closer together than this lie on one smooth surface.
LEVEL = np.float32(0.07)
# Pixels whose colour differs more than this from a neighbour's get the extra rays.
CONTRAST = np.float32(0.065)
# At most so many frames are drawn at once, which spares calls.
TOGETHER = 12


@dataclass(frozen=True)
class Rendered:
    """Pictures [T, S, S, 3] (uint8 RGB) and the truth about them."""

    pictures: NDArray[np.uint8]
    truth: Truth


@dataclass(frozen=True)
class Aimed:
    """Rays [n] of one frame: the pixel that each belongs to, where it starts, and whether it is known to end there."""

    pixels: NDArray[np.intp]
    rays: Rays
    start: Floats
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Drawn:
    """What rays [n] saw: colour [3, n], how much of it covers what is behind, which of them are face, and their way."""

    colour: Floats
    cover: Floats
    face: NDArray[np.bool_]
    way: Floats


@dataclass(frozen=True)
class Canvas:
    """One frame in the making: linear colours [3, S * S] over the background `behind`, and facts of its pixels [S * S].

    `start`: how far a pixel's ray runs free; `ways`: where it ended; `reached`: how much of it shows the bust.
    """

    scene: Scene
    behind: Floats
    start: Floats
    linear: Floats
    mask: NDArray[np.bool_]
    reached: Floats
    ways: Floats

    @classmethod
    def blank(cls, scene: Scene, behind: Floats, start: Floats) -> Canvas:
        """Begin with the background alone."""
        mask, nothing = np.zeros(start.shape, np.bool_), np.zeros(start.shape, np.float32)
        return cls(scene, behind, start, behind.copy(), mask, nothing, np.full(start.shape, 1e9, np.float32))

    def lay(self, aimed: Aimed, drawn: Drawn) -> None:
        """Lay down what one ray a pixel saw."""
        pixels = aimed.pixels
        self.linear[:, pixels] += (drawn.colour - self.linear[:, pixels]) * drawn.cover
        self.mask[pixels] = drawn.face
        self.reached[pixels] = drawn.cover
        self.ways[pixels] = drawn.way

    def refine(self, aimed: Aimed, drawn: Drawn) -> None:
        """Average what the extra rays saw into their pixels."""
        many = len(EXTRA)
        edges = aimed.pixels[: aimed.pixels.size // many]
        under = np.tile(self.behind[:, edges], (1, many))
        extra = (under + (drawn.colour - under) * drawn.cover).reshape(3, many, edges.size)
        self.linear[:, edges] = (
            self.linear[:, edges] + extra[:, 0] + extra[:, 1] + extra[:, 2]
        ) * np.float32(0.25)


@dataclass(frozen=True)
class HeadRenderer:
    """One identity in one domain at one size, ready to be drawn; building it takes about half a second."""

    head: HeadParams
    domain: Domain
    at: Anatomy
    look: Look
    volume: BustVolume
    camera: Camera
    behind: Floats
    beads: tuple[Bead, ...]

    @classmethod
    def build(cls, head: HeadParams, size: int, domain: Domain) -> HeadRenderer:
        """Model an identity; raises InputError for a size outside 64 … 256 pixels."""
        if not SMALLEST <= size <= LARGEST or size % TILE:
            raise InputError(
                f"portraits cannot be drawn at {size} pixels",
                way_out=f"choose a multiple of {TILE} from {SMALLEST} to {LARGEST}",
            )
        drawn = stylised(head) if domain == "stylised" else head
        at = anatomy_of(drawn, domain)
        camera = Camera(size, HALF_VIEW * head.zoom)
        return cls(
            drawn,
            domain,
            at,
            look_of(drawn, domain),
            build_volume(drawn, at),
            camera,
            backdrop(drawn, domain, size),
            beads_of(drawn, at),
        )

    def scene(self, frame: FaceFrame) -> Scene:
        """Set up one frame."""
        pose = pose_of(self.at, frame.yaw, frame.pitch, frame.roll, (frame.sway_x, frame.sway_y), frame.jaw)
        mouth, lids = mouth_shape(self.at, frame), lids_of(self.head, self.at, frame)
        return Scene(self.head, self.look, self.at, self.volume, pose, frame, mouth, lids)

    def draw(self, states: FaceState) -> Rendered:
        """Draw every frame; frames do not depend on each other."""
        size, count = self.camera.size, len(states)
        pictures = np.empty((count, size, size, 3), np.uint8)
        truths: list[FrameTruth] = []
        turns = -(-count // TOGETHER)
        for turn in range(turns):
            first, last = turn * count // turns, (turn + 1) * count // turns
            scenes = [self.scene(states.frame(index)) for index in range(first, last)]
            masks = self.draw_scenes(scenes, pictures[first:last])
            truths.extend(frame_truths(scenes, self.camera, masks))
        return Rendered(pictures, gather(truths, size))

    def draw_scenes(self, scenes: list[Scene], pictures: NDArray[np.uint8]) -> list[NDArray[np.bool_]]:
        """Draw some frames into `pictures` [T, S, S, 3]; gives their face masks [S, S]."""
        size = self.camera.size
        canvases = [Canvas.blank(scene, self.behind, start) for scene, start in self.first_ways(scenes)]
        centres = [self.centre_rays(canvas) for canvas in canvases]
        for canvas, aimed, hits in zip(canvases, centres, self.follow(centres), strict=True):
            canvas.lay(aimed, self.shaded(canvas.scene, aimed, hits, 1.0))
        extras = [self.extra_rays(canvas) for canvas in canvases]
        for canvas, aimed, hits in zip(canvases, extras, self.follow(extras), strict=True):
            canvas.refine(aimed, self.shaded(canvas.scene, aimed, hits, 0.5))
        for index, canvas in enumerate(canvases):
            pictures[index] = develop(canvas.linear).T.reshape(size, size, 3)
        return [canvas.mask.reshape(size, size) for canvas in canvases]

    def first_ways(self, scenes: list[Scene]) -> list[tuple[Scene, Floats]]:
        """Find for every pixel [S * S] how far its ray runs free, by one wide ray a tile; 1e9 where nothing is near."""
        size = self.camera.size
        count = size // TILE
        places = np.arange(count, dtype=np.float32) * np.float32(TILE) + np.float32(TILE / 2)
        line, column = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
        directions = self.camera.rays(column, line)
        radius = 0.5 * 2**0.5 * TILE * self.camera.pixel * 1.22 + 0.03
        free = approach(self.volume, [Rays(scene.pose, *directions) for scene in scenes], radius)
        tiles = free.reshape(len(scenes), count, count)
        fine = np.repeat(np.repeat(tiles, TILE, axis=1), TILE, axis=2).reshape(len(scenes), -1)
        return list(zip(scenes, fine, strict=True))

    def centre_rays(self, canvas: Canvas) -> Aimed:
        """Aim a ray through the middle of every pixel that may show the bust."""
        pixels = np.flatnonzero(canvas.start < np.float32(1e3))
        line, column = np.divmod(pixels, self.camera.size)
        centre = np.float32(0.5)
        directions = self.camera.rays(column.astype(np.float32) + centre, line.astype(np.float32) + centre)
        known = np.zeros(pixels.shape, np.bool_)
        return Aimed(pixels, Rays(canvas.scene.pose, *directions), canvas.start[pixels], known)

    def extra_rays(self, canvas: Canvas) -> Aimed:
        """Aim the extra rays of the pixels on edges: EXTRA times the pixels [n], in rows of n."""
        size, many = self.camera.size, len(EXTRA)
        edges = busy(canvas.linear, canvas.reached, size)
        edges = edges[canvas.start[edges] < np.float32(1e3)]
        last = size * size - 1
        around = [np.minimum(np.maximum(edges + shift, 0), last) for shift in (0, -1, 1, -size, size)]
        near = np.stack([canvas.ways[one] for one in around])
        covers = np.stack([canvas.reached[one] for one in around])
        low, high = near.min(axis=0), near.max(axis=0)
        # On a smooth surface the ways of neighbours tell where the extra rays end.
        level = (high - low < LEVEL) & (covers.min(axis=0) >= np.float32(1))
        across, down = (near[2] - near[1]) * np.float32(0.5), (near[4] - near[3]) * np.float32(0.5)
        begin = np.maximum(low - np.float32(0.22), canvas.start[edges])
        shift_x = np.repeat(np.array([place[0] for place in EXTRA], np.float32), edges.size)
        shift_y = np.repeat(np.array([place[1] for place in EXTRA], np.float32), edges.size)
        ends = np.tile(near[0], many) + np.tile(across, many) * shift_x + np.tile(down, many) * shift_y
        smooth = np.tile(level, many)
        line, column = np.divmod(edges, size)
        directions = self.camera.rays(
            np.tile(column.astype(np.float32) + np.float32(0.5), many) + shift_x,
            np.tile(line.astype(np.float32) + np.float32(0.5), many) + shift_y,
        )
        start = np.where(smooth, ends, np.tile(begin, many))
        return Aimed(np.tile(edges, many), Rays(canvas.scene.pose, *directions), start, smooth)

    def follow(self, shots: list[Aimed]) -> list[Hits]:
        """Find where the rays of some frames end."""
        free = [np.flatnonzero(~aimed.known) for aimed in shots]
        start = np.concatenate([aimed.start[index] for aimed, index in zip(shots, free, strict=True)])
        rays = [aimed.rays.pick(index) for aimed, index in zip(shots, free, strict=True)]
        found = trace(self.volume, rays, start, slips=self.domain == "stylised")
        followed, first = [], 0
        for aimed, index in zip(shots, free, strict=True):
            part = found.part(first, first + index.size)
            first += index.size
            hits = Hits(aimed.start.copy(), np.zeros_like(aimed.start), np.full_like(aimed.start, FAR_AWAY))
            hits.way[index], hits.gap[index], hits.passed[index] = part.way, part.gap, part.passed
            followed.append(hits)
        return followed

    def shaded(self, scene: Scene, aimed: Aimed, hits: Hits, share: float) -> Drawn:
        """Colour what rays of width `share` pixels met."""
        foot = self.camera.pixel * share
        touch = 0.010 if self.domain == "plain" else 0.022
        wide = np.float32(1.0 / foot)
        cover = unit(np.float32(0.5) + (np.float32(touch + 0.25 * foot) - hits.gap) * wide)
        near = np.flatnonzero(cover > 0)
        colour = np.zeros((3, cover.shape[0]), np.float32)
        face = np.zeros(cover.shape[0], np.bool_)
        if near.size:
            kept = Hits(hits.way[near], hits.gap[near], hits.passed[near])
            rays = aimed.rays.pick(near)
            shown = shade(scene, kept, rays.dx, rays.dy, rays.dz, foot)
            colour[:, near] = shown.colour
            face[near] = shown.face
        if self.beads:
            directions = aimed.rays.dx, aimed.rays.dy, aimed.rays.dz
            draw_beads(self.beads, self.look, scene.pose, directions, foot, hits.way, colour, cover)
        return Drawn(colour, cover, face, hits.way)


def busy(linear: Floats, reached: Floats, size: int) -> NDArray[np.intp]:
    """Find the pixels whose shown colour differs from a neighbour's, where one of the two shows the bust."""
    shown = np.sqrt(np.maximum(linear, np.float32(0))).reshape(3, size, size)
    bust = (reached > 0).reshape(size, size)
    across = np.abs(shown[:, :, 1:] - shown[:, :, :-1]).max(axis=0) > CONTRAST
    down = np.abs(shown[:, 1:] - shown[:, :-1]).max(axis=0) > CONTRAST
    across &= bust[:, 1:] | bust[:, :-1]
    down &= bust[1:] | bust[:-1]
    flags = np.zeros((size, size), np.bool_)
    flags[:, 1:] |= across
    flags[:, :-1] |= across
    flags[1:] |= down
    flags[:-1] |= down
    return np.flatnonzero(flags)


def develop(linear: Floats) -> NDArray[np.uint8]:
    """Turn linear colours into bytes: a soft shoulder so that highlights do not clip, then gamma 2."""
    light = np.maximum(linear, np.float32(0))
    knee = np.float32(0.72)
    over = np.maximum(light - knee, np.float32(0))
    light = np.minimum(light, knee) + over / (np.float32(1) + over * np.float32(1 / 0.36))
    levels = np.minimum(np.sqrt(light) * np.float32(255) + np.float32(0.5), np.float32(255))
    shown: NDArray[np.uint8] = np.floor(levels).astype(np.uint8)
    return shown


def render(head: HeadParams, states: FaceState, size: int, domain: Domain) -> Rendered:
    """Draw the frames `states` [T] of an identity at size x size pixels, with their truth.

    Deterministic: equal bytes on every machine, for any split of the frames over calls, processes and workers. Raises
    InputError for a size outside 64 … 256.
    """
    return HeadRenderer.build(head, size, domain).draw(states)

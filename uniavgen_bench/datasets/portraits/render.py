"""Frames of a talking head with the truth about each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.portraits.anatomy import Anatomy, anatomy_of
from uniavgen_bench.datasets.portraits.backdrop import backdrop
from uniavgen_bench.datasets.portraits.bust_volume import BustVolume, build_volume
from uniavgen_bench.datasets.portraits.exact_math import Floats, unit
from uniavgen_bench.datasets.portraits.eyes import lids_of
from uniavgen_bench.datasets.portraits.face_state import FaceFrame, FaceState
from uniavgen_bench.datasets.portraits.head_params import Domain, HeadParams, stylised
from uniavgen_bench.datasets.portraits.look import Look, look_of
from uniavgen_bench.datasets.portraits.mouth import mouth_shape
from uniavgen_bench.datasets.portraits.pose import HALF_VIEW, Camera, pose_of
from uniavgen_bench.datasets.portraits.shade import Scene, shade
from uniavgen_bench.datasets.portraits.trace import TILE, Hits, approach, trace
from uniavgen_bench.datasets.portraits.truth import FrameTruth, Truth, frame_truth, gather

SMALLEST, LARGEST = 64, 256
# Places of the extra rays of a pixel that lies on an edge, beside the one through its middle.
EXTRA = ((0.06, -0.36), (0.30, 0.24), (-0.36, 0.12))
# Neighbours whose rays end closer together than this lie on one smooth surface.
LEVEL = np.float32(0.07)
# Pixels whose colour differs more than this from a neighbour's get the extra rays.
CONTRAST = np.float32(0.055)


@dataclass(frozen=True)
class Rendered:
    """Pictures [T, S, S, 3] (uint8 RGB) and the truth about them."""

    pictures: NDArray[np.uint8]
    truth: Truth


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
        for index in range(count):
            scene = self.scene(states.frame(index))
            picture, mask = self.draw_frame(scene)
            pictures[index] = picture
            truths.append(frame_truth(scene, self.camera, mask))
        return Rendered(pictures, gather(truths, size))

    def draw_frame(self, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Draw one frame as RGB [S, S, 3] and its face mask [S, S]."""
        size = self.camera.size
        linear = self.behind.copy()
        mask = np.zeros(size * size, np.bool_)
        start = self.first_ways(scene)
        pixels = np.flatnonzero(start < np.float32(1e3)).astype(np.int64)
        line, column = np.divmod(pixels, size)
        centre = np.float32(0.5)
        colour, cover, face, way = self.cast(
            scene, column.astype(np.float32) + centre, line.astype(np.float32) + centre, start[pixels], 1.0
        )
        linear[:, pixels] += (colour - linear[:, pixels]) * cover
        mask[pixels] = face
        reached = np.zeros(size * size, np.float32)
        reached[pixels] = cover
        ways = np.full(size * size, 1e9, np.float32)
        ways[pixels] = way
        edges = busy(linear, reached, size)
        edges = edges[start[edges] < np.float32(1e3)]
        if edges.size:
            extra = self.extra_rays(scene, edges, ways, reached, start)
            linear[:, edges] = (linear[:, edges] + extra[:, 0] + extra[:, 1] + extra[:, 2]) * np.float32(0.25)
        return develop(linear).T.reshape(size, size, 3), mask.reshape(size, size)

    def extra_rays(
        self, scene: Scene, edges: NDArray[np.intp], ways: Floats, reached: Floats, start: Floats
    ) -> Floats:
        """Colour the extra rays of the pixels `edges` [n]; gives [3, len(EXTRA), n]."""
        size, many = self.camera.size, len(EXTRA)
        last = np.int64(size * size - 1)
        around = [edges, edges - 1, edges + 1, edges - size, edges + size]
        near = np.stack([ways[np.minimum(np.maximum(one, 0), last)] for one in around])
        covers = np.stack([reached[np.minimum(np.maximum(one, 0), last)] for one in around])
        low, high = near.min(axis=0), near.max(axis=0)
        # On a smooth surface the ways of neighbours tell where the extra rays end.
        level = (high - low < LEVEL) & (covers.min(axis=0) >= np.float32(1))
        across, down = (near[2] - near[1]) * np.float32(0.5), (near[4] - near[3]) * np.float32(0.5)
        begin = np.maximum(low - np.float32(0.22), start[edges])
        shift_x = np.repeat(np.array([place[0] for place in EXTRA], np.float32), edges.size)
        shift_y = np.repeat(np.array([place[1] for place in EXTRA], np.float32), edges.size)
        ends = np.tile(near[0], many) + np.tile(across, many) * shift_x + np.tile(down, many) * shift_y
        smooth = np.tile(level, many)
        line, column = np.divmod(edges, size)
        colour, cover, _face, _way = self.cast(
            scene,
            np.tile(column.astype(np.float32) + np.float32(0.5), many) + shift_x,
            np.tile(line.astype(np.float32) + np.float32(0.5), many) + shift_y,
            np.where(smooth, ends, np.tile(begin, many)),
            0.5,
            smooth,
        )
        under = np.tile(self.behind[:, edges], (1, many))
        drawn: Floats = (under + (colour - under) * cover).reshape(3, many, edges.size)
        return drawn

    def first_ways(self, scene: Scene) -> Floats:
        """Find for every pixel [S * S] how far its ray runs free, by one wide ray a tile; 1e9 where nothing is near."""
        size = self.camera.size
        count = size // TILE
        places = np.arange(count, dtype=np.float32) * np.float32(TILE) + np.float32(TILE / 2)
        line, column = (grid.ravel() for grid in np.meshgrid(places, places, indexing="ij"))
        dx, dy, dz = self.camera.rays(column, line)
        radius = 0.5 * 2**0.5 * TILE * self.camera.pixel * 1.22 + 0.03
        tiles = approach(scene.volume, scene.pose, dx, dy, dz, radius).reshape(count, count)
        return np.repeat(np.repeat(tiles, TILE, axis=0), TILE, axis=1).reshape(-1)

    def cast(
        self,
        scene: Scene,
        column: Floats,
        line: Floats,
        start: Floats,
        share: float,
        known: NDArray[np.bool_] | None = None,
    ) -> tuple[Floats, Floats, NDArray[np.bool_], Floats]:
        """Follow rays [n] through places in the picture; gives colour [3, n], cover [n], face [n] and way [n].

        Rays of width `share` pixels begin at `start`; those in `known` end there already.
        """
        dx, dy, dz = self.camera.rays(column, line)
        if known is None:
            hits = trace(scene.volume, scene.pose, dx, dy, dz, start)
        else:
            free = np.flatnonzero(~known)
            found = trace(scene.volume, scene.pose, dx[free], dy[free], dz[free], start[free])
            gap, passed = np.zeros_like(start), np.full_like(start, 9.0)
            way = start.copy()
            way[free], gap[free], passed[free] = found.way, found.gap, found.passed
            hits = Hits(way, gap, passed)
        foot = self.camera.pixel * share
        touch = 0.010 if self.domain == "plain" else 0.022
        wide = np.float32(1.0 / foot)
        cover = unit(np.float32(0.5) + (np.float32(touch + 0.25 * foot) - hits.gap) * wide)
        near = np.flatnonzero(cover > 0)
        colour = np.zeros((3, column.shape[0]), np.float32)
        face = np.zeros(column.shape[0], np.bool_)
        if near.size:
            kept = Hits(hits.way[near], hits.gap[near], hits.passed[near])
            shaded = shade(scene, kept, dx[near], dy[near], dz[near], foot)
            colour[:, near] = shaded.colour
            face[near] = shaded.face
        return colour, cover, face, hits.way


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

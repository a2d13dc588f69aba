"""What is true of a frame, from the same geometry that drew it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.datasets.portraits.exact_math import Floats
from uniavgen_bench.datasets.portraits.pose import Camera, jaw_down
from uniavgen_bench.datasets.portraits.shade import Scene

LANDMARKS = (
    "mouth_left", "mouth_right", "lip_top", "inner_top", "inner_low", "lip_low",
    "eye_left_outer", "eye_left_inner", "eye_right_inner", "eye_right_outer", "eye_left", "eye_right",
    "nose_tip", "chin",
)  # fmt: skip


@dataclass(frozen=True)
class FrameTruth:
    """Truth of one frame; see `Truth`."""

    mask: NDArray[np.bool_]
    landmarks: NDArray[np.float32]
    opening: float
    width: float
    pose: tuple[float, float, float]


@dataclass(frozen=True)
class Truth:
    """Truth of T frames.

    `mask` [T, S, S]: pixels that show the face (skin, eyes, mouth; not hair, ears, neck). `landmarks` [T, 14, 2]:
    column and line in pixels of the points `LANDMARKS`; left is the picture's left. `opening`, `width` [T]: height
    and width of the opening between the lips, over the distance between the eyes. `pose` [T, 3]: yaw, pitch, roll in
    radians.
    """

    mask: NDArray[np.bool_]
    landmarks: NDArray[np.float32]
    opening: NDArray[np.float32]
    width: NDArray[np.float32]
    pose: NDArray[np.float32]


def depths_at(scenes: Sequence[Scene], x: Floats, y: Floats) -> Floats:
    """Find the depth of the face's surface at places [T, n] of the heads of T frames by marching from the front."""
    pose, shape = scenes[0].pose, x.shape
    drops, slopes = (
        np.repeat(np.array(values, np.float32), shape[1])
        for values in zip(*((scene.pose.jaw, scene.pose.jaw_slope) for scene in scenes), strict=True)
    )
    x, y = x.ravel(), y.ravel()
    z = np.full_like(x, 1.15)
    for _ in range(16):
        down = jaw_down(pose.mouth_y, drops, slopes, x, y, z)
        z = z - np.float32(0.95) * scenes[0].volume.distance(x, y + down, z)
    return z.reshape(shape)


def frame_truths(
    scenes: Sequence[Scene], camera: Camera, masks: Sequence[NDArray[np.bool_]]
) -> list[FrameTruth]:
    """Work out the truth of some frames of one identity."""
    places = np.array([places_of(scene) for scene in scenes])
    depths = depths_at(scenes, places[..., 0].astype(np.float32), places[..., 1].astype(np.float32))
    return [
        frame_truth(scene, camera, mask, at, depth)
        for scene, mask, at, depth in zip(scenes, masks, places, depths, strict=True)
    ]


def places_of(scene: Scene) -> list[tuple[float, float]]:
    """Give where the landmarks lie across and up the head, in the order of LANDMARKS."""
    at, mouth = scene.at, scene.mouth
    corner = mouth.line + 0.88 * mouth.lift
    middle = mouth.line - 0.12 * mouth.lift
    return [
        (-mouth.half, corner), (mouth.half, corner),
        (0.0, middle + mouth.up + mouth.upper * 0.74), (0.0, middle + mouth.up), (0.0, middle - mouth.down),
        (0.0, middle - mouth.down - mouth.lower),
        (-at.eye_x - at.eye_half, at.eye_y), (-at.eye_x + at.eye_half, at.eye_y),
        (at.eye_x - at.eye_half, at.eye_y), (at.eye_x + at.eye_half, at.eye_y),
        (-at.eye_x, at.eye_y), (at.eye_x, at.eye_y),
        (0.0, at.nose_y), (0.0, at.chin_y + 0.05 - mouth.jaw),
    ]  # fmt: skip


def frame_truth(
    scene: Scene, camera: Camera, mask: NDArray[np.bool_], places: NDArray[np.float64], depths: Floats
) -> FrameTruth:
    """Work out the truth of one frame from where its landmarks lie in the head."""
    mouth, frame = scene.mouth, scene.frame
    points = [
        camera.project(*scene.pose.to_world(float(x), float(y), float(z)))
        for (x, y), z in zip(places, depths, strict=True)
    ]
    unit = 1.0 / scene.at.eye_distance
    open_width = 2 * mouth.half * unit if mouth.opening > 0 else 0.0
    return FrameTruth(
        mask,
        np.array(points, np.float32),
        mouth.opening * unit,
        open_width,
        (frame.yaw, frame.pitch, frame.roll),
    )


def gather(frames: Sequence[FrameTruth], size: int) -> Truth:
    """Stack the truth of frames."""
    return Truth(
        mask=np.array([one.mask for one in frames], np.bool_).reshape(len(frames), size, size),
        landmarks=np.array([one.landmarks for one in frames], np.float32).reshape(
            len(frames), len(LANDMARKS), 2
        ),
        opening=np.array([one.opening for one in frames], np.float32),
        width=np.array([one.width for one in frames], np.float32),
        pose=np.array([one.pose for one in frames], np.float32).reshape(len(frames), 3),
    )

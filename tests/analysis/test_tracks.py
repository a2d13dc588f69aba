"""Tracks: linking, cuts, losses and boxes, with a detector and a landmark network of known behaviour."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Track
from uniavgen_bench.analysis.face_detector import Detection, FaceDetector, load_face_detector
from uniavgen_bench.analysis.landmarks import FaceMesh, Mesh, Roi, load_face_mesh
from uniavgen_bench.analysis.networks import LiteNetwork
from uniavgen_bench.analysis.tracks import (
    AHEAD,
    DETECT_HZ,
    FaceFollower,
    Seen,
    carried_boxes,
    mesh_box,
    pair,
    smoothed,
)
from uniavgen_bench.analysis.video_pass import Picture, analyse_pictures
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

FPS = 25.0
SIZE = 60.0
Faces = Sequence[tuple[float, float]]


class World:
    """Faces at known places: a frame is a picture whose first pixel holds its number."""

    def __init__(
        self, faces: Callable[[int], Faces], *, blind: Callable[[int], bool] = lambda _: False
    ) -> None:
        self.faces, self.blind = faces, blind
        self.detected: list[int] = []

    def picture(self, frame: int) -> np.ndarray:
        return np.full((1, 1, 3), frame, np.uint8)


class KnownDetector(FaceDetector):
    def __init__(self, world: World) -> None:
        self.world = world

    def detect(self, picture: np.ndarray, *, min_score: float = 0.5) -> list[Detection]:
        frame = int(picture[0, 0, 0])
        self.world.detected.append(frame)
        if self.world.blind(frame):
            return []
        found = []
        for x, y in self.world.faces(frame):
            box = np.array([x - SIZE / 2, y - SIZE / 2, x + SIZE / 2, y + SIZE / 2], np.float32)
            points = np.array(
                [[x - 15, y - 10], [x + 15, y - 10], [x, y], [x, y + 15], [x - 30, y], [x + 30, y]]
            )
            found.append(Detection(box, points.astype(np.float32), 0.9))
        return found


class KnownMesh(FaceMesh):
    """Finds the face nearest to the middle of the region, if it lies inside."""

    def __init__(self, world: World) -> None:
        self.world = world

    def find(self, picture: np.ndarray, roi: Roi) -> Mesh:
        places = np.array(self.world.faces(int(picture[0, 0, 0]))).reshape(-1, 2)
        distance = np.hypot(*(places - [roi.x, roi.y]).T) if len(places) else np.array([np.inf])
        if distance.min() > roi.side / 2:
            return Mesh(np.zeros((468, 3), np.float32), 0.01)
        x, y = places[int(np.argmin(distance))]
        points = np.zeros((468, 3), np.float32)
        points[:, :2] = (x, y)
        points[10, 1], points[152, 1] = y - SIZE / 2, y + SIZE / 2
        points[[33, 234], 0], points[[263, 454], 0] = x - SIZE / 2, x + SIZE / 2
        return Mesh(points, 0.99)


def follow(world: World, count: int, cuts: Sequence[int] = ()) -> tuple[list[Track], list[Seen]]:
    follower = FaceFollower(KnownDetector(world), KnownMesh(world))
    seen: list[Seen] = []
    for frame in range(count):
        seen += follower.push(frame, frame / FPS, world.picture(frame), new_shot=frame == 0 or frame in cuts)
    seen += follower.finish()
    return [track for _, track in follower.tracks(np.arange(count) / FPS)], seen


def test_one_still_face_is_one_track_over_all_frames() -> None:
    world = World(lambda _: [(100.0, 80.0)])
    (track,), seen = follow(world, 50)
    assert track.frames.tolist() == list(range(50))
    np.testing.assert_allclose(track.boxes, np.tile([70, 50, 130, 110], (50, 1)), atol=1e-3)
    assert track.landmarks.shape == (50, 468, 3)
    assert sorted(s.frame for s in seen) == list(range(50))


def test_the_detector_looks_at_its_rate_and_at_cuts_only() -> None:
    world = World(lambda _: [(100.0, 80.0)])
    follow(world, 100, cuts=[33])
    assert {0, 33} <= set(world.detected)
    assert len(world.detected) <= 100 / FPS * DETECT_HZ + 2
    assert max(np.diff(world.detected)) <= np.ceil(FPS / DETECT_HZ)


def test_tracks_never_cross_a_cut() -> None:
    tracks, _ = follow(World(lambda _: [(100.0, 80.0)]), 60, cuts=[25])
    assert sorted((int(t.frames[0]), int(t.frames[-1])) for t in tracks) == [(0, 24), (25, 59)]


def test_two_faces_stay_two_tracks_while_they_move() -> None:
    world = World(lambda i: [(60.0 + i, 80.0), (300.0 - i, 90.0)])
    tracks, _ = follow(world, 60)
    assert [len(t.frames) for t in tracks] == [60, 60]
    for track in tracks:
        middle = (track.boxes[:, 0] + track.boxes[:, 2]) / 2
        assert np.abs(np.abs(np.diff(middle)) - 1.0).max() < 0.01


def test_a_face_that_the_detector_misses_for_a_moment_is_kept_by_its_landmarks() -> None:
    (track,), _ = follow(World(lambda i: [(100.0 + i, 80.0)], blind=lambda i: 20 <= i <= 30), 60)
    assert len(track.frames) == 60
    middle = (track.boxes[:, 0] + track.boxes[:, 2]) / 2
    np.testing.assert_allclose(middle, 100 + np.arange(60), atol=0.01)


def test_a_face_that_leaves_ends_its_track_at_once() -> None:
    (track,), _ = follow(World(lambda i: [(100.0, 80.0)] if i < 31 else []), 60)
    assert track.frames[-1] == 30


def test_what_the_detector_never_sees_again_is_given_up() -> None:
    (track,), _ = follow(World(lambda _: [(100.0, 80.0)], blind=lambda i: i > 12), 100)
    assert 0.5 * FPS < track.frames[-1] - 12 < 1.0 * FPS


def test_a_face_that_comes_later_starts_within_one_detection() -> None:
    (track,), _ = follow(World(lambda i: [(100.0, 80.0)] if i >= 17 else []), 60)
    assert 17 <= track.frames[0] <= 17 + np.ceil(FPS / DETECT_HZ)
    assert track.frames[-1] == 59


@pytest.mark.parametrize(("frames", "expected"), [(8, 0), (14, 1)])
def test_tracks_below_400_ms_are_dropped(frames: int, expected: int) -> None:
    tracks, _ = follow(World(lambda i: [(100.0, 80.0)] if i < frames else []), 40)
    assert len(tracks) == expected


def test_longest_tracks_come_first() -> None:
    tracks, _ = follow(World(lambda i: [(100.0, 80.0)] + ([(300.0, 80.0)] if i > 20 else [])), 60)
    assert [len(t.frames) for t in tracks] == sorted((len(t.frames) for t in tracks), reverse=True)
    assert tracks[0].boxes[0, 0] < 200


def test_a_crowd_is_followed_up_to_eight_faces() -> None:
    tracks, _ = follow(World(lambda _: [(100.0 * k, 80.0) for k in range(1, 13)]), 30)
    assert len(tracks) == 8


def test_a_frame_is_released_two_frames_later() -> None:
    world = World(lambda _: [(100.0, 80.0)])
    follower = FaceFollower(KnownDetector(world), KnownMesh(world))
    for frame in range(20):
        seen = list(follower.push(frame, frame / FPS, world.picture(frame), new_shot=frame == 0))
        assert [s.frame for s in seen] == ([frame - AHEAD] if frame >= AHEAD else [])


def test_a_clip_of_one_frame_has_no_track() -> None:
    assert follow(World(lambda _: [(100.0, 80.0)]), 1)[0] == []


number = st.floats(-1000, 1000)


@given(
    st.lists(st.tuples(number, number, st.floats(10, 500), st.floats(-3.1, 3.1)), min_size=1, max_size=9),
    st.data(),
)
def test_a_smoothed_region_lies_between_its_neighbours(
    values: list[tuple[float, ...]], data: st.DataObject
) -> None:
    rois = [Roi(*v) for v in values]
    at = data.draw(st.integers(0, len(rois) - 1))
    near = rois[max(0, at - AHEAD) : at + AHEAD + 1]
    roi = smoothed(rois, at)
    for name in ("x", "y", "side"):
        among = [getattr(r, name) for r in near]
        assert min(among) - 1e-6 <= getattr(roi, name) <= max(among) + 1e-6


def test_angles_are_averaged_across_the_half_turn() -> None:
    rois = [Roi(0, 0, 10, angle) for angle in (3.1, -3.1, 3.1, -3.1, 3.1)]
    assert abs(abs(smoothed(rois, 2).angle) - np.pi) < 0.05


@given(st.permutations(range(5)))
def test_pairing_does_not_depend_on_the_order_of_detections(order: list[int]) -> None:
    known = [np.array([100 * k, 0, 100 * k + 60, 60], np.float32) for k in range(5)]
    found = [known[k] + np.float32(8) for k in order]
    assert pair(known, found) == {k: order.index(k) for k in range(5)}


def test_boxes_that_hardly_overlap_are_not_paired() -> None:
    assert pair([np.array([0, 0, 60, 60], np.float32)], [np.array([50, 0, 110, 60], np.float32)]) == {}
    assert pair([], [np.array([0, 0, 60, 60], np.float32)]) == {}


def test_between_detections_boxes_keep_their_place_relative_to_the_landmarks() -> None:
    x = np.arange(9, dtype=np.float32) ** 2
    meshes = np.stack([x, x, x + 40, x + 50], axis=1)
    detected = [0, 4, 8]
    boxes = carried_boxes(meshes, detected, meshes[detected] + np.float32([-5, -10, 5, 0]))
    np.testing.assert_allclose(boxes, meshes + np.float32([-5, -10, 5, 0]), atol=1e-4)


@pytest.fixture(scope="module")
def anchorman(shared: Path) -> list[np.ndarray]:
    clip = shared / "clips" / "grid_lipnet" / "evaluation_samples_GRID_bbaf2n.mpg"
    return [frame.image for frame in video_frames(clip)]


@pytest.mark.shared
@pytest.mark.weights
def test_a_real_clip_has_landmarks_on_every_frame_that_do_not_jitter(
    anchorman: list[np.ndarray], weights_home: WeightLocator
) -> None:
    models = Models(weights_home)
    follower = FaceFollower(load_face_detector(models), load_face_mesh(models))
    for frame, picture in enumerate(anchorman):
        list(follower.push(frame, frame / FPS, picture, new_shot=frame == 0))
    list(follower.finish())
    ((_, track),) = follower.tracks(np.arange(len(anchorman)) / FPS)
    assert len(track.frames) == len(anchorman)
    assert track.presence.min() > 0.9
    eyes = np.hypot(*(track.landmarks[:, 263, :2] - track.landmarks[:, 33, :2]).T)
    nose = np.diff(track.landmarks[:, 1, :2], n=2, axis=0)
    assert float(np.sqrt((nose**2).sum(axis=1).mean() / 6)) < 0.015 * float(eyes.mean())
    for points, box in zip(track.landmarks, track.boxes, strict=True):
        face = mesh_box(points)
        shared_area = np.prod(np.minimum(face[2:], box[2:]) - np.maximum(face[:2], box[:2]))
        assert shared_area > 0.7 * np.prod(box[2:] - box[:2])


@pytest.mark.weights
def test_a_network_gives_equal_answers_whatever_it_saw_before(weights_home: WeightLocator) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.random((192, 192, 3), dtype=np.float32) for _ in range(2))
    network = LiteNetwork(weights_home.path("face-landmarks"))
    first = network(a)
    network(b)
    again = network(a)
    for name, array in first.items():
        np.testing.assert_array_equal(array, again[name])


def test_a_face_that_the_landmarks_lose_for_a_moment_is_found_again_by_the_detector() -> None:
    jump = World(lambda i: [(100.0 + (22.0 if i >= 20 else 0.0), 80.0)])

    class Narrow(KnownMesh):
        def find(self, picture: np.ndarray, roi: Roi) -> Mesh:
            mesh = super().find(picture, roi)
            return mesh if abs(mesh.points[1, 0] - roi.x) < 10 else Mesh(np.zeros((468, 3), np.float32), 0.1)

    follower = FaceFollower(KnownDetector(jump), Narrow(jump))
    for frame in range(50):
        list(follower.push(frame, frame / FPS, jump.picture(frame), new_shot=frame == 0))
    list(follower.finish())
    ((_, track),) = follower.tracks(np.arange(50) / FPS)
    assert len(track.frames) == 50
    assert 20 in jump.detected


def test_few_frames_are_held_at_a_time() -> None:
    """Memory does not grow with the length of a clip, except by what is kept of it."""
    alive, most = set(), 0
    world = World(lambda _: [(100.0, 80.0)])

    def pictures() -> Iterator[Picture]:
        nonlocal most
        for i in range(200):
            image = np.full((90, 160, 3), i, np.uint8)
            alive.add(i)
            weakref.finalize(image, alive.discard, i)
            most = max(most, len(alive))
            yield Picture(i, i / FPS, image)

    seen = analyse_pictures(pictures(), FaceFollower(KnownDetector(world), KnownMesh(world)))
    assert len(seen.faces.tracks[0].frames) == len(seen.crops.jpegs[0]) == 200
    assert most <= 10


@pytest.mark.parametrize(("score", "tracks"), [(0.9, 1), (0.6, 0)])
def test_a_clear_detection_starts_a_track_where_the_landmarks_doubt_at_first(
    score: float, tracks: int
) -> None:
    class Doubting(KnownMesh):
        def find(self, picture: np.ndarray, roi: Roi) -> Mesh:
            mesh = super().find(picture, roi)
            return Mesh(mesh.points, 0.4 if picture[0, 0, 0] < 12 else mesh.presence)

    class Scored(KnownDetector):
        def detect(self, picture: np.ndarray, *, min_score: float = 0.5) -> list[Detection]:
            return [Detection(d.box, d.points, score) for d in super().detect(picture, min_score=min_score)]

    world = World(lambda _: [(100.0, 80.0)])
    follower = FaceFollower(Scored(world), Doubting(world))
    for frame in range(20):
        list(follower.push(frame, frame / FPS, world.picture(frame), new_shot=frame == 0))
    list(follower.finish())
    found = [track for _, track in follower.tracks(np.arange(20) / FPS)]
    assert [len(t.frames) for t in found] == [20] * tracks

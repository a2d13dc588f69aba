"""Face tracks: a detector several times a second, landmarks on every frame, never across a cut.

The landmark network follows a face from frame to frame (its region is that of the last frame's landmarks), and
looks a second time with the region smoothed over five frames: on pictures moved by a known smooth motion this
halves the jitter of the lips (second differences 0.43 -> 0.23 % of the distance of the eyes).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64, Track, UInt8
from uniavgen_bench.analysis.face_detector import Detection, FaceDetector, iou
from uniavgen_bench.analysis.landmarks import FaceMesh, Mesh, Roi, roi_from_mesh, roi_from_points

DETECT_HZ = 7.0
"""Detections per second of a clip, beside one at every cut and wherever a face is lost."""

START_SCORE = 0.5
"""A detection must have this score to start a track, and the landmark network must see a face as well."""

SURE_SCORE = 0.75
"""A detection with this score starts a track even where the landmark network doubts, as it does of profiles."""

KEEP_SCORE = 0.3
"""This is enough to confirm a face that is followed."""

MIN_PRESENCE = 0.5
MIN_SECONDS = 0.4
LOST_SECONDS = 0.6
"""A track ends after so long without a detection, whatever the landmark network believes to see."""

SAME_IOU = 0.3
TWICE_IOU = 0.5
MAX_FACES = 8
"""Faces followed at once, the largest; crowds have more."""

SMOOTHING = (0.054489, 0.244201, 0.402620, 0.244201, 0.054489)
"""Weights of a Gaussian of one frame over five frames."""

AHEAD = len(SMOOTHING) // 2


@dataclass(frozen=True)
class Seen:
    """A face in a frame, finally located: `track` is a number of the follower, `roi` the smoothed region."""

    track: int
    frame: int
    picture: UInt8
    roi: Roi


@dataclass
class _Live:
    """A face that is being followed."""

    number: int
    mesh: Mesh
    box: Float32
    confirmed: float
    frames: list[int] = field(default_factory=list)
    rois: list[Roi] = field(default_factory=list)
    pictures: dict[int, UInt8] = field(default_factory=dict)
    points: list[Float32] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)
    detections: dict[int, Detection] = field(default_factory=dict)

    def move(self, mesh: Mesh) -> None:
        """Take the landmarks of the next frame; the box stays where the face was when they found none."""
        self.mesh = mesh
        if mesh.presence >= MIN_PRESENCE:
            self.box = mesh_box(mesh.points)


class FaceFollower:
    """Follows the faces of a clip frame by frame. Its answers depend on the frames before and two after, only."""

    def __init__(self, detector: FaceDetector, mesh: FaceMesh) -> None:
        self._detector, self._mesh = detector, mesh
        self._live: list[_Live] = []
        self._done: list[_Live] = []
        self._started = 0
        self._due = -np.inf

    def push(self, frame: int, time: float, picture: UInt8, *, new_shot: bool) -> Iterator[Seen]:
        """Take the next frame; yields the faces whose place is final, of this frame or up to two before it."""
        if new_shot:
            yield from self._end(list(self._live))
        found: list[Detection] | None = None
        if new_shot or time >= self._due - 1e-6:
            found = self._detector.detect(picture, min_score=KEEP_SCORE)
            self._due = time + 1.0 / DETECT_HZ
        lost = []
        for face in self._live:
            face.move(self._mesh.find(picture, roi_from_mesh(face.mesh.points)))
            if face.mesh.presence < MIN_PRESENCE:
                found = self._detector.detect(picture, min_score=KEEP_SCORE) if found is None else found
        if found is not None:
            lost = self._confirm(frame, time, picture, found)
        twice = [face for face in _doubles(self._live) if face not in lost]
        yield from self._end([*lost, *twice])
        for face in self._live:
            face.frames.append(frame)
            face.rois.append(roi_from_mesh(face.mesh.points))
            face.pictures[frame] = picture
            yield from self._settle(face, len(face.frames) - AHEAD)

    def finish(self) -> Iterator[Seen]:
        """Yield the faces of the last frames."""
        yield from self._end(list(self._live))

    def tracks(self, times: Float64) -> list[tuple[int, Track]]:
        """Return the finished tracks of at least 0.4 s with their numbers, longest first; `times` [T] s."""
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        kept = []
        for face in self._done:
            if not face.frames or not face.detections:
                continue
            seconds = times[face.frames[-1]] - times[face.frames[0]] + step
            if seconds >= MIN_SECONDS and np.mean(face.presence) >= MIN_PRESENCE:
                track = _finished(face)
                kept.append(
                    (-seconds, -float(np.ptp(track.boxes[:, ::2], axis=1).mean()), face.number, track)
                )
        kept.sort(key=lambda item: item[:3])
        return [(number, track) for _, _, number, track in kept]

    def _confirm(self, frame: int, time: float, picture: UInt8, found: list[Detection]) -> list[_Live]:
        """Pair detections with live faces, start new ones, and return those that are lost."""
        pairs = pair([face.box for face in self._live], [d.box for d in found])
        lost = []
        for i, face in enumerate(self._live):
            detection = found[pairs[i]] if i in pairs else None
            if detection is not None:
                face.detections[frame], face.confirmed = detection, time
                if face.mesh.presence < MIN_PRESENCE:
                    again = self._mesh.find(picture, _roi(detection))
                    face.box = detection.box
                    face.move(again if again.presence > face.mesh.presence else face.mesh)
            elif face.mesh.presence < MIN_PRESENCE or time - face.confirmed > LOST_SECONDS:
                lost.append(face)
        new = [d for j, d in enumerate(found) if j not in pairs.values() and d.score >= START_SCORE]
        new.sort(key=lambda d: -float(np.prod(d.box[2:] - d.box[:2])))
        for detection in new[: max(0, MAX_FACES - len(self._live))]:
            mesh = self._first_look(picture, detection)
            if mesh.presence >= MIN_PRESENCE or detection.score >= SURE_SCORE:
                seen = {frame: detection}
                self._live.append(_Live(self._started, mesh, detection.box, time, detections=seen))
                self._started += 1
        return lost

    def _first_look(self, picture: UInt8, detection: Detection) -> Mesh:
        """Find the landmarks of a new face; a profile may need a second look from where the first one ended."""
        mesh = self._mesh.find(picture, _roi(detection))
        if mesh.presence >= MIN_PRESENCE:
            return mesh
        again = self._mesh.find(picture, roi_from_mesh(mesh.points))
        return max(mesh, again, key=lambda m: m.presence)

    def _end(self, faces: list[_Live]) -> Iterator[Seen]:
        for face in faces:
            yield from self._settle(face, len(face.frames))
            self._live.remove(face)
            self._done.append(face)

    def _settle(self, face: _Live, until: int) -> Iterator[Seen]:
        """Look a second time at the frames before position `until` whose neighbours are known."""
        for at in range(len(face.points), until):
            roi = smoothed(face.rois, at)
            frame = face.frames[at]
            picture = face.pictures.pop(frame)
            mesh = self._mesh.find(picture, roi)
            face.points.append(mesh.points)
            face.presence.append(mesh.presence)
            yield Seen(face.number, frame, picture, roi)


def pair(known: Sequence[Float32], found: Sequence[Float32], min_iou: float = SAME_IOU) -> dict[int, int]:
    """Pair known boxes [4] with found ones, one to one, with the greatest sum of overlaps; weak pairs are left out."""
    from scipy.optimize import linear_sum_assignment

    if not known or not found:
        return {}
    overlap = np.stack([iou(box, np.stack(found)) for box in known])
    overlap[overlap < min_iou] = 0.0
    rows, columns = linear_sum_assignment(-overlap)
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if overlap[i, j] > 0}


def mesh_box(points: Float32) -> Float32:
    """Return the box [4] around landmarks [468, 3]."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return np.concatenate([low, high]).astype(np.float32)


def smoothed(rois: Sequence[Roi], at: int) -> Roi:
    """Return region `at` averaged with two neighbours on either side, as far as there are any."""
    near = range(max(0, at - AHEAD), min(len(rois), at + AHEAD + 1))
    weights = np.array([SMOOTHING[i - at + AHEAD] for i in near])
    weights /= weights.sum()
    middle = rois[at].angle
    turns = [np.remainder(rois[i].angle - middle + np.pi, 2 * np.pi) - np.pi for i in near]
    x, y, side = (float(weights @ [getattr(rois[i], name) for i in near]) for name in ("x", "y", "side"))
    return Roi(x, y, side, float(middle + weights @ turns))


def carried_boxes(meshes: Float32, detected: Sequence[int], boxes: Float32) -> Float32:
    """Return a box [n, 4] for every frame from those of `detected` positions: between them the detector's box keeps,
    relative to the landmarks' box, the place and size interpolated between its neighbours.

    `meshes` [n, 4] boxes of the landmarks, `boxes` [k, 4] of the detector at the increasing positions `detected`.
    """
    centre, size = (meshes[:, :2] + meshes[:, 2:]) / 2, np.maximum(meshes[:, 2:] - meshes[:, :2], 1.0)
    at = np.asarray(detected)
    shift = ((boxes[:, :2] + boxes[:, 2:]) / 2 - centre[at]) / size[at]
    scale = (boxes[:, 2:] - boxes[:, :2]) / size[at]
    relative = np.concatenate([shift, scale], axis=1)
    everywhere = np.arange(len(meshes))
    filled = np.stack([np.interp(everywhere, at, relative[:, c]) for c in range(4)], axis=1)
    middle, half = centre + filled[:, :2] * size, filled[:, 2:] * size / 2
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def _finished(face: _Live) -> Track:
    meshes = np.stack([mesh_box(points) for points in face.points])
    where = {frame: i for i, frame in enumerate(face.frames)}
    detected = [where[frame] for frame in face.detections if frame in where]
    found = [face.detections[face.frames[i]] for i in detected]
    return Track(
        frames=np.array(face.frames, dtype=np.int64),
        boxes=carried_boxes(meshes, detected, np.stack([d.box for d in found])),
        scores=np.interp(np.arange(len(meshes)), detected, [d.score for d in found]).astype(np.float32),
        landmarks=np.stack(face.points),
        presence=np.array(face.presence, dtype=np.float32),
    )


def _doubles(live: Sequence[_Live]) -> list[_Live]:
    """Return the faces that follow what an earlier one follows already."""
    doubles: list[_Live] = []
    for i, face in enumerate(live):
        earlier = [other.box for other in live[:i] if other not in doubles]
        if earlier and iou(face.box, np.stack(earlier)).max() > TWICE_IOU:
            doubles.append(face)
    return doubles


def _roi(detection: Detection) -> Roi:
    return roi_from_points(detection.box, detection.points[0], detection.points[1])

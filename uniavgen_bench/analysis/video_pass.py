"""One decode of a clip gives its frame clock, shots, face tracks, crops and thumbnails.

Memory holds about eight frames at a time, whatever the length of the clip; crops are compressed as they come.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Crops, Faces, Frames, Thumbnails, UInt8, WholeFrames
from uniavgen_bench.analysis.crops import (
    CROP_SIDE,
    THUMBNAIL_HZ,
    WHOLE_SIDE,
    crop,
    crop_region,
    jpeg,
    squeezed,
    thumbnail,
)
from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import load_face_mesh
from uniavgen_bench.analysis.shots import CutFinder, shots_of, signature
from uniavgen_bench.analysis.tracks import FaceFollower, Seen
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.weights.models import Models


@dataclass(frozen=True)
class VideoArtefacts:
    """What the pass over the pictures gives; `faces.tracks` may be empty, `whole` is None unless asked for."""

    frames: Frames
    faces: Faces
    crops: Crops
    thumbnails: Thumbnails
    whole: WholeFrames | None = None


@dataclass(frozen=True)
class Picture:
    """A decoded frame: index, time in s, pixels [H, W, 3] RGB."""

    index: int
    time: float
    image: UInt8


def analyse_video(path: Path, models: Models, *, faces: bool = True, whole: bool = False) -> VideoArtefacts:
    """Analyse the pictures of a clip; without `faces` no network is used, and there are no tracks and crops.

    `whole`: keep every whole picture as well, in small.

    Raises:
        MediaError: `unreadable` or `no_video`.
        MissingError: `weights`.
    """
    import cv2

    cv2.setNumThreads(models.threads)
    follower = FaceFollower(load_face_detector(models), load_face_mesh(models)) if faces else None
    frames = video_frames(path, threads=models.threads)
    return analyse_pictures((Picture(f.index, f.time, f.image) for f in frames), follower, whole=whole)


def analyse_pictures(
    pictures: Iterable[Picture], follower: FaceFollower | None, *, whole: bool = False
) -> VideoArtefacts:
    """Analyse pictures that come one by one."""
    starts: list[bool] = []
    times: list[float] = []
    album = CropAlbum()
    thumbs = ThumbnailAlbum()
    squares: list[bytes] = []
    size = (0, 0)
    for picture, new_shot in with_cuts(pictures):
        starts.append(new_shot)
        times.append(picture.time)
        size = (picture.image.shape[1], picture.image.shape[0])
        thumbs.take(picture)
        if whole:
            squares.append(jpeg(squeezed(picture.image)))
        if follower is not None:
            for seen in follower.push(picture.index, picture.time, picture.image, new_shot=new_shot):
                album.take(seen)
    clock = np.array(times, dtype=np.float64)
    tracks = []
    if follower is not None:
        for seen in follower.finish():
            album.take(seen)
        tracks = follower.tracks(clock)
    return VideoArtefacts(
        frames=Frames(clock, *size, shots_of(starts)),
        faces=Faces(tuple(track for _, track in tracks)),
        crops=album.of([number for number, _ in tracks]),
        thumbnails=thumbs.all(),
        whole=WholeFrames(WHOLE_SIDE, tuple(squares)) if whole else None,
    )


def with_cuts(pictures: Iterable[Picture]) -> Iterator[tuple[Picture, bool]]:
    """Yield each picture with whether a shot starts there; holds back the few frames that the answer needs."""
    finder = CutFinder()
    waiting: deque[Picture] = deque()
    for picture in pictures:
        waiting.append(picture)
        for answer in finder.push(signature(picture.image)):
            yield waiting.popleft(), answer
    for answer in finder.finish():
        yield waiting.popleft(), answer


class CropAlbum:
    """The crops of the faces that are followed, compressed as they come."""

    def __init__(self) -> None:
        self._jpegs: dict[int, list[bytes]] = {}
        self._regions: dict[int, list[tuple[float, float, float]]] = {}

    def take(self, seen: Seen) -> None:
        """Add the crop of a face in a frame."""
        left, top, side = crop_region(seen.roi)
        self._jpegs.setdefault(seen.track, []).append(jpeg(crop(seen.picture, left, top, side)))
        self._regions.setdefault(seen.track, []).append((left + side / 2, top + side / 2, float(side)))

    def of(self, tracks: list[int]) -> Crops:
        """Return the crops of some tracks, in their order."""
        return Crops(
            CROP_SIDE,
            tuple(tuple(self._jpegs[number]) for number in tracks),
            tuple(np.array(self._regions[number], dtype=np.float32) for number in tracks),
        )


class ThumbnailAlbum:
    """Whole pictures in small, on a grid of times that starts with the first frame."""

    def __init__(self) -> None:
        self._frames: list[int] = []
        self._times: list[float] = []
        self._jpegs: list[bytes] = []
        self._slot = -1

    def take(self, picture: Picture) -> None:
        """Add the picture when it is the first of its slot of 1/8 s."""
        start = self._times[0] if self._times else picture.time
        slot = math.floor((picture.time - start) * THUMBNAIL_HZ + 1e-6)
        if slot <= self._slot:
            return
        self._slot = slot
        self._frames.append(picture.index)
        self._times.append(picture.time)
        self._jpegs.append(jpeg(thumbnail(picture.image)))

    def all(self) -> Thumbnails:
        """Return the thumbnails so far."""
        return Thumbnails(
            np.array(self._frames, dtype=np.int64),
            np.array(self._times, dtype=np.float64),
            tuple(self._jpegs),
        )

"""Pictures by timestamp, one at a time: memory does not grow with the length of the clip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.container import (
    Damage,
    declared_end,
    has_decoder,
    opened,
    picture_stream,
    pictures,
    zero,
)
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.geometry import Geometry, geometry
from uniavgen_bench.media.sound import Sound, audio, audio_chunks

if TYPE_CHECKING:
    from av.video.frame import VideoFrame as DecodedPicture
    from av.video.reformatter import VideoReformatter

__all__ = ["Sound", "VideoFrame", "VideoReader", "audio", "audio_chunks", "frame_times", "video_frames"]

THREADS = 2
"""Decoder threads per clip: clips are scored in parallel, so that more would only fight each other."""

FALLBACK_RATE = 25.0
"""Frames per second where a file has neither timestamps nor a rate."""


class VideoFrame:
    """One picture of a clip: `index` from 0, `time` in s of the clip's clock, and its pixels when asked for.

    Pixels are converted when `image` or `scaled` is read, so a frame that nobody looks at costs no conversion.
    A frame holds its decoded picture: read what you need and let it go.
    """

    __slots__ = ("_geometry", "_picture", "_reformatter", "index", "time")

    def __init__(
        self,
        index: int,
        time: float,
        picture: DecodedPicture,
        geometry: Geometry,
        reformatter: VideoReformatter,
    ) -> None:
        self.index, self.time = index, time
        self._picture, self._geometry, self._reformatter = picture, geometry, reformatter

    @property
    def width(self) -> int:
        """Width in px, with square pixels and upright."""
        return self._geometry.shown[0]

    @property
    def height(self) -> int:
        """Height in px, with square pixels and upright."""
        return self._geometry.shown[1]

    @property
    def image(self) -> NDArray[np.uint8]:
        """The picture, UInt8 `[H, W, 3]` RGB, with square pixels and upright; converted at every reading."""
        return self._rgb(self._geometry.width, self._geometry.height, "BICUBIC")

    def scaled(self, width: int, height: int) -> NDArray[np.uint8]:
        """Return the picture at a smaller size, UInt8 `[height, width, 3]` RGB, averaged over areas."""
        if self._geometry.transpose:
            width, height = height, width
        return self._rgb(width, height, "AREA")

    def _rgb(self, width: int, height: int, interpolation: str) -> NDArray[np.uint8]:
        rgb = self._reformatter.reformat(
            self._picture, width=width, height=height, format="rgb24", interpolation=interpolation, threads=1
        )
        return self._geometry.upright(rgb.to_ndarray().astype(np.uint8, copy=False))


class VideoReader:
    """The pictures of a clip in order, each with its time; a context manager and an iterator, to be used once.

    Times are presentation times; they strictly increase. A picture without a timestamp is put one mean frame
    after the last; one that is not later than the picture before it is left out. Both, and packets that do not
    decode, are stated in `problems`. A clip that is cut off gives the pictures that are there.
    """

    def __init__(self, path: Path, *, threads: int = THREADS) -> None:
        """Open the clip.

        Raises:
            MediaError: `UNREADABLE`, or `NO_VIDEO` when it has no moving pictures.
        """
        self.path = path
        self._damage = Damage()
        self._opened = opened(path)
        self._container = self._opened.__enter__()
        stream = picture_stream(self._container)
        if stream is None:
            self.close()
            raise MediaError(path, Reason.NO_VIDEO)
        if not has_decoder(stream):
            self.close()
            raise MediaError(path, Reason.UNREADABLE, "no decoder for its picture is known")
        self._stream = stream
        stream.thread_type = "AUTO"
        stream.thread_count = threads
        self._frames = self._read()

    @property
    def problems(self) -> tuple[str, ...]:
        """What was wrong with the pictures read so far, in sentences; empty when nothing was."""
        return self._damage.problems()

    def close(self) -> None:
        """Close the file."""
        self._opened.__exit__(None, None, None)

    def __enter__(self) -> Self:
        """Return the reader."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def __iter__(self) -> Iterator[VideoFrame]:
        """Iterate over the pictures.

        Raises:
            MediaError: `UNREADABLE` when no picture decodes.
        """
        return self._frames

    def _read(self) -> Iterator[VideoFrame]:
        from av.video.reformatter import VideoReformatter

        stream, reformatter = self._stream, VideoReformatter()
        exact_origin = zero(self._container)
        origin = float(exact_origin)
        base = stream.time_base
        unit = (base.numerator, base.denominator) if base else (1, 1)
        interval = 1.0 / float(stream.average_rate or stream.guessed_rate or FALLBACK_RATE)
        shape: Geometry | None = None
        size = (0, 0)
        index, last = 0, None
        for picture in pictures(self._container, stream, self._damage):
            if picture.pts is not None:
                time = picture.pts * unit[0] / unit[1] - origin
            else:
                self._damage.note("pictures without a timestamp, put one mean frame after the last")
                time = 0.0 if last is None else last + interval
            if last is not None and time <= last:
                self._damage.note("pictures not later than the one before them, left out")
                continue
            if shape is None:
                shape, size = geometry(picture, stream.sample_aspect_ratio), (picture.width, picture.height)
            elif (picture.width, picture.height) != size:
                self._damage.note("pictures of another size than the first, scaled to it")
            yield VideoFrame(index, time, picture, shape, reformatter)
            index, last = index + 1, time
        if last is not None:
            self._damage.note_early_end("the picture", last + interval, declared_end(stream, exact_origin))
        if index == 0:
            said = "; ".join(self._damage.problems()) or "its video stream is empty"
            raise MediaError(self.path, Reason.UNREADABLE, f"no picture decodes: {said}")


def video_frames(path: Path, *, threads: int = THREADS) -> Iterator[VideoFrame]:
    """Yield the pictures of a clip in order (see `VideoReader`, which also tells what was wrong).

    Raises:
        MediaError: `UNREADABLE`, or `NO_VIDEO`.
    """
    with VideoReader(path, threads=threads) as reader:
        yield from reader


def frame_times(path: Path, *, threads: int = THREADS) -> NDArray[np.float64]:
    """Return the presentation times [T] in s of exactly the pictures that `video_frames` gives.

    The clip is decoded, without converting pixels: only a decoder knows which pictures there are.

    Raises:
        MediaError: `UNREADABLE`, or `NO_VIDEO`.
    """
    return np.array([frame.time for frame in video_frames(path, threads=threads)], dtype=np.float64)

"""Write clips and sound: whole files or none, lossless sound, exact times."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.container import Damage, opened, packets, picture_stream, reason_of, zero
from uniavgen_bench.media.errors import MediaError, MediaWriteError
from uniavgen_bench.media.probe import probe

if TYPE_CHECKING:
    from av.container import OutputContainer

LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""Channel layouts by number of channels, from 1."""

TIMED_BASE = Fraction(1, 90_000)
"""Unit of time for frames with times of their own: it divides 24, 25, 30, 60 and their 1000/1001."""

LEAD = 0.5
"""Seconds by which sound is written ahead of the picture, so that a player need not search."""


@dataclass(frozen=True)
class Encoding:
    """How a clip is compressed: x264 `crf` and `preset`; sound as lossless FLAC (24 bit) or AAC at `bit_rate`."""

    crf: int = 18
    preset: str = "veryfast"
    sound: Literal["flac", "aac"] = "flac"
    bit_rate: int | None = None


LOSSLESS_SOUND = Encoding()


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that takes its place on success and vanishes on any error.

    Raises:
        MediaWriteError: the disk is full, the folder is not writable, or the container refuses the streams.
    """
    import av

    partial: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".partial-", suffix=path.suffix)
        os.close(handle)
        partial = Path(name)
        yield partial
        partial.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise MediaWriteError(path, reason_of(error)) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def write_clip(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    fps: Fraction | int | float,
    sound: NDArray[np.float32] | None = None,
    rate: int | None = None,
    *,
    encoding: Encoding = LOSSLESS_SOUND,
) -> None:
    """Write an mp4 that browsers play: H.264 yuv420p (BT.709), the index in front, frame i at exactly i / `fps`.

    Args:
        path: the file; it appears whole or not at all.
        frames: pictures UInt8 `[H, W, 3]` RGB of one size. An odd side gets its last row or column twice.
        fps: frames per second; give 24000/1001 as a `Fraction`.
        sound: Float32 `[N]` or `[C, N]` in -1 … 1, starting at 0 s; beyond full scale it is clipped.
        rate: sample rate of `sound` in Hz.
        encoding: how to compress.

    Raises:
        MediaWriteError: it cannot be written.
        ValueError: no frames, frames of several sizes, or sound that is not finite.
    """
    exact = fps if isinstance(fps, Fraction) else Fraction(fps).limit_denominator(100_000)
    timed = ((i, frame) for i, frame in enumerate(frames))
    _write(path, timed, 1 / exact, exact, sound, rate, encoding)


def write_timed_clip(
    path: Path,
    frames: Iterable[tuple[float, NDArray[np.uint8]]],
    sound: NDArray[np.float32] | None = None,
    rate: int | None = None,
    *,
    encoding: Encoding = LOSSLESS_SOUND,
) -> None:
    """Write frames with times of their own in s (`write_clip` otherwise), kept to 1/90 000 s.

    Raises:
        MediaWriteError: it cannot be written.
        ValueError: as `write_clip`, or times that do not increase.
    """
    timed = ((round(time / TIMED_BASE), frame) for time, frame in frames)
    _write(path, timed, TIMED_BASE, Fraction(30), sound, rate, encoding)


def _write(
    path: Path,
    frames: Iterable[tuple[int, NDArray[np.uint8]]],
    base: Fraction,
    fps: Fraction,
    sound: NDArray[np.float32] | None,
    rate: int | None,
    encoding: Encoding,
) -> None:
    import av
    from av.video.reformatter import Colorspace

    with whole_file(path) as partial:
        with _output(partial, base.denominator) as container:
            track: _SoundTrack | None = None
            video: Any = None
            last: int | None = None
            count = 0
            for stamp, image in frames:
                picture = even_sides(image)
                if video is None:
                    options = {"crf": str(encoding.crf), "preset": encoding.preset, "bf": "0", "threads": "2"}
                    video = container.add_stream("libx264", rate=fps, options=options)
                    video.height, video.width = picture.shape[:2]
                    video.pix_fmt = "yuv420p"
                    video.codec_context.time_base = base
                    video.time_base = base
                    for tag in ("colorspace", "color_primaries", "color_trc", "color_range"):
                        setattr(video.codec_context, tag, 1)  # BT.709, limited range
                    if sound is not None:
                        track = _SoundTrack(container, placed(sound, rate, 0.0), int(rate or 0), encoding)
                elif picture.shape[:2] != (video.height, video.width):
                    raise ValueError(f"frame {count} has another size than the first: {image.shape}")
                elif last is not None and stamp <= last:
                    raise ValueError(f"the time of frame {count} is not after the one before it")
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                    format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range="MPEG"
                )
                frame.pts, frame.time_base = stamp, base
                if track is not None:
                    track.write_until(float(stamp * base) + LEAD)
                container.mux(video.encode(frame))
                last, count = stamp, count + 1
            if video is None:
                raise ValueError("a clip needs at least one frame")
            container.mux(video.encode(None))
            if track is not None:
                track.finish()
        if track is not None or sound is None:
            _refuse_what_is_not_whole(partial, count)


def replace_audio(
    source: Path,
    samples: NDArray[np.float32],
    rate: int,
    start: float,
    out: Path,
    *,
    encoding: Encoding = LOSSLESS_SOUND,
) -> None:
    """Copy the picture of a clip packet by packet and give it another sound.

    The video hash of `out` equals that of `source`: this is checked before `out` appears. The suffix of `out`
    chooses the container; mp4 keeps any times and takes most codecs, mkv takes every codec with times in whole ms.

    Args:
        source: the clip whose picture is taken.
        samples: Float32 `[N]` or `[C, N]` in -1 … 1.
        rate: their sample rate in Hz.
        start: s of the clip's clock of the first sample; silence is put before, samples before 0 s are cut.
        out: the file to write.
        encoding: how to compress the sound.

    Raises:
        MediaError: `source` is unreadable or has no picture.
        MediaWriteError: `out` cannot be written, or its container cannot hold the picture unchanged.
        ValueError: the samples are not finite.
    """
    wanted = probe(source).video_sha256
    if wanted is None:
        raise MediaError(source, Reason.NO_VIDEO)
    end = _end_of_picture(source)
    with opened(source) as clip, whole_file(out) as partial:
        stream = picture_stream(clip)
        if stream is None or stream.time_base is None:
            raise MediaError(source, Reason.NO_VIDEO)
        origin = round(zero(clip) / stream.time_base)
        with _output(partial, stream.time_base.denominator) as container:
            copy: Any = container.add_stream_from_template(stream)
            copy.time_base = stream.time_base
            track = _SoundTrack(container, placed(samples, rate, start), rate, encoding)
            for packet in packets(clip, (stream,), Damage()):
                stamp = packet.dts if packet.dts is not None else packet.pts
                if stamp is not None:
                    track.write_until(float((stamp - origin) * stream.time_base) + LEAD)
                packet.pts = None if packet.pts is None else packet.pts - origin
                packet.dts = None if packet.dts is None else packet.dts - origin
                if packet.is_discard and packet.pts is not None and packet.pts >= end:
                    # An edit list ends before this picture, which others are predicted from: keep it unseen.
                    packet.pts, packet.duration = end, 0
                packet.stream = copy
                container.mux_one(packet)
            track.finish()
        if probe(partial).video_sha256 != wanted:
            raise MediaWriteError(out, f"{out.suffix or 'this container'} cannot hold its picture unchanged")


def _end_of_picture(source: Path) -> int:
    """Return where the last shown picture ends, in units of the clip's clock."""
    with opened(source) as clip:
        stream = picture_stream(clip)
        if stream is None or stream.time_base is None:
            raise MediaError(source, Reason.NO_VIDEO)
        shown = ((p.pts, p.duration) for p in packets(clip, (stream,), Damage()) if not p.is_discard)
        return max((t + (d or 0) for t, d in shown if t is not None), default=0) - round(
            zero(clip) / stream.time_base
        )


def write_wav(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write Float32 samples `[N]` or `[C, N]` as a wav file of 32-bit floats, unchanged.

    Raises:
        MediaWriteError: it cannot be written.
    """
    from scipy.io import wavfile

    with whole_file(path) as partial:
        wavfile.write(partial, rate, np.ascontiguousarray(np.asarray(samples, np.float32).T))


def even_sides(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture `[H, W, 3]` whose sides are even, the last row or column repeated where needed."""
    height, width = image.shape[:2]
    if height % 2 or width % 2:
        image = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(image)


def placed(samples: NDArray[np.float32], rate: int | None, start: float) -> NDArray[np.float32]:
    """Return samples `[C, N]` that begin at 0 s, with silence before `start`, or what lies before 0 s cut.

    Raises:
        ValueError: the samples are not finite, or there is no rate.
    """
    if not rate or rate <= 0:
        raise ValueError("sound needs a sample rate")
    rows = np.atleast_2d(np.asarray(samples, np.float32))
    if not np.isfinite(rows).all():
        raise ValueError("sound holds NaN or infinite samples")
    if not 1 <= rows.shape[0] <= len(LAYOUTS):
        raise ValueError(
            f"sound has {rows.shape[0]} channels: give [N], or [C, N] with at most {len(LAYOUTS)}"
        )
    shift = round(start * rate)
    return np.pad(rows, ((0, 0), (shift, 0))) if shift > 0 else rows[:, -shift:]


def _refuse_what_is_not_whole(path: Path, frames: int) -> None:
    """Read the file again: an encoder that lost frames, or a disk that lost bytes, must not pass."""
    with opened(path) as container:
        stream = picture_stream(container)
        damage = Damage()
        found = sum(1 for _ in packets(container, (stream,), damage)) if stream is not None else 0
    if found != frames or damage.problems():
        raise OSError(f"{found} of {frames} frames arrived in the file")


@contextmanager
def _output(path: Path, timescale: int) -> Iterator[OutputContainer]:
    """Open a container for writing: the index in front, times of the movie as fine as those of its picture."""
    import av

    options = {"strict": "experimental"}
    if path.suffix.lower() in {".mp4", ".mov", ".m4v"}:
        options |= {"movflags": "+faststart", "movie_timescale": str(max(1000, timescale))}
    with av.open(f"file:{path}", mode="w", container_options=options) as container:
        yield container


class _SoundTrack:
    """A sound stream that is encoded bit by bit beside the picture, so that nothing piles up in the muxer."""

    def __init__(
        self, container: OutputContainer, samples: NDArray[np.float32], rate: int, encoding: Encoding
    ) -> None:
        self._container, self._samples, self._rate = container, samples, rate
        self._flac = encoding.sound == "flac"
        layout = LAYOUTS[samples.shape[0] - 1]
        self._stream: Any = container.add_stream(encoding.sound, rate=rate, layout=layout)
        self._layout = layout
        self._stream.codec_context.format = "s32" if self._flac else "fltp"
        if encoding.bit_rate is not None:
            self._stream.codec_context.bit_rate = encoding.bit_rate
        self._done = 0

    def write_until(self, seconds: float) -> None:
        """Encode the samples up to a time."""
        import av

        end = min(self._samples.shape[1], max(self._done, int(seconds * self._rate)))
        if end == self._done:
            return
        part = self._samples[:, self._done : end]
        if self._flac:
            frame = av.AudioFrame.from_ndarray(_interleaved_24_bit(part), format="s32", layout=self._layout)
        else:
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._done, Fraction(1, self._rate)
        self._done = end
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Encode the rest."""
        self.write_until(self._samples.shape[1] / self._rate + 1.0)
        self._container.mux(self._stream.encode(None))


def _interleaved_24_bit(part: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return `[1, n * C]` of 24-bit values in the upper bits, clipped at full scale."""
    scaled = np.rint(part.astype(np.float64) * (1 << 23)).clip(-(1 << 23), (1 << 23) - 1)
    return np.ascontiguousarray((scaled.astype(np.int32) << 8).T.reshape(1, -1))

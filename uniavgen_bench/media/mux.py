"""Write clips and sound: lossless sound, exact times; exchange the sound of a clip without touching its picture."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.container import (
    Damage,
    has_decoder,
    opened,
    packets,
    picture_stream,
    tells_when_to_show,
    zero,
)
from uniavgen_bench.media.edit_list import end_picture_at
from uniavgen_bench.media.errors import MediaError, MediaWriteError
from uniavgen_bench.media.probe import probe
from uniavgen_bench.media.writing import (
    LEAD,
    LEAST_MOVIE_TIMESCALE,
    LOSSLESS_SOUND,
    MP4_SUFFIXES,
    Encoding,
    SoundTrack,
    output,
    placed,
    whole_file,
)

__all__ = ["Encoding", "replace_audio", "write_clip", "write_timed_clip", "write_wav"]

TIMED_BASE = Fraction(1, 360_000)
"""Unit of time in s for frames with times of their own: 1/90 000 s and the frames of 16, 24, 25, 30, 60 Hz and of
their 1000/1001 are whole multiples of it."""


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
    """Write frames with times of their own in s (`write_clip` otherwise), kept to 1/360 000 s.

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
        with output(partial, max(LEAST_MOVIE_TIMESCALE, base.denominator)) as container:
            track: SoundTrack | None = None
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
                        track = SoundTrack(container, placed(sound, rate, 0.0), int(rate or 0), encoding)
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
    with opened(source) as clip, whole_file(out) as partial:
        stream = picture_stream(clip)
        if stream is None or stream.time_base is None:
            raise MediaError(source, Reason.NO_VIDEO)
        if not has_decoder(stream):
            raise MediaError(source, Reason.UNREADABLE, "no decoder for its picture is known")
        in_order = not tells_when_to_show(clip)
        if in_order and stream.codec_context.has_b_frames:
            raise MediaWriteError(
                out, f"{source.name} does not say when its pictures, coded out of order, are shown"
            )
        base, scale = stream.time_base, max(LEAST_MOVIE_TIMESCALE, stream.time_base.denominator)
        origin = round(zero(clip) / base)
        shown: list[tuple[int, int]] = []
        unseen, last_dts = False, None
        with output(partial, scale) as container:
            copy: Any = container.add_stream_from_template(stream)
            copy.time_base = base
            track = SoundTrack(container, placed(samples, rate, start), rate, encoding)
            for packet in packets(clip, (stream,), Damage()):
                stamp = packet.dts if packet.dts is not None else packet.pts
                if stamp is not None:
                    track.write_until(float((stamp - origin) * base) + LEAD)
                if in_order:
                    packet.pts = packet.dts
                packet.pts = None if packet.pts is None else packet.pts - origin
                packet.dts = None if packet.dts is None else packet.dts - origin
                if packet.dts is not None and last_dts is not None and packet.dts <= last_dts:
                    # Program streams repeat times at block borders; when to decode is the container's own matter.
                    packet.dts = last_dts + 1
                last_dts = packet.dts if packet.dts is not None else last_dts
                if packet.is_discard:
                    unseen = True
                elif packet.pts is not None:
                    shown.append((packet.pts, packet.pts + (packet.duration or 0)))
                packet.stream = copy
                container.mux_one(packet)
            track.finish()
        if unseen and shown and partial.suffix.lower() in MP4_SUFFIXES:
            begin, end = max(0, min(shown)[0]), max(end for _, end in shown)
            end_picture_at(partial, round((end - begin) * base * scale))
        if probe(partial).video_sha256 != wanted:
            raise MediaWriteError(out, f"{out.suffix or 'this container'} cannot hold its picture unchanged")


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


def _refuse_what_is_not_whole(path: Path, frames: int) -> None:
    """Read the file again: an encoder that lost frames, or a disk that lost bytes, must not pass."""
    with opened(path) as container:
        stream = picture_stream(container)
        damage = Damage()
        found = sum(1 for _ in packets(container, (stream,), damage)) if stream is not None else 0
    if found != frames or damage.problems():
        raise OSError(f"{found} of {frames} frames arrived in the file")

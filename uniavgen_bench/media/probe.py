"""What a container says about its clip, without decoding more than its first picture."""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.container import (
    Damage,
    has_decoder,
    has_own_zero,
    opened,
    packets,
    picture_stream,
    sound_stream,
    tells_when_to_show,
    zero,
)
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.geometry import Geometry, geometry

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.packet import Packet
    from av.video.stream import VideoStream


MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class ClipFacts:
    """What the container says: durations in s (None when there is no such stream), nominal rate, size, hashes.

    `video_sha256` and `audio_sha256` address the stream's packets and times, not the file: a clip whose sound was
    exchanged keeps its video hash, and so its face tracks. `fps` is the mean rate of the frame clock. `width` and
    `height` are those of the upright picture with square pixels. `video_start` and `audio_start` are in s of the
    clip's clock; `problems` are sentences about damage that demuxing shows.
    """

    file_sha256: str
    video_sha256: str | None
    audio_sha256: str | None
    video_duration: float | None
    audio_duration: float | None
    fps: float | None
    width: int | None
    height: int | None
    video_codec: str | None
    audio_codec: str | None
    audio_rate: int | None
    video_start: float | None = None
    audio_start: float | None = None
    problems: tuple[str, ...] = ()


def probe(path: Path) -> ClipFacts:
    """Read the facts of a clip by demuxing it; only its first picture is decoded, for the display matrix.

    Raises:
        MediaError: `UNREADABLE` when the file is absent, empty, no media, or holds neither picture nor sound.
    """
    damage = Damage()
    with opened(path) as container:
        origin = zero(container)
        video, audio = picture_stream(container), sound_stream(container)
        if video is None and audio is None:
            raise MediaError(path, Reason.UNREADABLE, "it holds neither moving pictures nor sound")
        tallies: dict[int, _Tally] = {}
        first = _FirstPicture(video) if video is not None else None
        if video is not None:
            tallies[video.index] = _Tally(video, origin, picture_parameters(video))
        if audio is not None:
            tallies[audio.index] = _Tally(audio, origin, sound_parameters(audio))
        streams = [s for s in (video, audio) if s is not None]
        shown = tells_when_to_show(container)
        for packet in packets(container, streams, damage):
            if not shown:
                packet.pts = packet.dts
            tallies[packet.stream_index].take(packet)
            if first is not None and packet.stream_index == first.stream.index:
                first.take(packet)
        seen = tallies[video.index] if video is not None else None
        heard = tallies[audio.index] if audio is not None else None
        shape = first.shape() if first is not None else None
        if seen is not None and seen.count == 0:
            damage.note("the video stream is empty")
        elif video is not None and not has_decoder(video):
            damage.note("no decoder for its picture is known")
        elif video is not None and shape is None:
            damage.note("the first picture does not decode")
        if heard is not None and heard.count == 0:
            damage.note("the sound stream is empty")
        ends = [end for tally in tallies.values() if (end := tally.end()) is not None]
        if container.duration and ends and has_own_zero(container):
            damage.note_early_end("the clip", max(ends), container.duration / MICROSECONDS)
        width, height = shape.shown if shape is not None else (None, None)
        return ClipFacts(
            file_sha256=sha256_file(path),
            video_sha256=seen.hexdigest(shape) if seen else None,
            audio_sha256=heard.hexdigest(None) if heard else None,
            video_duration=seen.duration() if seen else None,
            audio_duration=heard.duration() if heard else None,
            fps=seen.fps() if seen else None,
            width=width,
            height=height,
            video_codec=video.codec_context.codec.canonical_name if video and video.codec_context else None,
            audio_codec=audio.codec_context.codec.canonical_name if audio and audio.codec_context else None,
            audio_rate=(audio.codec_context.sample_rate or None) if audio and audio.codec_context else None,
            video_start=seen.start() if seen else None,
            audio_start=heard.start() if heard else None,
            problems=damage.problems(),
        )


def picture_parameters(stream: VideoStream) -> dict[str, Any]:
    """Return what of a video stream's description changes its pictures, as JSON values."""
    context, aspect = stream.codec_context, stream.sample_aspect_ratio
    return {
        "codec": context.codec.canonical_name if context else None,
        "extradata": (context.extradata or b"").hex() if context else "",
        "size": [context.width, context.height] if context else [],
        "aspect": [aspect.numerator, aspect.denominator] if aspect else [1, 1],
    }


def sound_parameters(stream: AudioStream) -> dict[str, Any]:
    """Return what of a sound stream's description changes its samples, as JSON values."""
    context = stream.codec_context
    return {
        "codec": context.codec.canonical_name if context else None,
        "extradata": (context.extradata or b"").hex() if context else "",
        "rate": context.sample_rate if context else 0,
        "channels": context.channels if context else 0,
    }


class _Tally:
    """Hash and times of one stream, gathered packet by packet."""

    def __init__(
        self, stream: VideoStream | AudioStream, origin: Fraction, parameters: dict[str, Any]
    ) -> None:
        self._stream, self._origin = stream, origin
        self._base = stream.time_base or Fraction(1)
        self._hash = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode())
        self._rate = int(parameters.get("rate") or 0)
        self.count = 0
        self._pcm = str(parameters["codec"]).startswith("pcm_")
        self._next: Fraction | None = None
        self._times: set[int] = set()
        self._first: Fraction | None = None
        self._end: Fraction | None = None

    def take(self, packet: Packet[Any]) -> None:
        """Add a packet: its bytes, its presentation time on the clip's clock, and what a player must skip of it."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        time = None if stamp is None else stamp * self._base - self._origin
        skip, cut = skipped_samples(packet) if self._rate else (0, 0)
        shown = "unseen" if packet.is_discard else time
        length = (packet.duration or 0) * self._base
        if not (self._pcm and time is not None and time == self._next):
            # Bare samples are cut into packets as the picture around them has it: only their jumps in time count.
            self._hash.update(f"{shown};{0 if self._pcm else packet.size};{skip};{cut}\n".encode())
        self._next = None if time is None else time + length
        self._hash.update(memoryview(packet))
        self.count += 1
        if time is None or stamp is None or packet.is_discard:
            return
        begin, end = time, time + length
        if self._rate:
            begin, end = begin + Fraction(skip, self._rate), end - Fraction(cut, self._rate)
            if end <= begin:
                return
        else:
            self._times.add(stamp)
        self._first = begin if self._first is None else min(self._first, begin)
        self._end = end if self._end is None else max(self._end, end)

    def hexdigest(self, shape: Geometry | None) -> str:
        """Return the hash of the stream; of pictures also how they are turned."""
        digest = self._hash.copy()
        if shape is not None:
            digest.update(f"{shape.transpose};{shape.mirror_x};{shape.mirror_y}\n".encode())
        return digest.hexdigest()

    def start(self) -> float | None:
        """Return the time in s of the first presented picture or sample."""
        return None if self._first is None else float(self._first)

    def duration(self) -> float | None:
        """Return the seconds from the first presented picture or sample to the end of the last one."""
        if self._first is None or self._end is None:
            return float(self._stream.duration * self._base) if self._stream.duration else None
        length = float(self._end - self._first)
        if not self._rate and self._times:
            # Containers without a length of the last picture: it stays for one mean interval.
            span = float((max(self._times) - min(self._times)) * self._base)
            rate = self.fps()
            length = max(length, span + (1.0 / rate if rate else 0.0))
        return length

    def end(self) -> float | None:
        """Return the time in s of the end of the last presented picture or sample."""
        start, duration = self.start(), self.duration()
        return None if start is None or duration is None else start + duration

    def fps(self) -> float | None:
        """Return the mean rate of the presented pictures in Hz; of a single picture, what the container says."""
        if len(self._times) > 1:
            span = (max(self._times) - min(self._times)) * self._base
            return float((len(self._times) - 1) / span)
        nominal = getattr(self._stream, "average_rate", None)
        return float(nominal) if nominal else None


def skipped_samples(packet: Packet[Any]) -> tuple[int, int]:
    """Return the samples that a decoder must drop at the start and at the end of a packet."""
    if not packet.has_sidedata("skip_samples"):
        return 0, 0
    start, end = struct.unpack("<II", bytes(packet.get_sidedata("skip_samples"))[:8])
    return start, end


class _FirstPicture:
    """Decodes packets of a stream until a picture comes out, to learn its geometry."""

    def __init__(self, stream: VideoStream) -> None:
        self.stream = stream
        self._shape: Geometry | None = None
        stream.thread_count = 1

    def take(self, packet: Packet[Any] | None) -> None:
        """Decode a packet unless the geometry is known; damage is for the decoder of all pictures to tell."""
        import av

        if self._shape is not None or self.stream.codec_context is None:
            return
        try:
            for picture in self.stream.codec_context.decode(packet):
                self._shape = geometry(picture, self.stream.sample_aspect_ratio)
                return
        except (av.FFmpegError, ValueError, RuntimeError):
            return

    def shape(self) -> Geometry | None:
        """Return the geometry, or None when no picture decodes."""
        self.take(None)
        return self._shape

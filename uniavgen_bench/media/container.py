"""Open a media file, choose its streams, and read packets and frames; damage is counted, not raised.

The clip's clock. Zero is the presentation zero of the container where it has one (mov and mp4 after edit lists,
Matroska and WebM, AVI, WAV, FLAC, Ogg). Containers whose clock runs freely (MPEG programme and transport streams,
bare MP3 or AAC) have their zero at the earliest presentation time of any of their streams. Picture and sound share
this zero; either may start later than it.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.errors import MediaError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame as DecodedPicture
    from av.video.stream import VideoStream

AnyStream = TypeVar("AnyStream", "VideoStream", "AudioStream")

FORMATS = (
    "mov,mp4,matroska,webm,avi,mpeg,mpegts,flv,asf,mxf,nut,gif,"
    "ogg,wav,w64,flac,mp3,aac,aiff,caf,au,ac3,eac3,amr"
)
"""Demuxers that may open a clip. Play lists, scripts and text are left out: they would read other files."""

ABSOLUTE_CLOCKS = frozenset(
    {"mov", "matroska", "avi", "wav", "w64", "flac", "ogg", "nut", "aiff", "caf", "au"}
)
"""Demuxers (first name) whose times count from a presentation zero of the container's own."""


CUT_OFF = 0.5
"""Seconds that a stream may end before the end that the container declares; more is stated as damage."""

DECODE_ORDER_CLOCKS = frozenset({"avi"})
"""Demuxers whose packets tell when to decode, not when to show: the k-th picture is shown at the k-th packet's time."""


class Damage:
    """What was wrong with a stream but did not stop its decoding: sentences with counts, in order of appearance."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def note(self, sentence: str) -> None:
        """Count a sentence such as `packets that do not decode`, or state a fact once."""
        self._counts[sentence] = self._counts.get(sentence, 0) + 1

    def note_early_end(self, what: str, end: float, declared: float) -> None:
        """State that a stream is shorter than its container declares, when it is by more than `CUT_OFF`."""
        if declared - end > CUT_OFF:
            self.note(f"{what} ends at {end:.2f} s of {declared:.2f} s that the file declares")

    def problems(self) -> tuple[str, ...]:
        """Return the sentences, those that happened more than once with their count."""
        return tuple(text if n == 1 else f"{text} ({n} times)" for text, n in self._counts.items())


@contextmanager
def opened(path: Path) -> Iterator[InputContainer]:
    """Open a local media file for reading.

    Raises:
        MediaError: `UNREADABLE` when the path is no regular file, is empty, or no demuxer knows its content.
    """
    import av

    # A path such as `a:b.mp4` would otherwise be read as the address `b.mp4` under the protocol `a`.
    address = f"file:{path}"
    refuse_what_is_no_file(path)
    try:
        container = av.open(
            address,
            mode="r",
            metadata_errors="replace",
            container_options={"protocol_whitelist": "file", "format_whitelist": FORMATS},
        )
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(path, Reason.UNREADABLE, why_unknown(path, error)) from error
    try:
        yield container
    finally:
        container.close()


def refuse_what_is_no_file(path: Path) -> None:
    """Raise `MediaError` (`UNREADABLE`) for what is absent, no regular file, or empty."""
    try:
        if not path.exists():
            raise MediaError(path, Reason.UNREADABLE, "there is no such file")
        if not path.is_file():
            raise MediaError(path, Reason.UNREADABLE, "it is not a regular file")
        if path.stat().st_size == 0:
            raise MediaError(path, Reason.UNREADABLE, "the file is empty")
    except (OSError, ValueError) as error:
        raise MediaError(path, Reason.UNREADABLE, reason_of(error)) from error


def why_unknown(path: Path, error: Exception) -> str:
    """Return why no demuxer takes a file, in words that say more than `invalid data`."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError as unreadable:
        return reason_of(unreadable)
    if head[4:8] == b"ftyp":
        return "its index is missing or broken, as in an mp4 that was cut off or never finished"
    return f"it is no media file of a known kind ({reason_of(error)})"


def reason_of(error: Exception) -> str:
    """Return what the operating system or the decoder said, without number and path."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(said)


def picture_stream(container: InputContainer) -> VideoStream | None:
    """Return the stream of moving pictures that comes first, or None; a cover picture is none."""
    from av.stream import Disposition

    moving = (s for s in container.streams.video if not s.disposition & Disposition.attached_pic)
    return _default_else_first(list(moving))


def sound_stream(container: InputContainer) -> AudioStream | None:
    """Return the sound stream that a player takes by default, or None."""
    return _default_else_first(list(container.streams.audio))


def _default_else_first(streams: list[AnyStream]) -> AnyStream | None:
    from av.stream import Disposition

    default = (s for s in streams if s.disposition & Disposition.default)
    return next(default, streams[0] if streams else None)


def has_decoder(stream: VideoStream | AudioStream) -> bool:
    """Tell whether the codec of a stream is known here."""
    context: object = stream.codec_context  # None where no decoder is known, other than its type says
    return context is not None


def has_own_zero(container: InputContainer) -> bool:
    """Tell whether the container counts time from a presentation zero, and writes down its length."""
    return container.format.name.split(",")[0] in ABSOLUTE_CLOCKS


def tells_when_to_show(container: InputContainer) -> bool:
    """Tell whether the times of packets say when pictures are shown, not only when they are decoded."""
    return container.format.name.split(",")[0] not in DECODE_ORDER_CLOCKS


def zero(container: InputContainer) -> Fraction:
    """Return the zero of the clip's clock in s of the container's times (see the module's text)."""
    if has_own_zero(container):
        return Fraction(0)
    starts = [
        s.start_time * (s.time_base or Fraction(1))
        for s in (*container.streams.video, *container.streams.audio)
        if s.start_time is not None
    ]
    return min(starts, default=Fraction(0))


def declared_end(stream: VideoStream | AudioStream, origin: Fraction) -> float:
    """Return the end of a stream in s of the clip's clock as its container declares it; 0 where it does not."""
    if not stream.duration or stream.time_base is None:
        return 0.0
    return float(((stream.start_time or 0) + stream.duration) * stream.time_base - origin)


def packets(
    container: InputContainer, streams: Sequence[VideoStream | AudioStream], damage: Damage
) -> Iterator[Packet[Any]]:
    """Yield the packets of the streams in file order; reading ends at the first place that cannot be read."""
    import av

    demuxed = iter(container.demux(tuple(streams)))
    while True:
        try:
            packet = next(demuxed)
        except (StopIteration, IndexError):
            return  # an IndexError: streams turned up in mid-file, over which the library stumbles at its end
        except (av.FFmpegError, OSError) as error:
            damage.note(f"the file cannot be read to its end: {reason_of(error)}")
            return
        if packet.size == 0 and packet.dts is None:
            continue  # the library's mark that a stream has ended
        if packet.is_corrupt:
            damage.note("packets that are cut off or marked as damaged")
        yield packet


def pictures(container: InputContainer, stream: VideoStream, damage: Damage) -> Iterator[DecodedPicture]:
    """Yield the decoded pictures of a stream in presentation order; what does not decode is counted."""
    read = packets(container, (stream,), damage)
    if tells_when_to_show(container):
        yield from _decoded(stream, read, damage)
        return
    slots: deque[int | None] = deque()

    def noted() -> Iterator[Packet[Any]]:
        for packet in read:
            if packet.size:  # an empty one says that the picture before it stays
                slots.append(packet.dts)
            yield packet

    for picture in _decoded(stream, noted(), damage):
        picture.pts = slots.popleft() if slots else None
        yield picture


def sounds(container: InputContainer, stream: AudioStream, damage: Damage) -> Iterator[AudioFrame]:
    """Yield the decoded blocks of a sound stream, encoder delay removed; what does not decode is counted."""
    return _decoded(stream, packets(container, (stream,), damage), damage)


def _decoded(stream: Any, read: Iterator[Packet[Any]], damage: Damage) -> Iterator[Any]:
    import av

    for packet in itertools.chain(read, (None,)):
        try:
            frames = stream.codec_context.decode(packet)
        except av.EOFError:
            return
        except (av.FFmpegError, ValueError, RuntimeError) as error:
            damage.note(f"{stream.type} packets that do not decode: {reason_of(error)}")
            continue
        for frame in frames:
            if frame.is_corrupt:
                damage.note(f"{stream.type} frames that decode with errors")
            yield frame

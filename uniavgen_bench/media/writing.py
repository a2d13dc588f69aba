"""What every writer of clips shares: whole files or none, a container, and a sound stream beside the picture."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.media.container import reason_of
from uniavgen_bench.media.errors import MediaWriteError

if TYPE_CHECKING:
    from av.container import OutputContainer

MP4_SUFFIXES = frozenset({".mp4", ".mov", ".m4v"})

LEAST_MOVIE_TIMESCALE = 1000
"""Units per second in which an mp4 counts its edits, at least."""

LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")
"""Channel layouts by number of channels, from 1."""

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
        partial = path.with_name(f".partial-{secrets.token_hex(6)}{path.suffix}")
        partial.touch(exist_ok=False)
        yield partial
        partial.replace(path)
    except (OSError, av.FFmpegError) as error:
        raise MediaWriteError(path, reason_of(error)) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


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


@contextmanager
def output(path: Path, timescale: int) -> Iterator[OutputContainer]:
    """Open a container for writing: the index in front, times of the movie as fine as those of its picture."""
    import av

    options = {"strict": "experimental"}
    if path.suffix.lower() in MP4_SUFFIXES:
        options |= {"movflags": "+faststart", "movie_timescale": str(timescale)}
    with av.open(f"file:{path}", mode="w", container_options=options) as container:
        yield container


class SoundTrack:
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

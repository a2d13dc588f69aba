"""Sound by timestamp: gaps filled, overlaps trimmed, encoder delay removed, resampled in a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.container import (
    Damage,
    declared_end,
    has_decoder,
    has_own_zero,
    opened,
    sound_stream,
    sounds,
    zero,
)
from uniavgen_bench.media.errors import MediaError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

TOLERANCE = 0.020
"""Seconds by which timestamps may disagree with the count of samples before a gap is filled or an overlap trimmed.

Half a frame at 25 fps: containers round times to 1 ms or worse, and recorders let them jitter.
"""

LONGEST_GAP = 600.0
"""Seconds of silence that a jump of the timestamps may stand for; the sound ends before a longer one."""

BLOCK = 1 << 16
"""Samples of silence made at a time."""


@dataclass(frozen=True)
class Sound:
    """Float32 samples in about -1 … 1 at `rate` Hz, the first at `start` s of the clip's clock.

    `samples` is `[N]` when mono (the mean of the channels), else `[C, N]`. `source_rate` and `source_channels` are
    those of the file. `problems` says in sentences what was wrong with the stream, up to here.
    """

    samples: NDArray[np.float32]
    rate: int
    start: float
    source_rate: int
    source_channels: int
    problems: tuple[str, ...] = ()

    @property
    def duration(self) -> float:
        """Length in s."""
        return float(self.samples.shape[-1] / self.rate)


def audio(path: Path, *, rate: int | None = None, mono: bool = True) -> Sound:
    """Decode the whole sound of a clip; `rate` in Hz (None: that of the file), resampled by soxr at VHQ.

    Raises:
        MediaError: `UNREADABLE`, `NO_AUDIO`, or `BAD_AUDIO` when a sample is NaN or infinite.
    """
    chunks = list(audio_chunks(path, rate=rate, mono=mono))
    samples = np.concatenate([c.samples for c in chunks], axis=-1)
    first, last = chunks[0], chunks[-1]
    return Sound(samples, first.rate, first.start, first.source_rate, first.source_channels, last.problems)


def audio_chunks(
    path: Path, *, rate: int | None = None, mono: bool = True, seconds: float = 10.0
) -> Iterator[Sound]:
    """Yield the sound of a clip in chunks of about `seconds`, without seams; memory does not grow with length.

    Raises:
        MediaError: `UNREADABLE`, `NO_AUDIO`, or `BAD_AUDIO` when a sample is NaN or infinite.
    """
    if rate is not None and rate <= 0:
        raise ValueError(f"a sample rate must be positive, got {rate}")
    damage = Damage()
    with opened(path) as container:
        stream = sound_stream(container)
        if stream is None:
            raise MediaError(path, Reason.NO_AUDIO)
        if not has_decoder(stream):
            raise MediaError(path, Reason.UNREADABLE, "no decoder for its sound is known")
        base = stream.time_base
        unit = (base.numerator, base.denominator) if base else (1, 1)
        origin = zero(container)
        declared = declared_end(stream, origin) if has_own_zero(container) else 0.0
        timeline = _Timeline(path, damage, origin, unit, declared)
        blocks = timeline.blocks(sounds(container, stream, damage))
        yield from _Chunker(timeline, rate, mono, seconds).chunks(blocks)
        if timeline.rate == 0:
            said = "; ".join(damage.problems())
            if said:
                raise MediaError(path, Reason.UNREADABLE, f"no sound decodes: {said}")
            raise MediaError(path, Reason.NO_AUDIO, "the sound stream is empty")


class _Timeline:
    """Turns decoded blocks with timestamps into one run of samples `[C, n]` without gaps."""

    def __init__(
        self, path: Path, damage: Damage, origin: Fraction, unit: tuple[int, int], declared: float
    ) -> None:
        self.path, self.damage, self.origin, self.unit = path, damage, float(origin), unit
        self.declared = declared
        self.start, self.rate, self.channels = 0.0, 0, 0
        self._layout: Any = None
        self._count = 0

    def blocks(self, frames: Iterator[AudioFrame]) -> Iterator[NDArray[np.float32]]:
        """Yield blocks `[C, n]` at the rate of the first frame, which gives `start`, `rate` and `channels`.

        What an encoder put behind the end that the container declares, to fill its last block, is cut.
        """
        held: NDArray[np.float32] | None = None
        for block in self._continuous(frames):
            if held is not None:
                yield held
            held = block
        if held is None:
            return
        end = self.start + self._count / self.rate
        filling = round((end - self.declared) * self.rate) if self.declared else 0
        yield held[:, : held.shape[1] - filling] if 0 < filling < held.shape[1] else held
        self.damage.note_early_end("the sound", end, self.declared)

    def _continuous(self, frames: Iterator[AudioFrame]) -> Iterator[NDArray[np.float32]]:
        for frame in frames:
            if frame.samples == 0 or frame.sample_rate <= 0:
                continue
            stamp = None if frame.pts is None else frame.pts * self.unit[0] / self.unit[1] - self.origin
            if self.rate == 0:
                self.rate, self.channels = frame.sample_rate, len(frame.layout.channels)
                self._layout = frame.layout
                self.start = stamp or 0.0
            block = self._samples(frame)
            if not np.isfinite(block).all():
                at = self.start + self._count / self.rate
                raise MediaError(self.path, Reason.BAD_AUDIO, f"NaN or infinite samples at {at:.2f} s")
            if stamp is not None:
                late = stamp - (self.start + self._count / self.rate)
                if late > LONGEST_GAP:
                    self.damage.note(f"the sound jumps by {late:.0f} s: what follows is left out")
                    return
                if late > TOLERANCE:
                    self.damage.note("gaps in the sound, filled with silence")
                    yield from self._silence(round(late * self.rate))
                elif late < -TOLERANCE:
                    self.damage.note("overlaps in the sound, trimmed")
                    block = block[:, min(round(-late * self.rate), block.shape[1]) :]
            if block.shape[1]:
                self._count += block.shape[1]
                yield block

    def _silence(self, count: int) -> Iterator[NDArray[np.float32]]:
        while count > 0:
            n = min(count, BLOCK)
            self._count += n
            count -= n
            yield np.zeros((self.channels, n), np.float32)

    def _samples(self, frame: AudioFrame) -> NDArray[np.float32]:
        if frame.sample_rate == self.rate and len(frame.layout.channels) == self.channels:
            return as_float(frame)
        from av.audio.resampler import AudioResampler

        self.damage.note("blocks of another sample rate or channel count than the first, converted to it")
        convert = AudioResampler(format="fltp", layout=self._layout, rate=self.rate)
        parts = [as_float(f) for given in (frame, None) for f in convert.resample(given)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((self.channels, 0), np.float32)


def as_float(frame: AudioFrame) -> NDArray[np.float32]:
    """Return a decoded block as float32 `[C, n]`, full scale at 1."""
    channels = len(frame.layout.channels)
    data = frame.to_ndarray()
    if data.shape[0] != channels:  # interleaved: [1, n * C]
        data = data.reshape(-1, channels).T
    match data.dtype.kind, data.dtype.itemsize:
        case "f", _:
            return data.astype(np.float32, copy=False)
        case "u", 1:
            return (data.astype(np.float32) - 128.0) / 128.0
        case _, size:
            return data.astype(np.float32) / float(1 << (8 * size - 1))


class _Chunker:
    """Collects blocks, mixes them down, resamples them in a stream and cuts them into chunks."""

    def __init__(self, timeline: _Timeline, rate: int | None, mono: bool, seconds: float) -> None:
        self.timeline, self.wanted, self.mono, self.seconds = timeline, rate, mono, seconds
        self._resampler: Any = None
        self._out = 0

    def chunks(self, blocks: Iterator[NDArray[np.float32]]) -> Iterator[Sound]:
        """Yield chunks of at least `seconds`, the last one shorter."""
        held: list[NDArray[np.float32]] = []
        size = 0
        for block in blocks:
            held.append(block.mean(axis=0, keepdims=True) if self.mono else block)
            size += block.shape[1]
            if size >= self.seconds * self.timeline.rate:
                yield from self._emit(held, last=False)
                held, size = [], 0
        if self.timeline.rate:
            yield from self._emit(held, last=True)

    def _emit(self, held: list[NDArray[np.float32]], *, last: bool) -> Iterator[Sound]:
        line = self.timeline
        rate = self.wanted or line.rate
        rows = 1 if self.mono else line.channels
        samples = np.concatenate([*held, np.zeros((rows, 0), np.float32)], axis=1)
        if rate != line.rate:
            samples = self._resampled(samples, rate, last=last)
        if samples.shape[1] or (last and self._out == 0):
            start = line.start + self._out / rate
            self._out += samples.shape[1]
            shaped = samples[0] if self.mono else samples
            yield Sound(shaped, rate, start, line.rate, line.channels, line.damage.problems())

    def _resampled(self, samples: NDArray[np.float32], rate: int, *, last: bool) -> NDArray[np.float32]:
        import soxr

        if self._resampler is None:
            self._resampler = soxr.ResampleStream(
                self.timeline.rate, rate, samples.shape[0], dtype="float32", quality="VHQ"
            )
        out = self._resampler.resample_chunk(np.ascontiguousarray(samples.T), last=last)
        return np.ascontiguousarray(np.asarray(out, np.float32).reshape(-1, samples.shape[0]).T)

"""Known changes to clips, for controls and for tests of metrics: shifted sound, other codecs, other frame rates."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import Reason
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import replace_audio, write_clip, write_timed_clip
from uniavgen_bench.media.sound import Sound, audio
from uniavgen_bench.media.writing import Encoding, placed

NEARLY_LOSSLESS = Encoding(crf=10)


def shift_audio(samples: NDArray[np.float32], rate: int, milliseconds: float) -> NDArray[np.float32]:
    """Delay sound `[..., N]` by some ms (negative: make it earlier); the length stays, silence fills the gap.

    What leaves at one end is lost: shifting back restores all but that. The shift is rounded to whole samples.
    """
    shift = round(milliseconds * rate / 1000)
    shifted = np.zeros_like(samples)
    length = samples.shape[-1]
    if abs(shift) < length:
        shifted[..., max(0, shift) : length + min(0, shift)] = samples[
            ..., max(0, -shift) : length - max(0, shift)
        ]
    return shifted


def shift_clip(source: Path, milliseconds: float, out: Path) -> None:
    """Write a clip with its sound later by some ms (negative: earlier), picture packets unchanged.

    The sound is stored without loss. Positive ms make the sound late: `offset_ms` of the lip sync metrics (negative =
    sound ahead) grows by as much, `offset_frames` as SyncNet's code gives it (positive = sound ahead) falls.

    Raises:
        MediaError: `UNREADABLE`, `NO_VIDEO`, `NO_AUDIO` or `BAD_AUDIO`.
        MediaWriteError: `out` cannot be written.
    """
    sound = audio(source, mono=False)
    replace_audio(source, shift_audio(sound.samples, sound.rate, milliseconds), sound.rate, sound.start, out)


def reencode(source: Path, out: Path, *, crf: int = 28, bit_rate: int = 64_000) -> None:
    """Write a clip again as H.264 at `crf` and AAC at `bit_rate` bit/s, every picture at its own time.

    Raises:
        MediaError: `UNREADABLE`, `NO_VIDEO` or `BAD_AUDIO`.
        MediaWriteError: `out` cannot be written.
    """
    samples, rate = _sound_from_zero(source)
    frames = ((frame.time, frame.image) for frame in video_frames(source))
    encoding = Encoding(crf=crf, sound="aac", bit_rate=bit_rate)
    write_timed_clip(out, frames, samples, rate, encoding=encoding)


def change_fps(source: Path, out: Path, fps: Fraction | int) -> None:
    """Write a clip at another constant frame rate, by repeating pictures or leaving them out.

    A new picture is the one that a viewer of the source sees in the middle of its time, so that what happens is
    on average neither earlier nor later than before. Picture and sound are (nearly) lossless.

    Raises:
        MediaError: `UNREADABLE`, `NO_VIDEO` or `BAD_AUDIO`.
        MediaWriteError: `out` cannot be written.
    """
    samples, rate = _sound_from_zero(source)
    write_clip(out, _seen_at(source, Fraction(fps)), fps, samples, rate, encoding=NEARLY_LOSSLESS)


def _seen_at(source: Path, fps: Fraction) -> Iterator[NDArray[np.uint8]]:
    """Yield the picture that is seen at 0.5/fps, 1.5/fps … s; before the first picture, the first one."""
    tick, half = 0, Fraction(1, 2)
    shown: NDArray[np.uint8] | None = None
    interval, last = 1 / float(fps), 0.0
    for frame in video_frames(source):
        while shown is not None and (tick + half) / fps < frame.time:
            yield shown
            tick += 1
        if frame.index:
            interval = frame.time - last
        shown, last = frame.image, frame.time
    while shown is not None and (tick + half) / fps < last + interval:
        yield shown
        tick += 1


def _sound_from_zero(source: Path) -> tuple[NDArray[np.float32] | None, int | None]:
    """Return the sound `[C, N]` at its own rate, beginning at 0 s of the clip's clock; None when there is none."""
    try:
        sound: Sound = audio(source, mono=False)
    except MediaError as error:
        if error.reason is Reason.NO_AUDIO:
            return None, None
        raise
    return placed(sound.samples, sound.rate, sound.start), sound.rate

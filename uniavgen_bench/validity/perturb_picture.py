"""Changes of a clip's picture, the sound as it is: codecs, frame rates, sizes, damage, nobody or two people in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.media.decode import frame_times, video_frames
from uniavgen_bench.media.degrade import NEARLY_LOSSLESS, change_fps, reencode
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import write_timed_clip
from uniavgen_bench.validity.perturb import SEED, Perturbation, StudyClip, sound_of

Picture = NDArray[np.uint8]
Timed = Iterator[tuple[float, Picture]]
LEAST_HALF = 0.5
"""Seconds that a second half must last to be seen and heard."""
BORDER = 110


@dataclass(frozen=True)
class Reencoded(Perturbation):
    """H.264 at `crf` and AAC at `kbits` kbit/s."""

    crf: int
    kbits: int

    @property
    def name(self) -> str:
        """`crf-28-aac-64`."""
        return f"crf-{self.crf}-aac-{self.kbits}"

    @property
    def dose(self) -> float:
        """CRF."""
        return float(self.crf)

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip again."""
        reencode(clip.path, out, crf=self.crf, bit_rate=self.kbits * 1000)


@dataclass(frozen=True)
class FrameRate(Perturbation):
    """Another frame rate, by repeating pictures or leaving them out."""

    fps: int

    @property
    def name(self) -> str:
        """`fps-25`."""
        return f"fps-{self.fps}"

    @property
    def dose(self) -> float:
        """Frames per second."""
        return float(self.fps)

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip at that rate."""
        change_fps(clip.path, out, Fraction(self.fps))


@dataclass(frozen=True)
class Drawn(Perturbation):
    """A change of every picture: `size` (a factor on both sides), `blur` (sigma in px), `grain` (levels of 255)."""

    kind: Literal["size", "blur", "grain"]
    amount: float

    @property
    def name(self) -> str:
        """`size-0.5`, `blur-2`, `grain-12`."""
        return f"{self.kind}-{self.amount:g}"

    @property
    def dose(self) -> float:
        """The more damage, the larger: sigma, levels, or how far the size is from 1."""
        return abs(float(np.log2(self.amount))) if self.kind == "size" else self.amount

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip with every picture changed."""
        _write(clip, out, ((frame.time, self._of(frame.image)) for frame in video_frames(clip.path)))

    def _of(self, picture: Picture) -> Picture:
        import cv2

        if self.kind == "size":
            height, width = (2 * max(8, round(side * self.amount / 2)) for side in picture.shape[:2])
            way = cv2.INTER_AREA if self.amount < 1 else cv2.INTER_CUBIC
            return np.asarray(cv2.resize(picture, (width, height), interpolation=way), np.uint8)
        if self.kind == "blur":
            return np.asarray(cv2.GaussianBlur(picture, (0, 0), self.amount), np.uint8)
        grain = np.random.default_rng(SEED).normal(0, self.amount, picture.shape)
        return np.clip(picture + grain, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Still(Perturbation):
    """The first picture all the time."""

    @property
    def name(self) -> str:
        """`still`."""
        return "still"

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write it."""
        first = next(iter(video_frames(clip.path))).image
        _write(clip, out, ((frame.time, first) for frame in video_frames(clip.path)))


@dataclass(frozen=True)
class NoFace(Perturbation):
    """Drifting coloured clouds in place of the person."""

    @property
    def name(self) -> str:
        """`no-face`."""
        return "no-face"

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write it."""
        _write(clip, out, _clouds(clip.path))


@dataclass(frozen=True)
class TwoFaces(Perturbation):
    """Somebody else beside the person, moving too; the sound is the person's."""

    code: ClassVar[int] = 2
    needs_other: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """`two-faces`."""
        return "two-faces"

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write both side by side, the other as often as needed."""
        assert other is not None
        beside = _again(other.path)
        frames = video_frames(clip.path)
        _write(clip, out, ((f.time, np.hstack([f.image, _fitted(next(beside), f.image)])) for f in frames))


@dataclass(frozen=True)
class OtherHalfway(Perturbation):
    """From the middle on somebody else is seen and heard, as long as the clip lasts or the other does."""

    code: ClassVar[int] = 3
    needs_other: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """`other-person-halfway`."""
        return "other-person-halfway"

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the first half of one before as much of the other, its later part where it is shorter.

        Raises:
            MissingError: `too_short`: sound or picture of either leaves less than `LEAST_HALF` s after the middle.
        """
        assert other is not None
        own, rate = sound_of(clip.path)
        sound, its_rate = sound_of(other.path)
        theirs = _at_rate(sound[:1], its_rate, rate)
        times, its_times = frame_times(clip.path), frame_times(other.path)
        middle = float(times[len(times) // 2])
        half = round(middle * rate)
        there = min(theirs.shape[1], round(_end(its_times) * rate))
        rest = min(own.shape[1] - half, round(_end(times) * rate) - half, there)
        if rest < LEAST_HALF * rate:
            raise MissingError(
                Reason.TOO_SHORT, f"{max(rest, 0) / rate:.2f} s of a second half, {LEAST_HALF:g} s are needed"
            )
        begin = max(0, min(half, there - rest))
        joined = np.concatenate([own[:1, :half], theirs[:, begin : begin + rest]], axis=1)

        def frames() -> Timed:
            later = _Nearest(other.path)
            for frame in video_frames(clip.path):
                if frame.time < middle:
                    yield frame.time, frame.image
                elif frame.time < (half + rest) / rate:
                    yield frame.time, _fitted(later.to(frame.time - middle + begin / rate), frame.image)

        write_timed_clip(out, frames(), joined, rate, encoding=NEARLY_LOSSLESS)


class _Nearest:
    """The picture of a clip that is nearest to a time, for times that grow; two pictures are held."""

    def __init__(self, path: Path) -> None:
        self.frames = video_frames(path)
        self.now = next(self.frames)
        self.later = next(self.frames, None)

    def to(self, time: float) -> Picture:
        while self.later is not None and abs(self.later.time - time) < abs(self.now.time - time):
            self.now, self.later = self.later, next(self.frames, None)
        return self.now.image


@dataclass(frozen=True)
class Cut(Perturbation):
    """Only the first `seconds`, or no sound stream at all (`sound=False`, the whole picture)."""

    seconds: float | None = None
    sound: bool = True

    @property
    def name(self) -> str:
        """`too-short` or `no-sound`."""
        return "too-short" if self.sound else "no-sound"

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write what is left."""
        frames = (
            (f.time, f.image)
            for f in video_frames(clip.path)
            if self.seconds is None or f.time < self.seconds
        )
        if not self.sound:
            write_timed_clip(out, frames, encoding=NEARLY_LOSSLESS)
            return
        _write(clip, out, frames, self.seconds)


def _write(clip: StudyClip, out: Path, frames: Timed, seconds: float | None = None) -> None:
    try:
        sound, rate = sound_of(clip.path)
    except MediaError as error:
        if error.reason is not Reason.NO_AUDIO:
            raise
        write_timed_clip(out, frames, encoding=NEARLY_LOSSLESS)
        return
    kept = sound if seconds is None else sound[:, : round(seconds * rate)]
    write_timed_clip(out, frames, kept, rate, encoding=NEARLY_LOSSLESS)


def _fitted(picture: Picture, like: Picture) -> Picture:
    """Return a picture inside the size of another, its shape kept, on grey: a stretched face is not found as one."""
    import cv2

    if picture.shape == like.shape:
        return picture
    (height, width), (high, wide) = picture.shape[:2], like.shape[:2]
    factor = min(high / height, wide / width)
    size = (min(wide, max(1, round(width * factor))), min(high, max(1, round(height * factor))))
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    fitted = np.full(like.shape, BORDER, np.uint8)
    top, left = (high - size[1]) // 2, (wide - size[0]) // 2
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=way)
    return fitted


def _again(path: Path) -> Iterator[Picture]:
    """Yield a clip's pictures, from the first again after the last; it is decoded anew each time, not held."""
    while True:
        yield from (frame.image for frame in video_frames(path))


def _end(times: NDArray[np.float64]) -> float:
    """Return when the last picture at `times` [T] s ends."""
    return float(times[-1] + (np.median(np.diff(times)) if len(times) > 1 else 0.0))


def _at_rate(sound: NDArray[np.float32], rate: int, wanted: int) -> NDArray[np.float32]:
    import soxr

    return sound if rate == wanted else np.asarray(soxr.resample(sound.T, rate, wanted), np.float32).T


def _clouds(path: Path) -> Timed:
    import cv2

    coarse = np.random.default_rng(SEED).integers(40, 215, (6, 12, 3)).astype(np.uint8)
    for frame in video_frames(path):
        height, width = frame.image.shape[:2]
        wide = np.asarray(cv2.resize(coarse, (2 * width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        at = round(width * (frame.time * 0.1 % 1.0))
        yield frame.time, wide[:, at : at + width]

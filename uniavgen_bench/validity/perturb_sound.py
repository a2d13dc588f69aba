"""Changes of a clip's sound under the picture as it is: shifted, exchanged, louder, noisy, silent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.media.degrade import shift_clip
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.validity.perturb import SEED, Perturbation, StudyClip, as_long_as, sound_of

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class ShiftedSound(Perturbation):
    """The sound later by `ms` (negative: earlier)."""

    ms: int

    @property
    def name(self) -> str:
        """`sound+80ms`."""
        return f"sound{self.ms:+d}ms"

    @property
    def dose(self) -> float:
        """Milliseconds, with their sign."""
        return float(self.ms)

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip with its sound moved; the picture's packets stay."""
        shift_clip(clip.path, self.ms, out)


@dataclass(frozen=True)
class SwappedSound(Perturbation):
    """The sound of a clip of somebody else; `differing` asks that a fact of the two samples differs as well."""

    differing: Literal["", "emotion", "gender"] = ""
    needs_other: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """`swapped-sound`, `swapped-sound-emotion`, `swapped-sound-gender`."""
        return "-".join(filter(None, ("swapped-sound", self.differing)))

    def may_take(self, clip: StudyClip, other: StudyClip) -> bool:
        """Tell whether the other is somebody else, whose fact is known and differs."""
        if other.cluster == clip.cluster:
            return False
        if not self.differing:
            return True
        one, two = (c.sample.facts.get(self.differing) for c in (clip, other))
        return one is not None and two is not None and one != two

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Lay the other's sound under the picture, cut or repeated to the length of the clip's own."""
        assert other is not None
        own, rate = sound_of(clip.path)
        sound, its_rate = sound_of(other.path)
        length = round(own.shape[-1] / rate * its_rate)
        replace_audio(clip.path, as_long_as(sound, length), its_rate, 0.0, out)


@dataclass(frozen=True)
class Gain(Perturbation):
    """The sound louder by `db`; beyond full scale it would be clipped, so the whole is then kept below it."""

    db: float

    @property
    def name(self) -> str:
        """`gain-10db`."""
        return f"gain{self.db:+g}db"

    @property
    def dose(self) -> float:
        """Decibels."""
        return self.db

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip with its sound scaled."""
        sound, rate = sound_of(clip.path)
        peak = float(np.abs(sound).max(initial=0.0))
        factor = min(10 ** (self.db / 20), 0.99 / peak if peak > 0 else 1.0)
        replace_audio(clip.path, (sound * np.float32(factor)).astype(np.float32), rate, 0.0, out)


@dataclass(frozen=True)
class Noise(Perturbation):
    """White noise added at a ratio of `snr` dB to the root mean square of the whole sound."""

    snr: float

    @property
    def name(self) -> str:
        """`noise-10db`."""
        return f"noise-{self.snr:g}db"

    @property
    def dose(self) -> float:
        """The more noise, the larger."""
        return 60.0 - self.snr

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip with noise under its sound."""
        sound, rate = sound_of(clip.path)
        level = float(np.sqrt(np.square(sound).mean())) * 10 ** (-self.snr / 20)
        noisy = sound + white(sound.shape) * np.float32(level)
        replace_audio(clip.path, np.clip(noisy, -1, 1), rate, 0.0, out)


@dataclass(frozen=True)
class OtherSound(Perturbation):
    """Nobody speaks: digital silence, noise alone, or music (chords of a plucked instrument)."""

    kind: Literal["silence", "noise", "music"]

    @property
    def name(self) -> str:
        """`silence`, `no-speech` or `music`."""
        return "no-speech" if self.kind == "noise" else self.kind

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip with that sound in place of its own."""
        own, rate = sound_of(clip.path)
        length = own.shape[-1]
        if length == 0:
            raise MissingError(Reason.NO_AUDIO)
        if self.kind == "silence":
            sound = np.zeros(length, np.float32)
        elif self.kind == "noise":
            sound = white((length,)) * np.float32(0.02)
        else:
            sound = chords(length, rate)
        replace_audio(clip.path, sound, rate, 0.0, out)


def white(shape: tuple[int, ...]) -> Float32:
    """Return seeded noise of standard deviation 1."""
    return np.random.default_rng(SEED).standard_normal(shape).astype(np.float32)


def chords(length: int, rate: int) -> Float32:
    """Return music: a triad every half second, six decaying harmonics each, at a level of speech."""
    at = np.arange(length) / rate
    beat, within = (at // 0.5).astype(int), at % 0.5
    sound = np.zeros(length)
    for interval in (0, 4, 7):
        pitch = 220.0 * 2 ** ((np.array([0, 5, 7, 0])[beat % 4] + interval) / 12)
        for harmonic in range(1, 7):
            wave = np.sin(2 * np.pi * harmonic * pitch * within)
            sound += wave * np.exp(-within * (3 + 2 * harmonic)) / harmonic
    return np.asarray(0.1 * sound / np.abs(sound).max(initial=1e-9), np.float32)

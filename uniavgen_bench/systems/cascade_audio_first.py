"""The baseline `cascade-audio-first`: speech first, then a face that moves by what is heard.

It stands for the two-stage family "speech synthesis, then audio-driven talking head". Given: reference image, text,
caption (its gender word), and the reference audio (its pitch) or the driving audio where the task has one. The face
knows the sound alone, neither text nor phones. A clip that has begun is continued: the rest of the text is said by the
voice nearest in pitch, and a given picture with a shut mouth is animated.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.systems.continuing import joined, read_beginning, said_until
from uniavgen_bench.systems.given import laid_out, reference_picture, sound_of
from uniavgen_bench.systems.jaw_from_sound import jaw_from_sound
from uniavgen_bench.systems.mouth_warp import MouthWarp, find_mouth
from uniavgen_bench.systems.speaking import speech_for
from uniavgen_bench.systems.system import Job, SystemPlugin
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

RATE = 24_000


class CascadeAudioFirstOptions(Frozen):
    """`fps`, `frames`: the clip, where the task does not give its sound; `start`: s before speech; `synthesiser`."""

    fps: float = Field(default=16.0, ge=5, le=60)
    frames: int = Field(default=33, ge=5, le=2000)
    start: float = Field(default=0.2, ge=0, le=5)
    synthesiser: str = "portraits"


class CascadeAudioFirst:
    """Speaks, then animates."""

    def __init__(self, options: CascadeAudioFirstOptions) -> None:
        self._options, self._models = options, Models(WeightLocator())

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A generated clip is derived from no other."""
        return ()

    def generate(self, job: Job) -> None:
        """Write the clip.

        Raises:
            MissingError: no face in the reference image, no text, or what is needed is not here.
        """
        if job.sample.task is Task.CONTINUATION:
            self._continue(job)
            return
        picture = reference_picture(job.sample)
        place = find_mouth(picture, self._models)
        sound, frames = self._sound(job)
        openings = jaw_from_sound(sound, RATE, self._options.fps, frames)
        write_clip(job.out, MouthWarp(picture, place).film(openings), self._options.fps, sound, RATE)

    def _continue(self, job: Job) -> None:
        """Write the given beginning and what follows it."""
        sample, options = job.sample, self._options
        if sample.condition_video is None or sample.condition_audio is None:
            raise MissingError(Reason.NO_REFERENCE, "the sample has no beginning to continue")
        begun = read_beginning(sample.condition_video, self._models)
        first, frames = len(begun.pictures), options.frames
        if first >= frames:
            raise MissingError(
                Reason.NOT_GENERATED,
                f"the beginning has {first} frames, the clip is to have {frames} (raise the option frames)",
            )
        start = round(first / begun.fps * RATE)
        given = laid_out(sound_of(sample.condition_audio, RATE), 0, start)
        rest = self._rest(job, given, frames / begun.fps - start / RATE)
        sound = laid_out(joined(given, rest, RATE), 0, round(frames / begun.fps * RATE))
        openings = jaw_from_sound(sound, RATE, begun.fps, frames)[first:]
        film = chain(begun.pictures, MouthWarp(begun.calm, begun.place).film(openings))
        write_clip(job.out, film, begun.fps, sound, RATE)

    def _rest(self, job: Job, given: NDArray[np.float32], seconds: float) -> NDArray[np.float32]:
        """Return what is left to say after the given sound, faster where it would not fit into `seconds`."""
        spoken = speech_for(job.sample, job.seed, self._options.synthesiser)
        samples = resampled(spoken.samples, spoken.rate)
        said = said_until(given, samples, RATE)
        left = len(samples) / RATE - said
        if left > seconds > 0:
            whole = len(samples) / RATE * seconds / left
            spoken = speech_for(job.sample, job.seed, self._options.synthesiser, seconds=whole)
            samples = resampled(spoken.samples, spoken.rate)
            said = said_until(given, samples, RATE)
        return samples[round(said * RATE) :]

    def _sound(self, job: Job) -> tuple[NDArray[np.float32], int]:
        """Return the sound of the clip and how many frames it lasts."""
        options = self._options
        if job.sample.task is Task.AUDIO_DRIVEN:
            if job.sample.condition_audio is None:
                raise MissingError(Reason.NO_REFERENCE, "the sample has no driving audio")
            sound = sound_of(job.sample.condition_audio, RATE)
            return sound, max(1, round(len(sound) / RATE * options.fps))
        length = round(options.frames / options.fps * RATE)
        first = round(options.start * RATE)
        spoken = speech_for(job.sample, job.seed, options.synthesiser)
        if first + round(len(spoken.samples) / spoken.rate * RATE) > length:
            room = max(0.3, (length - first) / RATE - 0.02)
            spoken = speech_for(job.sample, job.seed, options.synthesiser, seconds=room)
        return laid_out(resampled(spoken.samples, spoken.rate), first, length), options.frames


def resampled(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return samples at 24 kHz."""
    if rate == RATE:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, RATE), np.float32)


PLUGIN = SystemPlugin(
    name="cascade-audio-first",
    summary="speech by a synthesiser, then a mouth that is warped by the sound's energy",
    make=CascadeAudioFirst,
    options=CascadeAudioFirstOptions,
    tasks=(Task.JOINT, Task.JOINT_REF_AUDIO, Task.CONTINUATION, Task.AUDIO_DRIVEN),
)

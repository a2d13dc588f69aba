"""The baseline `cascade-video-first`: a silent talking video first, then speech stretched onto its mouth.

It stands for the two-stage family "silent video, then dubbing". Given: reference image, text, caption (its gender
word), and the reference audio (its pitch) where the task has one. The mouth spells the text at an even pace and hears
nothing; in the task `dubbing` the silent video is given. Then the text is spoken, about as long as the mouth moves,
and the speech is stretched and squeezed (by a half to two) so that it is loud where the mouth is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Sample, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.mux import replace_audio, write_clip
from uniavgen_bench.media.probe import probe
from uniavgen_bench.systems.cascade_audio_first import RATE, resampled
from uniavgen_bench.systems.given import Float32, laid_out, reference_picture, spoken_text
from uniavgen_bench.systems.jaw_from_sound import jaw_from_sound, jaw_from_text
from uniavgen_bench.systems.mouth_warp import EYES, INNER_LOW, INNER_TOP, MouthWarp, find_mouth
from uniavgen_bench.systems.speaking import speech_for
from uniavgen_bench.systems.system import Job, SystemPlugin
from uniavgen_bench.systems.warping import stretched, time_map
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

Float64 = NDArray[np.float64]

MOVING_SHARE = 0.25
"""The mouth counts as speaking while it is open by this share of its widest opening."""
STEP = 0.01
"""Seconds between the moments at which mouth and sound are laid onto each other."""
LEAST_SPOKEN = 0.4
"""Seconds that a mouth must move for speech to be laid over it."""


class CascadeVideoFirstOptions(Frozen):
    """`fps`, `frames`: the silent clip; `start`, `rest`: s before speech and after it; `synthesiser`."""

    fps: float = Field(default=16.0, ge=5, le=60)
    frames: int = Field(default=33, ge=9, le=2000)
    start: float = Field(default=0.2, ge=0, le=5)
    rest: float = Field(default=0.15, ge=0, le=5)
    synthesiser: str = "portraits"


class CascadeVideoFirst:
    """Animates, then speaks."""

    def __init__(self, options: CascadeVideoFirstOptions) -> None:
        self._options, self._models = options, Models(WeightLocator())

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A generated clip is derived from no other."""
        return ()

    def generate(self, job: Job) -> None:
        """Write the clip.

        Raises:
            MissingError: no face or no moving mouth, no text, or what is needed is not here.
        """
        if job.sample.task is Task.DUBBING:
            self._dub(job)
            return
        options = self._options
        picture = reference_picture(job.sample)
        warp = MouthWarp(picture, find_mouth(picture, self._models))
        seconds = options.frames / options.fps
        end = max(options.start + LEAST_SPOKEN, seconds - options.rest)
        text = spoken_text(job.sample)
        openings = jaw_from_text(text, options.start, end, options.fps, options.frames)
        mouth = MovingMouth(np.arange(options.frames) / options.fps, openings, options.start, end)
        sound = self._speech(job.sample, job.seed, mouth, seconds)
        write_clip(job.out, warp.film(openings), options.fps, sound, RATE)

    def _dub(self, job: Job) -> None:
        source = job.sample.condition_video
        if source is None:
            raise MissingError(Reason.NO_REFERENCE, "the sample has no silent video")
        try:
            seconds = probe(source).video_duration
            if seconds is None:
                raise MissingError(Reason.NO_VIDEO)
            mouth = self._moving(source)
        except MediaError as error:
            raise MissingError(error.reason, str(error)) from error
        sound = self._speech(job.sample, job.seed, mouth, seconds)
        replace_audio(source, sound, RATE, 0.0, job.out)

    def _moving(self, source: Path) -> MovingMouth:
        """Return how the mouth of a silent video moves."""
        from uniavgen_bench.analysis.video_pass import analyse_video

        seen = analyse_video(source, self._models)
        if not seen.faces.tracks:
            raise MissingError(Reason.NO_FACE, "no face was found in the given video")
        track = seen.faces.tracks[0]
        opening = mouth_opening(track.landmarks)
        opening = opening - np.percentile(opening, 10)
        times = seen.frames.times[track.frames]
        open_at = times[opening > MOVING_SHARE * opening.max()]
        if len(open_at) == 0 or open_at[-1] - open_at[0] < LEAST_SPOKEN:
            raise MissingError(Reason.NOT_MEASURABLE, "the mouth of the given video hardly moves")
        return MovingMouth(times, opening, float(open_at[0]), float(open_at[-1]))

    def _speech(self, sample: Sample, seed: int, mouth: MovingMouth, seconds: float) -> Float32:
        """Speak the text onto a mouth; the sound lasts `seconds`."""
        spoken = speech_for(sample, seed, self._options.synthesiser, seconds=mouth.end - mouth.start)
        samples = onto(resampled(spoken.samples, spoken.rate), mouth)
        return laid_out(samples, round(mouth.start * RATE), round(seconds * RATE))


@dataclass(frozen=True)
class MovingMouth:
    """How far a mouth is open: `opening` [T] at `times` [T] s; it speaks from `start` to `end` s."""

    times: Float64
    opening: Float32
    start: float
    end: float


def onto(samples: Float32, mouth: MovingMouth) -> Float32:
    """Stretch speech [N] at 24 kHz so that it is loud where a mouth is open, from its start to its end."""
    heard = jaw_from_sound(samples, RATE, 1.0 / STEP, max(2, round(len(samples) / RATE / STEP)))
    clock = np.arange(mouth.start, mouth.end, STEP)
    seen = np.interp(clock, mouth.times, mouth.opening)
    return stretched(samples, RATE, time_map(heard, seen) * STEP, STEP)


def mouth_opening(landmarks: Float32) -> Float32:
    """Return the distance of the inner lips [n] of landmarks [n, 468, 3], in distances between the eyes."""
    flat = landmarks[..., :2]
    left, right = flat[:, list(EYES[:2])].mean(axis=1), flat[:, list(EYES[2:])].mean(axis=1)
    eyes = np.linalg.norm(right - left, axis=1)
    gap = np.linalg.norm(flat[:, INNER_TOP] - flat[:, INNER_LOW], axis=1)
    return np.asarray(gap / np.maximum(eyes, 1e-6), np.float32)


PLUGIN = SystemPlugin(
    name="cascade-video-first",
    summary="a mouth that spells the text at an even pace, then speech stretched onto its movement",
    make=CascadeVideoFirst,
    options=CascadeVideoFirstOptions,
    tasks=(Task.JOINT, Task.JOINT_REF_AUDIO, Task.DUBBING),
    code=2,
)

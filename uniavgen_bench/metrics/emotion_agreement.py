"""`emotion.agreement@1`: are face and voice aroused together, over the clip and over time, and as asked for."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64
from uniavgen_bench.core.result import (
    Curve,
    Evidence,
    Measurement,
    Missing,
    MissingError,
    Reason,
    Score,
)
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.emotion_face import SCALE, read_face
from uniavgen_bench.metrics.emotion_face import WEIGHT as FACE_WEIGHT
from uniavgen_bench.metrics.emotion_face_chip import LOOKS_PER_SECOND
from uniavgen_bench.metrics.emotion_face_reading import NEEDS, FaceReading
from uniavgen_bench.metrics.emotion_names import emotion_asked
from uniavgen_bench.metrics.emotion_voice import NORM_SHA256, fit_to_asked, read_voice
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.timbre_face_voice import READER_SHA256
from uniavgen_bench.metrics.timbre_reference import WEIGHT as SPEAKER_WEIGHT
from uniavgen_bench.metrics.voice_pitch import WEIGHT as PITCH_WEIGHT
from uniavgen_bench.metrics.voice_pitch import VoiceFrames
from uniavgen_bench.weights.models import Models

WINDOW, STEP = 1.0, 0.2
"""Seconds: arousal is averaged over windows of 1 s, five of them a second."""
MIN_WINDOWS = 10
"""Windows in which both face and voice are there: 3 s of clip."""
MIN_FRAMES = 10
"""Voiced frames of 16 ms in a window."""
MIN_CHANGE = 0.02
"""Standard deviation of the face's curve under which the face does not change.

One picture encoded at CRF 10 moved it by 0.0002, 0.001 and 0.008 (three clips), faces that speak by 0.07 … 0.22 (four).
"""


def _share(name: str, meaning: str) -> FieldSpec:
    return FieldSpec(
        name=name, unit="probability", direction=Direction.HIGHER, low=0.0, high=1.0, meaning=meaning
    )


SPEC = MetricSpec(
    id="emotion.agreement",
    version=1,
    title="Arousal of face against voice",
    summary="Whether the face (emotion.face) and the voice (emotion.voice) are aroused together.",
    fields=(
        _share(
            "agreement",
            "f v + (1 - f) (1 - v) of the arousal of face and voice, taken for independent readings: 0.5 = no idea",
        ),
        _share(
            "asked",
            "the lesser of emotion.face.asked and emotion.voice.asked: both must show what is asked for. Missing where "
            "none of the six emotions whose arousal is known is asked for",
        ),
        FieldSpec(
            name="over_time",
            unit="correlation",
            direction=Direction.NONE,
            low=-1.0,
            high=1.0,
            meaning="of the two curves of arousal, in windows of 1 s: does the face move with the voice; missing where "
            f"the face's curve has a standard deviation of less than {MIN_CHANGE:g}, as a still picture's has",
        ),
        FieldSpec(
            name="face_arousal",
            unit="probability",
            direction=Direction.NONE,
            low=0.0,
            high=1.0,
            meaning="mean probability that the face is neither neutral nor sad",
        ),
        FieldSpec(
            name="voice_arousal",
            unit="share",
            direction=Direction.NONE,
            low=0.0,
            high=1.0,
            meaning="share of reference voices that sound less aroused",
        ),
    ),
    needs=(*NEEDS, Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("facts",),
    weights=(FACE_WEIGHT, PITCH_WEIGHT, SPEAKER_WEIGHT),
    tier=Tier.EMBEDDED,
    licence="networks: MIT (fer, SwiftF0), Apache-2.0 (Resemblyzer); norm: Apache-2.0 (reports/models/arousal.md)",
    source="This project: emotion.face@1 against emotion.voice@1, both on the axis of arousal (Russell 1980), because "
    "real voices give no more without a trained network",
    deviations=(
        "Valence is not compared: a happy face with an angry voice agrees here.",
        "Own voices against swapped ones: AUC of `agreement` 0.53 [0.49, 0.57] on 96 clips of the portrait world "
        "(voices of the other arousal), 0.49 [0.43, 0.54] on 113 real and generated clips; of `over_time` 0.55 "
        "[0.49, 0.62] on 108 of them. None is told from chance.",
    ),
    not_for=(
        "deciding whether face and voice agree, on real clips and in the portrait world: own pairs are not told from "
        "swapped ones (see deviations); it is a reading to look at, and `asked` is as good as its two parts",
        "ranking systems by `agreement` or `over_time`",
        "whether face and voice show the same emotion: only how aroused they are is compared "
        "(emotion.agreement[portraits@1] compares emotions, for drawn heads)",
    ),
)


def agreement(face: float, voice: float) -> float:
    """Return the probability that both are aroused or both are calm, 0 … 1.

    Example:
        >>> agreement(1.0, 0.0)
        0.0
    """
    return face * voice + (1.0 - face) * (1.0 - voice)


def window_means(times: Float64, values: Float64, centres: Float64, least: int) -> Float64:
    """Return the mean of values [m] at `times` [m] s in windows of 1 s around `centres` [W]: [W].

    nan where a window holds fewer than `least` finite values.
    """
    found = np.full(len(centres), np.nan)
    for i, centre in enumerate(centres):
        inside = values[np.abs(times - centre) <= WINDOW / 2]
        inside = inside[np.isfinite(inside)]
        if len(inside) >= least:
            found[i] = inside.mean()
    return found


def voice_curve(frames: VoiceFrames, start: float, centres: Float64) -> Float64:
    """Return the voice's arousal in windows around `centres` [W] s of the clip's clock: [W], nan where it is silent.

    The mean of pitch, tilt and level, each standardised over the clip: within a clip the level counts.
    """
    curves = []
    for values in (frames.octaves, frames.tilt, frames.level):
        means = window_means(
            frames.times + start, np.where(frames.voiced, values, np.nan), centres, MIN_FRAMES
        )
        there = means[np.isfinite(means)]
        spread = float(there.std()) if len(there) else 0.0
        curves.append((means - there.mean()) / spread if spread > 1e-9 else means * 0.0)
    mean: Float64 = np.mean(curves, axis=0)
    return mean


def over_time(
    face: FaceReading, frames: VoiceFrames, start: float
) -> tuple[Score | Missing, Float64, Float64, Float64]:
    """Return the correlation of face and voice over time, and what it is from: centres [W] s, both curves [W]."""
    first, last = float(face.times[0]), float(face.times[-1])
    centres = np.arange(first + WINDOW / 2, last - WINDOW / 2 + 1e-9, STEP)
    seen = window_means(face.times, face.aroused, centres, 2)
    heard = voice_curve(frames, start, centres)
    both = np.isfinite(seen) & np.isfinite(heard)
    centres, seen, heard = centres[both], seen[both], heard[both]
    if len(centres) < MIN_WINDOWS:
        missing = Missing(
            Reason.TOO_SHORT, f"{len(centres)} windows with face and voice, {MIN_WINDOWS} needed"
        )
        return missing, centres, seen, heard
    a, b = seen - seen.mean(), heard - heard.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    if seen.std() < MIN_CHANGE or size < 1e-9:
        return Missing(Reason.NOT_MEASURABLE, "face or voice does not change"), centres, seen, heard
    return Score(float(np.clip(a @ b / size, -1.0, 1.0))), centres, seen, heard


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the arousal of the speaker's face with that of the voice.

    Raises:
        MissingError: `no_face`, `several_speakers`, `no_audio`, `silent`, `no_speech`, `too_short`, `weights`.
    """
    face, voice = read_face(clip, models), read_voice(clip, models)
    aroused = float(face.aroused.mean())
    score, centres, seen, heard = over_time(face, voice.frames, clip.speech.start)
    scores: dict[str, Score | Missing] = {
        "agreement": Score(agreement(aroused, voice.arousal)),
        "over_time": score,
        "face_arousal": Score(aroused),
        "voice_arousal": Score(voice.arousal),
    }
    try:
        fits = fit_to_asked(voice.arousal, sample)
        shown = float(face.of(emotion_asked(sample)).mean())
        scores["asked"] = Score(min(shown, fits))
    except MissingError as error:
        scores["asked"] = error.missing
    times = tuple(centres.round(3).tolist())
    curves = (
        Curve("face", "probability", times, tuple(seen.round(4).tolist())),
        Curve("voice", "SD", times, tuple(heard.round(4).tolist())),
    )
    return Measurement(scores, Evidence(curves=curves))


METRIC = Metric(
    SPEC,
    measure,
    params=(
        ("scale", SCALE),
        ("looks", LOOKS_PER_SECOND),
        ("norm", NORM_SHA256),
        ("reader", READER_SHA256),
        ("window", (WINDOW, STEP, MIN_WINDOWS, MIN_FRAMES)),
        ("min_change", MIN_CHANGE),
    ),
    code=2,
)

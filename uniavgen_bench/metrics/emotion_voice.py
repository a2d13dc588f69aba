"""`emotion.voice@1`: how aroused the voice sounds, by pitch and spectral tilt; it claims no classes of emotion."""

from __future__ import annotations

from dataclasses import dataclass

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
from uniavgen_bench.metrics.emotion_names import AROUSED, CALM, emotion_asked
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_models import DATA
from uniavgen_bench.metrics.timbre_face_voice import READER_SHA256, load_shipped_reader
from uniavgen_bench.metrics.timbre_reference import WEIGHT as SPEAKER_WEIGHT
from uniavgen_bench.metrics.timbre_reference import embedding, voiced_part
from uniavgen_bench.metrics.voice_arousal import MIN_VOICED, ArousalNorm, arousal_features, load_norm
from uniavgen_bench.metrics.voice_pitch import WEIGHT as PITCH_WEIGHT
from uniavgen_bench.metrics.voice_pitch import VoiceFrames, voice_frames
from uniavgen_bench.weights.models import Models

NORM_FILE = DATA / "voice_arousal_v1.safetensors"
NORM_SHA256 = "6df37ade78bca122b589d22341c374ad1feeb8145e7cbc8da5490190c26f5adc"
"""Of the norm; it is part of the cache key, and another file does not load."""

SPEC = MetricSpec(
    id="emotion.voice",
    version=1,
    title="Arousal of the voice",
    summary="How aroused the voice sounds against reference voices: pitch, its spread and movement, spectral tilt.",
    fields=(
        FieldSpec(
            name="asked",
            unit="share",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="arousal where an aroused emotion is asked for (happy, angry, surprised, fearful), 1 - arousal "
            "for a calm one (neutral, sad); 0.5 = no idea. Missing where none of them is asked for",
        ),
        FieldSpec(
            name="arousal",
            unit="share",
            direction=Direction.NONE,
            low=0.0,
            high=1.0,
            meaning="share of reference voices that sound less aroused: 0.5 = as usual",
        ),
        FieldSpec(
            name="above_reference",
            unit="SD",
            direction=Direction.NONE,
            low=-3.0,
            high=3.0,
            meaning="how far the voice lies above the sample's reference audio, as mean over the four features in "
            "standard deviations of reference voices",
            sign="positive: more aroused than the reference audio",
        ),
        FieldSpec(name="pitch", unit="Hz", direction=Direction.NONE, low=0.0, meaning="median pitch"),
        FieldSpec(
            name="pitch_spread",
            unit="octaves",
            direction=Direction.NONE,
            low=0.0,
            meaning="standard deviation of the pitch",
        ),
        FieldSpec(
            name="tilt",
            unit="dB",
            direction=Direction.NONE,
            meaning="energy above 500 Hz against below in voiced sound: pressed and loud voices have more",
        ),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("facts", "reference_audio", "condition_audio"),
    weights=(PITCH_WEIGHT, SPEAKER_WEIGHT),
    tier=Tier.EMBEDDED,
    licence="pitch: MIT (SwiftF0); speaker encoder: Apache-2.0 (Resemblyzer); norm: Apache-2.0 "
    "(reports/models/arousal.md)",
    source="rule: Bone, Lee, Narayanan, IEEE Transactions on Affective Computing 5 (2014), with its level left out and "
    "spread and movement of the pitch added (Scherer, Speech Communication 40, 2003); pitch: SwiftF0 0.3.0",
    deviations=(
        "The original compares with the speaker's own neutral speech and with its level; here the usual pitch comes "
        "from P(male) of the voice (timbre.face_voice), the rest from reference voices, and no clip's level is used.",
        "Nothing is fitted to emotions: the norm holds medians and spreads of unlabelled voices.",
        "The portrait world, 96 clips of people of the split test, none of them in the norm: AUC of aroused against "
        "calm voices 0.86 [0.78, 0.93], by `above_reference` 0.95 [0.90, 0.98].",
        "Three clips of UniAVGen that were asked to sound angry, happy and calm: arousal 1.00, 1.00 and 0.84; three "
        "clips show nothing more than that.",
    ),
    not_for=(
        "which emotion it is: anger, joy, fear and surprise are all aroused, and valence is not heard",
        "ranking real voices: it was shown on synthetic ones; no recordings with known emotion were at hand",
        "small differences: pitch and tilt differ between people, microphones and codecs as much as between emotions",
        "children, singing, music under the voice, several speakers",
        "audio-driven clips whose sound is the given audio: it measures only that",
    ),
)


@dataclass(frozen=True)
class VoiceReading:
    """A voice: its frames, features [4], P(male), and arousal 0 … 1."""

    frames: VoiceFrames
    features: Float64
    male: float
    arousal: float


def read_voice(clip: ClipArtefacts, models: Models) -> VoiceReading:
    """Listen to the clip's voice.

    Raises:
        MissingError: `no_audio`, `silent`, `no_speech`, `too_short`, `weights`.
    """
    norm = models.get("voice-arousal-v1", load_shipped_norm)
    reader = models.get("face-voice-v1", load_shipped_reader)
    speech = clip.speech
    voiced = voiced_part(speech, clip.voice_activity, "the clip")
    male = reader.read(embedding(voiced, models))[0]
    frames = voice_frames(speech.samples, models)
    features = arousal_features(frames)
    return VoiceReading(frames, features, male, norm.arousal(features, male))


def load_shipped_norm() -> ArousalNorm:
    """Load the norm that comes with the package; raises `MissingError(weights)`."""
    return load_norm(NORM_FILE, NORM_SHA256)


def fit_to_asked(arousal: float, sample: Sample) -> float:
    """Return how well an arousal fits the emotion that the sample asks for, 0 … 1.

    Raises:
        MissingError: `no_reference` where it asks for none, or for disgust, whose arousal nobody agrees on.
    """
    asked = emotion_asked(sample, sorted(AROUSED | CALM))
    return arousal if asked in AROUSED else 1.0 - arousal


def _above_reference(
    clip: ClipArtefacts, sample: Sample, reading: VoiceReading, models: Models
) -> Score | Missing:
    if sample.reference_audio is None:
        return Missing(Reason.NO_REFERENCE, "the sample names no reference audio")
    norm = models.get("voice-arousal-v1", load_shipped_norm)
    try:
        neutral = arousal_features(voice_frames(clip.reference_speech.samples, models), "the reference audio")
    except MissingError as error:
        if error.missing.reason is Reason.NO_SPEECH:
            return Missing(Reason.NO_REFERENCE, error.missing.detail)
        return error.missing
    return Score(norm.above(reading.features, neutral))


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Read the arousal of the clip's voice."""
    reading = read_voice(clip, models)
    pitch, spread, _, tilt = (float(v) for v in reading.features)
    scores: dict[str, Score | Missing] = {
        "arousal": Score(reading.arousal),
        "pitch": Score(2.0**pitch),
        "pitch_spread": Score(spread),
        "tilt": Score(tilt),
    }
    try:
        scores["asked"] = Score(fit_to_asked(reading.arousal, sample))
    except MissingError as error:
        scores["asked"] = error.missing
    scores["above_reference"] = _above_reference(clip, sample, reading, models)
    return Measurement(scores, Evidence(curves=_pitch_curve(reading.frames, clip.speech.start)))


def _pitch_curve(frames: VoiceFrames, start: float) -> tuple[Curve, ...]:
    at = np.flatnonzero(frames.voiced)
    times = (start + frames.times[at]).round(4).tolist()
    return (Curve("pitch", "Hz", tuple(times), tuple((2.0 ** frames.octaves[at]).round(1).tolist())),)


METRIC = Metric(
    SPEC, measure, params=(("norm", NORM_SHA256), ("reader", READER_SHA256), ("min_voiced", MIN_VOICED))
)

"""`portraits.identity@1`: is the voice that of the person shown, against the person's true speech."""

from __future__ import annotations

from pathlib import Path

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.result import Measurement, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_truth import SPEECH, truth_path
from uniavgen_bench.metrics.timbre_reference import MIN_SECONDS, WEIGHT, cosine, embedding, voiced_part
from uniavgen_bench.weights.models import Models

SPEC = MetricSpec(
    id="portraits.identity",
    version=1,
    title="Voice against the person's true voice",
    summary="Cosine between the speaker embeddings of the clip's sound and of the true speech of the same sample.",
    fields=(
        FieldSpec(
            name="voice",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="1 = the true sound itself; other people's voices lie well above 0",
        ),
    ),
    needs=(Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("facts",),
    weights=(WEIGHT,),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="network: Apache-2.0 (Resemblyzer)",
    source="Wan et al., arXiv:1710.10467 (GE2E); the truth of the portrait world",
    deviations=(
        "The true speech has the sample's sentence and emotion; `timbre.reference` takes another, calm one.",
        "The face is not looked at: every system is given the reference image.",
    ),
    not_for=("clips without a known truth", "tasks that give the true speech: it measures only the copy"),
)


def true_voice(path: Path, models: Models) -> Float32:
    """Return the speaker embedding [256] of the true speech; raises `MissingError` where it has too little voice."""
    true = load_speech(path)
    return embedding(voiced_part(true, detect_voice(true, models), "the true speech"), models)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the clip's voice with the true one."""
    path = truth_path(sample).with_name(SPEECH)
    heard = embedding(voiced_part(clip.speech, clip.voice_activity, "the clip"), models)
    # Every system of a run is compared with the same true voices.
    true = models.get(f"true-voice {path}", lambda: true_voice(path, models))
    return Measurement({"voice": Score(cosine(heard, true))})


METRIC = Metric(SPEC, measure, params=(("min_seconds", MIN_SECONDS),))

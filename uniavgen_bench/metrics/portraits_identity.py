"""`portraits.identity@2`: is the voice that of the person shown, and the face that of the reference image."""

from __future__ import annotations

from pathlib import Path

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32
from uniavgen_bench.analysis.needs import FACE_WEIGHTS
from uniavgen_bench.analysis.speech import load_speech
from uniavgen_bench.analysis.voice_activity import detect_voice
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_faces import (
    MIN_FRAMES,
    clip_looks,
    long_enough,
    reference_face,
    reference_looks,
)
from uniavgen_bench.metrics.portrait_models import DATA, FaceProjection, load_model
from uniavgen_bench.metrics.portrait_truth import SPEECH, truth_path
from uniavgen_bench.metrics.timbre_reference import MIN_SECONDS, WEIGHT, cosine, embedding, voiced_part
from uniavgen_bench.weights.models import Models

MODEL_FILE = DATA / "portrait_identity_v1.safetensors"
MODEL_SHA256 = "ba41196c089d519b67702baabb5d077e8707fe3b33963429a004db3e8b3866fc"
"""Of the fitted projection; it is part of the cache key, and another file does not load."""

SPEC = MetricSpec(
    id="portraits.identity",
    version=2,
    title="Voice and face against the person's own",
    summary="Cosine between the speaker embeddings of the clip's sound and of the true speech of the same sample, and "
    "between the looks of the clip's face and of the reference image.",
    fields=(
        FieldSpec(
            name="voice",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="1 = the true sound itself; other people's voices lie well above 0",
        ),
        FieldSpec(
            name="face",
            unit="cosine",
            direction=Direction.HIGHER,
            low=-1.0,
            high=1.0,
            meaning="of colours of the aligned face; true clips lie near 1, other people of the same gender and "
            "domain near 0",
        ),
    ),
    needs=(Artefact.FACES, Artefact.CROPS, Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    sample_needs=("image", "facts"),
    weights=(WEIGHT, *FACE_WEIGHTS),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="network: Apache-2.0 (Resemblyzer); projection: Apache-2.0 (reports/models/portraits.md)",
    source="Wan et al., arXiv:1710.10467 (GE2E); for the face this project: principal components and within-person "
    "whitening of colours; AUC on people that it was not fitted on: reports/models/portraits.md",
    deviations=(
        "The true speech has the sample's sentence and emotion; `timbre.reference` takes another, calm one.",
        "The face is not recognised by a network: skin, eyes, brows, glasses and beard count as colours at their "
        "places, averaged over the clip; hair, clothes and background lie outside.",
        "A system that copies the reference image has its face by construction.",
    ),
    not_for=(
        "clips without a known truth",
        "real faces: the projection knows only the portrait world",
        "tasks that give the true speech: the voice measures only the copy",
    ),
)


def load_projection() -> FaceProjection:
    """Load the projection that comes with the package; raises `MissingError(weights)`."""
    return load_model(FaceProjection, MODEL_FILE, MODEL_SHA256)


def true_voice(path: Path, models: Models) -> Float32:
    """Return the speaker embedding [256] of the true speech; raises `MissingError` where it has too little voice."""
    true = load_speech(path)
    return embedding(voiced_part(true, detect_voice(true, models), "the true speech"), models)


def voice_likeness(clip: ClipArtefacts, truth: Path, models: Models) -> float:
    """Compare the clip's voice with the true one, 0 … 1."""
    path = truth.with_name(SPEECH)
    if not path.is_file():
        raise MissingError(Reason.FAILED, f"the truth cannot be read: {path.name} is gone")
    heard = embedding(voiced_part(clip.speech, clip.voice_activity, "the clip"), models)
    # Every system of a run is compared with the same true voices.
    true = models.get(f"true-voice {sha256_file(path)}", lambda: true_voice(path, models))
    return cosine(heard, true)


def face_likeness(clip: ClipArtefacts, image: Path | None, models: Models) -> float:
    """Compare the face of the clip's longest track with the reference image's, -1 … 1."""
    projection = models.get("portrait-identity-v1", load_projection)
    own = reference_looks(reference_face(image, models), projection.template)
    shown = clip_looks(long_enough(clip.faces.tracks[0]), clip.crops, projection.template)
    return projection.likeness(shown, own)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare voice and face, each for itself."""
    truth = truth_path(sample)
    scores: dict[str, Score | Missing] = {}
    for name in ("voice", "face"):
        try:
            if name == "voice":
                scores[name] = Score(voice_likeness(clip, truth, models))
            else:
                scores[name] = Score(face_likeness(clip, sample.image, models))
        except MissingError as error:
            scores[name] = error.missing
    return Measurement(scores)


METRIC = Metric(
    SPEC,
    measure,
    params=(("min_seconds", MIN_SECONDS), ("min_frames", MIN_FRAMES), ("model", MODEL_SHA256)),
)

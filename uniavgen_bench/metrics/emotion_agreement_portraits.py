"""`emotion.agreement[portraits@1]`: do face and voice of a drawn head show the same of six emotions."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64
from uniavgen_bench.analysis.needs import FACE_WEIGHTS
from uniavgen_bench.core.result import Evidence, Measurement, Missing, MissingError, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.emotion_names import emotion_asked
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_faces import MIN_FRAMES
from uniavgen_bench.metrics.portrait_models import EMOTIONS
from uniavgen_bench.metrics.portraits_emotion import MODEL_SHA256, face_features, load_readers
from uniavgen_bench.metrics.voice_prosody import MIN_VOICED, prosody
from uniavgen_bench.weights.models import Models

SPEC = MetricSpec(
    id="emotion.agreement",
    version=1,
    protocol="portraits",
    title="Emotion of face against voice (portrait world)",
    summary="Overlap of what portraits.emotion reads from the face and from the voice, over six emotions.",
    fields=(
        FieldSpec(
            name="overlap",
            unit="",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="sum of sqrt(p q) over the six emotions (Bhattacharyya): 1 = the same distribution",
        ),
        FieldSpec(
            name="asked",
            unit="probability",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="the lesser of the probabilities that face and voice give to the emotion asked for",
        ),
    ),
    needs=(Artefact.FACES, Artefact.SPEECH),
    sample_needs=("image", "facts"),
    weights=FACE_WEIGHTS,
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0; readers fitted on the portrait world (reports/models/portraits.md)",
    source="This project: the readers of portraits.emotion@1; overlap: Bhattacharyya 1943",
    deviations=(
        "The readers hear emotion mostly by loudness, see portraits.emotion; a system that levels its sound is scored "
        "as it sounds.",
        "96 clips of people of the split test: AUC of `overlap` of own voices against those of other emotions 0.97 "
        "[0.96, 0.99]. The readers were fitted on other people of the same world.",
    ),
    not_for=(
        "real faces and real voices: the readers know only the portrait world",
        "change over time: emotions of this world last for the whole clip",
        "single clips: happy and surprised voices are often taken for each other",
    ),
)


def overlap(face: Float64, voice: Float64) -> float:
    """Return the overlap of two distributions [C], 0 … 1.

    Example:
        >>> overlap(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
        0.0
    """
    return float(np.clip(np.sqrt(face * voice).sum(), 0.0, 1.0))


def read_both(clip: ClipArtefacts, sample: Sample, models: Models) -> tuple[Float64, Float64]:
    """Return what face and voice show: the probability of each of six emotions [6], twice.

    Raises:
        MissingError: as portraits.emotion.
    """
    readers = models.get("portrait-emotion-v1", load_readers)
    face = readers.of_face(face_features(clip, sample, models, readers.template))
    return face, readers.of_voice(prosody(clip.speech.samples, clip.speech.rate))


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare what is read from face and voice."""
    face, voice = read_both(clip, sample, models)
    scores: dict[str, Score | Missing] = {"overlap": Score(overlap(face, voice))}
    try:
        at = EMOTIONS.index(emotion_asked(sample, EMOTIONS))
        scores["asked"] = Score(float(min(face[at], voice[at])))
    except MissingError as error:
        scores["asked"] = error.missing
    texts = {
        f"read from the {name}": ", ".join(f"{EMOTIONS[i]} {read[i]:.2f}" for i in np.argsort(read)[::-1][:3])
        for name, read in (("face", face), ("voice", voice))
    }
    return Measurement(scores, Evidence(texts=texts))


METRIC = Metric(
    SPEC,
    measure,
    params=(("model", MODEL_SHA256), ("min_frames", MIN_FRAMES), ("min_voiced", MIN_VOICED)),
)

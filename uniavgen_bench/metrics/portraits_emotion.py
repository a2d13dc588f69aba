"""`portraits.emotion@1`: can the emotion that was asked for be read from the face, and from the voice."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64
from uniavgen_bench.analysis.needs import FACE_WEIGHTS
from uniavgen_bench.core.result import Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.emotion_names import NO_EMOTION
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_faces import MIN_FRAMES, expression, long_enough, reference_face
from uniavgen_bench.metrics.portrait_models import DATA, EMOTIONS, EmotionReaders, load_model
from uniavgen_bench.metrics.voice_prosody import MIN_VOICED, prosody
from uniavgen_bench.weights.models import Models

MODEL_FILE = DATA / "portrait_emotion_v1.safetensors"
MODEL_SHA256 = "64312c6df91d3412621c6b9e84b3de2b1b2b777333f0aa3738ba74e6cde3c959"
"""Of the fitted readers; it is part of the cache key, and another file does not load."""


def _probability(name: str, of: str) -> FieldSpec:
    return FieldSpec(
        name=name,
        unit="probability",
        direction=Direction.HIGHER,
        low=0.0,
        high=1.0,
        meaning=f"what the reader of the {of} gives to the emotion asked for; 0.17 = chance",
    )


def _right(name: str, of: str) -> FieldSpec:
    return FieldSpec(
        name=name,
        unit="share",
        direction=Direction.HIGHER,
        low=0.0,
        high=1.0,
        meaning=f"1 where the reader of the {of} takes the emotion asked for to be the likeliest of six",
    )


SPEC = MetricSpec(
    id="portraits.emotion",
    version=1,
    title="Emotion asked for, read from face and voice",
    summary="Probability of the sample's emotion by linear discriminants of the expression (landmarks of the clip "
    "against those of the reference image) and of the voice's loudness, brightness and pitch spread.",
    fields=(
        _probability("face", "face"),
        _right("face_right", "face"),
        _probability("voice", "voice"),
        _right("voice_right", "voice"),
    ),
    needs=(Artefact.FACES, Artefact.SPEECH),
    sample_needs=("image", "facts"),
    weights=FACE_WEIGHTS,
    floors=("static-portrait",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0; fitted on the portrait world (reports/models/portraits.md)",
    source="This project; linear discriminant analysis (Fisher 1936). Accuracy on people that it was not fitted on: "
    "reports/models/portraits.md",
    deviations=(
        "Emotions are those of the portrait world: neutral, happy, sad, angry, surprised, fearful, as it draws and "
        "speaks them.",
        "The face is read against the reference image, which shows the person calm: another calm face biases it.",
        "The voice is read mostly by its loudness, because that is how voices of this world differ most between "
        "emotions; a system that levels its sound is scored as it sounds.",
        "Happy and surprised voices are often taken for each other, in true clips too.",
    ),
    not_for=(
        "real faces and real voices: the readers know only the portrait world",
        "clips without a known emotion",
        "single clips: even true ones are misread now and then",
    ),
)


def load_readers() -> EmotionReaders:
    """Load the readers that come with the package; raises `MissingError(weights)`."""
    return load_model(EmotionReaders, MODEL_FILE, MODEL_SHA256)


def face_features(clip: ClipArtefacts, sample: Sample, models: Models, template: Float64) -> Float64:
    """Return the expression [D] of a clip's longest track against its reference image."""
    track = long_enough(clip.faces.tracks[0])
    return expression(track.landmarks, reference_face(sample.image, models).points, template)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Read the emotion from face and voice, each for itself."""
    asked = sample.facts.get("emotion")
    if not asked:
        raise MissingError(Reason.NO_REFERENCE, NO_EMOTION)
    if asked not in EMOTIONS:
        raise MissingError(Reason.NO_REFERENCE, f"{asked!r} is none of {', '.join(EMOTIONS)}")
    readers = models.get("portrait-emotion-v1", load_readers)
    at = EMOTIONS.index(asked)
    scores: dict[str, Score | Missing] = {}
    texts = {"asked for": asked}
    for name in ("face", "voice"):
        try:
            if name == "face":
                read = readers.of_face(face_features(clip, sample, models, readers.template))
            else:
                read = readers.of_voice(prosody(clip.speech.samples, clip.speech.rate))
        except MissingError as error:
            scores |= {name: error.missing, f"{name}_right": error.missing}
            continue
        scores |= {name: Score(float(read[at])), f"{name}_right": Score(float(read.argmax() == at))}
        order = np.argsort(read)[::-1][:3]
        texts[f"read from the {name}"] = ", ".join(f"{EMOTIONS[i]} {read[i]:.2f}" for i in order)
    return Measurement(scores, Evidence(texts=texts))


METRIC = Metric(
    SPEC,
    measure,
    params=(("model", MODEL_SHA256), ("min_frames", MIN_FRAMES), ("min_voiced", MIN_VOICED)),
)

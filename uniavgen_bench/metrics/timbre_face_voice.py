"""`timbre.face_voice@1`: do gender and age of the voice fit the face: the paper's rubric without a judge."""

from __future__ import annotations

from dataclasses import dataclass

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.core.result import Evidence, Measurement, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.timbre_face_voice_faces import (
    AGE_WEIGHT,
    AGES,
    CHILD_BELOW,
    FACES,
    GENDER_WEIGHT,
    FaceAttributes,
    attributes,
)
from uniavgen_bench.metrics.timbre_face_voice_voices import DATA, VoiceReader, load_reader
from uniavgen_bench.metrics.timbre_reference import MIN_SECONDS, WEIGHT, embedding, voiced_part
from uniavgen_bench.weights.models import Models

READER_FILE = DATA / "face_voice_v1.safetensors"
READER_SHA256 = "6d10ab82971b49f6fc29eb384392e64dca034b7bdbefbec7fccb8ef877111621"
"""Of the fitted reader of voices; it is part of the cache key, and another file does not load."""


def _share(name: str, meaning: str, direction: Direction) -> FieldSpec:
    return FieldSpec(name=name, unit="probability", direction=direction, low=0.0, high=1.0, meaning=meaning)


SPEC = MetricSpec(
    id="timbre.face_voice",
    version=1,
    title="Voice against face: gender and age",
    summary="How well the gender and age heard in the voice fit those seen in the face, graded 0 … 1.",
    fields=(
        _share(
            "match",
            "gender * (1 + age) / 2: 0 = the genders contradict each other, 0.5 = gender fits and age does not, 1 = "
            "both fit",
            Direction.HIGHER,
        ),
        _share("gender", "probability that the genders do not contradict each other", Direction.HIGHER),
        _share("age", "probability that both or neither are a child's", Direction.HIGHER),
        _share("face_male", "P(male) of the face, mean over up to eight frames", Direction.NONE),
        _share("voice_male", "P(male) of the voice, taken for a grown-up's", Direction.NONE),
        _share("voice_child", "P(child) of the voice", Direction.NONE),
        FieldSpec(
            name="face_years",
            unit="years",
            direction=Direction.NONE,
            low=0.0,
            high=AGES - 1.0,
            meaning="expected age of the face",
        ),
    ),
    needs=(Artefact.FACES, Artefact.CROPS, Artefact.SPEECH, Artefact.VOICE_ACTIVITY, Artefact.SPEAKER),
    weights=(WEIGHT, GENDER_WEIGHT, AGE_WEIGHT),
    floors=("shuffled-audio",),
    tier=Tier.EMBEDDED,
    licence="networks: CC0-1.0 (dlib-models), Apache-2.0 (Resemblyzer); reader of voices: Apache-2.0 "
    "(reports/models/face_voice.md)",
    source="rubric: UniAVGen (arXiv:2511.03334), from 0 (gender mismatch) to 1 (gender and age match), there given by "
    "a multimodal model; face: dlib's gender and age networks; voice: logistic models on GE2E embeddings "
    "(arXiv:1710.10467), fitted by this project",
    deviations=(
        "Both sides are read by small models, not by a judge; the grade is a formula of their probabilities.",
        f"Age is only child (under {CHILD_BELOW}) against grown-up: old and young grown-ups are not told apart by the "
        "voice (AUC 0.60 in the portrait world, no better on real clips), so they count as equal.",
        "A child's gender is not heard: where face or voice is a child's, gender counts as fitting.",
        "Chips of the face are cut by this suite's landmarks: on 12 faces the gender was the same as by dlib's own "
        "landmarks on all, the age 2.6 years off on average and 10 at most.",
        "Own pairs of face and voice against swapped ones, on 98 clips whose sound nothing was fitted on: AUC of "
        "`match` 0.92 [0.85, 0.96] where the other voice's own face has the other gender, 0.72 [0.68, 0.75] over all "
        "swaps (half of them have the same gender, so that about 0.75 is the most), 0.52 where the gender is the same.",
    ),
    not_for=(
        "whether the voice is this very person's: two people of one gender and age band score alike",
        "the portrait world: the face networks read its drawn heads badly (gender AUC 0.73 on 24 people)",
        "single clips near 0.5: the readers are unsure there",
        "clips whose face or voice has no clear gender, statues, animals and robots",
        "a judgement about people: gender and age here are what two models read from pixels and sound",
    ),
)


@dataclass(frozen=True)
class Agreement:
    """How well face and voice fit, each 0 … 1."""

    gender: float
    age: float

    @property
    def match(self) -> float:
        """The paper's scale: nothing without the gender, half without the age."""
        return self.gender * (1.0 + self.age) / 2.0


def agreement(face: FaceAttributes, voice_male: float, voice_child: float) -> Agreement:
    """Compare what was seen with what was heard, both taken for independent readings.

    Example:
        >>> import numpy as np
        >>> woman = FaceAttributes(male=0.0, bands=np.array([0.0, 1.0, 0.0]), years=30.0)
        >>> agreement(woman, voice_male=1.0, voice_child=0.0).match
        0.0
    """
    same = face.male * voice_male + (1 - face.male) * (1 - voice_male)
    face_child = float(face.bands[0])
    grown_up = (1 - face_child) * (1 - voice_child)
    return Agreement(gender=1 - grown_up * (1 - same), age=face_child * voice_child + grown_up)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Look at the speaker's face and listen to the clip's voice.

    Raises:
        MissingError: `no_face`, `several_speakers`, `no_speech`, `too_short`, `weights`.
    """
    reader = models.get("face-voice-v1", load_shipped_reader)
    voiced = voiced_part(clip.speech, clip.voice_activity, "the clip")
    number = clip.speaker.track
    face = attributes(clip.faces.tracks[number], clip.crops, number, models)
    male, child = reader.read(embedding(voiced, models))
    fits = agreement(face, male, child)
    return Measurement(
        {
            "match": Score(fits.match),
            "gender": Score(fits.gender),
            "age": Score(fits.age),
            "face_male": Score(face.male),
            "voice_male": Score(male),
            "voice_child": Score(child),
            "face_years": Score(face.years),
        },
        Evidence(texts={"face": _told(face.male, float(face.bands[0])), "voice": _told(male, child)}),
    )


def _told(male: float, child: float) -> str:
    if child > 0.5:
        return f"child (P {child:.2f})"
    return f"male (P {male:.2f})" if male > 0.5 else f"female (P {1 - male:.2f})"


def load_shipped_reader() -> VoiceReader:
    """Load the reader of voices that comes with the package; raises `MissingError(weights)`."""
    return load_reader(READER_FILE, READER_SHA256)


METRIC = Metric(
    SPEC,
    measure,
    params=(("faces", FACES), ("min_seconds", MIN_SECONDS), ("reader", READER_SHA256)),
)

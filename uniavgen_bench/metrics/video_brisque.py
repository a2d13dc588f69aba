"""`video.brisque@1`: blur, noise and blocks in pictures, by the published BRISQUE regression."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.brisque_model import SupportVectors, brisque_features, load_support_vectors
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

WEIGHTS = "brisque"
SAMPLE_HZ = 2.0
LEAST_SIDE = 32

SPEC = MetricSpec(
    id="video.brisque",
    version=1,
    title="Picture quality without reference (BRISQUE)",
    summary="How far the local contrast of pictures, two a second, is from that of undistorted photographs.",
    fields=(
        FieldSpec(
            name="brisque",
            unit="points",
            direction=Direction.LOWER,
            meaning="about 0 (an undistorted photograph) … 100, which the regression may leave; mean over pictures",
        ),
        FieldSpec(
            name="worst",
            unit="points",
            direction=Direction.LOWER,
            meaning="the same for the worst picture that was looked at",
        ),
    ),
    needs=(Artefact.PICTURES,),
    weights=(WEIGHTS,),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0 (package brisque 0.2.0, whose regression is that of the authors' release)",
    source="Mittal, Moorthy and Bovik, IEEE TIP 21(12), 2012; features and regression of the package brisque 0.2.0",
    deviations=(
        "Contrast within 1e-9 of zero counts as zero; in the package the rounding errors of flat parts fall on either "
        "side, which moves the score by about 0.1 on pictures with flat parts. On others both are equal to 1e-6.",
        "Pictures are looked at about twice a second and at full size.",
        f"Flat pictures are left out; pictures with a side below {LEAST_SIDE} px have no score.",
    ),
    not_for=(
        "drawn, rendered or stylised pictures: their contrast is unlike that of photographs, whatever their quality",
        "slight noise on compressed video: it passes for detail (7 clips: 51 points as they are, 18 with noise of 5 "
        "levels, 50 with 15, 69 with 40)",
        "comparing clips of different sizes: the score depends on the number of px",
        "faults of a face or a hand: it sees a picture's grain, not what it shows",
    ),
)


def scores_of(clip: ClipArtefacts, model: SupportVectors) -> tuple[Float64, Float64]:
    """Return times [m] in s and scores [m] of the pictures that are looked at; flat ones are left out.

    Raises:
        MissingError: `no_video`; `too_small`.
    """
    times: list[float] = []
    found: list[float] = []
    due = -np.inf
    for frame in clip.pictures():
        if frame.time < due - 1e-6:
            continue
        if min(frame.height, frame.width) < LEAST_SIDE:
            raise MissingError(Reason.TOO_SMALL, f"the picture has {frame.width} x {frame.height} px")
        due = (frame.time if np.isinf(due) else due) + 1 / SAMPLE_HZ
        features = brisque_features(frame.image)
        if features is not None:
            times.append(frame.time)
            found.append(model(features))
    return np.array(times), np.array(found)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Judge the grain of a clip's pictures.

    Raises:
        MissingError: `weights`, `no_video`; `too_small`; `not_measurable` when every picture is flat.
    """
    path = models.weight(WEIGHTS)
    times, found = scores_of(clip, models.get(WEIGHTS, lambda: load_support_vectors(path)))
    if len(found) == 0:
        raise MissingError(Reason.NOT_MEASURABLE, "every picture is flat")
    curve = Curve("BRISQUE", "points", tuple(times.round(4).tolist()), tuple(found.round(3).tolist()))
    return Measurement(
        scores={"brisque": Score(float(found.mean())), "worst": Score(float(found.max()))},
        evidence=Evidence(curves=(curve,)),
    )


METRIC = Metric(SPEC, measure, params=(("sample_hz", SAMPLE_HZ),))

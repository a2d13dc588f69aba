"""`portraits.mouth@1`: the mouth that landmarks measure against the true mouth of the portrait world."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Float64
from uniavgen_bench.core.result import Curve, Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.mouth_shape import LOWER_LIP_INNER, UPPER_LIP_INNER
from uniavgen_bench.metrics.portrait_truth import correlation, lag_curve, read_portrait_truth
from uniavgen_bench.weights.models import Models

RATE = 100
MAX_LAG_MS = 400
MIN_SECONDS = 1.0
MIN_SHARE = 0.75
"""Share of the true clip in which the face must be seen: the beginning alone says nothing of the whole."""
STILL = 0.002
"""A mouth whose opening varies by less (standard deviation, distances between the eyes) stands still: landmarks of
still portraits tremble by 0.0003 to 0.0015, mouths that speak vary by 0.005 to 0.05."""
MIN_BEST = 0.5
"""Below this correlation at the best lag no offset is stated."""
EYE_LEFT, EYE_RIGHT = (33, 133), (263, 362)

SPEC = MetricSpec(
    id="portraits.mouth",
    version=1,
    title="Mouth against the true mouth",
    summary="Opening of the mouth in the picture (landmarks) against the opening that the true clip was drawn with.",
    fields=(
        FieldSpec(
            name="correlation",
            unit="",
            direction=Direction.HIGHER,
            low=-1.0,
            high=1.0,
            meaning="Pearson's r over the clip at the true time",
        ),
        FieldSpec(
            name="error",
            unit="% of the distance between the eyes",
            direction=Direction.LOWER,
            low=0.0,
            meaning="mean absolute difference of measured and true opening, the landmarks' own bias included",
        ),
        FieldSpec(
            name="offset_ms",
            unit="ms",
            direction=Direction.ZERO,
            low=-MAX_LAG_MS,
            high=MAX_LAG_MS,
            meaning=f"lag with the highest correlation; not measurable where that is below {MIN_BEST:g}",
            sign="positive = the clip's mouth moves later than the true one",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.FACES),
    sample_needs=("facts",),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="This project: the truth of the portrait world",
    deviations=(
        "It looks at the picture alone: exchanging or shifting the sound leaves it as it is.",
        "The longest face track is taken; portraits show one face.",
    ),
    not_for=(
        "clips without a known truth",
        "ranking systems in tasks that leave them free when to speak: there it says how alike the timing happens to be",
    ),
)


def opening_of(landmarks: Float32) -> Float64:
    """Return the distance of the inner lips [n] of landmarks [n, 468, 3], over the distance between the eyes."""
    points = landmarks.astype(np.float64)
    left, right = points[:, list(EYE_LEFT)].mean(axis=1), points[:, list(EYE_RIGHT)].mean(axis=1)
    eyes = np.maximum(np.linalg.norm(right - left, axis=1), 1e-9)
    gap = np.linalg.norm(points[:, UPPER_LIP_INNER] - points[:, LOWER_LIP_INNER], axis=1)
    opening: Float64 = gap / eyes
    return opening


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the mouth of the longest track with the true one."""
    truth = read_portrait_truth(sample)
    track = clip.faces.tracks[0]
    times, seen = clip.frames.times[track.frames], opening_of(track.landmarks)
    start, end = max(times[0], 0.0), min(times[-1], truth.times[-1])
    needed = max(MIN_SECONDS, MIN_SHARE * truth.times[-1])
    if end - start < needed:
        raise MissingError(
            Reason.TOO_SHORT,
            f"face and truth overlap for {max(end - start, 0.0):.2f} s, {needed:.2f} s needed",
        )
    clock = start + np.arange(int((end - start) * RATE + 1e-6) + 1) / RATE
    measured, true = np.interp(clock, times, seen), np.interp(clock, truth.times, truth.opening)
    curves = tuple(
        Curve(name, "distances between the eyes", tuple(clock.round(4).tolist()), tuple(y.round(5).tolist()))
        for name, y in (("measured opening", measured), ("true opening", true))
    )
    error = Score(100.0 * float(np.abs(measured - true).mean()))
    if measured.std() < STILL:
        still = Missing(Reason.NOT_MEASURABLE, "the mouth stands still")
        return Measurement({"correlation": still, "error": error, "offset_ms": still}, Evidence(curves))
    lags = lag_curve(measured, true, MAX_LAG_MS * RATE // 1000)
    best = int(lags.argmax())
    offset: Score | Missing = Score((best - len(lags) // 2) * 1000.0 / RATE)
    if lags[best] < MIN_BEST:
        offset = Missing(
            Reason.NOT_MEASURABLE, f"correlation {lags[best]:.2f} at the best lag, {MIN_BEST:g} needed"
        )
    at_truth = Score(correlation(measured, true))
    return Measurement({"correlation": at_truth, "error": error, "offset_ms": offset}, Evidence(curves))


METRIC = Metric(
    SPEC,
    measure,
    params=(("min_seconds", MIN_SECONDS), ("min_share", MIN_SHARE), ("still", STILL), ("min_best", MIN_BEST)),
)

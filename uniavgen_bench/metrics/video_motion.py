"""`video.motion@1`: how much the picture moves, by dense optical flow on thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64, Frames, Thumbnails, UInt8
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

TOP_SHARE = 0.05
"""The share of fastest pixels that `peak` looks at, as in VBench's dynamic degree."""
STATIC_BELOW = 2.0
"""A clip whose `peak` is below this many percent of the short side per second is static.

Noise and JPEG alone give up to 0.8; 32 recordings of talking people lie above 3.6; of 7 SadTalker clips with a still
background, in which hardly more than a small mouth moves, 5 lie below 1.4.
"""
MIN_PAIRS = 3

SPEC = MetricSpec(
    id="video.motion",
    version=1,
    title="Motion",
    summary="Speed of the optical flow between pictures about 1/8 s apart, relative to the picture's size.",
    fields=(
        FieldSpec(
            name="motion",
            unit="% of the short side per s",
            direction=Direction.NONE,
            low=0.0,
            meaning="flow magnitude, mean over pixels, mean over the clip; neither much nor little is better as such",
        ),
        FieldSpec(
            name="peak",
            unit="% of the short side per s",
            direction=Direction.NONE,
            low=0.0,
            meaning="the same for the fastest 5 % of the pixels (a mouth and eyes alone already move these)",
        ),
        FieldSpec(
            name="static",
            unit="share of clips",
            direction=Direction.LOWER,
            low=0.0,
            high=1.0,
            meaning=f"1 when peak is below {STATIC_BELOW:g} % per s; the mean is the share of clips without motion",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.THUMBNAILS),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="Dense inverse search flow (Kroeger et al., ECCV 2016) of OpenCV; fastest 5 % as in VBench's dynamic degree",
    deviations=(
        "Not VBench's dynamic degree: other flow network (DIS, not RAFT), other threshold; never compare the two.",
        "Pairs of pictures across a cut are left out.",
    ),
    not_for=("telling camera motion from a person's motion", "saying that a clip is good because it moves"),
)


@dataclass(frozen=True)
class Flow:
    """Flow of the pairs of a clip: middle `times` [P] in s, `mean` and `top` [P] in % of the short side per s."""

    times: Float64
    mean: Float64
    top: Float64


def flow_between(pictures: Sequence[UInt8], times: Float64, joined: Sequence[bool]) -> Flow:
    """Compute the flow between successive grey pictures `[H, W]`.

    `times` [m] in s; `joined[i]` tells whether pictures i and i + 1 lie in one shot.
    """
    import cv2

    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    middle, mean, top = [], [], []
    for i, same_shot in enumerate(joined):
        seconds = float(times[i + 1] - times[i])
        if not same_shot or seconds <= 0:
            continue
        vectors = flow.calc(pictures[i], pictures[i + 1], np.empty(0, dtype=np.float32))
        percent = np.hypot(vectors[..., 0], vectors[..., 1]).ravel() * (
            100 / min(pictures[i].shape) / seconds
        )
        fastest = np.partition(percent, -max(1, round(TOP_SHARE * percent.size)))
        middle.append(float(times[i] + times[i + 1]) / 2)
        mean.append(float(percent.mean()))
        top.append(float(fastest[-max(1, round(TOP_SHARE * percent.size)) :].mean()))
    return Flow(np.array(middle), np.array(mean), np.array(top))


def pictures_of(thumbnails: Thumbnails) -> list[UInt8]:
    """Decode the thumbnails to grey pictures `[H, W]`."""
    import cv2

    return [
        np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
        for jpeg in thumbnails.jpegs
    ]


def joined_pairs(frames: Frames, thumbnails: Thumbnails) -> list[bool]:
    """Tell for each pair of successive thumbnails whether both lie in one shot."""
    shot = np.searchsorted(frames.shots[:, 0], thumbnails.frames, side="right")
    return [bool(same) for same in shot[1:] == shot[:-1]]


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Measure the motion of a clip; `Missing(too_short)` below three pairs of pictures within shots."""
    thumbnails = clip.thumbnails
    joined = joined_pairs(clip.frames, thumbnails)
    if sum(joined) < MIN_PAIRS:
        raise MissingError(
            Reason.TOO_SHORT, f"{sum(joined)} pairs of pictures within shots, {MIN_PAIRS} are needed"
        )
    flow = flow_between(pictures_of(thumbnails), thumbnails.times, joined)
    peak = float(flow.top.mean())
    return Measurement(
        scores={
            "motion": Score(float(flow.mean.mean())),
            "peak": Score(peak),
            "static": Score(float(peak < STATIC_BELOW)),
        },
        evidence=Evidence(
            curves=(
                Curve(
                    "motion",
                    "% of the short side per s",
                    tuple(flow.times.tolist()),
                    tuple(flow.mean.tolist()),
                ),
                Curve(
                    "fastest 5 %",
                    "% of the short side per s",
                    tuple(flow.times.tolist()),
                    tuple(flow.top.tolist()),
                ),
            )
        ),
    )


METRIC = Metric(SPEC, measure, params=(("static_below", STATIC_BELOW), ("top_share", TOP_SHARE)))

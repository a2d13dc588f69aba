"""`video.dynamic_degree[vbench@1]`: does a clip move, by RAFT's flow between pictures about 1/8 s apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Float64
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec
from uniavgen_bench.media.decode import VideoFrame
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.vbench_pictures import tensor_of
from uniavgen_bench.metrics.vbench_spec import vbench_spec
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from uniavgen_bench.metrics.raft_network import Raft

WEIGHTS = "raft-things"
SAMPLE_HZ = 8
ROUNDS = 20
TOP_SHARE = 0.05
THRESHOLD = 6.0
"""Px of flow at a shorter side of 256 px, above which a pair moves."""
MOVING_PAIRS = 4 / 16
"""Moving pairs needed, in sampled pictures."""
MIN_PICTURES = 3

SPEC = vbench_spec(
    name="video.dynamic_degree",
    title="Dynamic degree (VBench)",
    summary="1 when the fastest 5 % of the picture move far enough in a quarter of the sampled pairs, else 0.",
    fields=(
        FieldSpec(
            name="dynamic",
            unit="share of clips",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="1 when at least round(4 n / 16) pairs of n sampled pictures move; the mean is the share of clips",
        ),
        FieldSpec(
            name="moving_pairs",
            unit="share of pairs",
            direction=Direction.NONE,
            low=0.0,
            high=1.0,
            meaning="pairs whose fastest 5 % move more than 6 px at a shorter side of 256 px",
        ),
        FieldSpec(
            name="flow",
            unit="px at a shorter side of 256 px",
            direction=Direction.NONE,
            low=0.0,
            meaning="flow of the fastest 5 %, mean over pairs: what the threshold of 6 is held against",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.PICTURES),
    weight=WEIGHTS,
    licence="definition: Apache-2.0 (VBench); weights: BSD-3-Clause (princeton-vl/RAFT)",
    method="RAFT, Teed and Deng, ECCV 2020, trained on FlyingThings3D",
    deviations=(
        f"Clips with fewer than {MIN_PICTURES} sampled pictures have no score; VBench calls two pictures moving "
        "whatever they show, because it asks for round(0.5) = 0 moving pairs.",
        "Pictures whose shorter side is below 121 px have no score: RAFT's coarsest level would be one cell.",
        "Frames per second are those of the frame clock (mean), not of the file's header.",
    ),
    not_for=(
        "saying that a clip is good because it moves, or that a person moves and not the camera",
        "ranking on few clips: it is one bit per clip (0.41 against 0.36 on 100 clips each is p = 0.47)",
    ),
    floors=("static-portrait",),
)


def sampled(frames: Iterator[VideoFrame], fps: float) -> Iterator[VideoFrame]:
    """Yield every n-th picture, so that about eight are left of a second."""
    interval = max(1, round(fps / SAMPLE_HZ))
    return (frame for frame in frames if frame.index % interval == 0)


def fastest(flow: Float32) -> float:
    """Return the mean length in px of the longest 5 % of a flow `[2, H, W]`."""
    length = np.hypot(flow[0].astype(np.float64), flow[1].astype(np.float64)).ravel()
    count = int(length.size * TOP_SHARE)
    return float(np.partition(length, -count)[-count:].mean())


def is_dynamic(flows: Float64, pictures: int) -> bool:
    """Tell whether enough pairs move; `flows` [n - 1] in px at a shorter side of 256 px."""
    return int((flows > THRESHOLD).sum()) >= round(pictures * MOVING_PAIRS)


def flows_of(clip: ClipArtefacts, net: Raft, device: str) -> tuple[Float64, Float64, int]:
    """Return middle times [P] in s and flows [P] of the pairs, in px at a shorter side of 256, and the pictures.

    Raises:
        MissingError: `no_video`; `too_small`.
    """
    import torch

    from uniavgen_bench.metrics.raft_network import LEAST_SIDE, padded

    times = clip.frames.times
    fps = (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 else float(SAMPLE_HZ)
    middles, flows, count = [], [], 0
    before: tuple[float, torch.Tensor] | None = None
    with torch.inference_mode():
        for frame in sampled(clip.pictures(), fps):
            picture = frame.image
            side = min(picture.shape[:2])
            here = padded(tensor_of([picture], device))
            if min(here.shape[2:]) < LEAST_SIDE:
                raise MissingError(Reason.TOO_SMALL, f"the shorter side has {side} px, RAFT needs 121")
            count += 1
            if before is not None:
                flow = net(before[1], here, rounds=ROUNDS)[0].cpu().numpy()
                flows.append(fastest(flow) * 256 / side)
                middles.append((before[0] + frame.time) / 2)
            before = (frame.time, here)
    return np.array(middles), np.array(flows), count


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Tell whether a clip moves.

    Raises:
        MissingError: `weights`, `no_video`; `too_short`, `too_small`.
    """
    path = models.weight(WEIGHTS)
    if len(clip.frames.times) < MIN_PICTURES:
        raise MissingError(
            Reason.TOO_SHORT, f"{len(clip.frames.times)} pictures, {MIN_PICTURES} sampled ones are needed"
        )
    from uniavgen_bench.metrics.raft_network import load_raft

    net = models.get(WEIGHTS, lambda: load_raft(path, models.device))
    times, flows, pictures = flows_of(clip, net, models.device)
    if pictures < MIN_PICTURES:
        raise MissingError(Reason.TOO_SHORT, f"{pictures} sampled pictures, {MIN_PICTURES} are needed")
    curve = Curve(
        "fastest 5 %",
        "px at 256 px",
        tuple(times.round(4).tolist()),
        tuple(flows.round(4).tolist()),
    )
    return Measurement(
        scores={
            "dynamic": Score(float(is_dynamic(flows, pictures))),
            "moving_pairs": Score(float((flows > THRESHOLD).mean())),
            "flow": Score(float(flows.mean())),
        },
        evidence=Evidence(curves=(curve,)),
    )


METRIC = Metric(SPEC, measure)

"""`video.imaging_quality[vbench@1]`: MUSIQ's opinion of every picture of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float64, UInt8
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec
from uniavgen_bench.metrics.device_batches import DeviceBatches
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.vbench_pictures import batches, longer_side_at_most, resampled, tensor_of
from uniavgen_bench.metrics.vbench_spec import vbench_spec
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from torch import Tensor

    from uniavgen_bench.metrics.musiq_network import Musiq

WEIGHTS = "musiq-spaq"
LONGER_SIDE = 512
LEAST_SIDE = 32
FULL_MARKS = 100.0
BATCH = 4

SPEC = vbench_spec(
    name="video.imaging_quality",
    title="Imaging quality (VBench)",
    summary="Predicted opinion of photographers' testers (MUSIQ trained on SPAQ) of every picture, mean over the clip.",
    fields=(
        FieldSpec(
            name="score",
            unit="of 1",
            direction=Direction.HIGHER,
            meaning="MUSIQ's 0 … 100 divided by 100, which the network may leave a little; mean over pictures",
        ),
        FieldSpec(
            name="worst",
            unit="of 1",
            direction=Direction.HIGHER,
            meaning="the same for the worst picture",
        ),
    ),
    needs=(Artefact.PICTURES,),
    weight=WEIGHTS,
    licence="definition: Apache-2.0 (VBench); weights: Apache-2.0 (google-research/musiq), in the conversion of "
    "IQA-PyTorch, which is offered under CC BY-NC-SA 4.0",
    method="MUSIQ, Ke et al., ICCV 2021, as pyiqa has it",
    deviations=(
        f"Pictures with a side below {LEAST_SIDE} px, one patch, have no score.",
        "Pictures are judged with their longer side at 512 px or less, VBench's default mode 'longer'.",
    ),
    not_for=(
        "generated artefacts such as a wrong hand or a melted face: trained on photographs and their faults",
        "likeness to the given image",
    ),
)


def opinions(clip: ClipArtefacts, net: Musiq, device: str) -> tuple[Float64, Float64]:
    """Return times [T] in s and opinions [T] in 0 … 1 of all pictures; raises `too_small`."""
    import torch

    times: list[float] = []
    found: list[float] = []
    room = DeviceBatches(BATCH, "pictures")
    with torch.inference_mode():
        for at, pictures in batches(clip.pictures(), BATCH):
            height, width = pictures[0].shape[:2]
            size = longer_side_at_most(height, width, LONGER_SIDE)
            if min(size) < LEAST_SIDE:
                raise MissingError(Reason.TOO_SMALL, f"the picture has {width} x {height} px")

            def judged(
                i: int, j: int, pictures: list[UInt8] = pictures, size: tuple[int, int] = size
            ) -> Tensor:
                marks: Tensor = net(resampled(tensor_of(pictures[i:j], device), size) / 255)
                return marks.cpu()

            for marks in room.over(len(pictures), judged):
                found += (marks.double() / FULL_MARKS).tolist()
            times += at
    return np.array(times), np.array(found)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Judge all pictures of a clip.

    Raises:
        MissingError: `weights`, `no_video`; `too_small`.
    """
    path = models.weight(WEIGHTS)
    from uniavgen_bench.metrics.musiq_network import load_musiq

    net = models.get(WEIGHTS, lambda: load_musiq(path, models.device))
    times, quality = opinions(clip, net, models.device)
    curve = Curve("quality", "of 1", tuple(times.round(4).tolist()), tuple(quality.round(5).tolist()))
    return Measurement(
        scores={"score": Score(float(quality.mean())), "worst": Score(float(quality.min()))},
        evidence=Evidence(curves=(curve,)),
    )


METRIC = Metric(SPEC, measure)

"""`video.subject_consistency[vbench@1]`: how much DINO sees the same thing in every picture of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Float64, UInt8
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec
from uniavgen_bench.metrics.device_batches import DeviceBatches
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.vbench_pictures import batches, resampled, shorter_side, tensor_of
from uniavgen_bench.metrics.vbench_spec import vbench_spec
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from torch import Tensor

    from uniavgen_bench.metrics.dino_vit_network import DinoVit

WEIGHTS = "dino-vitb16"
SIDE = 224
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH = 8
MAX_SHAPE = 8.0
"""The longer side in shorter sides: beyond it one picture would have thousands of patches."""

SPEC = vbench_spec(
    name="video.subject_consistency",
    title="Subject consistency (VBench)",
    summary="Likeness of DINO's view of each picture to the one before it and to the first, mean over the clip.",
    fields=(
        FieldSpec(
            name="consistency",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="mean of both cosines, negative ones as 0, over all pictures but the first",
        ),
        FieldSpec(
            name="to_previous",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="the half that compares with the picture before",
        ),
        FieldSpec(
            name="to_first",
            unit="cosine",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="the half that compares with the first picture: it falls with drift",
        ),
    ),
    needs=(Artefact.PICTURES,),
    weight=WEIGHTS,
    licence="definition: Apache-2.0 (VBench); weights: Apache-2.0 (facebookresearch/dino)",
    method="DINO ViT-B/16, Caron et al., ICCV 2021",
    deviations=(
        "A clip of one picture has no score; VBench divides by zero.",
        f"Pictures more than {MAX_SHAPE:g} times as long as wide have no score.",
    ),
    not_for=(
        "telling good from still: a frozen picture scores 1",
        "the identity of a person: the whole picture is compared (see video.identity)",
    ),
)


def embeddings(clip: ClipArtefacts, net: DinoVit, device: str) -> tuple[Float64, Float32]:
    """Return times [T] in s and unit embeddings `[T, 768]` of all pictures."""
    import torch

    mean = torch.tensor(MEAN, device=device)[:, None, None]
    deviation = torch.tensor(DEVIATION, device=device)[:, None, None]
    times: list[float] = []
    found: list[Tensor] = []
    room = DeviceBatches(BATCH, "pictures")
    with torch.inference_mode():
        for at, pictures in batches(clip.pictures(), BATCH):
            height, width = pictures[0].shape[:2]
            if max(height, width) > MAX_SHAPE * min(height, width):
                raise MissingError(Reason.TOO_SMALL, f"the picture is a strip of {width} x {height} px")
            size = shorter_side(height, width, SIDE)

            def embedded(
                i: int, j: int, pictures: list[UInt8] = pictures, size: tuple[int, int] = size
            ) -> Tensor:
                small = resampled(tensor_of(pictures[i:j], device), size) / 255
                return torch.nn.functional.normalize(net((small - mean) / deviation), dim=-1).cpu()

            found += room.over(len(pictures), embedded)
            times += at
    return np.array(times), torch.cat(found).numpy().astype(np.float32)


def consistency(unit: Float32) -> tuple[Float64, Float64]:
    """Return cosines [T - 1] of embeddings `[T, D]` of length 1 with the one before and with the first, at least 0."""
    exact = unit.astype(np.float64)
    before = np.einsum("td,td->t", exact[1:], exact[:-1])
    first = exact[1:] @ exact[0]
    return np.clip(before, 0.0, 1.0), np.clip(first, 0.0, 1.0)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare every picture with the one before and the first.

    Raises:
        MissingError: `weights`, `no_video`; `too_short` below two pictures; `too_small` for a strip.
    """
    path = models.weight(WEIGHTS)
    from uniavgen_bench.metrics.dino_vit_network import load_dino

    net = models.get(WEIGHTS, lambda: load_dino(path, models.device))
    times, unit = embeddings(clip, net, models.device)
    if len(times) < 2:
        raise MissingError(Reason.TOO_SHORT, "one picture has nothing to be consistent with")
    before, first = consistency(unit)
    at = tuple(times[1:].round(4).tolist())
    return Measurement(
        scores={
            "consistency": Score(float((before + first).mean() / 2)),
            "to_previous": Score(float(before.mean())),
            "to_first": Score(float(first.mean())),
        },
        evidence=Evidence(
            curves=(
                Curve("to the picture before", "cosine", at, tuple(before.round(5).tolist())),
                Curve("to the first picture", "cosine", at, tuple(first.round(5).tolist())),
            )
        ),
    )


METRIC = Metric(SPEC, measure)

"""The control `ground-truth`: the true clip of a sample whose dataset knows it. The ceiling of every metric."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey, Role, Sample
from uniavgen_bench.media.writing import whole_file
from uniavgen_bench.systems.system import Job, SystemPlugin

CLIP = "clip.mp4"
"""The true clip lies beside the truth that the sample's fact `truth` points to."""


def true_clip(sample: Sample) -> Path:
    """Return the true clip of a sample; raises `MissingError(no_reference)` where the dataset knows none."""
    truth = sample.facts.get("truth")
    if truth is None:
        raise MissingError(Reason.NO_REFERENCE, "the dataset knows no true clip of this sample")
    path = Path(truth).with_name(CLIP)
    if not path.is_file():
        raise MissingError(Reason.NO_REFERENCE, f"the true clip is gone: {path.name}")
    return path


class GroundTruth:
    """Copies the true clip byte by byte."""

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """The true clip is derived from no clip of the run."""
        return ()

    def generate(self, job: Job) -> None:
        """Write the clip; raises `MissingError(no_reference)` where the dataset knows none."""
        source = true_clip(job.sample)
        with whole_file(job.out) as partial:
            shutil.copyfile(source, partial)


PLUGIN = SystemPlugin(
    name="ground-truth",
    summary="the true clip, where the dataset knows it",
    make=lambda options: GroundTruth(),
    role=Role.UPPER_CONTROL,
    sees_truth=True,
)

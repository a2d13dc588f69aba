"""The system `precomputed`: clips that were made before and come with the dataset."""

from __future__ import annotations

from collections.abc import Sequence

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.systems.system import Job, SystemPlugin


class PrecomputedOptions(Frozen):
    """`only`: names of systems of the dataset to take; empty: all of them."""

    only: tuple[str, ...] = ()


class Precomputed:
    """Makes nothing: the plan takes the dataset's finished clips, one system of the table per system found."""

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A finished clip is derived from no other."""
        return ()

    def generate(self, job: Job) -> None:
        """Always raises: the dataset has no clip for this sample."""
        raise MissingError(Reason.NOT_GENERATED, "the dataset has no clip for this sample")


PLUGIN = SystemPlugin(
    name="precomputed",
    summary="finished clips that come with the dataset",
    make=lambda options: Precomputed(),
    options=PrecomputedOptions,
    finished=True,
)

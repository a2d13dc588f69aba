"""The system `precomputed`: clips that were made before; of the dataset, or of a folder or table of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import field_validator, model_validator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import ClipKey
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.systems.finished_clips import Match, checked_rule
from uniavgen_bench.systems.system import Job, SystemPlugin


class PrecomputedOptions(Frozen):
    """`only`: names of systems of the dataset to take; empty: all of them.

    `clips`: a folder of finished clips, or a table with a column `clip`, of one system, in place of the dataset's.
    `match`: by the sample's `id`, by its `prompt` (caption and spoken words, as a file name begins), or by `name`, a
    rule such as `sample_{index:04d}` or `{caption50}_*`.
    """

    only: tuple[str, ...] = ()
    clips: Path | None = None
    match: Match = "id"
    name: str = "{id}"

    @field_validator("name")
    @classmethod
    def _known(cls, value: str) -> str:
        return checked_rule(value)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.clips is not None and self.only:
            raise ValueError(
                "only names systems of the dataset; clips takes those of a folder: give one of both"
            )
        return self


class Precomputed:
    """Makes nothing: the plan takes finished clips, of the dataset one system of the table per system found."""

    def __init__(self, options: PrecomputedOptions) -> None:
        self._options = options

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A finished clip is derived from no other."""
        return ()

    def generate(self, job: Job) -> None:
        """Always raises: there is no clip for this sample."""
        where = f"{self._options.clips.name} has" if self._options.clips is not None else "the dataset has"
        raise MissingError(Reason.NOT_GENERATED, f"{where} no clip for this sample")


PLUGIN = SystemPlugin(
    name="precomputed",
    summary="finished clips: of the dataset, or of a folder or table matched to its samples",
    make=Precomputed,
    options=PrecomputedOptions,
    finished=True,
)

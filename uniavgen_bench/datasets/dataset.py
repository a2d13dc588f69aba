"""A dataset: samples, and the finished clips that come with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uniavgen_bench.core.sample import Role, Sample
from uniavgen_bench.core.spec import Frozen


@dataclass(frozen=True)
class FinishedClip:
    """A clip that somebody made before: which system, for which sample, and where it lies."""

    system: str
    sample: str
    path: Path
    repeat: int = 0
    role: Role = Role.SYSTEM


@dataclass(frozen=True)
class Dataset:
    """Samples in a fixed order, their finished clips if there are any, and facts for the provenance page.

    `notes` are things that a reader should be told once, for example columns that were not used.
    """

    name: str
    samples: tuple[Sample, ...]
    clips: tuple[FinishedClip, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def sample(self, name: str) -> Sample:
        """Return a sample by its id; raises KeyError when there is none."""
        return next(s for s in self.samples if s.id == name)


@dataclass(frozen=True)
class DatasetPlugin:
    """What an entry point of the group `uniavgen_bench.datasets` names.

    `options` is the schema of the suite's `dataset:` block without `name`; `load` gets the checked options.

    Raises (load):
        InputError: the data cannot be used; names file, line and column.
    """

    name: str
    summary: str
    options: type[Frozen]
    load: Callable[[Any], Dataset]

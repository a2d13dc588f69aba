"""The card of a dataset that others made: where it lives, what it serves, under which licence, how to cite it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from uniavgen_bench.core.sample import Task


@dataclass(frozen=True)
class SetCard:
    """Facts of a dataset, read in its own files at `read_at`.

    `tasks`: which of the five tasks its samples can serve; empty where a field that all of them need (a picture) is
    not in the set. `serves` says in words what it is then. `counts`: documented numbers of items by category, and
    `total`. `layout`: what `path` must hold. `fields`: field of a sample -> where it comes from.
    """

    title: str
    home: str
    get: str
    read_at: str
    layout: str
    licence: str
    citation: str
    tasks: tuple[Task, ...]
    serves: str
    fields: Mapping[str, str]
    counts: Mapping[str, int] = field(default_factory=dict)
    traps: tuple[str, ...] = ()

    @property
    def size(self) -> str:
        """The documented number of items as text."""
        return f"{self.counts['total']:,}" if "total" in self.counts else "your own"

    @property
    def task_names(self) -> str:
        """The tasks as text."""
        return ", ".join(self.tasks) or "none of the five"

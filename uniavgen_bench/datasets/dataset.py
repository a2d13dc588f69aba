"""A dataset: samples, and the finished clips that come with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.sample import Role, Sample, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.datasets.card import SetCard


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
    `tasks`: which of the five it can serve; None means any, an empty tuple none. `card`: the facts of a set that
    others made.

    Raises (load):
        InputError: the data cannot be used; names file, line and column.
    """

    name: str
    summary: str
    options: type[Frozen]
    load: Callable[[Any], Dataset]
    tasks: tuple[Task, ...] | None = None
    card: SetCard | None = None


def options_for_task(plugin: DatasetPlugin, options: Any, task: Task | None, where: Where) -> Any:
    """Return a dataset's options under a suite's task: an option `task` that was not given is the suite's.

    Raises:
        InputError: the dataset cannot serve the task, or was told to serve another one.
    """
    if task is None or plugin.tasks is None:
        return options
    if task not in plugin.tasks:
        serves = ", ".join(plugin.tasks) or (plugin.card.serves if plugin.card else "none of the five tasks")
        raise InputError(f"{plugin.name} cannot serve {task.value}; it serves {serves}", where=where)
    if "task" not in type(options).model_fields or options.task is task:
        return options
    if options.task is not None:
        what = f"{plugin.name} is told to serve {options.task.value}, the suite is for {task.value}"
        raise InputError(what, where=where, way_out="leave dataset.task out")
    return options.model_copy(update={"task": task})

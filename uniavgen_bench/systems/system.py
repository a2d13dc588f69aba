"""A system: what makes a clip for a sample. Models, baselines, controls, and folders of finished clips alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from uniavgen_bench.core.result import Missing
from uniavgen_bench.core.sample import ClipKey, Role, Sample, Task
from uniavgen_bench.core.spec import Frozen


class NoOptions(Frozen):
    """Options of a system that has none."""


@dataclass(frozen=True)
class Job:
    """One clip to make: write an mp4 with picture and sound to `out`.

    `seed` is hash(seed, sample, repeat): the same for every system. `sources` are the finished clips that
    `System.sources` asked for, in its order.
    """

    sample: Sample
    repeat: int
    seed: int
    out: Path
    sources: tuple[Path, ...] = ()
    device: str = "cpu"


class System(Protocol):
    """A configured system. It may keep models loaded; it lives as long as a worker process."""

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """Name the clips of the run that this clip is derived from; `clips` are those that can be had."""

    def generate(self, job: Job) -> None:
        """Write the clip; raises `MissingError(reason)` when this system cannot make it."""


@runtime_checkable
class Identified(Protocol):
    """A system whose clips come from more than options and seed: from weights that lie beside it, for example."""

    def identity(self) -> str:
        """Return what that is, as a text that changes with it; clips of another identity are made again."""


@runtime_checkable
class CheckedOut(Protocol):
    """A system that runs in checkouts of other projects."""

    def checkouts(self) -> Mapping[str, str]:
        """Return the commit of each, by the name of its project."""


JobDone = Callable[[int, Missing | None, Mapping[str, Any]], None]
"""Told of every job, by its index: why its clip is missing, or None and side facts of the clip that is there.

A second time only of a clip that turned out to be another, or none, when its process had ended: the last word counts.
"""


class StagedSystem(System, Protocol):
    """A system whose clips are made in a stage of its own, before anything is scored, in processes of its own."""

    def ready(self, samples: Sequence[Sample]) -> None:
        """Raise `InputError` when it cannot be started here, or its options cannot serve these samples."""

    def identity(self) -> str:
        """Return what beside options and seed makes its clips, for example the state of a checkout."""

    def generate_many(self, jobs: Sequence[Job], folder: Path, done: JobDone) -> None:
        """Write clips; `done` is told of each at once, never of two at a time, but from any thread.

        `folder` is for logs and inputs that the run keeps.
        """


@dataclass(frozen=True)
class SystemPlugin:
    """What an entry point of the group `uniavgen_bench.systems` names.

    `options` is the schema of the suite's `options:` block; `make` builds the system from checked options.
    `tasks`: what it can do; None means any. `code`: bump it when clips change for the same options and seed.
    `derived`: it makes its clips from clips of other systems; `finished`: its clips come with the dataset.
    `sees_truth`: a control that is made of what the task does not give; every other system sees only what it gives.
    `factors`: what an ablation may vary by name: factor, level as text (`on`, `ati`), and the options that the level
    sets; every option is a factor by its own dotted name besides.
    `own_stage`: its `make` gives a `StagedSystem`. `how_only`: options that say how it is run and change no clip.
    `precision`: in which numbers its networks compute, for the manifest; empty where that is not known.
    `licence`, `fps`: for lists. `facts`: what else is known of it; `tasks_of` narrows `tasks` by its options.
    """

    name: str
    summary: str
    make: Callable[[Any], System]
    options: type[Frozen] = NoOptions
    role: Role = Role.SYSTEM
    tasks: tuple[Task, ...] | None = None
    code: int = 1
    derived: bool = False
    finished: bool = False
    sees_truth: bool = False
    factors: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    own_stage: bool = False
    how_only: frozenset[str] = frozenset()
    licence: str = ""
    fps: str = ""
    precision: str = ""
    facts: Any = None
    tasks_of: Callable[[Any], tuple[Task, ...] | None] | None = None

    def chosen(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return options without those of `how_only`, whose names may be dotted."""
        return _without(options, self.how_only)


def _without(options: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in options.items():
        if key not in names:
            inner = frozenset(n.removeprefix(f"{key}.") for n in names if n.startswith(f"{key}."))
            kept[key] = _without(value, inner) if inner and isinstance(value, Mapping) else value
    return kept

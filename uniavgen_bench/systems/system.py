"""A system: what makes a clip for a sample. Models, baselines, controls, and folders of finished clips alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

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


@dataclass(frozen=True)
class SystemPlugin:
    """What an entry point of the group `uniavgen_bench.systems` names.

    `options` is the schema of the suite's `options:` block; `make` builds the system from checked options.
    `tasks`: what it can do; None means any. `code`: bump it when clips change for the same options and seed.
    `derived`: it makes its clips from clips of other systems; `finished`: its clips come with the dataset.
    `sees_truth`: a control that is made of what the task does not give; every other system sees only what it gives.
    `factors`: what an ablation may vary by name: factor, level as text (`on`, `ati`), and the options that the level
    sets; every option is a factor by its own dotted name besides.
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

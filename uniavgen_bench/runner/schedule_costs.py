"""What each step of a run costs, and where each number is from: the table that `schedule` plays through."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.located import read_yaml, validate
from uniavgen_bench.core.spec import Frozen

Known = Literal["measured", "published", "assumed"]
MadeBy = Literal["workers", "one process", "side by side"]
OWN_STAGE: tuple[MadeBy, ...] = ("one process", "side by side")
MOST_CLIPS = 1_000_000


class Cost(Frozen):
    """Seconds of one step for one clip, and where the number is from.

    `on`: a GPU, or a processor of the worker. `load`: seconds until its weights are ready, once per worker. `systems`:
    whose clips it is for; empty means all. `made_by`: for a step that makes clips; None for one that scores them.
    """

    name: str = Field(min_length=1)
    on: Literal["gpu", "cpu"]
    seconds: float = Field(ge=0)
    load: float = Field(default=0.0, ge=0)
    systems: tuple[str, ...] = ()
    made_by: MadeBy | None = None
    known: Known
    source: str = Field(min_length=1)


class AtTheEnd(Frozen):
    """What the driver does alone after the last clip: seconds for each clip of the run."""

    name: str = Field(min_length=1)
    seconds_per_clip: float = Field(ge=0)
    known: Known
    source: str = Field(min_length=1)


class Costs(Frozen):
    """A run to be scheduled: its systems, samples of each, workers on a GPU, and what each step costs.

    `gpus_per_machine`: one system's processes side by side have at most so many.
    """

    schema_version: Literal[1] = Field(alias="schema")
    name: str
    systems: tuple[str, ...] = Field(min_length=1)
    samples: int = Field(ge=1)
    repeats: int = Field(default=1, ge=1)
    workers_per_gpu: int = Field(default=1, ge=1)
    gpus_per_machine: int = Field(default=8, ge=1)
    steps: tuple[Cost, ...] = Field(min_length=1)
    end: tuple[AtTheEnd, ...] = ()


def read_costs(path: Path) -> Costs:
    """Read a table of costs.

    Raises:
        InputError: names file, line and key of the first problem.
    """
    located = read_yaml(path)
    costs = validate(Costs, located)
    for step in costs.steps:
        for name in step.systems:
            if name not in costs.systems:
                raise InputError(
                    f"{path}: step {step.name!r} is for {name!r}, which is no system of the table"
                )
    if len(costs.systems) * costs.samples * costs.repeats > MOST_CLIPS:
        raise InputError(
            f"{path}: more than {MOST_CLIPS:,} clips", way_out="a tenth of the samples tells as much"
        )
    return costs

"""How long a run takes on N GPUs, from a table of costs: a schedule that is played through, not measured.

    python -m uniavgen_bench.runner.schedule docs/scale_costs.yaml --gpus 1 --gpus 8 --gpus 64

It follows the executors: each worker takes the next clip of the plan when it is free, makes it where its system is made
by workers, and scores it; a step on a GPU waits until no other worker of that GPU has one; weights are loaded once per
worker. Systems that are made in a stage of their own come before, one clip after the other on one GPU.
"""

from __future__ import annotations

import heapq
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import Field
from rich.console import Console
from rich.table import Table

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.located import read_yaml, validate
from uniavgen_bench.core.spec import Frozen

Known = Literal["measured", "published", "assumed"]
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
    made_by: Literal["workers", "one process"] | None = None
    known: Known
    source: str = Field(min_length=1)


class AtTheEnd(Frozen):
    """What the driver does alone after the last clip: seconds for each clip of the run."""

    name: str = Field(min_length=1)
    seconds_per_clip: float = Field(ge=0)
    known: Known
    source: str = Field(min_length=1)


class Costs(Frozen):
    """A run to be scheduled: its systems, samples of each, workers on a GPU, and what each step costs."""

    schema_version: Literal[1] = Field(alias="schema")
    name: str
    systems: tuple[str, ...] = Field(min_length=1)
    samples: int = Field(ge=1)
    repeats: int = Field(default=1, ge=1)
    workers_per_gpu: int = Field(default=1, ge=1)
    steps: tuple[Cost, ...] = Field(min_length=1)
    end: tuple[AtTheEnd, ...] = ()


@dataclass
class Schedule:
    """What came of it: `seconds` in all, GPUs' busy share of them, and the seconds of workers by what they did.

    `spent` has one entry per step, and `waiting for …`, `loading weights`, `idle at the end`; its sum is
    workers x seconds.
    """

    gpus: int
    seconds: float
    gpu_busy: float
    spent: dict[str, float] = field(default_factory=dict)

    @property
    def bottleneck(self) -> str:
        """What most of the workers' time went into."""
        name = max(self.spent, key=lambda key: self.spent[key])
        return f"{name} ({self.spent[name] / sum(self.spent.values()):.0%} of the workers' time)"


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


def simulate(costs: Costs, gpus: int) -> Schedule:
    """Play a run through on so many GPUs, `workers_per_gpu` processes each."""
    workers = gpus * costs.workers_per_gpu
    spent: dict[str, float] = defaultdict(float)
    now = busy = 0.0
    clips = costs.samples * costs.repeats
    for step in costs.steps:
        if step.made_by == "one process":
            took = step.load + clips * step.seconds * len(step.systems or costs.systems)
            now, busy = now + took, busy + (took if step.on == "gpu" else 0.0)
            spent[step.name] += took
            spent[f"waiting for {step.name}"] += took * (workers - 1)
    made = [steps for system in costs.systems if (steps := _steps(costs, system))]
    queue = [steps for steps in made for _ in range(clips)][::-1]
    free = [now] * gpus
    loaded: set[tuple[int, str]] = set()
    doing: list[list[Cost]] = [[] for _ in range(workers)]
    turn = [(now, worker) for worker in range(workers)]
    ended = [now] * workers
    while turn:
        at, worker = heapq.heappop(turn)
        if not doing[worker]:
            if not queue:
                ended[worker] = at
                continue
            doing[worker] = list(queue.pop())
        step, gpu = doing[worker].pop(0), worker % gpus
        load = 0.0 if (worker, step.name) in loaded else step.load
        loaded.add((worker, step.name))
        start = max(at, free[gpu]) if step.on == "gpu" else at
        end = start + load + step.seconds
        if step.on == "gpu":
            free[gpu], busy = end, busy + load + step.seconds
        spent[step.name] += step.seconds
        spent["loading weights"] += load
        spent["waiting for a GPU"] += start - at
        heapq.heappush(turn, (end, worker))
    now = max(ended)
    spent["idle at the end"] += sum(now - end for end in ended)
    for step_at_end in costs.end:
        took = step_at_end.seconds_per_clip * clips * len(costs.systems)
        spent[step_at_end.name] += took
        spent[f"waiting for {step_at_end.name}"] += took * (workers - 1)
        now += took
    return Schedule(gpus, now, busy / (gpus * now) if now else 0.0, dict(spent))


def _steps(costs: Costs, system: str) -> list[Cost]:
    return [
        step
        for step in costs.steps
        if step.made_by != "one process" and (not step.systems or system in step.systems)
    ]


def _print(costs: Costs, found: list[Schedule], console: Console) -> None:
    clips = len(costs.systems) * costs.samples * costs.repeats
    known = Table(title=f"{costs.name}: seconds for one clip, {clips:,} clips in all")
    for column in ("step", "seconds", "load", "on", "made by", "known", "source"):
        known.add_column(
            column, justify="right" if column in ("seconds", "load") else "left", overflow="fold"
        )
    for step in costs.steps:
        known.add_row(
            step.name, f"{step.seconds:g}", f"{step.load:g}", step.on, step.made_by or "", step.known, step.source
        )  # fmt: skip
    for last in costs.end:
        known.add_row(last.name, f"{last.seconds_per_clip:g}", "", "driver", "", last.known, last.source)
    table = Table(title="Simulated")
    for column in ("GPUs", "hours", "GPU hours", "GPUs busy", "bottleneck"):
        table.add_column(column, justify="left" if column == "bottleneck" else "right", overflow="fold")
    for schedule in found:
        hours = schedule.seconds / 3600
        table.add_row(
            str(schedule.gpus), f"{hours:.2f}", f"{hours * schedule.gpus:.1f}", f"{schedule.gpu_busy:.0%}",
            schedule.bottleneck,
        )  # fmt: skip
    console.print(known, table)


def command(
    costs: Annotated[Path, typer.Argument(help="A table of costs (YAML).")],
    gpus: Annotated[
        list[int] | None, typer.Option(min=1, max=4096, help="How many GPUs; several times.")
    ] = None,
    clips: Annotated[
        Literal["table", "workers", "finished"],
        typer.Option(
            help="Who makes the clips: as the table says, workers for every system, or they are there."
        ),
    ] = "table",
    workers_per_gpu: Annotated[
        int | None, typer.Option(min=1, max=64, help="Instead of the table's.")
    ] = None,
) -> None:
    """Say how long a run would take on N GPUs, how busy they would be, and what holds it up."""
    table = read_costs(costs)
    if clips == "workers":
        made = [s.model_copy(update={"made_by": "workers"}) if s.made_by else s for s in table.steps]
        table = table.model_copy(update={"steps": tuple(made)})
    if clips == "finished":
        table = table.model_copy(update={"steps": tuple(s for s in table.steps if s.made_by is None)})
    if workers_per_gpu is not None:
        table = table.model_copy(update={"workers_per_gpu": workers_per_gpu})
    _print(table, [simulate(table, count) for count in gpus or [1, 8, 64]], Console())


def application() -> typer.Typer:
    """Return the command line."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    return app


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit code 2."""
    try:
        application()()
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()

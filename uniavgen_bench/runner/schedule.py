"""How long a run takes on N GPUs, from a table of costs: a schedule that is played through, not measured.

    python -m uniavgen_bench.runner.schedule docs/scale_costs.yaml --gpus 1 --gpus 8 --gpus 64

It follows the executors: each worker takes the next clip of the plan when it is free, makes it where its system is made
by workers, and scores it; a step on a GPU waits until no other worker of that GPU has one; weights are loaded once per
worker. Systems that are made in a stage of their own come before: one clip after the other on one GPU, or side by side
(`at_once: auto`): on one machine one system after the other on all its GPUs, on several machines each system on one of
them (a run for each machine, by `--systems`), the longest first where the time is free.
"""

from __future__ import annotations

import heapq
import math
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.runner.schedule_costs import OWN_STAGE, Cost, Costs, read_costs

Clips = Literal["table", "one-process", "side-by-side", "workers", "finished"]


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
    stage = _side_by_side(costs, gpus)
    now, busy = now + stage.seconds, busy + stage.busy
    for name, seconds in stage.spent.items():
        spent[name] += seconds
    if stage.seconds:
        spent[f"waiting for {stage.last}"] += stage.seconds * workers - sum(stage.spent.values())
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


@dataclass(frozen=True)
class _Stage:
    """Processes side by side: seconds in all, of GPUs that compute, of processes by step, and the step that ends it."""

    seconds: float
    busy: float
    spent: dict[str, float]
    last: str


def _side_by_side(costs: Costs, gpus: int) -> _Stage:
    """Play the steps that are made side by side, system by system, the longest where the time is free first."""
    clips, size = costs.samples * costs.repeats, costs.gpus_per_machine
    machines = [min(size, gpus - first) for first in range(0, gpus, size)]
    by_system = {
        system: [s for s in costs.steps if s.made_by == "side by side" and system in (s.systems or (system,))]
        for system in costs.systems
    }
    free, last = [0.0] * len(machines), [""] * len(machines)
    spent: dict[str, float] = defaultdict(float)
    busy = 0.0
    for steps in sorted(
        by_system.values(), key=lambda steps: -sum(s.load + clips * s.seconds for s in steps)
    ):
        ends = [at + sum(_took(s, clips, n) for s in steps) for at, n in zip(free, machines, strict=True)]
        machine = min(range(len(machines)), key=ends.__getitem__)
        free[machine] = ends[machine]
        for step in steps:
            last[machine] = last[machine] or step.name
            loads = step.load * min(clips, machines[machine])
            spent[step.name] += clips * step.seconds
            spent["loading weights"] += loads
            busy += clips * step.seconds + loads if step.on == "gpu" else 0.0
    slowest = max(range(len(machines)), key=free.__getitem__)
    return _Stage(free[slowest], busy, dict(spent), last[slowest])


def _took(step: Cost, clips: int, processes: int) -> float:
    return step.load + math.ceil(clips / processes) * step.seconds


def _steps(costs: Costs, system: str) -> list[Cost]:
    return [
        step
        for step in costs.steps
        if step.made_by not in OWN_STAGE and (not step.systems or system in step.systems)
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
        Clips,
        typer.Option(
            help="Who makes the clips: as the table says, for every system one process, processes side by side, or "
            "the workers; or they are there."
        ),
    ] = "table",
    workers_per_gpu: Annotated[
        int | None, typer.Option(min=1, max=64, help="Instead of the table's.")
    ] = None,
    gpus_per_machine: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Instead of the table's.")
    ] = None,
) -> None:
    """Say how long a run would take on N GPUs, how busy they would be, and what holds it up."""
    table = read_costs(costs)
    if clips == "finished":
        table = table.model_copy(update={"steps": tuple(s for s in table.steps if s.made_by is None)})
    elif clips != "table":
        by = {"made_by": clips.replace("-", " ")}
        made = [s.model_copy(update=by) if s.made_by else s for s in table.steps]
        table = table.model_copy(update={"steps": tuple(made)})
    if workers_per_gpu is not None:
        table = table.model_copy(update={"workers_per_gpu": workers_per_gpu})
    if gpus_per_machine is not None:
        table = table.model_copy(update={"gpus_per_machine": gpus_per_machine})
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

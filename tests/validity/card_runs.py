"""Finished suites made up for tests of nano's model card."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from stats.made_up import run_of, spec

from uniavgen_bench.core.comparison import CompareBlock, Estimate, PairedResult, RunStats, Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.validity.nano_card_run import JOINT, SYSTEM, TaskRun


def summary(
    system: str, field: str, mean: float | None, role: Role = Role.SYSTEM, scored: int = 24
) -> Summary:
    metric, _, name = field.rpartition(".")
    return Summary(
        system=system, label="", role=role, metric=f"{metric}@1", field=name, unit="", direction=Direction.HIGHER,
        headline=True, floor=False, attempted=24, scored=scored, mean=mean, median=mean, sd=0.1,
        interval=Interval(-1.0, 1.0, 0.95, "made up"), clusters=12, missing=(),
    )  # fmt: skip


def control(system: str, field: str, verdict: Verdict, pairs: int = 24) -> PairedResult:
    metric, _, name = field.rpartition(".")
    return PairedResult(
        metric=f"{metric}@1", field=name, unit="", direction=Direction.HIGHER, headline=True, system=system,
        baseline=SYSTEM, attempted=24, pairs=pairs, only_system=0, only_baseline=0, neither=0, clusters=12,
        difference=Estimate(value=-0.1), p_adjusted=0.004, verdict=verdict,
    )  # fmt: skip


def run(name: str, *summaries: Summary, paired: list[PairedResult] | None = None) -> TaskRun:
    block = CompareBlock(
        baseline=SYSTEM, fields=tuple(dict.fromkeys(f"{s.metric[:-2]}.{s.field}" for s in summaries))
    )
    stats = RunStats(block=block, seed=1, family=1, paired=paired or [])
    return TaskRun(name, f"uniavgen-bench run {name}", summaries, stats)


def scored(name: str, field: str, values: dict[str, list[float]], *summaries: Summary) -> TaskRun:
    """A run with scores by clip in one field; every two clips are of one person."""
    metric, _, plain = field.rpartition(".")
    made = spec(metric).model_copy(
        update={"fields": (spec(metric).fields[0].model_copy(update={"name": plain}),)}
    )
    people = [f"p{i // 2}" for i in range(len(next(iter(values.values()))))]
    rows, clips = run_of(values, (spec(metric),), clusters=people)
    columns = tuple(replace(c, spec=made, field=made.fields[0]) for c in rows.columns[:1])
    grid = replace(rows, columns=columns, values=rows.values[:, :1], reasons=rows.reasons[:, :1])
    return replace(run(name, *summaries), grid=grid, clips=tuple(clips))


def interaction(off: float, noise: float, clips: int = 24, seed: int = 3) -> TaskRun:
    """A run whose interaction is worth 0.4, and that without it lies `off` above exchanged sound."""
    rng = np.random.default_rng(seed)
    floor = rng.normal(0.05, 0.05, clips)
    apart = rng.normal(0, noise, clips)
    values = {
        SYSTEM: floor + 0.4,
        "nano-interaction-off": floor + off + apart - apart.mean(),
        "shuffled-audio": floor,
    }
    listed = {name: x.tolist() for name, x in values.items()}
    return scored("ablation_interaction", JOINT, listed, summary(SYSTEM, JOINT, 0.4))

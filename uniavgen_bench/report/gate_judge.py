"""May a run replace its baseline? Non-inferiority for every gated field, closed wherever something is in doubt."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.core.comparison import GateBlock
from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.gate_files import Baseline, GateField, GateOutcome, GateResult, read_baseline
from uniavgen_bench.report.gate_baseline import (
    GateRun,
    Side,
    baseline_of,
    choose_system,
    now,
    read_gate_run,
    side_of,
)
from uniavgen_bench.report.gate_comparable import check_comparable
from uniavgen_bench.report.gate_margins import (
    Margin,
    check_policy,
    columns_of,
    gather_margins,
    split_settings,
)
from uniavgen_bench.report.gate_paired import Coverage, coverage_of, paired_noise, shown_worse, with_losses
from uniavgen_bench.stats.grid import Column
from uniavgen_bench.stats.non_inferiority import NonInferiority, non_inferiority
from uniavgen_bench.stats.numbers import decimals, number, percent, unit_text
from uniavgen_bench.stats.pairs import Alignment, Pairs

SEED = 2025

POWER = 0.8
"""`needed` and `visible` are stated for an unchanged system that passes with this chance."""


@dataclass(frozen=True)
class GateRequest:
    """What is held against what; None stands for the suite's, then the baseline's value."""

    run: Path
    baseline: Path | None = None
    system: str | None = None
    baseline_system: str | None = None
    margins: tuple[str, ...] = ()
    alpha: float | None = None
    coverage: float | None = None


def judge(request: GateRequest) -> GateResult:
    """Hold a run against its baseline.

    Raises:
        InputError: bad input, no margin, or the two do not measure the same thing.
    """
    run = read_gate_run(request.run)
    block = run.manifest.gate or GateBlock()
    place = _place(request, block)
    baseline, system = _sides(request, block, run, place)
    alpha = _chosen(request.alpha, block.alpha if run.manifest.gate else None, baseline.alpha)
    coverage = _chosen(request.coverage, block.coverage if run.manifest.gate else None, baseline.coverage)
    check_policy(alpha, coverage)
    columns = columns_of(baseline.metrics)
    places = {
        "command line": "--margin",
        "suite": f"{run.place}: gate.margins",
        "baseline": f"{place}: margins",
    }
    margins = gather_margins(
        {
            "baseline": baseline.margins,
            "suite": block.margins,
            "command line": split_settings(request.margins),
        },
        columns,
        places,
    )
    notes = check_comparable(baseline, str(place), run, system, margins)
    here, there = Side(run.grid, run.clips, system), side_of(baseline)
    pairs = Alignment.of(here.table(baseline.cluster), there.table(baseline.cluster), baseline.cluster)
    judged = _Judged(pairs, alpha, coverage)
    fields = []
    for column in columns:
        margin = margins.get((column.metric, column.field.name))
        if margin is not None:
            where = Where(places[margin.source], key=f"{column.metric}.{column.field.name}")
            fields.append(_field(judged, column, margin, where))
    alarms = [f.false_alarm for f in fields if f.false_alarm is not None]
    return GateResult(
        passed=all(f.outcome is GateOutcome.PASSED for f in fields),
        suite=run.manifest.suite,
        run=run.root.name,
        run_finished=run.manifest.finished or "",
        system=system,
        baseline=place.name,
        baseline_system=baseline.system,
        baseline_made=baseline.made,
        baseline_evidence=baseline.evidence_sha256,
        alpha=alpha,
        coverage=coverage,
        cluster=baseline.cluster,
        seed=SEED,
        version=run.manifest.version,
        code_sha256=run.manifest.code_sha256,
        fields=tuple(fields),
        false_alarm_most=min(1.0, sum(alarms)) if len(alarms) == len(fields) else None,
        notes=notes,
        made=now(),
    )


def _place(request: GateRequest, block: GateBlock) -> Path:
    if request.baseline is not None:
        return request.baseline
    if block.baseline is None:
        raise InputError(
            "no baseline is named", way_out="--baseline FILE, or `gate: {baseline: FILE}` in the suite"
        )
    return Path(block.baseline)


def _sides(request: GateRequest, block: GateBlock, run: GateRun, place: Path) -> tuple[Baseline, str]:
    """Return the baseline, and the system of the run that is held against it."""
    wanted = request.system or block.system
    if place.is_dir():
        system = choose_system(run, wanted, option="--system")
        other = read_gate_run(place)
        counterpart = choose_system(other, request.baseline_system or system, option="--baseline-system")
        if other.root.resolve() == run.root.resolve() and counterpart == system:
            raise InputError(f"{place} is the run itself", way_out="give another run, or --baseline-system")
        return baseline_of(other, counterpart), system
    if request.baseline_system is not None:
        raise InputError(f"{place} is a file, which holds one system", way_out="leave --baseline-system out")
    baseline = read_baseline(place)
    known = {info.id for info in run.manifest.systems}
    if wanted is None and baseline.system not in known:
        raise InputError(
            f"{run.place} has no system {baseline.system!r}, which the baseline is of",
            way_out=f"choose one with --system: {', '.join(sorted(known)[:8])}",
        )
    return baseline, choose_system(run, wanted or baseline.system, option="--system")


def _chosen(given: float | None, suite: float | None, baseline: float) -> float:
    return given if given is not None else suite if suite is not None else baseline


@dataclass(frozen=True)
class _Judged:
    """The two sides as samples, and the policy."""

    pairs: Alignment
    alpha: float
    coverage: float


def _field(judged: _Judged, column: Column, margin: Margin, where: Where) -> GateField:
    start = time.perf_counter()
    plain = judged.pairs.pairs((column.metric, column.field.name))
    has = ~np.isnan(plain.baseline_values)
    if not has.any():
        raise InputError(
            f"the baseline has not a single number of {column.metric} {column.field.name}",
            where=where,
            way_out="take its margin out, or write a baseline that has some",
        )
    amount = margin.in_unit(float(plain.baseline_values[has].mean()), where)
    coverage = coverage_of(plain)
    pairs = with_losses(plain, amount)
    test = non_inferiority(pairs, amount, alpha=judged.alpha, seed=SEED)
    noise = paired_noise(plain)
    outcome, why = _outcome(
        judged, plain, coverage, test, shown_worse(pairs, amount, alpha=judged.alpha, seed=SEED)
    )
    return GateField(
        metric=column.metric,
        field=column.field.name,
        unit=column.field.unit,
        direction=column.field.direction,
        margin=amount,
        margin_given=margin.given,
        margin_from=margin.source,
        attempted=coverage.attempted,
        pairs=int(plain.both.sum()),
        lost=coverage.lost,
        clusters=test.clusters,
        mean_baseline=test.mean_baseline,
        mean_system=test.mean_system,
        loss=test.loss,
        bound=test.bound,
        p=test.p,
        false_alarm=noise.false_alarm(amount, judged.alpha) if noise else None,
        needed=test.needed,
        visible=noise.margin_for(POWER, judged.alpha) if noise else None,
        outcome=outcome,
        why=why,
        seconds=round(time.perf_counter() - start, 3),
    )


def _outcome(
    judged: _Judged, pairs: Pairs, coverage: Coverage, test: NonInferiority, worse: bool
) -> tuple[GateOutcome, str]:
    unit = f" {unit_text(test.unit)}" if unit_text(test.unit) else ""
    if coverage.share > judged.coverage + 1e-12:
        names = [str(s) for s in pairs.samples[pairs.system_lacks > pairs.baseline_lacks]]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return GateOutcome.COVERAGE, (
            f"{coverage.lost} of {coverage.attempted} samples lost their number ({names[0]}{more}); "
            f"allowed are {percent(judged.coverage)}"
        )
    if test.p is None or test.loss is None:
        return GateOutcome.INCONCLUSIVE, test.why
    shown, margin = f"the mean is {_worse_by(test.loss, unit)}", f"{_amount(test.margin)}{unit}"
    units = pairs.unit_of_cluster
    if test.passed:
        bound = test.bound if test.bound is not None and test.bound > 0 else None
        most = f", at most {_amount(bound)}{unit} worse" if bound is not None else ""
        return GateOutcome.PASSED, f"{shown}{most}; the margin is {margin}"
    if worse:
        return GateOutcome.WORSE, f"{shown}, more than the margin of {margin} (p below {test.alpha:g})"
    if test.loss >= test.margin:
        doubt = f"{test.clusters} {units} do not show that this is no accident"
        return GateOutcome.INCONCLUSIVE, f"{shown}, which reaches the margin of {margin}; {doubt}"
    needed = f"; with no loss at all, about {test.needed} {units} would do" if test.needed else ""
    return (
        GateOutcome.INCONCLUSIVE,
        f"{shown}, and {test.clusters} {units} leave a loss of {margin} open{needed}",
    )


def _worse_by(loss: float, unit: str) -> str:
    if loss == 0:
        return "unchanged"
    side = "worse" if loss > 0 else "better"
    return f"{_amount(abs(loss))}{unit} {side}"


def _amount(value: float | None) -> str:
    return number(value, decimals([abs(value) / 10 if value else None]))

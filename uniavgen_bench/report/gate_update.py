"""Writing a baseline: what changes against the one that is replaced, which margins the noise asks for, and consent."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.gate_files import Baseline, read_baseline, write_baseline
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.computed import computed_otherwise
from uniavgen_bench.report.gate_baseline import (
    GateRun,
    Side,
    baseline_of,
    choose_system,
    current_means,
    means_of,
    read_gate_run,
    side_of,
)
from uniavgen_bench.report.gate_changes import FieldChange, UpdateResult, changes_table, why_lower
from uniavgen_bench.report.gate_margins import (
    Margin,
    check_policy,
    columns_of,
    gather_margins,
    plain_key,
    split_settings,
)
from uniavgen_bench.report.gate_noise import Noise, suggest
from uniavgen_bench.report.gate_paired import paired_noise
from uniavgen_bench.stats.grid import Column
from uniavgen_bench.stats.pairs import pairs_of


@dataclass(frozen=True)
class UpdateRequest:
    """What `gate update` is asked for; None stands for the suite's or the replaced file's value."""

    run: Path
    to: Path
    system: str | None = None
    margins: tuple[str, ...] = ()
    suggested: bool = False
    alpha: float | None = None
    coverage: float | None = None
    yes: bool = False


def update_and_show(request: UpdateRequest, *, json: bool) -> UpdateResult:
    """Show what changes, ask where the bar is lowered, and write the baseline.

    Raises:
        InputError: bad input, or the bar is lowered without consent: nothing is written then.
        BenchError: the file cannot be written.
    """
    baseline, result = plan_update(request)
    console = Console(stderr=json)
    console.print(changes_table(result), highlight=False)
    if result.lowers and not request.yes:
        _consent(result, console, json=json)
    try:
        write_baseline(request.to, baseline)
    except OSError as error:
        raise BenchError(f"{request.to} cannot be written: {error.strerror}") from None
    if json:
        sys.stdout.write(result.model_dump_json(indent=2) + "\n")
    else:
        console.print(f"baseline  {request.to}", highlight=False, soft_wrap=True)
    return result


def _consent(result: UpdateResult, console: Console, *, json: bool) -> None:
    if sys.stdin.isatty() and not json:
        answer = console.input("This lowers the bar. Write it all the same? [y/N] ")
        if answer.strip().lower() in ("y", "yes"):
            return
        raise InputError("nothing was written")
    more = f" and {len(result.lowers) - 1} more" if len(result.lowers) > 1 else ""
    raise InputError(
        f"nothing was written: it would lower the bar: {result.lowers[0]}{more}",
        way_out="add --yes when it is meant",
    )


def plan_update(request: UpdateRequest) -> tuple[Baseline, UpdateResult]:
    """Return the baseline that would be written, and what it changes.

    Raises:
        InputError: bad input, an unfinished run, or a file in the way that is no baseline.
    """
    run = read_gate_run(request.run)
    if request.to.is_dir():
        raise InputError(f"{request.to} is a folder", way_out="name a file, for example baseline.json")
    old = read_baseline(request.to) if request.to.exists() else None
    block = run.manifest.gate
    known = {system.id for system in run.manifest.systems}
    wanted = request.system or (block.system if block else None)
    if wanted is None and old is not None and old.system in known:
        wanted = old.system
    system = choose_system(run, wanted, option="--system")
    new = baseline_of(run, system)
    if old is not None:
        same = (new.made, new.system, new.fields) == (old.made, old.system, old.fields)
        new = new.model_copy(update={"past": old.past if same else (*old.past, current_means(old))})
    alpha = _first(request.alpha, block.alpha if block else None, old.alpha if old else None, 0.05)
    coverage = _first(request.coverage, block.coverage if block else None, old.coverage if old else None, 0.0)
    check_policy(alpha, coverage)
    changes, margins, gone = _changes(request, run, old, new, alpha)
    lowers = [*_whole(old, new), *(f"{key}: it is no longer gated" for key in gone)]
    lowers += [f"{c.metric} {c.field}: {c.lowers}" for c in changes if c.lowers]
    notes: list[str] = []
    suite = block.margins if block else {}
    if not margins and not suite:
        notes.append(
            "no margin is set, so `gate` will refuse this baseline: --margin FIELD=MARGIN or --suggested"
        )
    new = new.model_copy(update={"margins": margins, "alpha": alpha, "coverage": coverage})
    return new, UpdateResult(
        to=str(request.to),
        system=system,
        replaces=old is not None,
        changes=tuple(changes),
        lowers=tuple(lowers),
        notes=tuple(notes),
    )


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _whole(old: Baseline | None, new: Baseline) -> list[str]:
    """Return what makes old and new incomparable as a whole; then nobody can tell whether the bar is lower."""
    if old is None:
        return []
    found = []
    if old.suite != new.suite:
        found.append(f"the suite is {new.suite!r}, in the replaced baseline {old.suite!r}")
    if {(c.sample, c.content) for c in old.clips} != {(c.sample, c.content) for c in new.clips}:
        found.append("the samples are not those of the replaced baseline")
    gated = {c.metric for c in columns_of(old.metrics) if _margin_of(old, c) is not None}
    versions = {spec.name: [s.name for s in new.metrics if s.id == spec.id] for spec in old.metrics}
    found += [
        f"{name} is gated and not comparable with {versions[name][0]}"
        for name in sorted(gated)
        if versions[name] and name not in versions[name]
    ]
    found += [
        f"{name} is gated: {why}"
        for name in sorted(gated)
        if (why := computed_otherwise(name, old.computed, new.computed))
    ]
    here = {w.name: w.sha256 for w in new.weights}
    found += [f"other weights {w.name}" for w in old.weights if w.name in here and here[w.name] != w.sha256]
    return found


def _changes(
    request: UpdateRequest, run: GateRun, old: Baseline | None, new: Baseline, alpha: float
) -> tuple[list[FieldChange], dict[str, float | str], list[str]]:
    columns = columns_of(new.metrics)
    given = split_settings(request.margins)
    kept, gone = _still_there(old, columns)
    suite = run.manifest.gate.margins if run.manifest.gate else {}
    places = {"command line": "--margin", "suite": "gate.margins of the suite", "baseline": str(request.to)}
    margins: dict[tuple[str, str], Margin] = {}
    if kept or suite or given:
        margins = gather_margins({"baseline": kept, "suite": suite, "command line": given}, columns, places)
    side, old_side = side_of(new), side_of(old) if old else None
    means, old_means = means_of(new), means_of(old) if old else {}
    first = new.past[0].means if new.past else {}
    changes = []
    for at, column in enumerate(side.grid.columns):
        if column.field.direction is Direction.NONE:
            continue
        name = (column.metric, column.field.name)
        wise = suggest(side, at, new.cluster, _previous(side, old_side, name, new.cluster), alpha)
        margin = margins.get(name)
        if margin is None and request.suggested and column.headline and wise:
            margin = Margin(wise.margin, False, f"{wise.margin:g}", "command line")
            margins[name] = margin
        old_margin = _margin_of(old, column)
        change = FieldChange(
            metric=column.metric,
            field=column.field.name,
            direction=column.field.direction,
            old_mean=old_means.get(name),
            new_mean=means[name],
            first_mean=first.get(f"{name[0]}.{name[1]}"),
            old_scored=_scored(old_side, *name) if old_side else None,
            new_scored=_scored(side, *name) or 0,
            old_margin=old_margin,
            new_margin=margin.given if margin else None,
            suggested=wise.margin if wise else None,
            basis=wise.basis if wise else "",
        )
        changes.append(change.model_copy(update={"lowers": why_lower(change, old is not None)}))
    stored: dict[str, float | str] = {}
    for column in columns:
        margin = margins.get((column.metric, column.field.name))
        if margin is not None and margin.source != "suite":
            alike = sum(plain_key(c) == plain_key(column) for c in columns) > 1
            key = f"{column.metric}.{column.field.name}" if alike else plain_key(column)
            stored[key] = margin.given if margin.relative else margin.amount
    return changes, stored, gone


def _still_there(
    old: Baseline | None, columns: Sequence[Column]
) -> tuple[Mapping[str, float | str], list[str]]:
    """Split the margins of the replaced baseline into those whose field is still there, and the other fields."""
    if old is None:
        return {}, []
    known = {plain_key(c) for c in columns} | {f"{c.metric}.{c.field.name}" for c in columns}
    return {k: v for k, v in old.margins.items() if k in known}, [k for k in old.margins if k not in known]


def _margin_of(old: Baseline | None, column: Column) -> str | None:
    keys = (plain_key(column), f"{column.metric}.{column.field.name}")
    return next((str(old.margins[k]) for k in keys if k in old.margins), None) if old else None


def _previous(side: Side, old: Side | None, name: tuple[str, str], cluster: str | None) -> Noise | None:
    """Return the noise of the differences to the replaced baseline, where it has the field."""
    if old is None or name not in {(c.metric, c.field.name) for c in old.grid.columns}:
        return None
    pairs = pairs_of(
        side.grid, side.clips, side.system, old.grid, old.clips, old.system, name, cluster=cluster
    )
    return paired_noise(pairs)


def _scored(side: Side, metric: str, field: str) -> int | None:
    table = side.table(None)
    names = [(c.metric, c.field.name) for c in table.columns]
    if (metric, field) not in names:
        return None
    return int(np.count_nonzero(~np.isnan(table.values[:, names.index((metric, field))])))

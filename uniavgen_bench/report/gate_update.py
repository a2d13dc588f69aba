"""Writing a baseline: what changes against the one that is replaced, which margins the noise asks for, and consent."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.gate_files import Baseline, read_baseline, write_baseline
from uniavgen_bench.core.spec import Direction, Frozen
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
from uniavgen_bench.report.gate_margins import (
    Margin,
    check_policy,
    columns_of,
    gather_margins,
    plain_key,
    split_settings,
)
from uniavgen_bench.report.gate_noise import BASIS_TEXT, Noise, suggest
from uniavgen_bench.report.gate_paired import paired_noise
from uniavgen_bench.report.gate_table import metric_lines
from uniavgen_bench.stats.grid import Column
from uniavgen_bench.stats.numbers import decimals, number
from uniavgen_bench.stats.pairs import pairs_of
from uniavgen_bench.stats.table import ARROWS, printable


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


class FieldChange(Frozen):
    """One field before and after: means over samples, scored samples, margins as given, and the suggested margin.

    `lowers`: why this lowers the bar for later changes, or empty. `first` is the mean of the oldest baseline that
    is remembered.
    """

    metric: str
    field: str
    direction: Direction
    old_mean: float | None
    new_mean: float | None
    first_mean: float | None
    old_scored: int | None
    new_scored: int
    old_margin: str | None
    new_margin: str | None
    suggested: float | None
    basis: str
    lowers: str = ""


class UpdateResult(Frozen):
    """What `gate update` did or would do."""

    schema_version: Literal[1] = 1
    to: str
    system: str
    replaces: bool
    changes: tuple[FieldChange, ...]
    lowers: tuple[str, ...] = Field(default=())
    notes: tuple[str, ...] = ()


def update_and_show(request: UpdateRequest, *, json: bool) -> UpdateResult:
    """Show what changes, ask where the bar is lowered, and write the baseline.

    Raises:
        InputError: bad input, or the bar is lowered without consent: nothing is written then.
        BenchError: the file cannot be written.
    """
    baseline, result = plan_update(request)
    console = Console(stderr=json)
    console.print(_terminal(result), highlight=False)
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
        changes.append(change.model_copy(update={"lowers": _lowers(change, old is not None)}))
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


def _lowers(change: FieldChange, replaces: bool) -> str:
    """Say why a change of one gated field lowers the bar."""
    if not replaces or (change.new_margin is None and change.old_margin is None):
        return ""
    if change.old_margin is not None and change.new_margin is None:
        return "it is no longer gated"
    if change.old_mean is None:
        return ""
    if change.new_mean is None:
        return "it has no number any more"
    step = change.new_mean - change.old_mean
    loss = -step if change.direction is Direction.HIGHER else step
    if loss > 1e-12:
        return f"the mean is worse ({change.old_mean:.4g} to {change.new_mean:.4g})"
    if change.old_scored is not None and change.new_scored < change.old_scored:
        return f"fewer samples have a number ({change.old_scored} to {change.new_scored})"
    if change.old_margin not in (None, change.new_margin) and _wider(change):
        return f"the margin is wider ({change.old_margin} to {change.new_margin})"
    return ""


def _wider(change: FieldChange) -> bool:
    old, new = str(change.old_margin), str(change.new_margin)
    if old.endswith("%") != new.endswith("%"):
        return True
    return float(new.removesuffix("%")) > float(old.removesuffix("%"))


def _terminal(result: UpdateResult) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    heads = ("field", "old mean", "new mean", "scored", "old margin", "new margin", "suggested")
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right", overflow="fold", vertical="bottom")
    for c in result.changes:
        places = decimals([c.suggested / 3 if c.suggested else None], otherwise=c.new_mean or None)
        style = "yellow" if c.lowers else ("bold" if c.new_margin else "dim")
        scored = (
            f"{c.old_scored} → {c.new_scored}"
            if c.old_scored not in (None, c.new_scored)
            else str(c.new_scored)
        )
        table.add_row(
            metric_lines(c.metric).append(f"{c.field} {ARROWS[c.direction]}".rstrip(), style=style),
            number(c.old_mean, places),
            Text(number(c.new_mean, places), style=style),
            scored,
            c.old_margin or number(None, 0),
            c.new_margin or number(None, 0),
            number(c.suggested, places) if c.suggested is None else f"{c.suggested:g}",
        )
    parts: list[RenderableType] = [table, Text()]
    bases = dict.fromkeys(c.basis for c in result.changes if c.basis)
    for basis, text in BASIS_TEXT.items():
        if basis in bases:
            parts.append(Text(f"Suggested: an unchanged system passes with 99 %; {text}.", style="dim"))
    parts += [Text(printable(f"note  {note}"), style="dim") for note in result.notes]
    parts += [Text(printable(f"lower bar  {line}"), style="yellow") for line in result.lowers]
    drift = [c for c in result.changes if c.new_margin and _drift(c) > 0]
    parts += [
        Text(
            f"drift  {c.metric}.{c.field}: {c.first_mean:.4g} at first, {c.new_mean:.4g} now", style="yellow"
        )
        for c in drift
    ]
    return Group(*parts)


def _drift(change: FieldChange) -> float:
    """Return how much worse a mean is than in the first baseline; 0 where that is not known."""
    if change.first_mean is None or change.new_mean is None:
        return 0.0
    step = change.new_mean - change.first_mean
    return -step if change.direction is Direction.HIGHER else step

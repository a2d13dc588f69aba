"""Whether the order that a paper's numbers put systems in is found again, by paired tests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from uniavgen_bench.core.comparison import CompareBlock, PairedResult, Verdict
from uniavgen_bench.core.published import (
    PublishedBlock,
    PublishedOrder,
    PublishedResult,
    PublishedStep,
    PublishedTable,
)
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.stats.comparison import compare_pairs
from uniavgen_bench.stats.grid import Column, ScoreGrid
from uniavgen_bench.stats.pairs import Alignment, Pairs, sample_table

Found = Literal["agrees", "opposes", "open", "absent"]
Holds = Literal["holds", "reversed", "open", "absent"]
Step = tuple[str, str]


def published_orders(
    grid: ScoreGrid, clips: Sequence[ClipRecord], block: PublishedBlock, compare: CompareBlock, *, seed: int
) -> PublishedResult:
    """Test every step of a published order on the systems of a run; all steps of the block are one family.

    Tables whose field the run does not hold, or of whose steps it holds none, are left out, and a note says so. A step
    of a system that the run does not hold is `absent`: a run with fewer systems never confirms more.
    """
    present = {str(name) for name in grid.system}
    tables = {
        name: sample_table(grid, clips, name, cluster=compare.cluster)
        for name in sorted({n for t in block.tables for n in t.values} & present)
    }
    chosen: list[tuple[PublishedTable, Column, list[Step]]] = []
    notes: list[str] = []
    for table in block.tables:
        column = _column(grid, table.beside)
        steps = steps_of(block, table, present)
        if column is None:
            notes.append(f"{table.measure}: the run has no {table.beside}")
            continue
        if not any(present.issuperset(step) for step in steps):
            why = "the run has no two systems to compare" if steps else "all its steps are equal in the paper"
            notes.append(f"{table.measure}: {why}")
            continue
        chosen.append((table, column, steps))
    pairs: list[Pairs] = [
        Alignment.of(tables[above], tables[below], compare.cluster).pairs((column.metric, column.field.name))
        for _, column, steps in chosen
        for below, above in steps
        if {below, above} <= present
    ]
    results = iter(compare_pairs(pairs, compare, seed=seed))
    orders = []
    for table, column, steps in chosen:
        tested = [
            _step(*step, next(results) if present.issuperset(step) else _not_run(*step, column, present))
            for step in steps
        ]
        key = (column.metric, column.field.name)
        means = {name: _mean(grid, name, key) for name in table.values if name in present}
        unit = column.field.unit
        orders.append(
            PublishedOrder(
                table=table,
                metric=column.metric,
                unit=unit,
                means=means,
                steps=tested,
                equal=[step for step in equal_steps(block, table) if present.issuperset(step)],
                left_out=left_out(block, table),
                verdict=_holds(tested),
            )
        )
    return PublishedResult(block=block, orders=orders, family=len(pairs), notes=notes)


def steps_of(
    block: PublishedBlock, table: PublishedTable, present: Collection[str] | None = None
) -> list[Step]:
    """Return the steps of a table as (below, above), by its own numbers; equal numbers are no step.

    Where the block names none, these are the covering pairs of "differs by at least `least`"; where only the systems
    `present` can be tested, also the covering pairs among these, which span those that are not.
    """
    own = _own_steps(block, table)
    if own:
        return [step for step in own if not table.equal(*step)]
    held = table.values if present is None else [name for name in table.values if name in present]
    return list(dict.fromkeys([*_covering(table, table.values), *_covering(table, held)]))


def equal_steps(block: PublishedBlock, table: PublishedTable) -> list[Step]:
    """Return what would be steps of a table if its numbers were not equal; without own steps of the block all pairs."""
    asked = _own_steps(block, table) or list(combinations(_ordered(table, table.values), 2))
    return [step for step in asked if table.equal(*step)]


def left_out(block: PublishedBlock, table: PublishedTable) -> list[Step]:
    """Return the covering pairs of a table that its steps neither test nor imply."""
    implied = set(steps_of(block, table))
    while further := {(a, d) for a, b in implied for c, d in implied if b == c} - implied:
        implied |= further
    return [step for step in _covering(table, table.values) if step not in implied]


def _covering(table: PublishedTable, names: Collection[str]) -> list[Step]:
    """Return the pairs of `names` that differ, with nothing between them that differs from both.

    Neighbours would not do: where each is nearly its neighbour's equal, the ends may still differ.
    """
    below = [step for step in combinations(_ordered(table, names), 2) if not table.equal(*step)]
    known = set(below)
    return [(a, c) for a, c in below if not any((a, b) in known and (b, c) in known for b in names)]


def _own_steps(block: PublishedBlock, table: PublishedTable) -> list[Step]:
    given = (step for step in block.steps if table.values.keys() >= set(step))
    return [(a, b) for step in given for a, b in [_ordered(table, step)]]


def _ordered(table: PublishedTable, names: Collection[str]) -> list[str]:
    """Sort names from worst to best as published."""
    sign = 1 if table.better == "higher" else -1
    return sorted(names, key=lambda name: sign * float(table.values[name]))


def _column(grid: ScoreGrid, name: str) -> Column | None:
    return next((c for c in grid.columns if f"{c.spec.id}.{c.field.name}" == name), None)


def _mean(grid: ScoreGrid, system: str, key: tuple[str, str]) -> float | None:
    number = next(i for i, c in enumerate(grid.columns) if (c.metric, c.field.name) == key)
    values = grid.values[grid.rows_of(system), number]
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None


def _step(below: str, above: str, result: PairedResult) -> PublishedStep:
    found: Found = "open"
    # Without a single pair missing clips alone would decide, and those say nothing of an order.
    if result.verdict is Verdict.NOT_COMPARABLE or result.pairs == 0:
        found = "absent"
    elif result.verdict is Verdict.BETTER:
        found = "agrees"
    elif result.verdict is Verdict.WORSE:
        found = "opposes"
    return PublishedStep(below=below, above=above, found=found, result=result)


def _not_run(below: str, above: str, column: Column, present: Collection[str]) -> PairedResult:
    lacking = [name for name in (below, above) if name not in present]
    return PairedResult(
        metric=column.metric,
        field=column.field.name,
        unit=column.field.unit,
        direction=column.field.direction,
        headline=column.headline,
        system=above,
        baseline=below,
        attempted=0,
        pairs=0,
        only_system=0,
        only_baseline=0,
        neither=0,
        clusters=0,
        verdict=Verdict.NOT_COMPARABLE,
        why=f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not in this run",
    )


def _holds(steps: Sequence[PublishedStep]) -> Holds:
    found = {step.found for step in steps}
    if "opposes" in found:
        return "reversed"
    if found == {"agrees"}:
        return "holds"
    return "absent" if found == {"absent"} else "open"

"""Whether the order that a paper's numbers put systems in is found again, by paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
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


def published_orders(
    grid: ScoreGrid, clips: Sequence[ClipRecord], block: PublishedBlock, compare: CompareBlock, *, seed: int
) -> PublishedResult:
    """Test every step of a published order on the systems of a run; all steps of the block are one family.

    Tables whose field or systems the run does not hold are left out, and a note says so.
    """
    present = {str(name) for name in grid.system}
    tables = {
        name: sample_table(grid, clips, name, cluster=compare.cluster)
        for name in sorted({n for t in block.tables for n in t.values} & present)
    }
    chosen: list[tuple[PublishedTable, Column, list[tuple[str, str]]]] = []
    notes: list[str] = []
    for table in block.tables:
        column = _column(grid, table.beside)
        steps = [step for step in steps_of(block, table) if set(step) <= present]
        if column is None:
            notes.append(f"{table.measure}: the run has no {table.beside}")
            continue
        if not steps:
            equal = _equal(block, table, present)
            why = "all its steps are equal in the paper" if equal else "the run has no systems to compare"
            notes.append(f"{table.measure}: {why}")
            continue
        chosen.append((table, column, steps))
    pairs: list[Pairs] = [
        Alignment.of(tables[above], tables[below], compare.cluster).pairs((column.metric, column.field.name))
        for _, column, steps in chosen
        for below, above in steps
    ]
    results = iter(compare_pairs(pairs, compare, seed=seed))
    orders = []
    for table, column, steps in chosen:
        tested = [_step(below, above, next(results)) for below, above in steps]
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
                equal=_equal(block, table, present),
                verdict=_holds(tested),
            )
        )
    return PublishedResult(block=block, orders=orders, family=len(pairs), notes=notes)


def steps_of(block: PublishedBlock, table: PublishedTable) -> list[tuple[str, str]]:
    """Return the steps of a table as (below, above), by its own numbers; equal numbers are no step."""
    return [(a, b) for a, b in _turned(block, table) if not table.equal(a, b)]


def equal_steps(block: PublishedBlock, table: PublishedTable) -> list[tuple[str, str]]:
    """Return what would be steps of a table if its numbers were not equal."""
    return [(a, b) for a, b in _turned(block, table) if table.equal(a, b)]


def _turned(block: PublishedBlock, table: PublishedTable) -> list[tuple[str, str]]:
    sign = 1 if table.better == "higher" else -1
    worth = {name: sign * float(value) for name, value in table.values.items()}
    ordered = sorted(worth, key=lambda name: worth[name])
    given = [step for step in block.steps if set(step) <= worth.keys()] or list(pairwise(ordered))
    return [(a, b) if worth[a] <= worth[b] else (b, a) for a, b in given]


def _equal(block: PublishedBlock, table: PublishedTable, present: set[str]) -> list[tuple[str, str]]:
    return [step for step in equal_steps(block, table) if set(step) <= present]


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


def _holds(steps: Sequence[PublishedStep]) -> Holds:
    found = {step.found for step in steps}
    if "opposes" in found:
        return "reversed"
    if found == {"agrees"}:
        return "holds"
    return "absent" if found == {"absent"} else "open"

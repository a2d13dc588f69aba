"""Places of systems in a field, with the ranks that the paired tests leave open."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from uniavgen_bench.core.comparison import CompareBlock, RankResult
from uniavgen_bench.core.errors import unknown_name
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.correction import corrected
from uniavgen_bench.stats.deciding import as_test, deciding_tails, lead
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.grid import Column, ScoreGrid
from uniavgen_bench.stats.pairs import Alignment, SampleTable, sample_table


def rank_systems(
    grid: ScoreGrid,
    clips: Sequence[ClipRecord],
    systems: Sequence[str],
    columns: Sequence[Column],
    block: CompareBlock,
    *,
    seed: int,
) -> list[RankResult]:
    """Rank systems of one role in each column that has a better side (see `rank_tables`).

    Raises:
        InputError: the run has no such system.
    """
    present = {str(name) for name in grid.system}
    for name in systems:
        if name not in present:
            raise unknown_name("system", name, present)
    tables = [sample_table(grid, clips, name, cluster=block.cluster) for name in systems]
    return rank_tables(tables, columns, grid, block, seed=seed)


def rank_tables(
    tables: Sequence[SampleTable],
    columns: Sequence[Column],
    grid: ScoreGrid,
    block: CompareBlock,
    *,
    seed: int,
) -> list[RankResult]:
    """Rank systems by their tables; a field's ranks depend on this field alone.

    `rank` is 1 + the number of systems that are ahead head to head, halves for ties; a missing value counts as in the
    deciding test, and a system without any number is last. `low` is 1 + the number of systems that are significantly
    better, `high` the number of systems - those significantly worse, corrected over the pairs of this field.
    `scored`, `attempted` and `mean` are over clips, as in the summary.
    """
    couples = list(combinations(range(len(tables)), 2))
    aligned = [Alignment.of(tables[a], tables[b], block.cluster) for a, b in couples]
    ranked = [column for column in columns if column.field.direction is not Direction.NONE]
    all_differences = [
        Differences.of(each.pairs((column.metric, column.field.name)))
        for column in ranked
        for each in aligned
    ]
    tails = deciding_tails(all_differences, block, seed=seed)
    results = []
    for at, column in enumerate(ranked):
        part = slice(at * len(couples), (at + 1) * len(couples))
        p = corrected(
            [as_test(d.pairs, t) for d, t in zip(all_differences[part], tails[part], strict=True)],
            block.correction,
        )
        ahead, better, worse = (np.zeros(len(tables)) for _ in range(3))
        for (a, b), d, t, value in zip(couples, all_differences[part], tails[part], p, strict=True):
            first = lead(d, block)
            ahead[a] += 0.5 if first == 0 else float(first < 0)
            ahead[b] += 0.5 if first == 0 else float(first > 0)
            if value < block.alpha:
                winner, loser = (a, b) if t.up < t.down else (b, a)
                better[loser] += 1
                worse[winner] += 1
        place = grid.columns.index(column)
        for i, table in enumerate(tables):
            values = grid.values[grid.rows_of(table.system), place]
            scored = int(np.count_nonzero(~np.isnan(values)))
            results.append(
                RankResult(
                    metric=column.metric,
                    field=column.field.name,
                    system=table.system,
                    scored=scored,
                    attempted=len(values),
                    mean=float(np.nanmean(values)) if scored else None,
                    rank=1 + float(ahead[i]) if scored else len(tables),
                    low=1 + int(better[i]),
                    high=len(tables) - int(worse[i]),
                    of=len(tables),
                )
            )
    return results

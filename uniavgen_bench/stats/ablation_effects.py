"""What each factor of an ablation changes, and how much that depends on the other factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from uniavgen_bench.core.comparison import (
    AblationBlock,
    AblationResult,
    CompareBlock,
    FactorEffect,
    Interaction,
    level_text,
)
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.stats.ablation_table import print_ablation
from uniavgen_bench.stats.comparison import chosen_columns, compare_pairs
from uniavgen_bench.stats.correction import adjusted
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.effects import effects_of
from uniavgen_bench.stats.grid import Column, ScoreGrid
from uniavgen_bench.stats.pairs import Alignment, Pairs, SampleTable, sample_table
from uniavgen_bench.stats.sign_flip import sign_flip

__all__ = ["ablation_effects", "averaged", "print_ablation"]

Setting = tuple[tuple[str, str], ...]
"""Levels of factors by name, sorted."""


def ablation_effects(
    grid: ScoreGrid,
    clips: Sequence[ClipRecord],
    systems: Sequence[SystemInfo],
    block: AblationBlock,
    compare: CompareBlock,
    *,
    seed: int,
) -> AblationResult:
    """Estimate the effect of every level beside its factor's reference, and in a full design all interactions.

    Systems are the cells of the design, found by `SystemInfo.factors`. A level and its reference are paired by sample
    within each setting of the other factors, and a sample's differences are averaged over the settings that hold
    both cells. An interaction is how much a level's effect at another factor's level differs from its effect at that
    factor's reference, by sample, turned to neither side: `estimate` is in the field's unit. Effects are one family,
    interactions another.

    Raises:
        InputError: a factor has no cell at its reference, or the block names an unknown field.
    """
    levels = {name: [level_text(level) for level in given] for name, given in block.factors.items()}
    present = {str(name) for name in grid.system}
    cells = {
        _setting(info.factors): info
        for info in systems
        if info.id in present and info.factors.keys() == levels.keys()
    }
    columns = chosen_columns(grid, compare.fields)
    tables = {
        setting: sample_table(grid, clips, info.id, cluster=compare.cluster)
        for setting, info in cells.items()
    }
    notes: list[str] = []
    effects, planned = [], []
    for factor, names in levels.items():
        if not any(dict(setting)[factor] == names[0] for setting in cells):
            raise InputError(f"no system of the run has the factor {factor!r} at its reference {names[0]!r}")
        for level in names[1:]:
            couples = _couples(cells, factor, level, names[0])
            if not couples:
                notes.append(f"{factor}={level}: no system of the run has it beside the reference")
                continue
            aligned = [Alignment.of(tables[a], tables[b], compare.cluster) for a, b in couples]
            system, baseline = f"{factor}={level}", f"{factor}={names[0]}"
            if len(couples) == 1:
                system, baseline = cells[couples[0][0]].id, cells[couples[0][1]].id
            for column in columns:
                key = (column.metric, column.field.name)
                planned.append((factor, level, names[0], len(couples)))
                effects.append(averaged([each.pairs(key) for each in aligned], system, baseline))
    results = compare_pairs(effects, compare, seed=seed)
    found = [
        FactorEffect(factor=factor, level=level, reference=reference, settings=settings, result=result)
        for (factor, level, reference, settings), result in zip(planned, results, strict=True)
    ]
    interactions = (
        _interactions(tables, levels, columns, compare, seed=seed) if block.design == "full" else []
    )
    if block.design != "full" and len(levels) > 1:
        notes.append("interactions need `design: full`")
    return AblationResult(
        block=block,
        systems={info.id: dict(info.factors) for info in cells.values()},
        effects=found,
        interactions=interactions,
        notes=notes,
    )


def _setting(factors: dict[str, str]) -> Setting:
    return tuple(sorted(factors.items()))


def _with(setting: Setting, **levels: str) -> Setting:
    return _setting({**dict(setting), **levels})


def _couples(
    cells: dict[Setting, SystemInfo], factor: str, level: str, reference: str
) -> list[tuple[Setting, Setting]]:
    """Return the cells at a level with their neighbours at the reference, all else equal."""
    return [
        (setting, _with(setting, **{factor: reference}))
        for setting in sorted(cells)
        if dict(setting)[factor] == level and _with(setting, **{factor: reference}) in cells
    ]


def averaged(settings: Sequence[Pairs], system: str, baseline: str) -> Pairs:
    """Average the pairs of several settings by sample into those of one comparison.

    Values are averaged over the settings in which a sample has both; a sample lacks the share of its settings in
    which it has no number, as if they were repeats.
    """
    names = sorted({str(name) for each in settings for name in each.samples})
    row = {name: i for i, name in enumerate(names)}
    sums = np.zeros((5, len(names)))
    lacks = np.ones((2, len(settings), len(names)))
    clusters = np.empty(len(names), dtype=object)
    for k, each in enumerate(settings):
        at = np.asarray([row[str(name)] for name in each.samples], dtype=np.int64)
        clusters[at] = each.clusters
        both = each.both
        sums[0, at[both]] += 1
        sums[1, at[both]] += each.system_values[both]
        sums[2, at[both]] += each.baseline_values[both]
        sums[3, at] += ~np.isnan(each.system_values)
        sums[4, at] += ~np.isnan(each.baseline_values)
        lacks[0, k, at], lacks[1, k, at] = each.system_lacks, each.baseline_lacks
    values = np.where(sums[0] > 0, sums[1:3] / np.maximum(sums[0], 1), np.nan)
    for k in range(2):  # a sample that never has both may still have one
        alone = (sums[0] == 0) & (sums[3 + k] > 0) & (sums[4 - k] == 0)
        for each in settings:
            at = np.asarray([row[str(name)] for name in each.samples], dtype=np.int64)
            given = each.system_values if k == 0 else each.baseline_values
            use = alone[at] & ~np.isnan(given)
            values[k, at[use]] = given[use]
    return replace(
        settings[0],
        system=system,
        baseline=baseline,
        samples=np.asarray(names, dtype=object),
        clusters=clusters,
        system_values=values[0],
        baseline_values=values[1],
        system_lacks=lacks[0].mean(axis=0),
        baseline_lacks=lacks[1].mean(axis=0),
    )


def _interactions(
    tables: dict[Setting, SampleTable],
    levels: dict[str, list[str]],
    columns: Sequence[Column],
    compare: CompareBlock,
    *,
    seed: int,
) -> list[Interaction]:
    planned: list[tuple[str, str, str, str]] = []
    contrasts: list[Pairs] = []
    for a, b in combinations(levels, 2):
        for level_a in levels[a][1:]:
            for level_b in levels[b][1:]:
                corners = [
                    (
                        tables[setting],
                        tables[_with(setting, **{a: levels[a][0], b: levels[b][0]})],
                        tables[_with(setting, **{a: levels[a][0]})],
                        tables[_with(setting, **{b: levels[b][0]})],
                    )
                    for setting in sorted(tables)
                    if (dict(setting)[a], dict(setting)[b]) == (level_a, level_b)
                    and {
                        _with(setting, **{a: levels[a][0]}),
                        _with(setting, **{b: levels[b][0]}),
                        _with(setting, **{a: levels[a][0], b: levels[b][0]}),
                    }
                    <= tables.keys()
                ]
                if not corners:
                    continue
                for column in columns:
                    key = (column.metric, column.field.name)
                    planned.append((a, level_a, b, level_b))
                    each = [_contrast(four, key, compare.cluster) for four in corners]
                    contrasts.append(averaged(each, f"{a}={level_a} {b}={level_b}", "reference"))
    all_differences = [Differences.of(each) for each in contrasts]
    tails = sign_flip([d.sums() for d in all_differences], seed=seed)
    estimates = effects_of(all_differences, level=1 - compare.alpha, seed=seed)
    p = [t.two_sided if d.paired.any() else None for t, d in zip(tails, all_differences, strict=True)]
    p_adjusted = iter(adjusted([value for value in p if value is not None], compare.correction))
    return [
        Interaction(
            metric=d.pairs.metric,
            field=d.pairs.field,
            unit=d.pairs.unit,
            direction=d.pairs.direction,
            factor_a=a,
            level_a=level_a,
            factor_b=b,
            level_b=level_b,
            pairs=int(d.paired.sum()),
            clusters=int(np.count_nonzero(d.counts())),
            estimate=estimate.difference,
            p=value,
            p_adjusted=None if value is None else next(p_adjusted),
        )
        for (a, level_a, b, level_b), d, estimate, value in zip(
            planned, all_differences, estimates, p, strict=True
        )
    ]


def _contrast(
    corners: tuple[SampleTable, SampleTable, SampleTable, SampleTable],
    key: tuple[str, str],
    cluster: str | None,
) -> Pairs:
    """Return pairs whose difference is the difference of differences: both levels + neither, beside one each."""
    both, neither, only_b, only_a = corners
    first = Alignment.of(both, only_b, cluster).pairs(key)
    second = Alignment.of(only_a, neither, cluster).pairs(key)
    names = sorted({*map(str, first.samples)} & {*map(str, second.samples)})
    one = [{str(n): i for i, n in enumerate(each.samples)} for each in (first, second)]
    at = [np.asarray([index[name] for name in names], dtype=np.int64) for index in one]
    return replace(
        first,
        samples=np.asarray(names, dtype=object),
        clusters=first.clusters[at[0]],
        system_values=first.system_values[at[0]] + second.baseline_values[at[1]],
        baseline_values=first.baseline_values[at[0]] + second.system_values[at[1]],
        system_lacks=np.maximum(first.system_lacks[at[0]], second.baseline_lacks[at[1]]),
        baseline_lacks=np.maximum(first.baseline_lacks[at[0]], second.system_lacks[at[1]]),
    )

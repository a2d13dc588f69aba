"""Which differences of a run are real: paired tests of systems, corrected over a family, with effects and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from uniavgen_bench.core.comparison import CompareBlock, PairedResult, RunStats, Verdict
from uniavgen_bench.core.errors import unknown_name
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.deciding import decide
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.effects import detectable, effects_of
from uniavgen_bench.stats.grid import Column, ScoreGrid, reason_of
from uniavgen_bench.stats.numbers import count_of_tests
from uniavgen_bench.stats.pairs import Alignment, Pairs, SampleTable, sample_table
from uniavgen_bench.stats.ranks import rank_tables
from uniavgen_bench.stats.sign_flip import Tails, sign_flip

NOT_THE_CLIPS = frozenset(
    {
        Reason.WEIGHTS,
        Reason.NOT_INSTALLED,
        Reason.NO_REFERENCE,
        Reason.NO_TRANSCRIPT,
        Reason.UNVERIFIED_TRANSCRIPT,
        Reason.LANGUAGE,
    }
)
"""Reasons that lie in the machine or the dataset."""


def compare_pairs(pairs: Sequence[Pairs], block: CompareBlock, *, seed: int) -> list[PairedResult]:
    """Compare systems sample by sample; all `pairs` are one family of tests.

    A result depends on the order of neither samples nor pairs, and but for `p_adjusted` and `verdict` on no other pair.
    """
    all_differences = [Differences.of(each) for each in pairs]
    over_pairs = sign_flip([d.sums() for d in all_differences], seed=seed)
    decisions = decide(all_differences, block, seed=seed)
    effects = effects_of(all_differences, level=1 - block.alpha, seed=seed)
    results = []
    for i, (each, differences) in enumerate(zip(pairs, all_differences, strict=True)):
        both = each.both
        has_a, has_b = ~np.isnan(each.system_values), ~np.isnan(each.baseline_values)
        directed = each.direction is not Direction.NONE
        p_permutation = over_pairs[i].two_sided if both.any() else None
        p_wilcoxon = _wilcoxon(differences)
        chosen = p_wilcoxon if block.test == "wilcoxon" else p_permutation
        decision = decisions[i]
        why = decision.why
        if decision.verdict is Verdict.NOT_SEEN and not why:
            why = _lost_by_missing(each, decision.tails, chosen, block.alpha)
        results.append(
            PairedResult(
                metric=each.metric,
                field=each.field,
                unit=each.unit,
                direction=each.direction,
                headline=each.headline,
                system=each.system,
                baseline=each.baseline,
                attempted=len(each.samples),
                pairs=int(both.sum()),
                only_system=int((has_a & ~has_b).sum()),
                only_baseline=int((has_b & ~has_a).sum()),
                neither=int((~has_a & ~has_b).sum()),
                clusters=int(np.count_nonzero(differences.counts())),
                mean_system=float(np.mean(each.system_values[both])) if both.any() else None,
                mean_baseline=float(np.mean(each.baseline_values[both])) if both.any() else None,
                difference=effects[i].difference,
                d=effects[i].d,
                cliff=effects[i].cliff,
                p_permutation=p_permutation,
                p_wilcoxon=p_wilcoxon,
                p_worst=differences.rank_test().two_sided if directed else None,
                p=decision.tails.two_sided,
                p_adjusted=decision.p_adjusted,
                detectable=detectable(differences, block),
                verdict=decision.verdict,
                why=why,
            )
        )
    return results


def _wilcoxon(differences: Differences) -> float | None:
    """Return the two-sided p of `scipy.stats.wilcoxon` over the mean differences of clusters."""
    from scipy.stats import wilcoxon

    counts = differences.counts()
    means = differences.sums()[counts > 0] / counts[counts > 0]
    if not means.size:
        return None
    if not means.any():
        return 1.0
    scaled = np.round(means / np.abs(means).max(), 12)
    exact = len(scaled) <= 50 and len(np.unique(np.abs(scaled))) == len(scaled) and scaled.all()
    return float(wilcoxon(scaled, method="exact" if exact else "approx").pvalue)


def _lost_by_missing(pairs: Pairs, tails: Tails, over_pairs: float | None, alpha: float) -> str:
    """Say when a difference over the pairs is not seen for what is missing."""
    if over_pairs is None or not over_pairs < alpha <= tails.two_sided:
        return ""
    system = int((pairs.system_lacks > pairs.baseline_lacks + 1e-9).sum())
    baseline = int((pairs.baseline_lacks > pairs.system_lacks + 1e-9).sum())
    if not (system or baseline):
        return ""
    return (
        f"p is {over_pairs:.2g} over the pairs alone, but {pairs.system} lacks {system} and "
        f"{pairs.baseline} {baseline} samples of the other's, which count as the worst"
    )


def chosen_columns(grid: ScoreGrid, fields: Sequence[str]) -> list[Column]:
    """Return the columns that a block's `fields` name, `metric.field` with or without version; none: headlines.

    Raises:
        InputError: no column has the name; says the nearest.
    """
    if not fields:
        return [column for column in grid.columns if column.headline]
    named: dict[str, list[Column]] = {}
    for column in grid.columns:
        for metric in dict.fromkeys((column.spec.id, column.metric)):
            named.setdefault(f"{metric}.{column.field.name}", []).append(column)
    found: dict[tuple[str, str], Column] = {}
    for name in fields:
        if name not in named:
            raise unknown_name("field", name, named)
        found |= {(c.metric, c.field.name): c for c in named[name]}
    return list(found.values())


def compare_run(
    grid: ScoreGrid,
    clips: Sequence[ClipRecord],
    systems: Sequence[SystemInfo],
    block: CompareBlock,
    *,
    seed: int,
) -> RunStats:
    """Compare the systems of a run and rank them.

    With a baseline, every other system is compared with it; without, every pair of systems, the later one in the order
    of `systems` beside the earlier. Controls are compared too - with the baseline, or with every system - but as a
    family of their own in each field: they say whether this field can see anything, and neither adding one nor testing
    another field must weaken what is said. Fields that nobody could measure (weights, references) are listed but belong
    to no family. `family` counts the systems' tests.

    Raises:
        InputError: the block names an unknown field or system, or there is nothing to compare.
    """
    columns = chosen_columns(grid, block.fields)
    present = {str(name) for name in grid.system}
    infos = {info.id: info for info in systems if info.id in present}
    infos |= {name: SystemInfo(id=name, use=name) for name in sorted(present - infos.keys())}
    if block.baseline is not None and block.baseline not in infos:
        raise unknown_name("system", block.baseline, infos)
    tables = {name: sample_table(grid, clips, name, cluster=block.cluster) for name in infos}
    claims, controls = _who(infos, block.baseline)
    measurable = [column for column in columns if _measurable(grid, column)]
    impossible = [column for column in columns if column not in measurable]
    paired: list[PairedResult] = []
    for part in (measurable, impossible):
        paired += compare_pairs(_pairs(tables, claims, part, block), block, seed=seed)
    for column in (*measurable, *impossible):
        paired += compare_pairs(_pairs(tables, controls, [column], block), block, seed=seed)
    family = len(claims) * len(measurable)
    notes = []
    if controls and measurable:
        count = len(controls) * len(measurable)
        floors = any(infos[name].role is Role.LOWER_CONTROL for name, _ in controls)
        who = "controls" if floors else "recordings that stand as ceilings"
        notes.append(
            f"{count_of_tests(count)} of {who} {'is' if count == 1 else 'are'} corrected within each field, "
            "not with the systems'"
        )
    by_role: dict[Role, list[SampleTable]] = {}
    for name, info in infos.items():
        by_role.setdefault(info.role, []).append(tables[name])
    ranks = [
        result
        for members in by_role.values()
        for result in rank_tables(members, columns, grid, block, seed=seed)
    ]
    return RunStats(block=block, seed=seed, family=family, paired=paired, ranks=ranks, notes=notes)


def _measurable(grid: ScoreGrid, column: Column) -> bool:
    """Whether a field could be measured at all: no clip was to blame for every missing value.

    Only what no clip can bring about counts, so that nobody shrinks the family by dropping clips.
    """
    at = grid.columns.index(column)
    reasons = np.unique(grid.reasons[:, at])
    return bool(reasons.size and reasons[0] < 0) or any(
        reason_of(grid.reason_texts[code]) not in NOT_THE_CLIPS for code in reasons
    )


def _who(
    infos: dict[str, SystemInfo], baseline: str | None
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return who is compared with whom, `(system, baseline)`: systems, and controls."""
    plain = [name for name, info in infos.items() if info.role is Role.SYSTEM]
    control = [name for name in infos if name not in plain]
    if baseline is not None:
        return (
            [(name, baseline) for name in plain if name != baseline],
            [(name, baseline) for name in control if name != baseline],
        )
    pairs = [(later, earlier) for earlier, later in combinations(plain, 2)]
    return pairs, [(name, system) for name in control for system in plain]


def _pairs(
    tables: dict[str, SampleTable],
    couples: Sequence[tuple[str, str]],
    columns: Sequence[Column],
    block: CompareBlock,
) -> list[Pairs]:
    aligned = [Alignment.of(tables[a], tables[b], block.cluster) for a, b in couples]
    return [each.pairs((column.metric, column.field.name)) for column in columns for each in aligned]

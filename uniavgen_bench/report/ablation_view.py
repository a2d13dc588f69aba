"""The matrix of an ablation: what each level of each factor changes in each metric, and which factors interact."""

from __future__ import annotations

from dataclasses import dataclass

from uniavgen_bench.core.comparison import FactorEffect, Interaction, Verdict
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.verdicts import MARKS, WORDS, contrast, p_text
from uniavgen_bench.stats.missing_text import against_its_pairs, lost_by_missing
from uniavgen_bench.stats.numbers import decimals, unit_text
from uniavgen_bench.stats.verdict_table import digits_of, estimate_text

MOST_INTERACTIONS = 12


@dataclass(frozen=True)
class EffectCell:
    """One cell: the effect with its interval, its mark, and the sentence of its comparison. `kind` names its look."""

    kind: str
    mark: str
    word: str
    estimate: str
    p: str
    sentence: str


@dataclass(frozen=True)
class EffectRow:
    """One level of a factor beside the reference level; cells are None where nothing was compared."""

    factor: str
    first: bool
    levels: int
    level: str
    reference: str
    settings: int
    cells: tuple[EffectCell | None, ...]


@dataclass(frozen=True)
class InteractionRow:
    """How much one effect depends on another factor's level."""

    metric: str
    field: str
    pair: str
    estimate: str
    p: str
    pairs: int
    seen: bool


@dataclass(frozen=True)
class AblationView:
    """The whole matrix; `columns` are (title, field with unit, name of the metric)."""

    of: str
    design: str
    columns: tuple[tuple[str, str, str], ...]
    rows: tuple[EffectRow, ...]
    interactions: tuple[InteractionRow, ...]
    more: tuple[InteractionRow, ...]
    seen: int
    notes: tuple[str, ...]


def ablation_view(run: RunData) -> AblationView | None:
    """Return the matrix, or None for a run without an ablation."""
    found = run.ablation
    if found is None:
        return None
    keys = list(dict.fromkeys((e.result.metric, e.result.field) for e in found.effects if e.result.headline))
    effects = {(e.factor, e.level, e.result.metric, e.result.field): e for e in found.effects}
    rows: list[EffectRow] = []
    for factor in dict.fromkeys(e.factor for e in found.effects):
        levels = list(dict.fromkeys(e.level for e in found.effects if e.factor == factor))
        for at, level in enumerate(levels):
            members = [effects.get((factor, level, *key)) for key in keys]
            some = next(e for e in found.effects if (e.factor, e.level) == (factor, level))
            cells = tuple(_cell(run, e) if e else None for e in members)
            rows.append(EffectRow(factor, at == 0, len(levels), level, some.reference, some.settings, cells))
    alpha = run.stats.block.alpha if run.stats else 0.05
    lines = [
        _interaction(run, i, alpha)
        for i in sorted(
            found.interactions, key=lambda i: (i.p_adjusted is None, i.p_adjusted or 0.0, i.metric)
        )
    ]
    return AblationView(
        of=run.label_of(found.block.of),
        design="every combination of levels" if found.block.design == "full" else "one factor at a time",
        columns=tuple(_column(run, *key) for key in keys),
        rows=tuple(rows),
        interactions=tuple(lines[:MOST_INTERACTIONS]),
        more=tuple(lines[MOST_INTERACTIONS:]),
        seen=sum(line.seen for line in lines),
        notes=tuple(found.notes),
    )


def _column(run: RunData, metric: str, field: str) -> tuple[str, str, str]:
    column = run.column_of(metric, field)
    if column is None:
        return metric, field, metric
    spec = run.column(column)
    unit = unit_text(spec.field.unit)
    return spec.spec.title, f"{field} ({unit})" if unit else field, spec.metric


def _cell(run: RunData, effect: FactorEffect) -> EffectCell:
    result = effect.result
    sentence = contrast(run, result, run.stats.block).sentence if run.stats is not None else ""
    digits = digits_of([result])
    estimate = estimate_text(result.difference, digits) if result.difference else "–"
    return EffectCell(
        kind=result.verdict.value.replace("_", "-"),
        mark=MARKS[result.verdict],
        word=WORDS[result.verdict],
        estimate=lost_by_missing(result) if against_its_pairs(result) else estimate,
        p=p_text(result.p_adjusted) if result.verdict is not Verdict.NOT_COMPARABLE else result.why,
        sentence=sentence,
    )


def _interaction(run: RunData, found: Interaction, alpha: float) -> InteractionRow:
    title, field, _ = _column(run, found.metric, found.field)
    e = found.estimate
    half = (e.high - e.low) / 2 if e and e.low is not None and e.high is not None else None
    digits = decimals([half], otherwise=abs(e.value) if e else None)
    return InteractionRow(
        metric=title,
        field=field,
        pair=f"{found.factor_a} = {found.level_a} with {found.factor_b} = {found.level_b}",
        estimate=estimate_text(e, digits) if e else "–",
        p=p_text(found.p_adjusted),
        pairs=found.pairs,
        seen=found.p_adjusted is not None and found.p_adjusted <= alpha,
    )

"""What a comparison of every pair says: for each tested field, who is better than whom, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uniavgen_bench.core.comparison import CompareBlock, PairedResult, Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.verdicts import Contrast, contrasts, if_complete, out_of_reach, p_text
from uniavgen_bench.stats.missing_text import against_its_pairs
from uniavgen_bench.stats.numbers import number, percent, unit_text
from uniavgen_bench.stats.verdict_table import digits_of


@dataclass(frozen=True)
class FieldVerdict:
    """One field's title and its sentences."""

    title: str
    sentences: tuple[str, ...]


def by_field(run: RunData) -> list[FieldVerdict]:
    """Return the sentences of all tested fields, systems proper only; empty where a baseline was named."""
    if run.stats is None or run.stats.block.baseline is not None:
        return []
    proper = {system.id for system in run.systems if system.role is Role.SYSTEM}
    found = []
    for metric, columns in run.metric_columns.items():
        among = [c for c in contrasts(run, metric) if {c.result.system, c.result.baseline} <= proper]
        for column in columns:
            field = run.column(column).field.name
            members = [c for c in among if c.result.field == field]
            if any(c.result.verdict is not Verdict.NOT_COMPARABLE for c in members):
                title = run.column(column).spec.title
                name = title if column == columns[0] else f"{title} ({field.replace('_', ' ')})"
                found.append(FieldVerdict(name, sentences(members, run.stats.block)))
    return found


def sentences(members: Sequence[Contrast], block: CompareBlock) -> tuple[str, ...]:
    """Say of one field who wins, and in how many pairs nothing was seen."""
    wins: dict[str, list[tuple[str, PairedResult]]] = {}
    for c in members:
        if c.result.verdict is Verdict.BETTER:
            wins.setdefault(c.who, []).append((c.other, c.result))
        elif c.result.verdict is Verdict.WORSE:
            wins.setdefault(c.other, []).append((c.who, c.result))
    digits = digits_of([c.result for c in members])
    said = [_won(who, others, digits) for who, others in sorted(wins.items(), key=lambda item: -len(item[1]))]
    unseen = sum(c.result.verdict is Verdict.NOT_SEEN for c in members)
    different = sum(c.result.verdict is Verdict.DIFFERENT for c in members)
    if different:
        said.append(f"{different} of {len(members)} pairs differ; neither way is better.")
    hopeless = [c.result.why for c in members if out_of_reach(c.result)]
    if unseen and len(hopeless) == unseen:
        said.append(f"nothing could be seen: {hopeless[0]}.")
    elif unseen:
        early = "" if block.correction == "none" else " before correction"
        power = f" with {percent(block.power)} power{early}"
        known = [
            c.result.detectable
            for c in members
            if c.result.verdict is Verdict.NOT_SEEN and c.result.detectable
        ]
        unit = unit_text(members[0].result.unit)
        size = f"{number(max(known), digits)}{f' {unit}' if unit else ''}" if known else ""
        if len(members) == 1:
            seen = f"; a true one of {size} would have been{power}" if size else ""
            seen += if_complete([c.result for c in members]) if size else ""
            said.append(f"no difference seen between {members[0].who} and {members[0].other}{seen}.")
        else:
            missing = if_complete([c.result for c in members if c.result.verdict is Verdict.NOT_SEEN])
            seen = f"; {size} would have been seen{power}{missing}" if size else ""
            said.append(f"No difference seen in {unseen} of {len(members)} pairs{seen}.")
    return tuple(said)


def _won(who: str, others: Sequence[tuple[str, PairedResult]], digits: int) -> str:
    parts = [
        f"{name} by {number(abs(r.difference.value), digits)}"
        if r.difference and not against_its_pairs(r)
        else name
        for name, r in others
    ]
    largest = max((r.p_adjusted for _, r in others if r.p_adjusted is not None), default=None)
    names = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return (
        f"{who} is better than {names} ({'each ' if len(parts) > 1 else ''}{_at_most(largest, len(parts))})."
    )


def _at_most(p: float | None, count: int) -> str:
    text = p_text(p)
    return text.replace("=", "≤") if count > 1 else text

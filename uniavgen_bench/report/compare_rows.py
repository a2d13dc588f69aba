"""The verdicts of a comparison of runs as rows of text, for the terminal, for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uniavgen_bench.core.comparison import Estimate, PairedResult, Verdict
from uniavgen_bench.report.comparison import ComparedPair, Comparison, Lost, Mover
from uniavgen_bench.stats.numbers import NONE, decimals, number, unit_text
from uniavgen_bench.stats.table import ARROWS
from uniavgen_bench.stats.verdict_table import p_text, signed

WORDS = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.DIFFERENT: "different",
    Verdict.NOT_SEEN: "no difference seen",
    Verdict.NOT_COMPARABLE: "not comparable",
}


@dataclass(frozen=True)
class VerdictRow:
    """One row; `system` names both systems where they have different names."""

    run: str
    system: str
    metric: str
    field: str
    unit: str
    arrow: str
    before: str
    after: str
    difference: str
    interval: str
    effect: str
    p: str
    detectable: str
    pairs: str
    complete: bool
    verdict: Verdict
    word: str
    why: str


@dataclass(frozen=True)
class MoverGroup:
    """The samples of one system and field that lost and gained most, and those that have a score in one run only."""

    run: str
    system: str
    metric: str
    field: str
    unit: str
    arrow: str
    digits: int
    worse: tuple[Mover, ...]
    better: tuple[Mover, ...]
    lost: tuple[Lost, ...]
    found: tuple[Lost, ...]


def verdict_rows(comparison: Comparison) -> list[VerdictRow]:
    """Return all rows in the order of the comparison."""
    digits = digits_by_field([c.result for c in comparison.compared])
    return [_row(c, digits[(c.result.metric, c.result.field)]) for c in comparison.compared]


def digits_by_field(results: Sequence[PairedResult]) -> dict[tuple[str, str], int]:
    """Return the decimals of each field: one number for all rows of a field."""
    found: dict[tuple[str, str], int] = {}
    for key in {(r.metric, r.field) for r in results}:
        of = [r for r in results if (r.metric, r.field) == key]
        halves = [
            (d.high - d.low) / 2
            for r in of
            if (d := r.difference) is not None and d.low is not None and d.high is not None
        ]
        largest = max((abs(r.mean_baseline) for r in of if r.mean_baseline is not None), default=None)
        found[key] = decimals(halves, otherwise=largest)
    return found


def pair_name(system: str, baseline: str) -> str:
    """Return the name of a row: the system's, or both where they differ."""
    return system if system == baseline else f"{baseline} → {system}"


def _row(compared: ComparedPair, digits: int) -> VerdictRow:
    result = compared.result
    return VerdictRow(
        run=compared.run,
        system=pair_name(compared.system, compared.baseline),
        metric=result.metric,
        field=result.field,
        unit=unit_text(result.unit),
        arrow=ARROWS[result.direction],
        before=number(result.mean_baseline, digits),
        after=number(result.mean_system, digits),
        difference=signed(result.difference.value, digits) if result.difference else NONE,
        interval=interval(result.difference, digits),
        effect=signed(result.d.value, 2) if result.d else NONE,
        p=p_text(result.p_adjusted),
        detectable=number(result.detectable, digits),
        pairs=f"{result.pairs}/{result.attempted}",
        complete=result.pairs == result.attempted,
        verdict=result.verdict,
        word=WORDS[result.verdict],
        why=result.why,
    )


def interval(estimate: Estimate | None, digits: int) -> str:
    """Render `-0.12 to 0.04`; nothing where there is no interval."""
    if estimate is None or estimate.low is None or estimate.high is None:
        return ""
    return f"{signed(estimate.low, digits)} to {signed(estimate.high, digits)}"


def mover_groups(comparison: Comparison) -> list[MoverGroup]:
    """Return what changed by sample, for each system and field in which something did."""
    digits = digits_by_field([c.result for c in comparison.compared])
    groups = []
    for compared in comparison.compared:
        result = compared.result
        key = (compared.run, compared.system, compared.baseline, result.metric, result.field)
        movers = [m for m in comparison.movers if (m.run, m.system, m.baseline, m.metric, m.field) == key]
        lost = [m for m in comparison.lost if (m.run, m.system, m.baseline, m.metric, m.field) == key]
        if not movers and not lost:
            continue
        groups.append(
            MoverGroup(
                run=compared.run,
                system=pair_name(compared.system, compared.baseline),
                metric=result.metric,
                field=result.field,
                unit=unit_text(result.unit),
                arrow=ARROWS[result.direction],
                digits=min(digits[(result.metric, result.field)] + 1, 5),
                worse=tuple(m for m in movers if m.gain < 0),
                better=tuple(m for m in movers if m.gain > 0),
                lost=tuple(entry for entry in lost if entry.lost),
                found=tuple(entry for entry in lost if not entry.lost),
            )
        )
    return groups


def unchanged_names(comparison: Comparison) -> str:
    """Return the systems of which nothing changed, with their runs where there are several."""
    several = len(comparison.runs) > 2
    return ", ".join(
        pair_name(entry.system, entry.baseline) + (f" ({entry.run})" if several else "")
        for entry in comparison.unchanged
    )


def sentences(comparison: Comparison) -> list[tuple[str, bool]]:
    """Return what the comparison says in short, each sentence with whether it is a caution."""
    first, *others = comparison.runs
    counts = dict.fromkeys(Verdict, 0)
    for compared in comparison.compared:
        counts[compared.result.verdict] += 1
    named = ", ".join(run.name for run in others)
    shown = ", ".join(f"{counts[verdict]} {WORDS[verdict]}" for verdict in Verdict if counts[verdict])
    if comparison.compared:
        found = [(f"{named} beside {first.name}: of {len(comparison.compared)} comparisons {shown}.", False)]
    else:
        found = [(f"{named} beside {first.name}: nothing changed.", False)]
    if comparison.unchanged:
        found.append((f"Every clip and every score is the same: {unchanged_names(comparison)}.", False))
    for row in verdict_rows(comparison):
        if row.verdict in (Verdict.WORSE, Verdict.BETTER, Verdict.DIFFERENT):
            unit = f" {row.unit}" if row.unit else ""
            bounds = f" ({row.interval})" if row.interval else ""
            where = f" in {row.run}" if len(others) > 1 else ""
            found.append(
                (
                    f"{row.system}{where} is {row.word} in {row.metric} {row.field}: "
                    f"{row.difference}{unit}{bounds}.",
                    row.verdict is Verdict.WORSE,
                )
            )
    lost = sum(compared.result.only_baseline for compared in comparison.compared)
    if lost:
        found.append((f"Scores that {first.name} has and a later run lacks: {lost}.", True))
    if comparison.left_out:
        found.append(
            (f"{len(comparison.left_out)} things could not be compared; they are listed below.", True)
        )
    found += [(f"{note}.", True) for note in comparison.notes if note.startswith("caution")]
    return found

"""What the comparisons of a run say, in sentences: who is better, by how much, how sure, and what could not be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uniavgen_bench.core.comparison import CompareBlock, Estimate, PairedResult, RankResult, RunStats, Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.report.render import plural
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.missing_text import against_its_pairs, lost_by_missing
from uniavgen_bench.stats.numbers import count_of_tests, number, percent, unit_text
from uniavgen_bench.stats.verdict_table import digits_of, estimate_text, signed

MARKS = {
    Verdict.BETTER: "▲",
    Verdict.WORSE: "▼",
    Verdict.DIFFERENT: "◆",
    Verdict.NOT_SEEN: "·",
    Verdict.NOT_COMPARABLE: "?",
}
WORDS = {
    Verdict.BETTER: "better",
    Verdict.WORSE: "worse",
    Verdict.DIFFERENT: "different",
    Verdict.NOT_SEEN: "no difference seen",
    Verdict.NOT_COMPARABLE: "not comparable",
}
TESTS = {
    "paired_permutation": "paired permutation test",
    "wilcoxon": "Wilcoxon’s signed-rank test",
}
CORRECTIONS = {
    "holm": "Holm’s correction",
    "bh": "Benjamini and Hochberg’s correction",
    "none": "no correction",
}
NAMED = 3
HELD_BACK = "held back by missing samples"


@dataclass(frozen=True)
class Contrast:
    """One comparison as the page shows it: `who` beside `other`; texts are empty where there is no number."""

    result: PairedResult
    who: str
    other: str
    mark: str
    word: str
    difference: str
    p: str
    detectable: str
    effect: str
    coverage: str
    sentence: str


@dataclass(frozen=True)
class SystemVerdict:
    """What one system's comparisons with the baseline say together: (verdict's word, its parts in a few words)."""

    who: str
    other: str
    parts: tuple[tuple[Verdict, str, tuple[str, ...], int], ...]


def contrasts(run: RunData, metric: str) -> list[Contrast]:
    """Return the comparisons of a metric, by field with the headline first, then in the order of the systems."""
    if run.stats is None:
        return []
    order = {system.id: i for i, system in enumerate(run.systems)}
    fields = [run.column(i).field.name for i in run.metric_columns.get(metric, [])]
    found = []
    for field in fields:
        chosen = [r for r in run.stats.paired if r.field == field and is_metric(run, r, metric)]
        chosen.sort(key=lambda r: (order.get(r.baseline, len(order)), order.get(r.system, len(order))))
        digits = digits_of(chosen)
        found += [contrast(run, result, run.stats.block, digits) for result in chosen]
    return found


def is_metric(run: RunData, result: PairedResult | RankResult, metric: str) -> bool:
    """Whether a result is of a metric of the run, named with its version or without."""
    return result.metric == metric or any(
        c.metric == metric and c.spec.id == result.metric for c in run.grid.columns
    )


def contrast(run: RunData, result: PairedResult, block: CompareBlock, digits: int | None = None) -> Contrast:
    """Return a comparison with all its texts, its differences with `digits` decimals or as its interval asks for."""
    who, other = run.label_of(result.system), run.label_of(result.baseline)
    coverage = f"{result.pairs} of {plural(result.attempted, 'sample')}"
    digits = digits_of([result]) if digits is None else digits
    unit = unit_text(result.unit)
    detectable = number(result.detectable, digits) + (f" {unit}" if unit else "") if result.detectable else ""
    effect = ""
    if result.d is not None:
        effect = f"paired d {signed(result.d.value, 2)}"
    if result.cliff is not None:
        effect += f"{', ' if effect else ''}Cliff’s delta {signed(result.cliff.value, 2)}"
    return Contrast(
        result=result,
        who=who,
        other=other,
        mark=MARKS[result.verdict],
        word=WORDS[result.verdict],
        difference=estimate_text(result.difference, digits) if result.difference else "",
        p=p_text(result.p_adjusted),
        detectable=detectable,
        effect=effect,
        coverage=coverage,
        sentence=_sentence(result, who, other, digits, detectable, coverage, block),
    )


def _sentence(
    result: PairedResult,
    who: str,
    other: str,
    digits: int,
    detectable: str,
    coverage: str,
    block: CompareBlock,
) -> str:
    why = f" ({result.why})" if result.why else ""
    if result.verdict is Verdict.NOT_COMPARABLE:
        return f"{who} and {other} cannot be compared: {coverage} have both{why}."
    numbers = f"{number(result.mean_system, digits)} against {number(result.mean_baseline, digits)}"
    if result.difference is not None:
        numbers += f", difference {long_estimate(result.difference, digits)}"
    numbers += f", {adjusted(block)}{p_text(result.p_adjusted)}, over {coverage}{why}"
    if result.verdict is Verdict.NOT_SEEN:
        early = "" if block.correction == "none" else ", before correction"
        seen = f" A true difference of {detectable} would have been seen with {percent(block.power)} power{early}"
        seen += f"{if_complete([result])}."
        return f"No difference was seen between {who} and {other}: {numbers}.{seen if detectable else ''}"
    word = {"different": "different from"}.get(result.verdict.value, f"{result.verdict.value} than")
    lost = result.attempted - result.pairs - result.neither
    only = f" {plural(lost, 'sample has', 'samples have')} a number from one of the two only." if lost else ""
    return f"{who} is {word} {other}: {numbers}.{only}"


def by_system(run: RunData) -> list[SystemVerdict]:
    """Return for each system proper, beside the baseline, what all tested fields say; empty without a baseline."""
    stats = run.stats
    if stats is None or stats.block.baseline is None:
        return []
    proper = [system.id for system in run.systems if system.role is Role.SYSTEM]
    found = []
    for system in proper:
        results = [r for r in stats.paired if r.system == system and r.baseline == stats.block.baseline]
        if not results:
            continue
        parts: list[tuple[Verdict, str, tuple[str, ...], int]] = []
        for verdict in Verdict:
            chosen = [r for r in results if r.verdict is verdict]
            chosen.sort(key=lambda r: (-abs(r.d.value) if r.d else 0.0, r.metric))
            if chosen and verdict is Verdict.NOT_COMPARABLE:
                whys = dict.fromkeys(r.why for r in chosen)
                texts = tuple(
                    f"{plural(sum(r.why == why for r in chosen), 'field')}: {why}" for why in whys if why
                )
                parts.append((verdict, WORDS[verdict], texts, 0))
            elif chosen:
                texts = tuple(_part(run, r) for r in chosen[:NAMED])
                parts.append((verdict, WORDS[verdict], texts, len(chosen) - len(texts)))
        found.append(SystemVerdict(run.label_of(system), run.label_of(stats.block.baseline), tuple(parts)))
    return found


def _part(run: RunData, result: PairedResult) -> str:
    column = run.column_of(result.metric, result.field)
    title = run.column(column).spec.title if column is not None else result.metric
    if not result.headline:
        title += f" ({result.field.replace('_', ' ')})"
    digits = digits_of([result])
    unit = f" {unit_text(result.unit)}" if unit_text(result.unit) else ""
    if result.verdict is Verdict.NOT_SEEN:
        could = (
            f" ({number(result.detectable, digits)}{unit} would have been seen{if_complete([result])})"
            if result.detectable
            else ""
        )
        return f"{title}{could}"
    lost = lost_by_missing(result)
    if result.difference is None or against_its_pairs(result):
        return f"{title} ({f'{lost}, ' if lost else ''}{p_text(result.p_adjusted)})"
    low, high = result.difference.low, result.difference.high
    inside = (
        f"{signed(low, digits)} to {signed(high, digits)}, " if low is not None and high is not None else ""
    )
    missing = f", {lost}" if lost else ""
    size = number(abs(result.difference.value), digits)
    return f"{title} by {size}{unit} ({inside}{p_text(result.p_adjusted)}{missing})"


def held_back(result: PairedResult) -> bool:
    """Whether a difference over the pairs was not counted for the samples that one of the two lacks."""
    return result.verdict is Verdict.NOT_SEEN and " lacks " in result.why


def out_of_reach(result: PairedResult) -> bool:
    """Whether this many clusters and tests could not have shown any difference."""
    return result.verdict is Verdict.NOT_SEEN and " allow no " in result.why


def if_complete(results: Sequence[PairedResult]) -> str:
    """Qualify what would have been seen: a sample that only one has takes power that nobody can state beforehand."""
    return ", were nothing missing" if any(r.only_system or r.only_baseline for r in results) else ""


def worst(stats: RunStats) -> str:
    """Say what a missing value counts as in the test that decides."""
    if stats.block.test == "wilcoxon":
        return "counts as the worst rank of the one that lacks it"
    return (
        "counts as the worst value that its field allows for the one that lacks it, "
        "and as worse than everything in a field without such a value"
    )


def tested(stats: RunStats) -> str:
    """Say how it was tested: test, family, correction, alpha, clusters."""
    block = stats.block
    cluster = f"; samples of one {block.cluster} stay together" if block.cluster else ""
    over = f"over {count_of_tests(stats.family)}" if stats.family else "within each field"
    return (
        f"{TESTS[block.test]} over the same samples, {CORRECTIONS[block.correction]} {over}, "
        f"alpha {block.alpha:g}{cluster}"
    )


def rank_of(run: RunData, metric: str, field: str, system: str) -> RankResult | None:
    """Return a system's rank in a field."""
    ranks = run.stats.ranks if run.stats else []
    return next(
        (r for r in ranks if r.system == system and r.field == field and is_metric(run, r, metric)), None
    )


def rank_text(rank: RankResult | None) -> str:
    """Render `rank 1–3 of 5`, or `rank 2 of 5` where the tests leave one; nothing for a system without rivals."""
    if rank is None or rank.of < 2:
        return ""
    span = f"{rank.low}" if rank.low == rank.high else f"{rank.low}–{rank.high}"
    return f"rank {span} of {rank.of}"


def adjusted(block: CompareBlock) -> str:
    """Return what stands before p."""
    return "" if block.correction == "none" else "adjusted "


def p_text(p: float | None) -> str:
    """Render `p = 0.012`; never as zero."""
    if p is None:
        return "p not known"
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def long_estimate(found: Estimate, digits: int) -> str:
    """Render `−0.08 (95 % interval −0.11 to −0.05)`."""
    if found.low is None or found.high is None:
        return signed(found.value, digits)
    inside = f"{signed(found.low, digits)} to {signed(found.high, digits)}"
    return f"{signed(found.value, digits)} ({100 * found.level:g} % interval {inside})"

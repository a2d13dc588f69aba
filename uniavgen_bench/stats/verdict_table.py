"""Verdicts in words, as Markdown and as CSV: what is real, how large, and what was out of sight."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from uniavgen_bench.core.comparison import Estimate, PairedResult, RunStats, Verdict
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.stats.numbers import NONE, count_of_tests, decimals, number, unit_text
from uniavgen_bench.stats.table import ARROWS, ROLE_TEXT, markdown_text

MARKS = {
    Verdict.BETTER: "▲ better",
    Verdict.WORSE: "▼ worse",
    Verdict.DIFFERENT: "◆ different",
    Verdict.NOT_SEEN: "· not seen",
    Verdict.NOT_COMPARABLE: "? not comparable",
}
STYLES = {
    Verdict.BETTER: "bold green",
    Verdict.WORSE: "bold red",
    Verdict.DIFFERENT: "bold yellow",
    Verdict.NOT_SEEN: "dim",
    Verdict.NOT_COMPARABLE: "dim italic",
}
CSV_COLUMNS = (
    *("system", "baseline", "metric", "field", "unit", "direction", "attempted", "pairs", "only_system"),
    *("only_baseline", "neither", "clusters", "mean_system", "mean_baseline", "difference", "difference_low"),
    *("difference_high", "d", "d_low", "d_high", "cliff", "cliff_low", "cliff_high", "p_permutation"),
    *("p_wilcoxon", "p_worst", "p", "p_adjusted", "detectable", "verdict", "why"),
)
CORRECTION_TEXT = {"holm": "Holm", "bh": "Benjamini-Hochberg", "none": "no correction"}


def p_text(p: float | None) -> str:
    """Render a p-value without a leading zero: `.031`, `<.001`."""
    if p is None:
        return NONE
    if p < 0.001:
        return "<.001"
    return f"{p:.3f}".removeprefix("0") if p < 0.9995 else "1"


def estimate_text(estimate: Estimate | None, digits: int) -> str:
    """Render `value [low, high]`, or the value alone where there is no interval."""
    if estimate is None:
        return NONE
    value = signed(estimate.value, digits)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} [{signed(estimate.low, digits)}, {signed(estimate.high, digits)}]"


def signed(value: float, digits: int) -> str:
    """Render a number with its sign, `+` too."""
    text = number(value, digits)
    return f"+{text}" if value > 0 and any(c in "123456789" for c in text) else text


def by_field(results: Sequence[PairedResult]) -> list[list[PairedResult]]:
    """Group results by metric and field, in their order."""
    groups: dict[tuple[str, str], list[PairedResult]] = {}
    for result in results:
        groups.setdefault((result.metric, result.field), []).append(result)
    return list(groups.values())


def digits_of(results: Sequence[PairedResult]) -> int:
    """Return the decimals for the differences of one field."""
    estimates = [r.difference for r in results if r.difference is not None]
    halves = [(e.high - e.low) / 2 for e in estimates if e.low is not None and e.high is not None]
    return decimals(halves, otherwise=max((abs(e.value) for e in estimates), default=None))


def out_of_sight(results: Sequence[PairedResult], power: float) -> str:
    """Say in a line what the comparisons of one field could not have seen."""
    known = [r.detectable for r in results if r.detectable is not None]
    if not known:
        return "what could have been seen is not known: too few pairs, or no spread"
    digits = decimals(known)
    low, high = number(min(known), digits), number(max(known), digits)
    size = low if low == high else f"{low} … {high}"
    unit = unit_text(results[0].unit)
    share = f"{100 * (1 - power):.0f} %"
    size = f"{size} {unit}".strip()
    return f"even before correction, true differences below {size} are missed more often than in {share} of cases"


def nothing_to_compare(results: Sequence[PairedResult]) -> str:
    """Return the one reason for which nobody can be compared in this field, or an empty text."""
    reasons = {r.why for r in results}
    alike = len(reasons) == 1 and all(r.verdict is Verdict.NOT_COMPARABLE for r in results)
    return f"{MARKS[Verdict.NOT_COMPARABLE]}: {reasons.pop()}" if alike else ""


def heading(results: Sequence[PairedResult], labels: dict[str, str]) -> str:
    """Name the field, its direction and, when all share it, the baseline."""
    first = results[0]
    unit = f" ({unit_text(first.unit)})" if unit_text(first.unit) else ""
    baselines = {r.baseline for r in results}
    beside = f", beside {labels.get(first.baseline, first.baseline)}" if len(baselines) == 1 else ""
    return f"{first.metric} {first.field}{unit} {ARROWS[first.direction]}".rstrip() + beside


def row_name(result: PairedResult, results: Sequence[PairedResult], labels: dict[str, str]) -> str:
    """Name the system of a row; with the baseline where rows have several."""
    name = labels.get(result.system, result.system)
    if len({r.baseline for r in results}) == 1:
        return name
    return f"{name} beside {labels.get(result.baseline, result.baseline)}"


def legend(stats: RunStats) -> str:
    """Say what the columns are."""
    block = stats.block
    test = "sign-flip permutation of means" if block.test == "paired_permutation" else "Wilcoxon signed ranks"
    over = (
        f"{CORRECTION_TEXT[block.correction]} over {count_of_tests(stats.family)}"
        if stats.family
        else "within each field"
    )
    return (
        f"Difference over the pairs with its {100 * (1 - block.alpha):g} % interval; d: in standard deviations, "
        f"positive is better; p: {test}, {over}, alpha {block.alpha:g}, "
        "a missing value counts as the worst of who lacks it; pairs/planned samples"
    )


def shared_why(results: Sequence[PairedResult]) -> str:
    """Return what all rows of a field would say, so that it is said once; empty when they differ."""
    return results[0].why if len(results) > 1 and len({r.why for r in results}) == 1 else ""


def rank_text(rank: float, low: int, high: int) -> str:
    """Render a rank with what the tests leave open: `1 [1, 3]`."""
    return f"{rank:g} [{low}, {high}]" if low != high else f"{rank:g}"


def to_markdown(stats: RunStats, systems: Sequence[SystemInfo]) -> str:
    """Render the verdicts as GitHub Markdown."""
    if not stats.paired:
        return "No two systems to compare.\n"
    labels = {info.id: info.label or info.id for info in systems}
    roles = {info.id: ROLE_TEXT[info.role] for info in systems}
    text: list[str] = []
    for results in by_field(stats.paired):
        if why := nothing_to_compare(results):
            text += [f"**{markdown_text(heading(results, labels))}**: {markdown_text(why)}.", ""]
            continue
        digits = digits_of(results)
        text += [f"**{markdown_text(heading(results, labels))}**", ""]
        text += ["| system | difference | d | p | verdict | pairs |", "|---|---:|---:|---:|---|---:|"]
        for r in results:
            name = markdown_text(row_name(r, results, labels))
            role = roles.get(r.system, "")
            why = f"<br>{markdown_text(r.why)}" if r.why and not shared_why(results) else ""
            cells = [
                name + (f" *({role})*" if role else ""),
                estimate_text(r.difference, digits),
                NONE if r.d is None else signed(r.d.value, 2),
                markdown_text(p_text(r.p_adjusted)),
                MARKS[r.verdict] + why,
                f"{r.pairs}/{r.attempted}" if r.pairs == r.attempted else f"**{r.pairs}/{r.attempted}**",
            ]
            text.append(f"| {' | '.join(cells)} |")
        lines = [shared_why(results), out_of_sight(results, stats.block.power)]
        text += ["", *(f"{markdown_text(line[0].upper() + line[1:])}." for line in lines if line), ""]
    text.append(f"{legend(stats)}.")
    text += [f"{markdown_text(note)}." for note in stats.notes]
    return "\n".join(text) + "\n"


def to_csv(stats: RunStats) -> str:
    """Render all paired results as CSV with full precision."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for result in stats.paired:
        row = result.model_dump()
        for name in ("difference", "d", "cliff"):
            estimate = getattr(result, name)
            row[f"{name}_low"] = estimate.low if estimate else None
            row[f"{name}_high"] = estimate.high if estimate else None
            row[name] = estimate.value if estimate else None
        writer.writerow(["" if row[c] is None else _plain(row[c]) for c in CSV_COLUMNS])
    return stream.getvalue()


def _plain(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)

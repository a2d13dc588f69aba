"""A comparison of runs for the terminal and for Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.comparison import Verdict
from uniavgen_bench.report.compare_rows import (
    MoverGroup,
    VerdictRow,
    mover_groups,
    unchanged_names,
    verdict_rows,
)
from uniavgen_bench.report.comparison import Comparison, Mover
from uniavgen_bench.stats.numbers import count_of_tests, number
from uniavgen_bench.stats.table import markdown_text as md
from uniavgen_bench.stats.table import printable

STYLES = {Verdict.BETTER: "green", Verdict.WORSE: "bold red", Verdict.DIFFERENT: "yellow"}
SHOWN_MOVERS = 3
"""Movers that the terminal lists per field and system at either end; the page lists them all."""


def print_comparison(comparison: Comparison, console: Console | None = None) -> None:
    """Print the verdicts, the samples that changed most, and what was left out."""
    console = console or Console()
    console.print(terminal_comparison(comparison), highlight=False)


def terminal_comparison(comparison: Comparison) -> RenderableType:
    """Build what `compare` prints."""
    first, *others = comparison.runs
    parts: list[RenderableType] = []
    for run in others:
        rows = [row for row in verdict_rows(comparison) if row.run == run.name]
        parts.append(Text(f"{printable(run.name)} beside {printable(first.name)}", style="bold underline"))
        parts += [_verdicts(rows) if rows else Text("Nothing changed."), Text()]
        movers = [group for group in mover_groups(comparison) if group.run == run.name and group.worse]
        if movers:
            parts += [_movers(movers), Text()]
    if comparison.unchanged:
        parts.append(Text(f"Every clip and score is the same: {printable(unchanged_names(comparison))}"))
        parts.append(Text())
    if comparison.left_out:
        table = Table("not compared", "why", box=None, pad_edge=False, header_style="bold")
        for entry in comparison.left_out:
            table.add_row(Text(printable(entry.what)), Text(printable(entry.why)))
        parts += [table, Text()]
    parts += [Text(f"note  {printable(note)}", style="yellow") for note in comparison.notes]
    parts.append(Text(legend(comparison), style="dim"))
    return Group(*parts)


def legend(comparison: Comparison) -> str:
    """Say how was tested."""
    block = comparison.block
    test = {"paired_permutation": "paired permutation test", "wilcoxon": "Wilcoxon signed-rank test"}[
        block.test
    ]
    correction = {"holm": "Holm", "bh": "Benjamini-Hochberg", "none": "no"}[block.correction]
    return (
        f"Means over the samples that both runs have a score for; difference: later run minus first, with its "
        f"{100 * (1 - block.alpha):g} % interval; p of the {test} after {correction} correction over "
        f"{count_of_tests(comparison.family)} of systems (controls within each field) at alpha {block.alpha:g}. "
        "A sample that only one run has counts as worst for the other. Detectable: the smallest difference that "
        f"{100 * block.power:g} % of such comparisons would show."
    )


def _verdicts(rows: Sequence[VerdictRow]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("field", overflow="fold", min_width=21)
    table.add_column("before → after", justify="right")
    for name in ("difference", "p", "pairs"):
        table.add_column(name, justify="right")
    table.add_column("verdict", overflow="fold")
    above = ""
    for row in rows:
        if row.system != above:
            table.add_row(Text(printable(row.system), style="bold"), *([Text()] * 5))
        above = row.system
        unit = f" ({row.unit})" if row.unit else ""
        field = Text(f"{row.metric}\n").append(f"{row.field}{unit} {row.arrow}".strip(), style="dim")
        change = Text(row.difference).append(f"\n{row.interval}" if row.interval else "", style="dim")
        verdict = Text(row.word, style=STYLES.get(row.verdict, ""))
        if row.why:
            verdict.append(f"\n{printable(row.why)}", style="dim")
        pairs = Text(row.pairs, style="" if row.complete else "red")
        table.add_row(field, f"{row.before} → {row.after}", change, row.p, pairs, verdict)
    return table


def _movers(groups: Sequence[MoverGroup]) -> Table:
    table = Table(
        title="Samples that lost most", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    table.add_column("system and field", overflow="fold", max_width=40)
    table.add_column("sample", overflow="fold")
    table.add_column("before", justify="right")
    table.add_column("after", justify="right")
    for group in groups:
        title = f"{printable(group.system)} {group.metric} {group.field}"
        for mover in group.worse[:SHOWN_MOVERS]:
            after = number(mover.after, group.digits)
            table.add_row(
                Text(title), Text(printable(mover.sample)), number(mover.before, group.digits), after
            )
            title = ""
    return table


def markdown_comparison(comparison: Comparison) -> str:
    """Render the comparison as GitHub Markdown."""
    first, *others = comparison.runs
    text: list[str] = []
    for run in others:
        rows = [row for row in verdict_rows(comparison) if row.run == run.name]
        text += [
            f"## {md(run.name)} beside {md(first.name)}",
            "",
            "| system | field | before | after | difference | interval | d | p | detectable | pairs | verdict |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|",
            *(_md_row(row) for row in rows),
            "",
        ]
        for group in (group for group in mover_groups(comparison) if group.run == run.name):
            text += _md_group(group)
    if comparison.unchanged:
        text += [f"Every clip and score is the same: {md(unchanged_names(comparison))}", ""]
    if comparison.left_out:
        text += ["## Not compared", ""]
        text += [
            f"- {md(entry.what)} ({md(entry.run)}): {md(entry.why)}" for entry in comparison.left_out
        ] + [""]
    if comparison.notes:
        text += ["## Notes", "", *(f"- {md(note)}" for note in comparison.notes), ""]
    return "\n".join([*text, md(legend(comparison)), ""])


def _md_row(row: VerdictRow) -> str:
    unit = f" ({md(row.unit)})" if row.unit else ""
    pairs = row.pairs if row.complete else f"**{row.pairs}**"
    word = f"**{row.word}**" if row.verdict is Verdict.WORSE else row.word
    why = f" ({md(row.why)})" if row.why else ""
    cells = (
        md(row.system), f"{md(row.metric)} {md(row.field)}{unit} {row.arrow}".strip(), row.before, row.after,
        row.difference, row.interval, row.effect, md(row.p), row.detectable, pairs, f"{word}{why}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _md_group(group: MoverGroup) -> list[str]:
    text = [f"### {md(group.system)}: {md(group.metric)} {md(group.field)}", ""]
    for title, movers in (("lost most", group.worse), ("gained most", group.better)):
        if movers:
            text += [f"- {title}: " + "; ".join(_md_mover(mover, group.digits) for mover in movers)]
    for title, entries in (("lost its score", group.lost), ("has a score now", group.found)):
        text += [f"- {title}: {md(entry.sample)} ({md(entry.reason)})" for entry in entries]
    return [*text, ""]


def _md_mover(mover: Mover, digits: int) -> str:
    return f"{md(mover.sample)} {number(mover.before, digits)} → {number(mover.after, digits)}"

"""The gate's verdict for the terminal and, as Markdown, for a pull request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.gate_files import GateField, GateOutcome, GateResult
from uniavgen_bench.stats.numbers import decimals, number, percent, unit_text
from uniavgen_bench.stats.table import ARROWS, markdown_text, printable

STYLE = {
    GateOutcome.PASSED: "green",
    GateOutcome.WORSE: "bold red",
    GateOutcome.INCONCLUSIVE: "yellow",
    GateOutcome.COVERAGE: "bold red",
}
HEADS = ("field", "baseline", "now", "loss", "at most", "margin", "samples", "false alarm", "verdict")


@dataclass(frozen=True)
class Row:
    """The cells of one field under `HEADS`, as plain text."""

    field: str
    baseline: str
    now: str
    loss: str
    most: str
    margin: str
    samples: str
    alarm: str
    verdict: str


def row_of(field: GateField) -> Row:
    """Render one field; `loss` is positive for the worse, `at most` its one-sided bound."""
    places = decimals([field.margin / 3 if field.margin else None], otherwise=field.mean_baseline or None)
    relative = f" ({field.margin_given})" if field.margin_given.endswith("%") else ""
    unit = f" {unit_text(field.unit)}" if unit_text(field.unit) else ""
    return Row(
        field=f"{field.metric} {field.field}{unit} {ARROWS[field.direction]}".rstrip(),
        baseline=number(field.mean_baseline, places),
        now=number(field.mean_system, places),
        loss=number(field.loss, places),
        most=number(field.bound, places),
        margin=number(field.margin, places) + relative,
        samples=f"{field.pairs}/{field.attempted}",
        alarm=percent(field.false_alarm) if field.false_alarm is not None else number(None, 0),
        verdict=field.outcome.value,
    )


def verdict_line(result: GateResult) -> str:
    """Say in one line whether the gate is open, and why not."""
    failed = [f for f in result.fields if f.outcome is not GateOutcome.PASSED]
    if not failed:
        return f"Passed: {_count(len(result.fields))} no worse than the baseline by more than its margin."
    kinds = ", ".join(
        f"{sum(f.outcome is kind for f in failed)} {kind.value}"
        for kind in GateOutcome
        if kind is not GateOutcome.PASSED and any(f.outcome is kind for f in failed)
    )
    return f"Failed: {len(failed)} of {_count(len(result.fields))} ({kinds})."


def _count(fields: int) -> str:
    return f"{fields} field" + ("" if fields == 1 else "s")


def explanation(result: GateResult) -> str:
    """Say how to read the table."""
    alarm = (
        f" A system as noisy as this one and not changed at all would fail somewhere with a chance of at most "
        f"{percent(result.false_alarm_most)}."
        if result.false_alarm_most is not None
        else ""
    )
    return (
        f"Loss: how much worse the mean is (negative: better). At most: the largest loss that the samples leave open "
        f"(one-sided t-test, alpha {result.alpha:g}). A field passes when that test and one by sign flips put the loss "
        f"below its margin.{alarm}"
    )


def terminal(result: GateResult) -> RenderableType:
    """Build the table that `gate` prints."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    complete = all(f.pairs == f.attempted for f in result.fields)
    heads = [head for head in HEADS if not (complete and head == "samples")]
    for head in heads:
        side: Literal["left", "right"] = "left" if head in ("field", "verdict") else "right"
        table.add_column(head, justify=side, overflow="fold", vertical="bottom")
    for field in result.fields:
        row = row_of(field)
        cells = {head: Text(printable(text)) for head, text in zip(HEADS, vars(row).values(), strict=True)}
        name = row.field.removeprefix(field.metric).lstrip()
        cells["field"] = metric_lines(field.metric).append(name, style="bold")
        cells["verdict"] = Text(row.verdict, style=STYLE[field.outcome])
        table.add_row(*(cells[head] for head in heads))
    title = Text(printable(f"{result.system} beside {result.baseline}"), style="bold")
    parts: list[RenderableType] = [title, Text(), table, Text()]
    for field in result.fields:
        if field.outcome is not GateOutcome.PASSED:
            why = Text(f"{field.outcome.value}  ", style=STYLE[field.outcome])
            parts.append(why.append(printable(f"{field.key}: {field.why}"), style="default"))
    parts += [Text(printable(f"note  {note}"), style="dim") for note in result.notes]
    parts.append(Text(explanation(result), style="dim"))
    parts.append(Text(verdict_line(result), style="bold green" if result.passed else "bold red"))
    return Group(*parts)


def metric_lines(metric: str) -> Text:
    """Return a metric's name broken where a narrow column may break it, with an empty last line."""
    return Text(re.sub(r"(?<=\.)|(?=\[)", "\n", metric) + "\n")


def show(result: GateResult) -> None:
    """Print the verdict."""
    Console().print(terminal(result), highlight=False)


def markdown_of(result: GateResult) -> str:
    """Render the verdict as GitHub Markdown; names are escaped, so none can carry markup."""
    sign = "✅" if result.passed else "❌"
    lines = [
        f"### {sign} Gate: {markdown_text(result.system)}",
        "",
        f"**{markdown_text(verdict_line(result))}**",
        "",
        f"Suite {markdown_text(result.suite)}, baseline {markdown_text(result.baseline)} "
        f"of {markdown_text(result.baseline_made[:10])}.",
        "",
        f"| {' | '.join(HEADS)} |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for field in result.fields:
        row = row_of(field)
        escaped = [markdown_text(text) for text in vars(row).values()]
        if field.outcome is not GateOutcome.PASSED:
            escaped[-1] = f"**{escaped[-1]}**"
        lines.append(f"| {' | '.join(escaped)} |")
    failed = [f for f in result.fields if f.outcome is not GateOutcome.PASSED]
    if failed:
        lines.append("")
    lines += [f"- **{markdown_text(f.key)}**: {markdown_text(f.why)}" for f in failed]
    if result.notes:
        lines.append("")
    lines += [f"- note: {markdown_text(note)}" for note in result.notes]
    lines += ["", f"<sub>{markdown_text(explanation(result))}</sub>", ""]
    return "\n".join(lines)


def markdown_refusal(why: str) -> str:
    """Render a refusal for a pull request."""
    return f"### ❌ Gate: not comparable\n\n{markdown_text(why)}\n"

"""The summary of a run for the terminal, for Markdown and for CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.core.terminal import printable as printable
from uniavgen_bench.stats.bootstrap import FEW, Interval
from uniavgen_bench.stats.grid import reason_sentence
from uniavgen_bench.stats.numbers import NONE, decimals, number, unit_text
from uniavgen_bench.stats.summary import Summary

ARROWS = {Direction.HIGHER: "↑", Direction.LOWER: "↓", Direction.ZERO: "→0", Direction.NONE: ""}
DIRECTION_TEXT = {
    Direction.HIGHER: "higher is better",
    Direction.LOWER: "lower is better",
    Direction.ZERO: "closer to zero is better",
    Direction.NONE: "neither way is better",
}
ROLE_TEXT = {Role.SYSTEM: "", Role.UPPER_CONTROL: "ceiling", Role.LOWER_CONTROL: "control"}
ROLE_ORDER = (Role.UPPER_CONTROL, Role.SYSTEM, Role.LOWER_CONTROL)

CSV_COLUMNS = (
    *("system", "label", "role", "metric", "field", "unit", "direction", "attempted", "scored", "coverage"),
    *("mean", "median", "sd", "interval_low", "interval_high", "interval_level", "interval_method"),
    *("clusters", "missing"),
)

EACH = "each metric"
"""Stands for all metrics in a line on what is missing."""

CELL_WIDTH = 16
SYSTEM_WIDTH = 20
CELL_LABEL_WIDTH = 24
"""Of the longest part of an ablation's cell, `[face_modulation=even]`."""


@dataclass(frozen=True)
class MissingLine:
    """How many clips of all systems lack a metric for one reason; `fields` names the fields when not all do."""

    metric: str
    fields: str
    reason: str
    sentence: str
    count: int
    attempted: int


def ordered(summaries: Sequence[Summary]) -> list[list[Summary]]:
    """Return the headline summaries as rows by system: upper controls, systems, lower controls."""
    rows: dict[str, list[Summary]] = {}
    for summary in summaries:
        if summary.headline:
            rows.setdefault(summary.system, []).append(summary)
    return sorted(rows.values(), key=lambda row: ROLE_ORDER.index(row[0].role))


def places(summaries: Sequence[Summary]) -> dict[tuple[str, str], int]:
    """Return the decimals of each metric's field: one number for all systems, so that columns line up."""
    groups: dict[tuple[str, str], list[Summary]] = {}
    for summary in summaries:
        groups.setdefault((summary.metric, summary.field), []).append(summary)
    found = {}
    for key, members in groups.items():
        halves = [
            (s.interval.high - s.interval.low) / 2 if isinstance(s.interval, Interval) else None
            for s in members
        ]
        spreads = halves if any(halves) else [s.sd for s in members]
        largest = max((abs(s.mean) for s in members if s.mean is not None), default=None)
        found[key] = decimals(spreads, otherwise=largest)
    return found


def interval_text(summary: Summary, digits: int) -> str:
    """Render `[low, high]`, or why there is none."""
    if isinstance(summary.interval, Interval):
        return f"[{number(summary.interval.low, digits)}, {number(summary.interval.high, digits)}]"
    return "no interval" if summary.scored else "no score"


def missing_lines(summaries: Sequence[Summary]) -> list[MissingLine]:
    """Sum the missing reasons over systems, per metric; fields that miss the same clips share a line."""
    counts: dict[tuple[str, str], dict[str, int]] = {}
    attempted: dict[tuple[str, str], int] = {}
    for summary in summaries:
        key = (summary.metric, summary.field)
        attempted[key] = attempted.get(key, 0) + summary.attempted
        reasons = counts.setdefault(key, {})
        for missing in summary.missing:
            reasons[missing.reason] = reasons.get(missing.reason, 0) + missing.count
    lines: list[MissingLine] = []
    for metric in dict.fromkeys(metric for metric, _ in counts):
        fields = {field: reasons for (name, field), reasons in counts.items() if name == metric}
        alike: dict[tuple[str, int], list[str]] = {}
        for field, reasons in fields.items():
            for reason, count in reasons.items():
                alike.setdefault((reason, count), []).append(field)
        for (reason, count), names in sorted(alike.items(), key=lambda item: (-item[0][1], item[0][0])):
            some = "" if len(names) == len(fields) else ", ".join(names)
            total = attempted[(metric, names[0])]
            lines.append(MissingLine(metric, some, reason, reason_sentence(reason), count, total))
    return lines


def fold(lines: Sequence[MissingLine]) -> list[MissingLine]:
    """Merge the lines that all metrics have in common into one, `EACH`, so that the rest stands out."""
    metrics = {line.metric for line in lines}
    groups: dict[MissingLine, set[str]] = {}
    for line in lines:
        groups.setdefault(replace(line, metric=EACH), set()).add(line.metric)
    shared = [
        line for line, having in groups.items() if len(metrics) > 1 and having == metrics and not line.fields
    ]
    return shared + [line for line in lines if replace(line, metric=EACH) not in shared]


def terminal_table(summaries: Sequence[Summary], *, width: int) -> RenderableType:
    """Build the tables that `score` prints: systems by metrics, split to fit `width`, then what is missing and why."""
    rows = ordered(summaries)
    if not rows:
        return Text("No clips were scored.")
    digits = places(summaries)
    longest = max(len(part) for row in rows for part in broken(row[0].label, SYSTEM_WIDTH).split("\n"))
    names = min(max(longest, SYSTEM_WIDTH), CELL_LABEL_WIDTH)
    per_table = max(1, (width - names - 2) // CELL_WIDTH)
    parts: list[RenderableType] = []
    for start in range(0, len(rows[0]), per_table):
        parts += [_score_table([row[start : start + per_table] for row in rows], digits), Text()]
    parts.append(Text(f"{_legend(summaries)}.", style="dim"))
    lines = missing_lines(summaries)
    if lines:
        parts += [Text(), _missing_table(lines)]
    return Group(*parts)


def print_summary(summaries: Sequence[Summary], console: Console | None = None) -> None:
    """Print the tables to a console."""
    console = console or Console()
    console.print(terminal_table(summaries, width=console.width))


def _legend(summaries: Sequence[Summary]) -> str:
    level = next((s.interval.level for s in summaries if isinstance(s.interval, Interval)), 0.95)
    few = any(isinstance(s.interval, Interval) and s.clusters < FEW for s in summaries if s.headline)
    note = f"; intervals of fewer than {FEW} independent clips tend to be too narrow" if few else ""
    return f"Mean over the scored clips, [{100 * level:g} % interval], scored/attempted clips{note}"


def _score_table(rows: list[list[Summary]], digits: dict[tuple[str, str], int]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("system", max_width=CELL_LABEL_WIDTH, overflow="fold", vertical="top")
    for summary in rows[0]:
        table.add_column(_heading(summary), justify="right", max_width=CELL_WIDTH + 2, vertical="top")
    for row in rows:
        control = row[0].role is not Role.SYSTEM
        name = Text(broken(row[0].label, SYSTEM_WIDTH), style="dim" if control else "bold")
        if control:
            name.append(f" ({ROLE_TEXT[row[0].role]})", style="dim italic")
        table.add_row(name, *(_cell(s, digits[(s.metric, s.field)], control) for s in row))
    return table


def broken(name: str, width: int) -> str:
    """Break the long name of an ablation's cell before its bracket, and nowhere within a word."""
    return printable(name).replace("[", "\n[", 1) if len(name) > width else printable(name)


def _heading(summary: Summary) -> Text:
    name = re.sub(r"(?<=\.)|(?=\[)", "\n", summary.metric)
    unit = f"\n{unit_text(summary.unit)}" if unit_text(summary.unit) else ""
    text = Text(name, justify="right")
    text.append(f"\n{summary.field} {ARROWS[summary.direction]}".rstrip() + unit, style="not bold dim")
    return text


def _cell(summary: Summary, digits: int, control: bool) -> Text:
    text = Text(justify="right")
    text.append(number(summary.mean, digits), style="dim" if control else "bold")
    style = "dim" if summary.complete else "red"
    text.append(f"  {summary.scored}/{summary.attempted}", style=style)
    text.append(f"\n{interval_text(summary, digits)}", style="dim")
    return text


def _missing_table(lines: Sequence[MissingLine]) -> Table:
    table = Table(title="Missing", title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("metric", overflow="fold", max_width=26)
    table.add_column("clips", justify="right", no_wrap=True)
    table.add_column("reason", overflow="fold")
    above = ""
    for line in fold(lines):
        metric = line.metric + (f" {line.fields}" if line.fields else "")
        why = Text(printable(line.reason), style="red").append(f"  {line.sentence}", style="default")
        table.add_row(Text("" if metric == above else metric), f"{line.count}/{line.attempted}", why)
        above = metric
    return table


def to_markdown(summaries: Sequence[Summary]) -> str:
    """Render the headline table and what is missing as GitHub Markdown."""
    rows = ordered(summaries)
    if not rows:
        return "No clips were scored.\n"
    digits = places(summaries)
    heads = [_md_heading(summary) for summary in rows[0]]
    text = [f"| system | {' | '.join(heads)} |", f"|---|{'---:|' * len(heads)}"]
    for row in rows:
        role = ROLE_TEXT[row[0].role]
        name = markdown_text(row[0].label) + (f" *({role})*" if role else "")
        text.append(f"| {name} | {' | '.join(_md_cell(s, digits[(s.metric, s.field)]) for s in row)} |")
    text += [
        "",
        f"{_legend(summaries)}. Coverage is bold when some are missing.",
    ]
    lines = missing_lines(summaries)
    if lines:
        text += ["", "| metric | clips missing | reason |", "|---|---:|---|"]
        for line in fold(lines):
            metric = markdown_text(line.metric) + (f" {markdown_text(line.fields)}" if line.fields else "")
            why = f"{markdown_text(line.reason)}: {markdown_text(line.sentence)}"
            text.append(f"| {metric} | {line.count}/{line.attempted} | {why} |")
    return "\n".join(text) + "\n"


def _md_heading(summary: Summary) -> str:
    unit = f" ({markdown_text(unit_text(summary.unit))})" if unit_text(summary.unit) else ""
    field = f"{markdown_text(summary.field)}{unit} {ARROWS[summary.direction]}"
    return f"{markdown_text(summary.metric)}<br>{field}".strip()


def _md_cell(summary: Summary, digits: int) -> str:
    coverage = f"{summary.scored}/{summary.attempted}"
    coverage = coverage if summary.complete else f"**{coverage}**"
    if summary.mean is None:
        return f"{NONE} {coverage}"
    return f"{number(summary.mean, digits)} {interval_text(summary, digits)} {coverage}"


def markdown_text(text: str) -> str:
    """Escape what Markdown or HTML would read as markup."""
    plain = " ".join(printable(text).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]()#+!|~$@-])", r"\\\1", plain)


def to_csv(summaries: Sequence[Summary]) -> str:
    """Render all fields as CSV, one row per system, metric and field, with full precision."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for s in summaries:
        found = s.interval if isinstance(s.interval, Interval) else None
        writer.writerow(
            [s.system, s.label, s.role.value, s.metric, s.field, s.unit, s.direction.value]
            + [s.attempted, s.scored, f"{s.coverage:.6f}"]
            + ["" if v is None else repr(v) for v in (s.mean, s.median, s.sd)]
            + (
                [repr(found.low), repr(found.high), repr(found.level), found.method]
                if found
                else ["", "", "", ""]
            )
            + [s.clusters, "; ".join(f"{m.reason}={m.count}" for m in s.missing)]
        )
    return stream.getvalue()

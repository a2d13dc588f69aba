"""Verdicts in the terminal: what the tests say of systems, and which controls each field tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.comparison import PairedResult, RunStats, Verdict
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.stats.numbers import NONE, decimals, number, unit_text
from uniavgen_bench.stats.table import ARROWS, ROLE_TEXT, broken, printable
from uniavgen_bench.stats.verdict_table import (
    MARKS,
    STYLES,
    by_field,
    digits_of,
    estimate_text,
    legend,
    nothing_to_compare,
    p_text,
    rank_text,
    row_name,
    shared_why,
    signed,
)

FIELD_WIDTH, VERDICT_WIDTH = 22, 16
MOST_ROWS = 60
"""More comparisons than this are a matter for the report; the terminal keeps those in which something was seen."""


def print_verdicts(stats: RunStats, systems: Sequence[SystemInfo], console: Console | None = None) -> None:
    """Print what is said of systems, a row per comparison, and beside which controls they stand apart."""
    (console or Console()).print(terminal_verdicts(stats, systems))


def terminal_verdicts(stats: RunStats, systems: Sequence[SystemInfo]) -> RenderableType:
    """Build the tables of `print_verdicts`.

    With a single system, or when only controls were compared, the comparisons with controls are the rows.
    """
    if not stats.paired:
        return Text("No two systems to compare.")
    roles = {info.id: info.role for info in systems}
    labels = {info.id: printable(info.label or info.id) for info in systems}
    claims = [r for r in stats.paired if _proper(r.system, roles) and _proper(r.baseline, roles)]
    controls = [r for r in stats.paired if r not in claims] if claims else []
    parts: list[RenderableType] = [_claims(claims or stats.paired, roles, labels), Text()]
    if controls:
        parts += [_controls(controls, roles, labels), Text()]
    ranked = {r.system for r in stats.ranks if _proper(r.system, roles)}
    if len(ranked) > 2:
        parts += [_ranks(stats, ranked, labels), Text()]
    parts.append(Text(f"{legend(stats)}; seen from: the true difference that {100 * stats.block.power:g} % of "
                      "such runs would have seen, before correction.", style="dim"))  # fmt: skip
    parts += [Text(f"{printable(note)}.", style="dim") for note in stats.notes]
    return Group(*parts)


def _proper(name: str, roles: dict[str, Role]) -> bool:
    return roles.get(name, Role.SYSTEM) is Role.SYSTEM


def _table(title: str) -> Table:
    return Table(
        title=Text(title, style="bold"), title_justify="left", box=None, pad_edge=False, padding=(0, 1, 0, 0),
        header_style="dim",
    )  # fmt: skip


def _field(first: PairedResult) -> Text:
    unit = f" ({unit_text(first.unit)})" if unit_text(first.unit) else ""
    text = Text(printable(first.metric))
    return text.append(
        f"\n{printable(first.field + unit)} {ARROWS[first.direction]}".rstrip(" "), style="dim"
    )


def _field_column(table: Table, results: Sequence[PairedResult]) -> None:
    table.add_column(
        "field", overflow="fold", min_width=min(max(len(r.metric) for r in results), FIELD_WIDTH)
    )


def _claims(
    results: Sequence[PairedResult], roles: dict[str, Role], labels: dict[str, str]
) -> RenderableType:
    pairs = {(r.system, r.baseline) for r in results}
    baselines = {r.baseline for r in results}
    title = "Paired tests"
    if len(pairs) == 1:
        title += f": {labels.get(results[0].system, results[0].system)}"
    if len(baselines) == 1:
        title += f" beside {labels.get(results[0].baseline, results[0].baseline)}"
    table = _table(printable(title))
    _field_column(table, results)
    table.add_column("difference", justify="right", overflow="fold")
    table.add_column("d", justify="right", no_wrap=True)
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold", max_width=VERDICT_WIDTH)
    table.add_column("seen\nfrom", justify="right", overflow="fold")
    table.add_column("pairs", justify="right", no_wrap=True)
    below: list[str] = []
    dropped, marked = 0, False
    for group in by_field(results):
        why = nothing_to_compare(group)
        if why:
            below.append(f"{group[0].metric} {group[0].field}: {why}")
            continue
        shared = shared_why(group)
        if shared:
            below.append(f"{group[0].metric} {group[0].field}: {shared}")
        shown = group
        if len(results) > MOST_ROWS:
            shown = [r for r in group if r.verdict is not Verdict.NOT_SEEN]
            dropped += len(group) - len(shown)
        digits = digits_of(group)
        marked = marked or any(r.why and not shared for r in shown)
        if len(pairs) == 1:
            table.add_row(_field(group[0]), *_row(group[0], digits, shared))
            continue
        if shown:
            table.add_row(_field(group[0]))
        for result in shown:
            table.add_row(_name(result, group, roles, labels), *_row(result, digits, shared))
    if marked:
        below.append("† missing samples or too few clusters matter here: report/verdicts.md says how")
    if dropped:
        below.append(f"{dropped} comparisons in which nothing was seen: in the report")
    said = [Text("\n".join(f"  {printable(line)}" for line in _merged(below)), style="dim")] if below else []
    return Group(table, *said) if table.row_count else Group(Text(printable(title), style="bold"), *said)


def _merged(lines: Sequence[str]) -> list[str]:
    """Say once what follows a colon in lines that end alike."""
    found = []
    for tail, group in groupby(lines, key=lambda line: line.partition(": ")[2]):
        heads = [line.partition(": ")[0] for line in group]
        found.append(f"{', '.join(heads)}: {tail}" if tail else ", ".join(heads))
    return found


def _name(
    result: PairedResult, group: Sequence[PairedResult], roles: dict[str, Role], labels: dict[str, str]
) -> Text:
    role = roles.get(result.system, Role.SYSTEM)
    called = broken(row_name(result, group, labels), FIELD_WIDTH - 2).replace("\n", "\n   ")
    name = Text(f"  {called}", style="" if role is Role.SYSTEM else "dim")
    return name if role is Role.SYSTEM else name.append(f" ({ROLE_TEXT[role]})", style="dim italic")


def _row(result: PairedResult, digits: int, shared: str) -> list[Text]:
    verdict = Text(MARKS[result.verdict], style=STYLES[result.verdict])
    if result.why and not shared:
        verdict.append(" †", style="not bold dim")
    detectable = (
        NONE
        if result.detectable is None or " allow no " in result.why
        else number(result.detectable, decimals([result.detectable]))
    )
    return [
        Text(estimate_text(result.difference, digits).replace(" [", "\n[")),
        Text(NONE if result.d is None else signed(result.d.value, 2)),
        Text(p_text(result.p_adjusted)),
        verdict,
        Text(detectable, style="dim"),
        Text(
            f"{result.pairs}/{result.attempted}", style="dim" if result.pairs == result.attempted else "red"
        ),
    ]


def _controls(results: Sequence[PairedResult], roles: dict[str, Role], labels: dict[str, str]) -> Table:
    """Show a row per field and a column per control: how many systems it was told apart from, and which way."""
    names = list(dict.fromkeys(r.system if not _proper(r.system, roles) else r.baseline for r in results))
    table = _table(
        "Controls: ▲ better, ▼ worse, ◆ different than so many of the systems; · none told apart; ? no test"
    )
    _field_column(table, results)
    for name in names:
        table.add_column(Text(labels.get(name, printable(name))), justify="right", overflow="fold")
    for group in by_field(results):
        cells = []
        for name in names:
            mine = [r for r in group if name in (r.system, r.baseline)]
            seen = [_seen_from(r, name) for r in mine]
            marks = [(mark, seen.count(mark)) for mark in "▲▼◆" if mark in seen]
            text = " ".join(f"{mark}{count}/{len(mine)}" for mark, count in marks)
            cells.append(Text(text or ("?" if set(seen) == {"?"} else "·"), style="" if text else "dim"))
        table.add_row(_field(group[0]), *cells)
    return table


def _seen_from(result: PairedResult, control: str) -> str:
    mark = MARKS[result.verdict].split()[0]
    return mark if result.system == control else {"▲": "▼", "▼": "▲"}.get(mark, mark)


def _ranks(stats: RunStats, ranked: set[str], labels: dict[str, str]) -> Table:
    table = _table("Ranks [what the tests leave open]")
    table.add_column("field", overflow="fold")
    table.add_column("systems, best first", overflow="fold")
    for metric, field in dict.fromkeys((r.metric, r.field) for r in stats.ranks):
        ranks = [r for r in stats.ranks if (r.metric, r.field) == (metric, field) and r.system in ranked]
        if all((r.low, r.high) == (1, len(ranks)) for r in ranks):
            table.add_row(Text(f"{metric} {field}"), Text(f"none of {len(ranks)} told apart", style="dim"))
            continue
        text = ", ".join(
            f"{labels.get(r.system, r.system)} {rank_text(r.rank, r.low, r.high)}"
            for r in sorted(ranks, key=lambda r: (r.rank, r.system))
        )
        table.add_row(Text(f"{metric} {field}"), Text(printable(text)))
    return table

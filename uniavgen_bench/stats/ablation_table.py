"""The effects of an ablation for the terminal."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.comparison import AblationResult, FactorEffect, Interaction
from uniavgen_bench.stats.numbers import NONE, decimals
from uniavgen_bench.stats.table import ARROWS, printable
from uniavgen_bench.stats.verdict_table import (
    MARKS,
    STYLES,
    digits_of,
    estimate_text,
    out_of_sight,
    p_text,
    shared_why,
    signed,
)


def terminal_ablation(result: AblationResult, *, power: float = 0.8) -> RenderableType:
    """Build the tables of `print_ablation`."""
    if not result.effects:
        return Text("No effects: the run holds no two cells of the ablation that differ in one factor.")
    groups: dict[tuple[str, str], list[FactorEffect]] = {}
    for effect in result.effects:
        groups.setdefault((effect.result.metric, effect.result.field), []).append(effect)
    parts: list[RenderableType] = []
    for key, effects in groups.items():
        own = [i for i in result.interactions if (i.metric, i.field) == key]
        shared = shared_why([e.result for e in effects])
        parts += [
            _effects(effects, shared),
            *([Text(f"  {printable(shared)}", style="dim")] if shared else []),
            Text(f"  {out_of_sight([e.result for e in effects], power)}", style="dim"),
        ]
        if own:
            parts.append(_interactions(own))
        parts.append(Text())
    parts.append(
        Text(
            "Difference of a level from its factor's reference, by sample, averaged over settings.",
            style="dim",
        )
    )
    parts += [Text(f"{printable(note)}.", style="dim") for note in result.notes]
    return Group(*parts)


def print_ablation(result: AblationResult, console: Console | None = None) -> None:
    """Print the effects of all levels, field by field, and the interactions of a full design."""
    (console or Console()).print(terminal_ablation(result))


def _table(title: str) -> Table:
    return Table(
        title=Text(printable(title), style="bold"),
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim",
    )


def _effects(effects: list[FactorEffect], shared: str) -> Table:
    first = effects[0].result
    table = _table(f"{first.metric} {first.field} {ARROWS[first.direction]}".rstrip())
    for name in ("factor", "level"):
        table.add_column(name, overflow="fold")
    table.add_column("difference", justify="right", overflow="fold")
    table.add_column("d", justify="right", overflow="fold")
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    table.add_column("pairs", justify="right", no_wrap=True)
    digits = digits_of([e.result for e in effects])
    for effect in effects:
        found = effect.result
        verdict = Text(MARKS[found.verdict], style=STYLES[found.verdict])
        if found.why and not shared:
            verdict.append(f"\n{printable(found.why)}", style="not bold dim")
        table.add_row(
            Text(printable(effect.factor)),
            Text(printable(f"{effect.level} (not {effect.reference})")),
            estimate_text(found.difference, digits),
            NONE if found.d is None else signed(found.d.value, 2),
            p_text(found.p_adjusted),
            verdict,
            f"{found.pairs}/{found.attempted}",
        )
    return table


def _interactions(interactions: list[Interaction]) -> Table:
    table = _table("Interactions: how much the first effect changes at the second level")
    for name in ("level", "at level"):
        table.add_column(name, overflow="fold")
    table.add_column("difference", justify="right", overflow="fold")
    table.add_column("p", justify="right", no_wrap=True)
    table.add_column("pairs", justify="right", no_wrap=True)
    halves = [
        (i.estimate.high - i.estimate.low) / 2
        for i in interactions
        if i.estimate and i.estimate.high is not None and i.estimate.low is not None
    ]
    digits = decimals(halves)
    for each in interactions:
        table.add_row(
            Text(printable(f"{each.factor_a}={each.level_a}")),
            Text(printable(f"{each.factor_b}={each.level_b}")),
            estimate_text(each.estimate, digits),
            p_text(each.p_adjusted),
            str(each.pairs),
        )
    return table

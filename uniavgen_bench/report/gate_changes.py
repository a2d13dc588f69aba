"""What a new baseline changes: field by field, where it lowers the bar for later changes, and as a table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.spec import Direction, Frozen
from uniavgen_bench.report.gate_noise import BASIS_TEXT
from uniavgen_bench.report.gate_table import metric_lines
from uniavgen_bench.stats.numbers import decimals, number
from uniavgen_bench.stats.table import ARROWS, printable


class FieldChange(Frozen):
    """One field before and after: means over samples, scored samples, margins as given, and the suggested margin.

    `lowers`: why this lowers the bar for later changes, or empty. `first` is the mean of the oldest baseline that
    is remembered.
    """

    metric: str
    field: str
    direction: Direction
    old_mean: float | None
    new_mean: float | None
    first_mean: float | None
    old_scored: int | None
    new_scored: int
    old_margin: str | None
    new_margin: str | None
    suggested: float | None
    basis: str
    lowers: str = ""


class UpdateResult(Frozen):
    """What `gate update` did or would do."""

    schema_version: Literal[1] = 1
    to: str
    system: str
    replaces: bool
    changes: tuple[FieldChange, ...]
    lowers: tuple[str, ...] = Field(default=())
    notes: tuple[str, ...] = ()


def why_lower(change: FieldChange, replaces: bool) -> str:
    """Say why a change of one gated field lowers the bar."""
    if not replaces or (change.new_margin is None and change.old_margin is None):
        return ""
    if change.old_margin is not None and change.new_margin is None:
        return "it is no longer gated"
    if change.old_mean is None:
        return ""
    if change.new_mean is None:
        return "it has no number any more"
    step = change.new_mean - change.old_mean
    loss = -step if change.direction is Direction.HIGHER else step
    if loss > 1e-12:
        return f"the mean is worse ({change.old_mean:.4g} to {change.new_mean:.4g})"
    if change.old_scored is not None and change.new_scored < change.old_scored:
        return f"fewer samples have a number ({change.old_scored} to {change.new_scored})"
    if change.old_margin not in (None, change.new_margin) and _wider(change):
        return f"the margin is wider ({change.old_margin} to {change.new_margin})"
    return ""


def _wider(change: FieldChange) -> bool:
    old, new = str(change.old_margin), str(change.new_margin)
    if old.endswith("%") != new.endswith("%"):
        return True
    return float(new.removesuffix("%")) > float(old.removesuffix("%"))


def changes_table(result: UpdateResult) -> RenderableType:
    """Build the table that `gate update` prints."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    heads = ("field", "old mean", "new mean", "scored", "old margin", "new margin", "suggested")
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right", overflow="fold", vertical="bottom")
    for c in result.changes:
        places = decimals([c.suggested / 3 if c.suggested else None], otherwise=c.new_mean or None)
        style = "yellow" if c.lowers else ("bold" if c.new_margin else "dim")
        scored = (
            f"{c.old_scored} → {c.new_scored}"
            if c.old_scored not in (None, c.new_scored)
            else str(c.new_scored)
        )
        table.add_row(
            metric_lines(c.metric).append(f"{c.field} {ARROWS[c.direction]}".rstrip(), style=style),
            number(c.old_mean, places),
            Text(number(c.new_mean, places), style=style),
            scored,
            c.old_margin or number(None, 0),
            c.new_margin or number(None, 0),
            number(c.suggested, places) if c.suggested is None else f"{c.suggested:g}",
        )
    parts: list[RenderableType] = [table, Text()]
    bases = dict.fromkeys(c.basis for c in result.changes if c.basis)
    for basis, text in BASIS_TEXT.items():
        if basis in bases:
            parts.append(Text(f"Suggested: an unchanged system passes with 99 %; {text}.", style="dim"))
    parts += [Text(printable(f"note  {note}"), style="dim") for note in result.notes]
    parts += [Text(printable(f"lower bar  {line}"), style="yellow") for line in result.lowers]
    drift = [c for c in result.changes if c.new_margin and _drift(c) > 0]
    parts += [
        Text(
            f"drift  {c.metric}.{c.field}: {c.first_mean:.4g} at first, {c.new_mean:.4g} now", style="yellow"
        )
        for c in drift
    ]
    return Group(*parts)


def _drift(change: FieldChange) -> float:
    """Return how much worse a mean is than in the first baseline; 0 where that is not known."""
    if change.first_mean is None or change.new_mean is None:
        return 0.0
    step = change.new_mean - change.first_mean
    return -step if change.direction is Direction.HIGHER else step

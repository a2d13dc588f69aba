"""Margins: how much worse a field may become, as people write it and in the field's own unit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from uniavgen_bench.core.errors import InputError, Where, unknown_name
from uniavgen_bench.core.gate_files import MarginSource
from uniavgen_bench.core.spec import Direction, MetricSpec
from uniavgen_bench.stats.grid import Column


@dataclass(frozen=True)
class Margin:
    """A margin as given: `amount` in the field's unit, or a share of the baseline's mean when `relative`."""

    amount: float
    relative: bool
    given: str
    source: MarginSource

    def in_unit(self, mean: float, where: Where) -> float:
        """Return the margin in the field's unit, for the baseline's mean.

        Raises:
            InputError: a share of a mean that is zero says nothing.
        """
        if not self.relative:
            return self.amount
        if mean == 0:
            raise InputError(
                f"{self.given} of the baseline's mean is nothing, since that mean is 0",
                where=where,
                way_out="give a number in the field's unit",
            )
        return self.amount * abs(mean)


def parse_margin(value: float | str, source: MarginSource, where: Where) -> Margin:
    """Read `0.03` or `15%`.

    Raises:
        InputError: it is no finite number above 0.
    """
    text = str(value).strip()
    relative = text.endswith("%")
    try:
        # Python reads 1_5 as 15.
        amount = math.nan if isinstance(value, bool) or "_" in text else float(text.removesuffix("%"))
    except ValueError:
        amount = math.nan
    if not math.isfinite(amount):
        way_out = "a number in the field's unit, or a share of the baseline's mean such as 15%"
        raise InputError(f"the margin {text!r} is not a number", where=where, way_out=way_out)
    if amount <= 0:
        what = f"the margin {text} is negative" if amount < 0 else "the margin is 0"
        way_out = "a margin is the largest loss allowed; with none at all no run would pass"
        raise InputError(what, where=where, way_out=way_out)
    return Margin(amount / 100 if relative else amount, relative, text, source)


def split_settings(settings: Sequence[str]) -> dict[str, str]:
    """Read `FIELD=MARGIN` settings of the command line.

    Raises:
        InputError: one is not of that form, or a field stands twice.
    """
    found: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.strip() or not value.strip():
            raise InputError(f"{setting!r} is not FIELD=MARGIN", where=Where("--margin"))
        if key.strip() in found:
            raise InputError("the field is given twice", where=Where("--margin", key=key.strip()))
        found[key.strip()] = value.strip()
    return found


def find_field(key: str, columns: Sequence[Column], where: Where) -> Column:
    """Find `metric.field`; the metric stands with or without its version (`lipsync.lse[latentsync@1].lse_c`).

    Raises:
        InputError: no such field (the message names the nearest), several, or one that has no better side.
    """
    found = [c for c in columns if key in (plain_key(c), f"{c.metric}.{c.field.name}")]
    if not found:
        raise unknown_name("field", key, {plain_key(c) for c in columns}, where=where)
    if len(found) > 1:
        names = ", ".join(f"{c.metric}.{c.field.name}" for c in found)
        raise InputError(f"{key!r} names several fields", where=where, way_out=f"one of {names}")
    if found[0].field.direction is Direction.NONE:
        better = sorted(plain_key(c) for c in columns if c.field.direction is not Direction.NONE)
        listed = ", ".join(better[:8]) + (", …" if len(better) > 8 else "")
        raise InputError(
            f"{key} has no better side, so nothing can be gated",
            where=where,
            way_out=f"fields with one: {listed or 'none here'}",
        )
    return found[0]


def plain_key(column: Column) -> str:
    """Return `metric.field` without version."""
    return f"{column.spec.id}.{column.field.name}"


def columns_of(specs: Sequence[MetricSpec]) -> tuple[Column, ...]:
    """Return every field of some metrics, in the order of a score grid's columns."""
    return tuple(Column(spec, field) for spec in specs for field in spec.fields)


def gather_margins(
    given: Mapping[MarginSource, Mapping[str, float | str]],
    columns: Sequence[Column],
    places: Mapping[str, str],
) -> dict[tuple[str, str], Margin]:
    """Merge the margins of several sources by (metric, field); a later source wins where two name the same field.

    Every field that any source names is gated, so that a shorter list elsewhere cannot take a field out. `places`
    names each source in messages.

    Raises:
        InputError: a bad margin or field, or no margin at all.
    """
    found: dict[tuple[str, str], Margin] = {}
    for source, margins in given.items():
        here: set[tuple[str, str]] = set()
        for key, value in margins.items():
            where = Where(places[source], key=key)
            column = find_field(key, columns, where)
            name = (column.metric, column.field.name)
            if name in here:
                raise InputError("the field is given twice", where=where)
            here.add(name)
            found[name] = parse_margin(value, source, where)
    if not found:
        raise InputError(
            "no margin is set, so the gate would let everything pass",
            way_out="--margin FIELD=MARGIN, `gate: {margins: …}` in the suite, or gate update --suggested",
        )
    order = {(c.metric, c.field.name): i for i, c in enumerate(columns)}
    return {name: found[name] for name in sorted(found, key=order.__getitem__)}


def check_policy(alpha: float, coverage: float) -> None:
    """Check alpha and coverage of the command line.

    Raises:
        InputError: out of range.
    """
    if not 0 < alpha < 0.5:
        raise InputError(f"alpha {alpha:g} is not between 0 and 0.5", way_out="--alpha 0.05")
    if not 0 <= coverage <= 1:
        raise InputError(
            f"coverage {coverage:g} is not between 0 and 1", way_out="--coverage 0.02 allows 2 %"
        )

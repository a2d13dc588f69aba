"""Curves of an ablation: a metric against the levels of a factor that are numbers, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from uniavgen_bench.core.comparison import AblationResult, level_text
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.numbers import number, unit_text
from uniavgen_bench.stats.table import ARROWS

FEWEST_LEVELS = 3


@dataclass(frozen=True)
class SweepPoint:
    """One level: mean over the clips with its interval; None where nothing was scored."""

    level: float
    mean: float | None
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class SweepCurve:
    """One field against the levels of one factor; `number` is its place in the data of the page."""

    number: int
    title: str
    field: str
    unit: str
    arrow: str
    points: tuple[SweepPoint, ...]


@dataclass(frozen=True)
class Sweep:
    """All curves of a factor; the other factors are at their references."""

    factor: str
    reference: str
    curves: tuple[SweepCurve, ...]


def sweeps(run: RunData) -> tuple[Sweep, ...]:
    """Return the curves of every factor with at least three levels that are all numbers."""
    found = run.ablation
    if found is None:
        return ()
    keys = list(dict.fromkeys((e.result.metric, e.result.field) for e in found.effects))
    columns = [c for c in (run.column_of(*key) for key in keys) if c is not None]
    made: list[Sweep] = []
    count = 0
    for factor, given in found.block.factors.items():
        levels = numeric([level_text(level) for level in given])
        if len(levels) < FEWEST_LEVELS:
            continue
        curves = []
        for column in columns:
            points = tuple(_point(run, found, factor, text, value, column) for text, value in levels)
            if any(point.mean is not None for point in points):
                curves.append(_curve(run, column, count, points))
                count += 1
        if curves:
            made.append(Sweep(factor, level_text(given[0]), tuple(curves)))
    return tuple(made)


def numeric(levels: Sequence[str]) -> list[tuple[str, float]]:
    """Return levels with their numbers in ascending order; nothing when one of them is no finite number."""
    try:
        known = [(text, float(text)) for text in levels]
    except ValueError:
        return []
    if any(value != value or value in (float("inf"), float("-inf")) for _, value in known):
        return []
    return sorted(known, key=lambda pair: pair[1])


def sweep_data(found: Sequence[Sweep]) -> list[dict[str, Any]]:
    """Return the curves as the page's script reads them, in the order of their numbers."""
    return [
        {
            "factor": sweep.factor,
            "field": curve.field,
            "unit": curve.unit,
            "level": [point.level for point in curve.points],
            "mean": [point.mean for point in curve.points],
            "low": [point.low for point in curve.points],
            "high": [point.high for point in curve.points],
            "text": [point.text for point in curve.points],
        }
        for sweep in found
        for curve in sweep.curves
    ]


def _curve(run: RunData, column: int, place: int, points: tuple[SweepPoint, ...]) -> SweepCurve:
    spec = run.column(column)
    return SweepCurve(
        number=place,
        title=spec.spec.title,
        field=spec.field.name,
        unit=unit_text(spec.field.unit),
        arrow=ARROWS[spec.field.direction],
        points=points,
    )


def _point(
    run: RunData, found: AblationResult, factor: str, text: str, value: float, column: int
) -> SweepPoint:
    wanted = {name: level_text(levels[0]) for name, levels in found.block.factors.items()} | {factor: text}
    system = next((name for name, factors in found.systems.items() if factors == wanted), None)
    spec = run.column(column)
    summary = next(
        (s for s in run.summaries if (s.system, s.metric, s.field) == (system, spec.metric, spec.field.name)),
        None,
    )
    if summary is None or summary.mean is None:
        return SweepPoint(value, None, None, None, "no score")
    digits = run.digits[column]
    bounds = summary.interval if isinstance(summary.interval, Interval) else None
    shown = number(summary.mean, digits)
    if bounds is not None:
        shown += f" [{number(bounds.low, digits)}, {number(bounds.high, digits)}]"
    low, high = (bounds.low, bounds.high) if bounds is not None else (None, None)
    return SweepPoint(value, summary.mean, low, high, f"{shown}, {summary.scored} of {summary.attempted}")

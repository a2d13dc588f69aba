"""The first page: findings, the table by system, distributions, what is missing, and all clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.findings import findings, lead, same_samples
from uniavgen_bench.report.page_data import page_data
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.numbers import number, unit_text
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.stats.table import (
    ARROWS,
    DIRECTION_TEXT,
    EACH,
    ROLE_TEXT,
    MissingLine,
    fold,
    missing_lines,
)

SPAN = 100.0
EXTREMES = 3


@dataclass(frozen=True)
class Cell:
    """One cell of the table: texts, a sorting value, and where mean and interval lie in 0 … `SPAN`."""

    summary: Summary
    mean: str
    interval: str
    note: str
    sort: float | None
    at: float | None
    low: float | None
    high: float | None
    floors: tuple[float, ...]


@dataclass(frozen=True)
class Row:
    """One system of the table."""

    label: str
    role: Role
    role_text: str
    number: int
    clips: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Extreme:
    """A clip at an end of a distribution."""

    page: str
    sample: str
    system: str
    value: str


@dataclass(frozen=True)
class MetricView:
    """One metric on the first page."""

    name: str
    anchor: str
    title: str
    number: int
    headline: str
    unit: str
    arrow: str
    direction: str
    sign: str
    fields: tuple[tuple[int, str], ...]
    empty: bool
    lead: tuple[str, ...]
    missing: tuple[MissingLine, ...]
    lowest: tuple[Extreme, ...]
    highest: tuple[Extreme, ...]


def overview(run: RunData) -> dict[str, Any]:
    """Return the context of the first page."""
    lines = missing_lines(run.summaries)
    level = next((s.interval.level for s in run.summaries if isinstance(s.interval, Interval)), 0.95)
    rows = _rows(run)
    return {
        "manifest": run.manifest,
        "title": run.title,
        "findings": findings(run, lines),
        "metrics": [_metric(run, i, name, lines) for i, name in enumerate(run.metric_columns)],
        "bodies": [(role, list(members)) for role, members in groupby(rows, key=lambda row: row.role)],
        "missing": [(name, list(part)) for name, part in groupby(fold(lines), key=lambda line: line.metric)],
        "level": f"{100 * level:g} %",
        "methods": sorted({_method(s) for s in run.summaries} - {""}),
        "comparable": same_samples(run),
        "data": page_data(run),
        "each": EACH,
        "clip_count": len(run.grid.system),
    }


def anchor(metric: str) -> str:
    """Return an HTML id of a metric."""
    return "metric-" + "".join(c if c.isalnum() else "-" for c in metric).strip("-")


def _method(summary: Summary) -> str:
    method = summary.interval.method if isinstance(summary.interval, Interval) else ""
    return method.split(",")[0] if "bootstrap" in method else ""


def _rows(run: RunData) -> list[Row]:
    by_system: dict[str, list[Summary]] = {system.id: [] for system in run.systems}
    for summary in run.summaries:
        if summary.headline:
            by_system[summary.system].append(summary)
    columns = run.headline_columns()
    scales = [_scale([members[i] for members in by_system.values() if members]) for i in range(len(columns))]
    rows = []
    for number_, system in enumerate(run.systems):
        members = by_system[system.id]
        cells = tuple(
            _cell(s, run.digits[c], scales[i]) for i, (s, c) in enumerate(zip(members, columns, strict=True))
        )
        clips = members[0].attempted if members else len(run.grid.rows_of(system.id))
        label = system.label or system.id
        rows.append(Row(label, system.role, ROLE_TEXT[system.role], number_, clips, cells))
    return rows


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float
    floors: tuple[float, ...]

    def at(self, value: float) -> float:
        span = self.high - self.low
        return round(2 + (SPAN - 4) * (value - self.low) / span, 2) if span else SPAN / 2


def _scale(summaries: Sequence[Summary]) -> _Scale:
    ends: list[float] = []
    for s in summaries:
        if s.mean is not None:
            ends.append(s.mean)
        if isinstance(s.interval, Interval):
            ends += [s.interval.low, s.interval.high]
    scale = _Scale(min(ends, default=0.0), max(ends, default=0.0), ())
    floors = tuple(scale.at(s.mean) for s in summaries if is_floor(s) and s.mean is not None)
    return _Scale(scale.low, scale.high, floors)


def is_floor(summary: Summary) -> bool:
    """Whether the summary is of a control that should score badly, on a field that can be bad."""
    return summary.floor and summary.direction is not Direction.NONE


def _cell(summary: Summary, digits: int, scale: _Scale) -> Cell:
    bounds = summary.interval if isinstance(summary.interval, Interval) else None
    note = "" if bounds else f"no interval, n = {summary.scored}"
    sort = (
        abs(summary.mean)
        if summary.mean is not None and summary.direction is Direction.ZERO
        else summary.mean
    )
    return Cell(
        summary=summary,
        mean=number(summary.mean, digits),
        interval=f"{number(bounds.low, digits)} to {number(bounds.high, digits)}" if bounds else "",
        note=note if summary.scored else "no score",
        sort=sort,
        at=None if summary.mean is None else scale.at(summary.mean),
        low=scale.at(bounds.low) if bounds else None,
        high=scale.at(bounds.high) if bounds else None,
        floors=scale.floors,
    )


def _metric(run: RunData, number_: int, name: str, lines: Sequence[MissingLine]) -> MetricView:
    columns = run.metric_columns[name]
    first = columns[0]
    spec, field = run.column(first).spec, run.column(first).field
    summaries = [s for s in run.summaries if s.metric == name and s.headline]
    values = run.grid.values[:, first]
    chosen = np.flatnonzero(run.pool & ~np.isnan(values))
    order = chosen[np.argsort(values[chosen], kind="stable")]
    most = min(EXTREMES, len(order) // 2)

    def extreme(clip: int) -> Extreme:
        value = number(float(values[clip]), run.clip_digits[first])
        return Extreme(f"clips/{run.page_names[clip]}", str(run.grid.sample[clip]), run.label(clip), value)

    return MetricView(
        name=name,
        anchor=anchor(name),
        title=spec.title,
        number=number_,
        headline=field.name,
        unit=unit_text(field.unit),
        arrow=ARROWS[field.direction],
        direction=DIRECTION_TEXT[field.direction],
        sign=field.sign,
        fields=tuple((c, run.column(c).field.name) for c in columns),
        empty=bool(np.isnan(run.grid.values[:, columns]).all()),
        lead=tuple(lead(run, summaries, run.digits[first])),
        missing=tuple(line for line in lines if line.metric == name),
        lowest=tuple(extreme(int(c)) for c in order[:most]),
        highest=tuple(extreme(int(c)) for c in order[::-1][:most]),
    )

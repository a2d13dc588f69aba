"""The table of scores: a row for each system, a cell for each metric's headline, with marks of what was tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from uniavgen_bench.core.comparison import Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.verdicts import MARKS, WORDS, Contrast, contrasts, p_text, rank_of, rank_text
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.numbers import number
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.stats.table import ROLE_TEXT

SPAN = 100.0


@dataclass(frozen=True)
class Mark:
    """What the tests say about a cell: a sign, a class for its look, and words for a reader who sees neither."""

    sign: str
    kind: str
    text: str


@dataclass(frozen=True)
class Cell:
    """One cell of the table: texts, a sorting value, where mean and interval lie in 0 … `SPAN`, mark and rank."""

    summary: Summary
    mean: str
    interval: str
    note: str
    sort: float | None
    at: float | None
    low: float | None
    high: float | None
    floors: tuple[float, ...]
    mark: Mark | None
    rank: str


@dataclass(frozen=True)
class Row:
    """One system of the table."""

    label: str
    role: Role
    role_text: str
    number: int
    clips: int
    cells: tuple[Cell, ...]


def mark_of(run: RunData, summary: Summary, found: Sequence[Contrast]) -> Mark | None:
    """Return the mark of a system in a metric: beside the baseline, or how many it is better and worse than.

    `found` are the comparisons of the summary's field.
    """
    if run.stats is None:
        return None
    baseline = run.stats.block.baseline
    if baseline is not None and summary.system == baseline:
        return Mark("", "baseline", "baseline")
    if baseline is not None:
        mine = next((c for c in found if c.result.system == summary.system), None)
        if mine is None:
            return None
        verdict = mine.result.verdict
        words = WORDS[verdict] + (f" than {mine.other}" if verdict in (Verdict.BETTER, Verdict.WORSE) else "")
        return Mark(
            MARKS[verdict], verdict.value.replace("_", "-"), f"{words}, {p_text(mine.result.p_adjusted)}"
        )
    better = worse = 0
    for c in found:
        if summary.system == c.result.system:
            better += c.result.verdict is Verdict.BETTER
            worse += c.result.verdict is Verdict.WORSE
        elif summary.system == c.result.baseline:
            better += c.result.verdict is Verdict.WORSE
            worse += c.result.verdict is Verdict.BETTER
    others = sum(summary.system in (c.result.system, c.result.baseline) for c in found)
    if not others:
        return None
    sign = (
        " ".join(part for part in (f"▲{better}" if better else "", f"▼{worse}" if worse else "") if part)
        or MARKS[Verdict.NOT_SEEN]
    )
    kind = "better" if better > worse else "worse" if worse > better else "not-seen"
    return Mark(sign, kind, f"better than {better}, worse than {worse} of {others} others")


def table_rows(run: RunData) -> list[Row]:
    """Return the rows of all systems."""
    by_system: dict[str, list[Summary]] = {system.id: [] for system in run.systems}
    for summary in run.summaries:
        if summary.headline:
            by_system[summary.system].append(summary)
    columns = run.headline_columns()
    scales = [_scale([members[i] for members in by_system.values() if members]) for i in range(len(columns))]
    found = {name: contrasts(run, name) for name in run.metric_columns}
    rows = []
    for number_, system in enumerate(run.systems):
        members = by_system[system.id]
        cells = tuple(
            _cell(
                s,
                run.digits[c],
                scales[i],
                mark_of(run, s, [c for c in found[s.metric] if c.result.field == s.field]),
                rank_text(rank_of(run, s.metric, s.field, s.system)),
            )
            for i, (s, c) in enumerate(zip(members, columns, strict=True))
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


def _cell(summary: Summary, digits: int, scale: _Scale, mark: Mark | None, rank: str) -> Cell:
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
        mark=mark,
        rank=rank,
    )

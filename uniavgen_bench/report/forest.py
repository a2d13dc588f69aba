"""Forest plots: one row for each comparison or system, an interval and a point on a shared scale."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from uniavgen_bench.core.comparison import Verdict
from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.verdicts import (
    HELD_BACK,
    Contrast,
    contrasts,
    held_back,
    rank_of,
    rank_text,
)
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.missing_text import against_its_pairs, lost_by_missing
from uniavgen_bench.stats.numbers import number, unit_text
from uniavgen_bench.stats.summary import Summary

MARGIN = 4.0
MOST_PAIRS = 12
BETTER = {Direction.HIGHER: "better to the right", Direction.LOWER: "better to the left"}


@dataclass(frozen=True)
class ForestRow:
    """A row: positions in 0 … 100 (None without a number), and its texts. `kind` names its look."""

    label: str
    kind: str
    at: float | None
    low: float | None
    high: float | None
    mark: str
    word: str
    estimate: str
    note: str
    sentence: str


@dataclass(frozen=True)
class Forest:
    """A plot: `zero` and `ticks` are positions in 0 … 100; `better` says on which side better is, or is empty."""

    title: str
    rows: tuple[ForestRow, ...]
    zero: float | None
    ticks: tuple[tuple[float, str], ...]
    better: str


@dataclass(frozen=True)
class Scale:
    """Maps numbers to positions in 0 … 100."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return the position of a number."""
        span = self.high - self.low
        inner = 100 - 2 * MARGIN
        return round(MARGIN + inner * (value - self.low) / span, 2) if span else 50.0


def forests(run: RunData, metric: str) -> tuple[Forest, ...]:
    """Return a plot of each tested field of a metric: differences to the baseline, or means where pairs are too many.

    Without tests the plot of the headline's means; fields without any number have none.
    """
    baseline = run.stats.block.baseline if run.stats else None
    found = contrasts(run, metric)
    headline = run.column(run.metric_columns[metric][0]).field.name
    plots: list[Forest | None] = []
    for field in dict.fromkeys(c.result.field for c in found):
        members = [c for c in found if c.result.field == field]
        has_differences = any(c.result.difference is not None for c in members)
        if has_differences and (baseline is not None or len(members) <= MOST_PAIRS):
            plots.append(_of_differences(run, members, baseline))
        else:
            plots.append(_of_means(run, metric, field))
    plots = plots or [_of_means(run, metric, headline)]
    return tuple(plot for plot in plots if plot is not None)


def _of_differences(run: RunData, found: Sequence[Contrast], baseline: str | None) -> Forest:
    drawn = [None if against_its_pairs(c.result) else c.result.difference for c in found]
    known = [e for e in drawn if e is not None]
    ends = [v for e in known for v in (e.value, e.low, e.high) if v is not None]
    scale = Scale(min([*ends, 0.0]), max([*ends, 0.0]))
    rows = []
    for c, e in zip(found, drawn, strict=True):
        rows.append(
            ForestRow(
                label=c.who if baseline else f"{c.who} − {c.other}",
                kind=c.result.verdict.value.replace("_", "-"),
                at=scale.at(e.value) if e else None,
                low=scale.at(e.low) if e and e.low is not None else None,
                high=scale.at(e.high) if e and e.high is not None else None,
                mark=c.mark,
                word=c.word,
                estimate=c.difference if e else "",
                note=_note(c),
                sentence=c.sentence,
            )
        )
    result = found[0].result
    unit = f" ({unit_text(result.unit)})" if unit_text(result.unit) else ""
    to = f" to {run.label_of(baseline)}" if baseline else ""
    title = f"Difference in {result.field}{unit}{to}"
    return Forest(title, tuple(rows), scale.at(0.0), ticks(scale), BETTER.get(result.direction, ""))


def _note(c: Contrast) -> str:
    if c.result.verdict is Verdict.NOT_COMPARABLE:
        return ""
    missing = HELD_BACK if held_back(c.result) else lost_by_missing(c.result)
    return c.p + (f", {missing}" if missing else "")


def _of_means(run: RunData, metric: str, field: str) -> Forest | None:
    summaries = [s for s in run.summaries if s.metric == metric and s.field == field]
    ends = [v for s in summaries for v in _ends(s)]
    if not ends:
        return None
    scale = Scale(min(ends), max(ends))
    column = run.column_of(metric, field)
    digits = run.digits[column] if column is not None else 2
    rows = []
    for s in summaries:
        bounds = s.interval if isinstance(s.interval, Interval) else None
        inside = f" [{number(bounds.low, digits)}, {number(bounds.high, digits)}]" if bounds else ""
        rows.append(
            ForestRow(
                label=s.label,
                kind="mean" if s.role is Role.SYSTEM else "control",
                at=None if s.mean is None else scale.at(s.mean),
                low=scale.at(bounds.low) if bounds else None,
                high=scale.at(bounds.high) if bounds else None,
                mark="",
                word="",
                estimate=number(s.mean, digits) + inside if s.scored else "no score",
                note=rank_text(rank_of(run, metric, field, s.system)),
                sentence="",
            )
        )
    first = summaries[0]
    unit = f" ({unit_text(first.unit)})" if unit_text(first.unit) else ""
    zero = scale.at(0.0) if first.direction is Direction.ZERO and scale.low < 0 < scale.high else None
    return Forest(
        f"Mean {first.field}{unit}", tuple(rows), zero, ticks(scale), BETTER.get(first.direction, "")
    )


def _ends(summary: Summary) -> list[float]:
    bounds = [summary.interval.low, summary.interval.high] if isinstance(summary.interval, Interval) else []
    return ([summary.mean] if summary.mean is not None else []) + bounds


def ticks(scale: Scale, most: int = 4) -> tuple[tuple[float, str], ...]:
    """Return round numbers on a scale, as positions and texts."""
    span = scale.high - scale.low
    if not span:
        return ((50.0, f"{scale.low:.3g}".replace("-", "−")),)
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    digits = max(0, -math.floor(math.log10(step)))
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    return tuple((scale.at(i * step), number(i * step, digits)) for i in range(first, last + 1))

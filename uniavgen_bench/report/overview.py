"""The first page: findings, the table by system, distributions, what is missing, and all clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from uniavgen_bench.core.comparison import Verdict
from uniavgen_bench.report.ablation_view import ablation_view
from uniavgen_bench.report.failures import failure_groups, told_of_making
from uniavgen_bench.report.findings import findings, lead, same_samples
from uniavgen_bench.report.forest import Forest, forests
from uniavgen_bench.report.pair_verdicts import by_field
from uniavgen_bench.report.published_view import published_view
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.score_table import table_rows
from uniavgen_bench.report.sweep_view import sweeps
from uniavgen_bench.report.validity_view import ValidityBadge, badge
from uniavgen_bench.report.verdicts import MARKS, WORDS, Contrast, by_system, contrasts, tested, worst
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.numbers import number, unit_text
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.stats.table import (
    ARROWS,
    DIRECTION_TEXT,
    EACH,
    MissingLine,
    fold,
    missing_lines,
)

EXTREMES = 3
MOST_SENTENCES = 8


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
    forests: tuple[Forest, ...]
    sentences: tuple[str, ...]
    all_pairs: tuple[Contrast, ...]
    badge: ValidityBadge | None
    lead: tuple[str, ...]
    missing: tuple[MissingLine, ...]
    lowest: tuple[Extreme, ...]
    highest: tuple[Extreme, ...]


def overview(run: RunData) -> dict[str, Any]:
    """Return the context of the first page."""
    lines = told_of_making(run, missing_lines(run.summaries))
    level = next((s.interval.level for s in run.summaries if isinstance(s.interval, Interval)), 0.95)
    rows = table_rows(run)
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
        "each": EACH,
        "large": run.large,
        "stats": run.stats,
        "tested": tested(run.stats) if run.stats else "",
        "worst": worst(run.stats) if run.stats else "",
        "verdicts": by_system(run),
        "field_verdicts": by_field(run),
        "ablation": ablation_view(run),
        "sweeps": sweeps(run),
        "published": published_view(run),
        "failures": failure_groups(run),
        "marks": [(MARKS[v], v.value.replace("_", "-"), WORDS[v]) for v in Verdict],
        "clip_count": len(run.grid.system),
    }


def anchor(metric: str) -> str:
    """Return an HTML id of a metric."""
    return "metric-" + "".join(c if c.isalnum() else "-" for c in metric).strip("-")


def _method(summary: Summary) -> str:
    method = summary.interval.method if isinstance(summary.interval, Interval) else ""
    return method.split(",")[0] if "bootstrap" in method else ""


def _metric(run: RunData, number_: int, name: str, lines: Sequence[MissingLine]) -> MetricView:
    columns = run.metric_columns[name]
    first = columns[0]
    spec, field = run.column(first).spec, run.column(first).field
    summaries = [s for s in run.summaries if s.metric == name and s.headline]
    values = run.grid.values[:, first]
    chosen = np.flatnonzero(run.pool & ~np.isnan(values))
    order = chosen[np.argsort(values[chosen], kind="stable")]
    most = min(EXTREMES, len(order) // 2)
    found = contrasts(run, name)
    pairs = frozenset(frozenset((c.result.system, c.result.baseline)) for c in found)
    told = [c for c in found if c.result.verdict is not Verdict.NOT_COMPARABLE][:MOST_SENTENCES]

    def extreme(clip: int) -> Extreme:
        value = number(float(values[clip]), run.clip_digits[first])
        return Extreme(run.clip_link(clip), str(run.grid.sample[clip]), run.label(clip), value)

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
        forests=forests(run, name),
        sentences=tuple(c.sentence for c in told),
        all_pairs=tuple(found),
        badge=badge(run, name),
        lead=tuple(lead(run, summaries, run.digits[first], pairs)),
        missing=tuple(line for line in lines if line.metric == name),
        lowest=tuple(extreme(int(c)) for c in order[:most]),
        highest=tuple(extreme(int(c)) for c in order[::-1][:most]),
    )

"""What the scripts of the first page draw from: columns of all clips, so that large runs open fast."""

from __future__ import annotations

from typing import Any

import numpy as np

from uniavgen_bench.report.links import is_path, relative_url
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.grid import reason_of, reason_sentence
from uniavgen_bench.stats.numbers import unit_text

FACT_VALUES = 60
SEARCHED = 240


def page_data(run: RunData) -> dict[str, Any]:
    """Return what the scripts of the first page draw from: columns of all clips, nothing twice."""
    grid = run.grid
    prefixes = sorted({reason_of(text) for text in grid.reason_texts})
    code = np.asarray([prefixes.index(reason_of(text)) for text in grid.reason_texts] + [-1], dtype=np.int64)
    records = [run.record(clip) for clip in range(len(grid.system))]
    return {
        "systems": [{"label": s.label or s.id, "role": s.role.value} for s in run.systems],
        "metrics": [
            {"name": name, "title": run.column(columns[0]).spec.title, "columns": columns}
            for name, columns in run.metric_columns.items()
        ],
        "columns": [_column(run, i) for i in range(len(grid.columns))],
        "reasons": [{"name": name, "sentence": reason_sentence(name)} for name in prefixes],
        "facts": _facts(run),
        "clips": {
            "system": run.system_number.tolist(),
            "sample": [str(name) for name in grid.sample],
            "repeat": grid.repeat.tolist(),
            "page": list(run.page_names),
            "poster": [relative_url(r.poster, up=1) if r else None for r in records],
            "words": [
                " ".join(f"{r.sample.speech or ''} {r.sample.caption or ''}".split())[:SEARCHED] if r else ""
                for r in records
            ],
        },
        "values": [[_short(v) for v in column] for column in grid.values.T.tolist()],
        "missing": [_sparse(code[grid.reasons[:, i]]) for i in range(len(grid.columns))],
    }


def _column(run: RunData, number_: int) -> dict[str, Any]:
    column = run.column(number_)
    boxes = []
    for system in run.systems:
        summary = next(
            s
            for s in run.summaries
            if s.system == system.id and s.metric == column.metric and s.field == column.field.name
        )
        values = run.grid.values[run.grid.rows_of(system.id), number_]
        known = values[~np.isnan(values)]
        bounds = summary.interval if isinstance(summary.interval, Interval) else None
        boxes.append(
            {
                "quartiles": np.quantile(known, [0.25, 0.5, 0.75]).tolist() if len(known) > 3 else None,
                "mean": summary.mean,
                "interval": [bounds.low, bounds.high] if bounds else None,
                "scored": summary.scored,
                "attempted": summary.attempted,
            }
        )
    return {
        "metric": column.metric,
        "field": column.field.name,
        "unit": unit_text(column.field.unit),
        "direction": column.field.direction.value,
        "digits": run.clip_digits[number_],
        "boxes": boxes,
    }


def _facts(run: RunData) -> list[dict[str, Any]]:
    """Return the facts that a reader can filter by: those with more than one value, and not one per sample."""
    records = [run.record(clip) for clip in range(len(run.grid.system))]
    names = sorted({n for r in records if r for n, value in r.sample.facts.items() if not is_path(value)})
    found = []
    for name in names:
        given = [r.sample.facts.get(name, "") if r else "" for r in records]
        values = sorted(set(given) - {""})
        if 1 < len(values) <= FACT_VALUES:
            known = {value: i for i, value in enumerate(values)}
            found.append({"name": name, "values": values, "codes": [known.get(value, -1) for value in given]})
    return found


def _sparse(codes: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, list[int]]:
    at = np.flatnonzero(codes >= 0)
    return {"clips": at.tolist(), "reasons": codes[at].tolist()}


def _short(value: float) -> float | None:
    return None if value != value else float(f"{value:.5g}")

"""What the scripts of all pages draw from: columns of all clips, nothing twice, in one data file."""

from __future__ import annotations

from typing import Any

import numpy as np

from uniavgen_bench.core.sample import Sample
from uniavgen_bench.report.links import is_path, relative_url
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.sweep_view import sweep_data, sweeps
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.grid import reason_of, reason_sentence
from uniavgen_bench.stats.numbers import unit_text

FACT_VALUES = 60
SEARCHED = 240
CLIPS_A_SHARD = 36


def page_data(run: RunData) -> dict[str, Any]:
    """Return the data of data/run.js."""
    grid = run.grid
    prefixes = sorted({reason_of(text) for text in grid.reason_texts})
    code = np.asarray([prefixes.index(reason_of(text)) for text in grid.reason_texts] + [-1], dtype=np.int64)
    samples = samples_of(run)
    posters = [
        relative_url(r.poster, up=1) if (r := run.record(clip)) else None for clip in range(len(grid.system))
    ]
    return {
        "title": run.title,
        "large": run.large,
        "shard": samples_a_shard(run),
        "systems": [{"id": s.id, "label": s.label or s.id, "role": s.role.value} for s in run.systems],
        "metrics": [
            {"name": name, "title": run.column(columns[0]).spec.title, "columns": columns}
            for name, columns in run.metric_columns.items()
        ],
        "columns": [_column(run, i) for i in range(len(grid.columns))],
        "reasons": [{"name": name, "sentence": reason_sentence(name)} for name in prefixes],
        "facts": _facts(samples),
        "samples": {"id": list(run.sample_names), "words": [_words(sample) for sample in samples]},
        "clips": {
            "system": run.system_number.tolist(),
            "sample": run.sample_number.tolist(),
            "repeat": grid.repeat.tolist(),
            "key": list(run.clip_keys),
            "poster": posters,
        },
        "sweeps": sweep_data(sweeps(run)),
        "values": [[_short(v) for v in column] for column in grid.values.T.tolist()],
        "missing": [_sparse(code[grid.reasons[:, i]]) for i in range(len(grid.columns))],
    }


def samples_of(run: RunData) -> list[Sample | None]:
    """Return for each sample [S] what its first recorded clip says of it, or None when only scores know it."""
    found: list[Sample | None] = [None] * len(run.sample_names)
    for clip, at in enumerate(run.sample_number):
        if found[at] is None and (record := run.record(clip)):
            found[at] = record.sample
    return found


def samples_a_shard(run: RunData) -> int:
    """Return how many samples share a data file: all clips of a sample lie in one, for they are shown together."""
    clips, samples = len(run.grid.system), max(len(run.sample_names), 1)
    return max(1, round(CLIPS_A_SHARD * samples / max(clips, 1)))


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
        "sign": column.field.sign,
        "digits": run.clip_digits[number_],
        "boxes": boxes,
    }


def _words(sample: Sample | None) -> str:
    return " ".join(f"{sample.speech or ''} {sample.caption or ''}".split())[:SEARCHED] if sample else ""


def _facts(samples: list[Sample | None]) -> list[dict[str, Any]]:
    """Return the facts that a reader can filter by: those with more than one value, and not one per sample."""
    names = sorted({n for s in samples if s for n, value in s.facts.items() if not is_path(value)})
    found = []
    for name in names:
        given = [s.facts.get(name, "") if s else "" for s in samples]
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

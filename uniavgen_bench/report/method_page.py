"""The page on how it was measured: versions, hashes, commands, weights, cost, and a card for each metric."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.core.validity_files import MetricValidity
from uniavgen_bench.report.delivered import delivered_rows
from uniavgen_bench.report.links import without_paths
from uniavgen_bench.report.overview import anchor
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.validity_view import ValidityRow, validity_rows
from uniavgen_bench.stats.numbers import duration, unit_text
from uniavgen_bench.stats.table import ARROWS, DIRECTION_TEXT


@dataclass(frozen=True)
class FieldCard:
    """A field as the card shows it."""

    name: str
    unit: str
    range: str
    direction: str
    meaning: str
    sign: str


@dataclass(frozen=True)
class MetricCard:
    """A metric's declared facts."""

    spec: MetricSpec
    anchor: str
    fields: tuple[FieldCard, ...]
    needs: str
    cost: str
    validity: MetricValidity | None
    checks: tuple[ValidityRow, ...]


def method(run: RunData) -> dict[str, Any]:
    """Return the context of the page."""
    manifest = run.manifest
    seconds = _seconds(run)
    return {
        "manifest": manifest,
        "title": run.title,
        "command": " ".join(shlex.quote(without_paths(part)) for part in _split(manifest.command)),
        "facts": _facts(run),
        "environment": [(name, without_paths(value)) for name, value in sorted(manifest.environment.items())],
        "dataset": [(name, without_paths(value)) for name, value in manifest.dataset.items()],
        "systems": [
            (s, ", ".join(f"{k} = {without_paths(str(v))}" for k, v in s.options.items()))
            for s in run.systems
        ],
        "delivered": delivered_rows(run),
        "weights": [(w, without_paths(w.source), _megabytes(w.bytes)) for w in manifest.weights],
        "validity_problem": without_paths(run.validity_problem),
        "cards": [_card(run, spec, seconds.get(spec.name)) for spec in manifest.metrics],
    }


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return [command]


def _facts(run: RunData) -> list[tuple[str, str]]:
    manifest = run.manifest
    rows = [
        ("suite", manifest.suite),
        ("status", manifest.status),
        ("started", manifest.started),
        ("finished", manifest.finished or "not finished"),
        ("took", duration(manifest.seconds)),
        ("device", manifest.device),
        ("executor", manifest.executor or "not recorded"),
        ("workers", str(manifest.workers)),
        ("uniavgen-bench", manifest.version),
        ("code sha256", manifest.code_sha256),
        ("plan sha256", manifest.plan_sha256),
    ]
    return [(name, without_paths(value)) for name, value in rows]


def _seconds(run: RunData) -> dict[str, str]:
    """Return the mean seconds of each metric for a clip; fields of one measurement share one cost."""
    once = run.scores.dropna(subset=["seconds"]).drop_duplicates(["system", "sample", "repeat", "metric"])
    return {
        str(name): duration(float(value)) for name, value in once.groupby("metric")["seconds"].mean().items()
    }


def _card(run: RunData, spec: MetricSpec, cost: str | None) -> MetricCard:
    fields = tuple(
        FieldCard(
            name=field.name,
            unit=unit_text(field.unit) or "none",
            range=_range(field.low, field.high),
            direction=f"{ARROWS[field.direction]} {DIRECTION_TEXT[field.direction]}".strip(),
            meaning=field.meaning,
            sign=field.sign,
        )
        for field in spec.fields
    )
    needs = ", ".join(n.replace("_", " ") for n in (*(a.value for a in spec.needs), *spec.sample_needs))
    validity = run.validity.of(spec.name) if run.validity else None
    return MetricCard(spec, anchor(spec.name), fields, needs, cost or "", validity, validity_rows(validity))


def _range(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "unbounded"
    return f"{'−∞' if low is None else f'{low:g}'} … {'∞' if high is None else f'{high:g}'}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size:,} B"

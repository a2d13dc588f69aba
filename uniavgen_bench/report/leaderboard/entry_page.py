"""The page of one entry: every score with its interval, the history of its system, provenance, and the rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from uniavgen_bench.core.entry_files import EntryBody, Policy
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.sample import Role
from uniavgen_bench.report.leaderboard.board import Stored, last_of
from uniavgen_bench.report.leaderboard.cells import cell_of
from uniavgen_bench.report.leaderboard.rows import summaries_of
from uniavgen_bench.report.leaderboard.tables import TASK_TEXT
from uniavgen_bench.stats.numbers import NONE, percent, unit_text
from uniavgen_bench.stats.summary import LEVEL
from uniavgen_bench.stats.table import ARROWS, ROLE_TEXT, places

MOST_ROWS = 200
"""Clips that a page shows; the entry's file holds all."""


def state_of(stored: Stored, last: Collection[str], policy: Policy) -> str:
    """Return whether an entry is ranked, in words."""
    expired = {e.metric for e in policy.expired}
    names = [metric.name for metric in stored.entry.body.metrics]
    if stored.archived:
        return "archived"
    if stored.head not in last:
        return "superseded"
    if all(name in expired for name in names):
        return "expired"
    return "ranked in part: a protocol has expired" if any(name in expired for name in names) else "ranked"


def entry_page(
    stored: Stored, everything: Sequence[Stored], policy: Policy, labels: Mapping[str, str]
) -> dict[str, object]:
    """Return what the template of an entry's page shows."""
    body = stored.entry.body
    last = {s.head for s in last_of(everything).values()}
    expired = {e.metric: e.why for e in policy.expired}
    summaries = summaries_of(body)
    digits = places(summaries)
    cells = {(s.system, s.metric, s.field): cell_of(s, digits[(s.metric, s.field)]) for s in summaries}
    lower = [control for control in body.controls if control.role is Role.LOWER_CONTROL]
    floors = {(c.id, m.name) for c in lower for m in body.metrics if c.use in m.floors}
    metrics = [
        {
            "title": spec.title,
            "name": spec.name,
            "tier": spec.tier.value,
            "licence": spec.licence,
            "expired": expired.get(spec.name, ""),
            "fields": [
                {"name": f.name.replace("_", " "), "unit": unit_text(f.unit), "arrow": ARROWS[f.direction]}
                for f in spec.fields
            ],
            "rows": [
                {
                    "label": labels[stored.head] if system is body.system else system.label or system.id,
                    "role_text": "floor" if (system.id, spec.name) in floors else ROLE_TEXT[system.role],
                    "cells": [cells[(system.id, spec.name, f.name)] for f in spec.fields],
                }
                for system in body.systems
            ],
        }
        for spec in body.metrics
    ]
    history, names = _history(stored, everything, last, policy)
    columns = [f"{m.id} {f.name}".replace("_", " ") for m in body.metrics for f in m.fields]
    rows = [
        {
            "sample": body.samples[clip.sample].id + (f" #{clip.repeat}" if clip.repeat else ""),
            "sha256": clip.sha256 or NONE,
            "scores": [score.value if isinstance(score, Reason) else f"{score:.4g}" for score in clip.scores],
        }
        for clip in body.system.clips[:MOST_ROWS]
    ]
    return {
        "label": labels[stored.head],
        "body": body,
        "task_text": TASK_TEXT.get(stored.track.task, stored.track.task),
        "state": state_of(stored, last, policy),
        "level": percent(LEVEL),
        "metrics": metrics,
        "history": history,
        "history_metrics": names,
        "provenance": _provenance(body),
        "chain": _chain(stored),
        "file": stored.path.name,
        "columns": columns,
        "rows": rows,
        "clip_count": len(body.system.clips),
    }


def _history(
    stored: Stored, everything: Sequence[Stored], last: Collection[str], policy: Policy
) -> tuple[list[dict[str, object]], list[str]]:
    """Return the entries of a system, newest first, with their headline means; versions never share a column."""
    members = [s for s in everything if s.history == stored.history]
    follows = {s.entry.body.previous: s for s in members}
    ordered: list[Stored] = []
    before: str | None = None
    while before in follows and len(ordered) < len(members):
        ordered.append(follows[before])
        before = ordered[-1].head
    names = list(dict.fromkeys(m.name for s in ordered for m in s.entry.body.metrics))
    rows: list[dict[str, object]] = []
    for each in reversed(ordered):
        body = each.entry.body
        heads = {(m.name, m.headline.name) for m in body.metrics}
        own = [a for a in body.aggregates if a.system == body.system.id and (a.metric, a.field) in heads]
        means = {a.metric: a.mean for a in own}
        rows.append(
            {
                "date": body.date,
                "head": each.head[:12],
                "page": f"{each.path.stem}.html",
                "here": each.head == stored.head,
                "version": body.code.version,
                "means": [_short(means.get(name)) for name in names],
                "state": state_of(each, last, policy),
            }
        )
    return rows, names


def _short(value: float | None) -> str:
    return NONE if value is None else f"{value:.4g}"


def _provenance(body: EntryBody) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {value}" for name, value in sorted(body.environment.items()))
    recipe = {**body.dataset.facts, **body.dataset.recipe}
    options = ", ".join(f"{name} = {value}" for name, value in body.system.options.items())
    return [
        ("system", body.system.use + (f" ({options})" if options else "")),
        ("suite", f"{body.suite.name}, seed {body.suite.seed}, lock {body.suite.lock_sha256[:16]}"),
        ("dataset", ", ".join(f"{name} = {value}" for name, value in recipe.items()) or body.dataset.name),
        ("code", f"uniavgen-bench {body.code.version}, sources {body.code.sha256[:16]}"),
        ("device", body.device),
        ("packages", versions or NONE),
    ]


def _chain(stored: Stored) -> list[tuple[str, str]]:
    entry = stored.entry
    return [
        *((name, value) for name, value in entry.chain.model_dump().items()),
        ("entry before", entry.body.previous or "none: it begins the history"),
        ("signed by", f"{entry.signature.key}: ed25519 {entry.signature.public}"),
    ]

"""Entries beside what the installed version declares: metrics, ranges of scores, weights, expired protocols."""

from __future__ import annotations

from collections.abc import Mapping

from uniavgen_bench.core.entry_files import EntryBody
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.spec import FieldSpec, MetricSpec
from uniavgen_bench.report.leaderboard.add import weights_lacking
from uniavgen_bench.report.leaderboard.board import Board, Stored
from uniavgen_bench.report.leaderboard.problems import Check, Problem


def protocol_problems(stored: Stored, board: Board) -> list[Problem]:
    """Name the metrics whose version has expired; the archive is for such entries."""
    if stored.archived:
        return []
    why = {expired.metric: expired.why for expired in board.policy.expired}
    return [
        Problem(Check.PROTOCOL, f"{metric.name} has expired: {why[metric.name]}")
        for metric in stored.entry.body.metrics
        if metric.name in why
    ]


def metric_problems(body: EntryBody, known: Mapping[str, MetricSpec]) -> tuple[list[Problem], list[str]]:
    """Compare fields, weights and tier of metrics with the installed ones, and scores with the fields' ranges."""
    found, notes, at = [], [], 0
    for spec in body.metrics:
        installed = known.get(spec.name)
        if installed is None:
            notes.append(f"{spec.name} is not installed here, so what it declares is not checked")
        elif _numbers(spec) != _numbers(installed):
            text = f"{spec.name} does not have the fields, weights and tier of the metric of that name"
            found.append(Problem(Check.METRICS, text))
        elif spec != installed:
            notes.append(f"{spec.name} has other texts or floors than the installed metric of that name")
        for each in spec.fields:
            for system in body.systems:
                wrong = next((c for c in system.clips if _outside(c.scores[at], each)), None)
                if wrong is not None:
                    where = f"{body.samples[wrong.sample].id!r} by {system.id!r}"
                    text = f"{spec.name} {each.name} of {where} is {wrong.scores[at]}, outside its range"
                    found.append(Problem(Check.METRICS, text))
            at += 1
    return found, notes


def _numbers(spec: MetricSpec) -> object:
    """Return what a metric's numbers mean; its texts may be corrected without a new version."""
    return ([(f.name, f.unit, f.direction, f.low, f.high) for f in spec.fields], spec.weights, spec.tier)


def _outside(score: float | Reason, each: FieldSpec) -> bool:
    if not isinstance(score, float):
        return False
    return (each.low is not None and score < each.low - 1e-6) or (
        each.high is not None and score > each.high + 1e-6
    )


def weight_problems(
    body: EntryBody, board: Board, known: Mapping[str, str]
) -> tuple[list[Problem], list[str]]:
    """Compare the hashes of weights with those that are declared; weights that nobody declares are noted."""
    found, notes = [], []
    accepted = {name: {sha256} for name, sha256 in known.items()}
    for name, hashes in board.policy.weights.items():
        accepted.setdefault(name, set()).update(hashes)
    for weight in body.weights:
        if weight.name not in accepted:
            notes.append(f"the weights {weight.name} are declared nowhere, so their hash is not checked")
        elif weight.sha256 not in accepted[weight.name]:
            text = f"wrong weights: {weight.name} has the hash {weight.sha256[:16]}…, which is not a declared one"
            found.append(Problem(Check.WEIGHTS, text))
    for name in weights_lacking(body):
        found.append(
            Problem(Check.WEIGHTS, f"metrics have numbers, but the hash of their weights {name} is not there")
        )
    return found, notes

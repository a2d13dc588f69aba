"""What failed, by system and reason: clips with nothing to score, and computations that broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import numpy as np

from uniavgen_bench.core.result import MAKING_TEXT, Reason
from uniavgen_bench.report.delivered import Log, clip_logs
from uniavgen_bench.report.links import without_paths
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.grid import ABSENT, reason_of, reason_sentence
from uniavgen_bench.stats.table import MissingLine

FAULTS = frozenset({Reason.CRASHED.value, Reason.FAILED.value, Reason.TIMEOUT.value, ABSENT})
"""Reasons that say that a computation broke; others say why there is nothing to measure."""

NAMED = 4
LISTED = 200


@dataclass(frozen=True)
class FailedClip:
    """A link to a clip, what its reason says in particular, and the logs of its jobs."""

    link: str
    sample: str
    detail: str
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True)
class FailureGroup:
    """The clips of one system that failed for one reason; `metric` is empty when there was nothing to score at all."""

    system: str
    reason: str
    sentence: str
    metric: str
    title: str
    count: int
    attempted: int
    clips: tuple[FailedClip, ...]
    query: str

    @property
    def named(self) -> tuple[FailedClip, ...]:
        """The first few clips, for the first page."""
        return self.clips[:NAMED]

    @property
    def unlisted(self) -> int:
        """How many clips the list leaves to the gallery."""
        return self.count - len(self.clips)


def failure_groups(run: RunData) -> list[FailureGroup]:
    """Return all groups, in the order of the systems, whole clips first."""
    broken = _whole_clips(run)
    groups: dict[tuple[int, int, str], list[tuple[int, str]]] = {}
    for clip, (reason, detail) in broken.items():
        groups.setdefault((int(run.system_number[clip]), -1, reason), []).append((clip, detail))
    faulty = np.asarray([reason_of(text) in FAULTS for text in run.grid.reason_texts] + [False], dtype=bool)
    for number, columns in enumerate(run.metric_columns.values()):
        rows = np.flatnonzero(faulty[run.grid.reasons[:, columns]].any(axis=1))
        for clip in (int(row) for row in rows if int(row) not in broken):
            column = next(c for c in columns if faulty[run.grid.reasons[clip, c]])
            reason, detail = run.reason(clip, column)
            groups.setdefault((int(run.system_number[clip]), number, reason), []).append((clip, detail))
    metrics = list(run.metric_columns)
    attempted = np.bincount(run.system_number, minlength=len(run.systems))
    return [
        _group(run, system, metrics[number] if number >= 0 else "", reason, members, int(attempted[system]))
        for (system, number, reason), members in sorted(groups.items(), key=lambda item: item[0])
    ]


def failures(run: RunData, groups: list[FailureGroup]) -> dict[str, Any]:
    """Return the context of the page of failures."""
    by_system = {
        system.label or system.id: [g for g in groups if g.system == (system.label or system.id)]
        for system in run.systems
    }
    return {
        "manifest": run.manifest,
        "title": run.title,
        "systems": [(label, members) for label, members in by_system.items() if members],
        "unharmed": [label for label, members in by_system.items() if not members],
    }


def told_of_making(run: RunData, lines: Sequence[MissingLine]) -> list[MissingLine]:
    """Say of reasons that come from making alone, and not from scoring, that it was the making."""
    made = Counter(
        reason
        for clip, (reason, _) in _whole_clips(run).items()
        if reason in MAKING_TEXT and _of_making(run, clip)
    )
    return [
        replace(line, sentence=MAKING_TEXT[Reason(line.reason)])
        if line.reason in MAKING_TEXT and made[line.reason] >= line.count
        else line
        for line in lines
    ]


def _sentence(run: RunData, reason: str, metric: str, clips: Sequence[int]) -> str:
    if not metric and reason in MAKING_TEXT and all(_of_making(run, clip) for clip in clips):
        return MAKING_TEXT[Reason(reason)]
    return reason_sentence(reason)


def _of_making(run: RunData, clip: int) -> bool:
    """Whether a clip is not there because of a job: what is scored has a file, what a worker makes has no job."""
    record = run.record(clip)
    if record is None or record.sha256 is not None:
        return False
    return bool(run.sidecars.logs((record.system, record.sample.id, record.repeat), record.problem))


def _whole_clips(run: RunData) -> dict[int, tuple[str, str]]:
    found = {}
    for clip in range(len(run.grid.system)):
        record = run.record(clip)
        if record and record.problem:
            found[clip] = (reason_of(record.problem), record.problem.partition(":")[2].strip())
    return found


def _group(
    run: RunData, system: int, metric: str, reason: str, members: list[tuple[int, str]], attempted: int
) -> FailureGroup:
    info = run.systems[system]
    title = run.column(run.metric_columns[metric][0]).spec.title if metric else ""
    return FailureGroup(
        system=info.label or info.id,
        reason=reason,
        sentence=_sentence(run, reason, metric, [clip for clip, _ in members]),
        metric=metric,
        title=title,
        count=len(members),
        attempted=attempted,
        clips=tuple(_failed(run, clip, detail) for clip, detail in members[:LISTED]),
        query=urlencode({"missing": reason, "metric": metric or "*", "system": info.id}),
    )


def _failed(run: RunData, clip: int, detail: str) -> FailedClip:
    """Return a failed clip; a log that its reason names at the end is shown as a link instead."""
    logs = clip_logs(run, clip, up=1)
    for log in logs:
        detail = detail.removesuffix(f"; log: {log.path}")
    return FailedClip(run.clip_link(clip), _name(run, clip), without_paths(detail), logs)


def _name(run: RunData, clip: int) -> str:
    repeat = int(run.grid.repeat[clip])
    return str(run.grid.sample[clip]) + (f" · repeat {repeat}" if repeat else "")

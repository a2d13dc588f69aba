"""How far a run is, read from its folder alone: while it goes on, when it is done, or after it was killed."""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import Field

from uniavgen_bench.core.atomic import held
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_events import ENDS, EVENTS_FILE, EventFile, RunEvent
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory, RunManifest
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.runner.run_folder import LOCK

WINDOW = 50
"""Clips of a stage over which its pace is taken."""

State = Literal["running", "complete", "stopped", "failed", "killed", "incomplete"]


class StageStatus(Frozen):
    """One system in one stage. `done + missing + to_do = planned`.

    `kept`: of those to do, the clips that an earlier session finished; they cost nearly nothing. `pace`: seconds
    from clip to clip, all workers together; `seconds_each`: seconds of work on a clip. `eta`: seconds, by the mean
    pace of the others while a system has none of its own; None: unknown.
    `with_score`: the worker that scores a clip makes it first, so that its time is part of that of `score`.
    """

    system: str
    stage: Literal["generate", "score"]
    planned: int
    done: int
    missing: int
    to_do: int
    kept: int = 0
    seconds_each: float | None = None
    pace: float | None = None
    eta: float | None = None
    with_score: bool = False
    reasons: dict[str, int] = Field(default_factory=dict)


class LastEvent(Frozen):
    """The newest event: its time (UTC), its age in seconds by this machine's clock, and what it says."""

    time: str
    age: float
    text: str


class RunStatus(Frozen):
    """The state of a run. `alive`: whether a driver holds the folder; None where that cannot be told.

    `killed`: nobody works on it and its log does not tell of an end; `incomplete`: the same, and there is no log.
    `sessions`: how often a driver began. `eta`: seconds until all is scored. `problems`: what is damaged.
    """

    run: str
    suite: str
    state: State
    alive: bool | None
    workers: int
    started: str
    finished: str | None = None
    sessions: int = 0
    elapsed: float | None = None
    eta: float | None = None
    last: LastEvent | None = None
    failure: str = ""
    stages: list[StageStatus] = Field(default_factory=list)
    problems: list[str] = Field(default_factory=list)


@dataclass
class _Row:
    planned: int = 0
    finished: dict[tuple[str, int], str] = field(default_factory=dict)
    before: set[tuple[str, int]] = field(default_factory=set)
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    with_score: bool = False

    def begin(self, *, same: bool) -> None:
        """A new session: what was finished counts as kept if it follows the same plan."""
        self.before = self.before | self.finished.keys() if same else set()
        self.finished = {}
        self.planned = 0
        self.gaps.clear()


@dataclass
class _Log:
    """What the events of a run add up to."""

    rows: dict[tuple[str, Literal["generate", "score"]], _Row] = field(default_factory=dict)
    sessions: int = 0
    plan: str = ""
    last: RunEvent | None = None
    marked: RunEvent | None = None

    def read(self, events: Iterable[RunEvent]) -> None:
        for event in events:
            self.last = event
            if event.what == "started":
                self._begin(event)
            elif event.stage != "run":
                row = self.rows.setdefault((event.system, event.stage), _Row())
                if event.what == "planned":
                    row.planned = event.count or 0
                elif event.what in ("done", "missing"):
                    self._clip(row, event)

    def _begin(self, event: RunEvent) -> None:
        same = event.plan == self.plan
        self.sessions, self.plan, self.marked = self.sessions + 1, event.plan, None
        for row in self.rows.values():
            row.begin(same=same)

    def _clip(self, row: _Row, event: RunEvent) -> None:
        clip = event.sample, event.repeat or 0
        if clip not in row.before and clip not in row.finished:
            # The first clip of a session has no pace: it waits for the start of processes and models.
            before = self.marked
            if before is not None and _at(before) == _at(event):
                row.with_score = True
            elif before is not None:
                row.gaps.append(max(0.0, event.elapsed - before.elapsed))
            if event.seconds is not None:
                row.seconds.append(event.seconds)
        row.finished[clip] = event.reason
        self.marked = event


def _at(event: RunEvent) -> tuple[str, str, int | None, float]:
    return event.system, event.sample, event.repeat, event.elapsed


def run_status(run: Path) -> RunStatus:
    """Read how far a run is.

    Raises:
        InputError: there is no such folder, it is no run, or its manifest is damaged.
    """
    if not run.is_dir():
        raise InputError(f"{run} is not a folder" if run.exists() else f"there is no folder {run}")
    directory = RunDirectory(run)
    # Before anything else is read: what a driver that ends meanwhile wrote last is then read as well.
    alive = held(run / LOCK)
    events = EventFile(run / EVENTS_FILE)
    log = _Log()
    log.read(events)
    manifest = directory.manifest()
    problems = []
    if events.damaged:
        problems.append(f"{EVENTS_FILE}: {events.damaged} damaged lines are left out")
    if log.last is None:
        problems.append(f"there is no {EVENTS_FILE}: what is told comes from the results alone")
    elif log.plan != manifest.plan_sha256:
        problems.append(f"{EVENTS_FILE} tells of another plan than the manifest")
    stages = _stages(log) if log.last is not None else []
    if manifest.status == "complete":
        found, damaged = _results(directory, manifest)
        problems += damaged
        stages = stages or found
    state = _state(manifest, log, alive)
    working = state == "running"
    etas = [s.eta for s in stages if not s.with_score]
    return RunStatus(
        run=str(run),
        suite=manifest.suite,
        state=state,
        alive=alive,
        workers=manifest.workers,
        started=manifest.started,
        finished=manifest.finished,
        sessions=log.sessions,
        elapsed=manifest.seconds if log.last is None else log.last.elapsed,
        eta=sum(e for e in etas if e is not None) if working and etas and None not in etas else None,
        last=_last(log.last),
        failure=log.last.reason if log.last is not None and log.last.what == "failed" else "",
        stages=stages if working else [s.model_copy(update={"eta": None}) for s in stages],
        problems=problems,
    )


def _state(manifest: RunManifest, log: _Log, alive: bool | None) -> State:
    if manifest.status == "complete":
        return "complete"
    if alive:
        return "running"
    if log.last is None:
        return "incomplete"
    if log.last.what in ENDS:
        return "stopped" if log.last.what == "stopped" else "failed"
    return "running" if alive is None else "killed"


def _stages(log: _Log) -> list[StageStatus]:
    paces = {key: sum(row.gaps) / len(row.gaps) for key, row in log.rows.items() if row.gaps}
    makes_alone = any(stage == "generate" for _, stage in paces)
    makes_with_score = any(row.with_score for row in log.rows.values())
    found = []
    for (system, stage), row in log.rows.items():
        if not row.planned:
            continue
        # Stages of their own come before all others: what did not begin when others make and score has none.
        waits = stage == "generate" and not row.finished and not row.gaps
        with_score = row.with_score or (waits and (makes_with_score or not makes_alone))
        missing = sum(1 for reason in row.finished.values() if reason)
        to_do = max(0, row.planned - len(row.finished))
        kept = min(to_do, len(row.before - row.finished.keys()))
        paced: Literal["generate", "score"] = "score" if with_score else stage
        others = [pace for (_, of), pace in paces.items() if of == paced]
        own = paces.get((system, paced))
        expected = own if own is not None or not others else sum(others) / len(others)
        left = to_do - kept
        found.append(
            StageStatus(
                system=system,
                stage=stage,
                planned=row.planned,
                done=len(row.finished) - missing,
                missing=missing,
                to_do=to_do,
                kept=kept,
                seconds_each=sum(row.seconds) / len(row.seconds) if row.seconds else None,
                pace=own,
                eta=0.0 if not left else None if expected is None else left * expected,
                with_score=with_score,
                reasons=_counts(row.finished.values()),
            )
        )
    return found


def _counts(reasons: Iterable[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for reason in reasons:
        if reason:
            counts[reason] = counts.get(reason, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _last(event: RunEvent | None) -> LastEvent | None:
    if event is None:
        return None
    try:
        then = datetime.datetime.fromisoformat(event.time)
        age = (datetime.datetime.now(datetime.UTC) - then).total_seconds()
    except (ValueError, TypeError, OverflowError):  # not a time, or one of no zone
        age = 0.0
    clip = f"{event.system}/{event.sample}" if event.sample else event.system
    words = [event.what, event.stage if event.stage != "run" else "", clip, event.reason, event.text]
    return LastEvent(time=event.time, age=round(max(0.0, age), 1), text=" ".join(w for w in words if w))


def _results(directory: RunDirectory, manifest: RunManifest) -> tuple[list[StageStatus], list[str]]:
    """Count the clips of a finished run by its results; with what is wrong with them."""
    try:
        records = directory.clips()
        scores = directory.scores()
    except InputError as error:
        return [], [str(error)]
    fields = sum(len(metric.fields) for metric in manifest.metrics)
    problems = []
    if len(scores) != len(records) * fields:
        problems.append(
            f"scores.parquet has {len(scores)} rows, {len(records)} clips of {fields} fields make"
            f" {len(records) * fields}"
        )
    given = scores[scores["value"].notna()]
    scored = set(zip(given["system"], given["sample"], given["repeat"], strict=True))
    by_system: dict[str, list[ClipRecord]] = {}
    for record in records:
        by_system.setdefault(record.system, []).append(record)
    stages = []
    for system, clips in by_system.items():
        done = sum(1 for c in clips if (c.system, c.sample.id, c.repeat) in scored)
        reasons = _counts(c.problem.partition(":")[0] for c in clips)
        stages.append(
            StageStatus(
                system=system, stage="score", planned=len(clips), done=done, missing=len(clips) - done, to_do=0,
                eta=0.0, reasons=reasons,
            )
        )  # fmt: skip
    return stages, problems

"""Writes events.jsonl and the list of used entries while a run goes on."""

from __future__ import annotations

import datetime
import os
import re
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.redaction import Redaction
from uniavgen_bench.core.result import Missing, Reason, Score
from uniavgen_bench.core.run_events import ENTRIES_FILE, EVENTS_FILE, RunEvent, Stage, What
from uniavgen_bench.core.sample import ClipKey

if TYPE_CHECKING:
    from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork
    from uniavgen_bench.runner.plan import Plan
    from uniavgen_bench.runner.run import Hooks

ABSOLUTE = re.compile(r"(?<![\w.~/])(?!(?<=[a-z0-9]:)//[^/])(?:[A-Za-z]:)?[/\\]+(?:[^\s/\\:;,'\"()]+[/\\])*")
"""The folders of an absolute path; its last part stays. `s3://bucket/folder` is no path of a machine."""


class AppendedFile:
    """Whole lines at the end of a file, each handed to the system in one piece, at once.

    A line that a kill tore is ended first, so that it spoils no other. When writing fails, `lost` is told once and
    nothing more is written: a run does not end for its log.
    """

    def __init__(self, path: Path, lost: Callable[[str], None]) -> None:
        self._path, self._lost = path, lost
        self._file: int | None = None
        self._ended = False

    def append(self, lines: list[str]) -> None:
        """Append lines, each without its end."""
        if self._ended or not lines:
            return
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
                state = os.fstat(self._file)
                if not stat.S_ISREG(state.st_mode):
                    raise OSError("it is no regular file")
                size = state.st_size
                if size and os.pread(self._file, 1, size - 1) != b"\n":
                    os.write(self._file, b"\n")
            data = "".join(line + "\n" for line in lines).encode()
            if os.write(self._file, data) != len(data):
                raise OSError("the disk is full")
        except OSError as error:
            self.close()
            said = error.strerror or str(error)
            self._lost(f"{self._path.name} cannot be written: {said}; the run goes on without it")

    def close(self) -> None:
        """Write nothing more."""
        self._ended = True
        if self._file is not None:
            os.close(self._file)
            self._file = None


class EventLog:
    """Turns what a run tells into events."""

    def __init__(self, run: Path, plan: str, note: Callable[[str], None]) -> None:
        self._plan = plan
        self._events = AppendedFile(run / EVENTS_FILE, note)
        self._entries = AppendedFile(run / ENTRIES_FILE, note)
        self._began: float | None = None

    def planned(self, plan: Plan) -> None:
        """Begin a session; before it nothing is written, because the run's folder is not yet known to be its own."""
        self._began = time.monotonic()
        counts: Counter[tuple[str, Stage]] = Counter()
        for clip in plan.clips:
            if clip.system is not None:
                counts[clip.key.system, "generate"] += 1
            counts[clip.key.system, "score"] += 1
        self._write(self._event("started", plan=self._plan), *(
            self._event("planned", stage, system=system, count=count)
            for (system, stage), count in counts.items()
        ))  # fmt: skip

    def made(self, key: ClipKey, missing: Missing | None) -> None:
        """A system with a stage of its own made a clip, or said why not."""
        self._write(self._of_clip("generate", key, missing.reason.value if missing else ""))

    def finished(self, work: ClipWork, outcome: ClipOutcome) -> None:
        """A clip was scored; where it was made on the way, that stage is told too."""
        timings = dict(outcome.timings)
        making = timings.pop("generate", None)
        reason = _missing_reason(outcome)
        events = [self._of_clip("score", work.key, reason, sum(timings.values()))]
        if work.system is not None and work.made is None:
            unmade = outcome.record.problem.partition(":")[0] if outcome.record.sha256 is None else ""
            took = None if making is None else round(making, 3)
            about = {
                "stage": "generate",
                "what": "missing" if unmade else "done",
                "reason": unmade,
                "seconds": took,
            }
            events.append(events[0].model_copy(update=about))
        self._write(*events)
        self._entries.append(list(outcome.entries))

    def note(self, text: str) -> None:
        """What the user is told."""
        self._write(self._event("note", text=private(text)))

    def end(self, what: What, reason: str = "") -> None:
        """End the session."""
        self._write(self._event(what, reason=reason))
        self._events.close()
        self._entries.close()

    def _of_clip(self, stage: Stage, key: ClipKey, reason: str, seconds: float | None = None) -> RunEvent:
        event = self._event("missing" if reason else "done", stage, system=key.system, reason=reason)
        took = None if seconds is None else round(seconds, 3)
        return event.model_copy(update={"sample": key.sample, "repeat": key.repeat, "seconds": took})

    def _event(
        self,
        what: What,
        stage: Stage = "run",
        *,
        system: str = "",
        count: int | None = None,
        reason: str = "",
        plan: str = "",
        text: str = "",
    ) -> RunEvent:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        elapsed = 0.0 if self._began is None else round(time.monotonic() - self._began, 3)
        return RunEvent(
            time=now, elapsed=elapsed, what=what, stage=stage, system=system, count=count, reason=reason,
            plan=plan, text=text,
        )  # fmt: skip

    def _write(self, *events: RunEvent) -> None:
        if self._began is not None:
            self._events.append([e.model_dump_json(exclude_defaults=True) for e in events])


@contextmanager
def logged(run: Path, plan: str, hooks: Hooks) -> Iterator[Hooks]:
    """Give hooks that also write the run's events, and write how it ended."""
    log = EventLog(run, plan, hooks.note)

    def planned(made: Plan) -> None:
        log.planned(made)
        hooks.planned(made)

    def finished(work: ClipWork, outcome: ClipOutcome) -> None:
        log.finished(work, outcome)
        hooks.finished(work, outcome)

    def made(key: ClipKey, missing: Missing | None) -> None:
        log.made(key, missing)
        hooks.made(key, missing)

    def note(text: str) -> None:
        log.note(text)
        hooks.note(text)

    try:
        yield replace(hooks, planned=planned, finished=finished, made=made, note=note)
    except KeyboardInterrupt:
        log.end("stopped")
        raise
    except BaseException as error:
        known = isinstance(error, BenchError)
        log.end("failed", private(str(error)) if known else type(error).__name__)
        raise
    else:
        log.end("complete")


def private(text: str) -> str:
    """Return a text without what looks like a secret and without the folders of absolute paths."""
    return ABSOLUTE.sub("…/", Redaction().text(text))


def _missing_reason(outcome: ClipOutcome) -> str:
    """Return why a clip has no score at all, or nothing when it has one."""
    answers = [score for scored in outcome.scored for score in scored.scores.values()]
    if any(isinstance(score, Score) for score in answers):
        return ""
    reasons = [score.reason.value for score in answers if isinstance(score, Missing)]
    return Counter(reasons).most_common(1)[0][0] if reasons else Reason.NOT_GENERATED.value

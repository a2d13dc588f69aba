"""Processes until every clip is there or has a reason: what is finished is kept, the rest is tried in halves."""

from __future__ import annotations

import datetime
import shutil
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.redaction import Redaction
from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.systems.external.batch import Batch, Item
from uniavgen_bench.systems.external.checkout import (
    Commit,
    commit_of,
)
from uniavgen_bench.systems.external.collect import (
    Examined,
    delivered,
    delivered_facts,
    departures,
    keep,
    media_note,
    own_departures,
)
from uniavgen_bench.systems.external.external import External, ExternalOptions
from uniavgen_bench.systems.external.prepare import Prepared, prepare
from uniavgen_bench.systems.external.process import Ended, run_process
from uniavgen_bench.systems.external.sizes import size_departure
from uniavgen_bench.systems.external.taking import Taking

Done = Callable[[Item, Missing | None, Mapping[str, Any]], None]
"""Told for every item: why its clip is missing, or None and the side facts of the clip that is there.

A second time only of a clip that turned out to be another, or none, when its process had ended.
"""
LOG = "log.txt"


class Attempts:
    """Runs the processes of one system. `folder` keeps logs, commands and text inputs; `scratch` is emptied."""

    def __init__(
        self,
        external: External,
        options: ExternalOptions,
        root: Path,
        folder: Path,
        scratch: Path,
        outs: Mapping[str, Path],
        done: Done,
    ) -> None:
        self._external, self._options, self._root = external, options, root
        self._folder, self._scratch, self._outs, self._done = folder, scratch, outs, done
        self._commit: Commit = commit_of(root)
        self._hidden = Redaction.of(options.pass_env)
        self._finished: set[str] = set()
        self._failures = 0
        self._last = Missing(Reason.NOT_GENERATED)

    def run(self, batches: Sequence[Sequence[Item]]) -> None:
        """Run batches until every item is done."""
        waiting = deque(tuple(batch) for batch in batches)
        while waiting:
            items = waiting.popleft()
            if self._options.give_up and self._failures >= self._options.give_up:
                detail = (
                    f"not tried: {self._failures} processes in a row made no clip; the last: {self._last}"
                )
                self._refuse(items, Missing(self._last.reason, detail))
                continue
            left = self._process(items)
            if left and len(items) > 1:
                half = (len(left) + 1) // 2
                waiting.extendleft(part for part in (left[half:], left[:half]) if part)

    def _process(self, items: tuple[Item, ...]) -> tuple[Item, ...]:
        """Run one process; return the items that are worth another try."""
        number = _next_number(self._folder)
        work = self._scratch / number
        shutil.rmtree(work, ignore_errors=True)
        kept = self._folder / number
        try:
            prepared = prepare(self._external, self._options, self._root, work, items)
            batch = prepared if isinstance(prepared, Batch) else prepared.batch
            for item in items:
                if item.name in batch.refused:
                    self._finish(item, batch.refused[item.name], {})
            if isinstance(prepared, Batch):
                return ()
            return self._run(prepared, [i for i in items if i.name not in batch.refused], kept)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def _run(self, prepared: Prepared, items: list[Item], kept: Path) -> tuple[Item, ...]:
        self._write_job(prepared, items, kept)
        taking = Taking(self, self._external.result, prepared, items, kept)
        log = kept / LOG
        with closing(taking):
            ended = run_process(
                prepared.command, self._root, prepared.environment, log, taking.look, self._options.timeout,
                self._options.devices, self._hidden,
            )  # fmt: skip
            taking.look_at_end(ended)
        write_json(kept / "result.json", {
            "status": ended.status, "stalled": ended.stalled, "seconds": ended.seconds, **ended.gpu,
            "clips": sorted(name for name in taking.taken), "commit": self._commit.sha,
        })  # fmt: skip
        self._failures = 0 if taking.taken else self._failures + 1
        left = tuple(item for item in items if item.name not in self._finished)
        if len(prepared.batch.items) > 1:
            self._last = self._why(ended, log, taking, left[0]) if left else self._last
            return left
        for item in left:
            self._last = self._why(ended, log, taking, item)
            self._finish(item, self._last, {"log": self._shown(log), "seconds": ended.seconds})
        return ()

    def _why(self, ended: Ended, log: Path, taking: Taking, item: Item) -> Missing:
        where = f"log: {self._shown(log)}"
        bad = taking.bad.get(item.name)
        if bad is not None and not ended.stalled:
            return Missing(bad.reason, f"{bad.detail}; {where}")
        if ended.stalled:
            return Missing(Reason.TIMEOUT, f"no clip in {self._options.timeout:g} s; {where}")
        if ended.status == 0:
            return Missing(Reason.NOT_GENERATED, f"it ended with status 0 and left no clip; {where}")
        line = last_line(log)
        if ended.status is None:
            return Missing(Reason.CRASHED, f"its supervisor was ended from outside; {where}")
        said = f": {line}" if line else ""
        return Missing(Reason.CRASHED, f"it ended with status {ended.status}{said}; {where}")

    def _shown(self, path: Path) -> str:
        """A path as it is read from the run directory: `jobs/SYSTEM/NUMBER/log.txt`."""
        parts = path.parts
        first = len(parts) - 1 - parts[::-1].index("jobs") if "jobs" in parts else len(parts) - 4
        return "/".join(parts[first:])

    def _write_job(self, prepared: Prepared, items: Sequence[Item], kept: Path) -> None:
        kept.mkdir(parents=True, exist_ok=True)
        for path in prepared.batch.folder.iterdir():
            if path.is_file():
                shutil.copyfile(path, kept / path.name)
        write_json(kept / "command.json", self._hidden.value({
            "arguments": prepared.command, "cwd": str(self._root), "set": prepared.given,
            "passed": sorted(set(prepared.environment) - set(prepared.given)),
            "commit": self._commit.sha, "changed": self._commit.changed,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "items": {i.name: {"sample": i.sample.id, "repeat": i.repeat, "seed": i.seed} for i in items},
        }))  # fmt: skip

    def _refuse(self, items: Sequence[Item], missing: Missing) -> None:
        for item in items:
            self._finish(item, missing, {})

    def _finish(self, item: Item, missing: Missing | None, facts: Mapping[str, Any]) -> None:
        if item.name not in self._finished:
            self._finished.add(item.name)
            self._tell(item, missing, facts)

    def _tell(self, item: Item, missing: Missing | None, facts: Mapping[str, Any]) -> None:
        if missing is not None:
            missing = Missing(missing.reason, self._hidden.text(missing.detail))
        self._done(item, missing, facts)

    def take(
        self,
        prepared: Prepared,
        item: Item,
        path: Path,
        seen: Examined,
        facts: Mapping[str, Any],
        ending: str,
    ) -> None:
        """Keep a clip and tell of it. `ending`: what is to be said of how its process ended."""
        keep(path, self._outs[item.name])
        odd = own_departures(seen)
        if self._external.result == "clip":
            delivers = self._external.delivers
            odd = [*departures(item.sample, seen.facts, delivers.fps), *odd]
            size = size_departure(item.sample, seen.facts, delivers.size, self._options)
            odd = [size, *odd] if size else odd
        odd = [*odd, ending] if ending else odd
        notes = prepared.batch.notes.get(item.name, [])
        self._finished.add(item.name)
        self._tell(item, None, self._hidden.value({
            **facts, "command": prepared.command, "checkout_commit": self._commit.sha,
            "checkout_changed": self._commit.changed, "file": path.name,
            "media": media_note(delivered(seen), notes, odd),
            "delivered": delivered_facts(seen), "departures": odd, "inputs": notes,
        }))  # fmt: skip

    def take_back(self, item: Item) -> None:
        """Throw away a clip that was taken; the item is without one until `_finish` or `take` tells of it again."""
        self._outs[item.name].unlink(missing_ok=True)
        self._finished.discard(item.name)


def _next_number(folder: Path) -> str:
    numbers = [int(p.name) for p in folder.glob("[0-9]*") if p.name.isdecimal()] if folder.is_dir() else []
    return f"{max(numbers, default=-1) + 1:04d}"


def last_line(log: Path, limit: int = 200) -> str:
    """Return the last line of a log that says something, at most `limit` characters."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 8192))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [" ".join(line.split()) for line in text.replace("\r", "\n").split("\n")]
    return next((line[:limit] for line in reversed(lines) if line), "")

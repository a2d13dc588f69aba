"""Processes until every clip is there or has a reason: what is finished is kept, the rest is tried in halves."""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.redaction import Redaction
from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.systems.external.batch import Batch, Item
from uniavgen_bench.systems.external.checkout import Commit
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
from uniavgen_bench.systems.external.slots import Items, Slots
from uniavgen_bench.systems.external.taking import Taking

LOG = "log.txt"


class Attempts:
    """Runs the processes of one slot of a system, one after the other, until no batch waits.

    A slot ends after `give_up` processes in a row of its own without a clip. They are not counted over all slots: one
    broken GPU fails fast, and would end a run whose other slots make clips, or take all clips from them.
    """

    def __init__(
        self, external: External, options: ExternalOptions, root: Path, commit: Commit, slots: Slots
    ) -> None:
        self._external, self._options, self._root, self._commit = external, options, root, commit
        self._slots = slots
        self._hidden = Redaction.of(options.pass_env)
        self._finished: set[str] = set()
        self._failures = 0

    def run(self) -> None:
        """Run batches until none waits or may come, or this slot is given up."""
        while not self._given_up:
            items = self._slots.take()
            if items is None:
                return
            parts: list[Items] = []
            try:
                left = self._process(items)
                if left and len(items) > 1:
                    half = (len(left) + 1) // 2
                    parts = [part for part in (left[:half], left[half:]) if part]
            finally:
                self._slots.give_back(parts)

    @property
    def _given_up(self) -> bool:
        return bool(self._options.give_up) and self._failures >= self._options.give_up

    def refuse_rest(self) -> None:
        """Say of the items that wait when every slot is given up why they were not tried."""
        where = f" in each of {self._slots.count} slots" if self._slots.count > 1 else ""
        last = self._slots.last
        detail = f"not tried: {self._failures} processes in a row{where} made no clip; the last: {last}"
        for items in self._slots.left():
            for item in items:
                self._finish(item, Missing(last.reason, detail), {})

    def _process(self, items: Items) -> Items:
        """Run one process; return the items that are worth another try."""
        with self._slots.numbered() as number:
            work = self._slots.scratch / number
            shutil.rmtree(work, ignore_errors=True)
            try:
                prepared = prepare(self._external, self._options, self._root, work, items, self._slots.port)
                batch = prepared if isinstance(prepared, Batch) else prepared.batch
                for item in items:
                    if item.name in batch.refused:
                        self._finish(item, batch.refused[item.name], {})
                if isinstance(prepared, Batch):
                    return ()
                trying = [i for i in items if i.name not in batch.refused]
                return self._run(prepared, trying, self._slots.folder / number)
            finally:
                shutil.rmtree(work, ignore_errors=True)

    def _run(self, prepared: Prepared, items: list[Item], kept: Path) -> Items:
        self._write_job(prepared, items, kept)
        taking = Taking(self, self._external.result, prepared, items, kept, self._slots.stop)
        log = kept / LOG
        with closing(taking):
            ended = run_process(
                prepared.command, self._root, prepared.environment, log, taking.look, self._options.timeout,
                self._options.devices, self._hidden, self._slots.stop,
            )  # fmt: skip
            taking.look_at_end(ended)
        write_json(kept / "result.json", {
            "status": ended.status, "stalled": ended.stalled, "seconds": ended.seconds, **ended.gpu,
            "clips": sorted(name for name in taking.taken), "commit": self._commit.sha,
        })  # fmt: skip
        self._failures = 0 if taking.taken else self._failures + 1
        left = tuple(item for item in items if item.name not in self._finished)
        if len(prepared.batch.items) > 1:
            if left:
                self._slots.last = self._why(ended, log, taking, left[0])
            return left
        for item in left:
            self._slots.last = missing = self._why(ended, log, taking, item)
            if self._given_up and self._slots.count > 1:
                missing = Missing(missing.reason, f"{missing.detail}; {self._end_of_slot()}")
            self._finish(item, missing, {"log": self._shown(log), "seconds": ended.seconds})
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

    def _end_of_slot(self) -> str:
        devices = ", ".join(str(number) for number in self._options.devices)
        slot = f"the slot of devices {devices}" if devices else f"one of {self._slots.count} slots"
        return f"{slot} is given up after {self._failures} processes in a row without a clip"

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

    def _finish(self, item: Item, missing: Missing | None, facts: Mapping[str, Any]) -> None:
        if item.name not in self._finished:
            self._finished.add(item.name)
            self._tell(item, missing, facts)

    def _tell(self, item: Item, missing: Missing | None, facts: Mapping[str, Any]) -> None:
        if missing is not None:
            missing = Missing(missing.reason, self._hidden.text(missing.detail))
        self._slots.tell(item, missing, facts)

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
        keep(path, self._slots.outs[item.name])
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
        self._slots.outs[item.name].unlink(missing_ok=True)
        self._finished.discard(item.name)


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

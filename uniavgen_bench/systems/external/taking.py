"""Clips taken from a process while it runs, so that a crash loses none that is finished."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.systems.external.batch import Item
from uniavgen_bench.systems.external.collect import Examined, found, settled
from uniavgen_bench.systems.external.examiner import Examiner
from uniavgen_bench.systems.external.external import Result
from uniavgen_bench.systems.external.prepare import Prepared
from uniavgen_bench.systems.external.process import Ended


class Keeper(Protocol):
    """Keeps the clips that were taken, and throws away one that turned out to be another."""

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

    def take_back(self, item: Item) -> None:
        """Throw away a clip that was taken."""


@dataclass(frozen=True)
class _Taken:
    """The file that was taken for an item, as it was then. `node`: its number in its file system."""

    path: Path
    size: int
    changed: int
    node: tuple[int, int] = field(compare=False)

    @classmethod
    def of(cls, path: Path) -> _Taken:
        state = path.stat()
        return cls(path, state.st_size, state.st_mtime_ns, (state.st_dev, state.st_ino))

    @property
    def content(self) -> tuple[tuple[int, int], int, int]:
        """What stays when it gets another name."""
        return self.node, self.size, self.changed


class _Old:
    """What lies there before a process begins: somebody else's, however young it is.

    No time is asked: a clock may jump while the process runs, and that of a file server is another one. A file counts
    as old by its name, because some file systems number files anew, and by its number, because it may be renamed.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        states = []
        for path in paths:
            with contextlib.suppress(OSError):  # it was put away meanwhile
                states.append(_Taken.of(path))
        self._states = frozenset(states)
        self._contents = frozenset(state.content for state in states)

    def __contains__(self, state: _Taken) -> bool:
        return state in self._states or state.content in self._contents


class Taking:
    """Takes the clips of a batch as they appear, so that a crash or a killed driver loses none that is finished.

    A file that rests may still be unfinished, so every one is looked at again when the process has ended. The clip of a
    process that makes only one is taken then.
    """

    def __init__(
        self,
        keeper: Keeper,
        result: Result,
        prepared: Prepared,
        items: Sequence[Item],
        kept: Path,
        stop: threading.Event | None = None,
    ) -> None:
        self._keeper, self._result, self._prepared, self._items = keeper, result, prepared, items
        self._job = "/".join(kept.parts[-3:])
        self._many = len(prepared.batch.items) > 1
        self._last = time.monotonic()
        clips, folder = prepared.launch.clips, prepared.batch.folder
        self._old = _Old(path for i in items for path in found(clips[i.name], folder))
        self._resting: set[Path] = set()
        self._refused: set[_Taken] = set()
        self._examiner = Examiner(stop)
        self.taken: dict[str, _Taken] = {}
        self.bad: dict[str, Missing] = {}

    def look(self, gpu: Mapping[str, int]) -> bool:
        """Take what rests, of a batch; return whether there was anything new."""
        news = False
        for item, candidates in self._candidates():
            resting = [path for path in candidates if settled(path)]
            news = news or not self._resting.issuperset(resting)
            self._resting.update(resting)
            if self._many and item.name not in self.taken:
                self._take_first(item, resting, gpu, {}, "")
        return news

    def look_at_end(self, ended: Ended) -> None:
        """Take what is there, and anew what is not any more what was taken."""
        ending = _ending(ended)
        for item, candidates in self._candidates():
            before = self.taken.get(item.name)
            if before is not None:
                if not candidates or (candidates[0] == before.path and _Taken.of(before.path) == before):
                    continue  # a finished file that was put away afterwards is the clip all the same
                self._keeper.take_back(item)
                del self.taken[item.name]
            self._take_first(item, candidates, ended.gpu, {"exit_status": ended.status}, ending)

    def close(self) -> None:
        """End the process that looks at files."""
        self._examiner.close()

    def _candidates(self) -> list[tuple[Item, list[Path]]]:
        folder, clips = self._prepared.batch.folder, self._prepared.launch.clips
        claimed = {i.name: self._fresh(clips[i.name], folder) for i in self._items}
        told = []
        for item in self._items:
            others = {path for name, paths in claimed.items() if name != item.name for path in paths}
            shared = [path for path in claimed[item.name] if path in others]
            if shared:
                said = f"{shared[0].name} could be the clip of several samples"
                self.bad[item.name] = Missing(Reason.FAILED, said)
            told.append((item, [path for path in claimed[item.name] if path not in others]))
        return told

    def _fresh(self, pattern: str, folder: Path) -> list[Path]:
        """Return the files of a pattern that this process wrote, the newest first."""
        fresh = []
        for path in found(pattern, folder):
            with contextlib.suppress(OSError):  # it was put away meanwhile
                if _Taken.of(path) not in self._old:
                    fresh.append(path)
        return fresh

    def _take_first(
        self, item: Item, paths: Sequence[Path], gpu: Mapping[str, int], more: Mapping[str, Any], ending: str
    ) -> None:
        """Take the first file that counts as a clip, if any does."""
        for path in paths:
            try:
                state = _Taken.of(path)
            except OSError:
                continue  # it was put away meanwhile
            if state in self._refused:
                continue
            seen = self._examiner.look(path, self._result)
            if isinstance(seen, Missing):
                self.bad[item.name] = seen
                self._refused.add(state)
                continue
            now = time.monotonic()
            facts = {"seconds": round(now - self._last, 3), "job": self._job, **gpu, **more}
            self._last = now
            self._keeper.take(self._prepared, item, path, seen, facts, ending)
            self.taken[item.name] = state
            return


def _ending(ended: Ended) -> str:
    """Return what is to be said of how a process ended that left a clip; nothing of an orderly end."""
    if ended.stalled:
        return "its process did not end by itself and was ended"
    if ended.status is None:
        return "its process was ended from outside"
    return f"its process ended with status {ended.status}" if ended.status else ""

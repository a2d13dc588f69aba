"""Processes of one system side by side: one queue of clips for all, each with its own devices, job folder and log."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.systems.external.batch import Item
from uniavgen_bench.systems.external.checkout import free_port
from uniavgen_bench.systems.external.external import External, ExternalOptions

Done = Callable[[Item, Missing | None, Mapping[str, Any]], None]
"""Told for every item: why its clip is missing, or None and the side facts of the clip that is there.

A second time only of a clip that turned out to be another, or none, when its process had ended.
"""
Items = tuple[Item, ...]
PORTS = 256
"""Ports that are not given again: those of programs that may not have begun to listen yet."""


def slots(external: External, options: ExternalOptions) -> tuple[ExternalOptions, ...]:
    """Return the options of each process that runs at once.

    Raises:
        InputError: the system cannot run several in one checkout, or its clips would depend on how many there are.
    """
    shares = options.shares()
    if len(shares) == 1:
        return shares
    if external.alone:
        raise InputError(
            f"{external.name}: options.at_once: it writes files of fixed names into its checkout, where one process at "
            f"a time can run",
            way_out="leave at_once out; for two at once clone it a second time, and give each clone (options.root) a "
            "run over half of the samples",
        )  # fmt: skip
    if external.batch and "batch" in external.depends_on and not options.batch:
        raise InputError(
            f"{external.name}: options.at_once: its clips depend on which others share their process, and without "
            f"options.batch that would change with at_once",
            way_out="set options.batch, for example to 1",
        )
    return shares


class Slots:
    """What the slots of a system share: waiting batches, numbers of job folders, ports, and who hears of clips.

    `folder` keeps logs, commands and text inputs; `scratch` is emptied; `outs`: by item name, where its clip belongs.
    `stop` is set when all are to end, `count` says how many there are.
    """

    def __init__(
        self,
        batches: Sequence[Sequence[Item]],
        count: int,
        folder: Path,
        scratch: Path,
        outs: Mapping[str, Path],
        done: Done,
    ) -> None:
        self.folder, self.scratch, self.outs, self.count = folder, scratch, outs, count
        self.stop = threading.Event() if count > 1 else None
        self.last = Missing(Reason.NOT_GENERATED)
        self._done = done
        self._waiting: deque[Items] = deque(tuple(batch) for batch in batches)
        self._busy = 0
        self._changed = threading.Condition()
        self._telling = threading.Lock()
        self._numbers: set[int] = set()
        self._ports: deque[int] = deque(maxlen=PORTS)

    def take(self) -> Items | None:
        """Return the next batch; None when no more will come.

        While another slot works it may give back a part of its batch, so that is waited for.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or not self._busy or self.stopped)
            if self.stopped or not self._waiting:
                return None
            self._busy += 1
            return self._waiting.popleft()

    def give_back(self, parts: Sequence[Items]) -> None:
        """End what was begun with `take`; parts that are worth another try come next, on whatever slot is free."""
        with self._changed:
            self._waiting.extendleft(reversed(parts))
            self._busy -= 1
            self._changed.notify_all()

    def left(self) -> list[Items]:
        """Take the batches that no slot will take any more."""
        with self._changed:
            left = list(self._waiting)
            self._waiting.clear()
            return left

    @property
    def stopped(self) -> bool:
        """Whether all are to end."""
        return self.stop is not None and self.stop.is_set()

    def end(self) -> None:
        """Let every slot end with its process."""
        with self._changed:
            if self.stop is not None:
                self.stop.set()
            self._changed.notify_all()

    def tell(self, item: Item, missing: Missing | None, facts: Mapping[str, Any]) -> None:
        """Tell of an item; one slot at a time."""
        with self._telling:
            self._done(item, missing, facts)

    @contextmanager
    def numbered(self) -> Iterator[str]:
        """Give the number of a job folder that neither is there nor is another slot's."""
        with self._changed:
            there = [int(p.name) for p in self.folder.glob("[0-9]*") if p.name.isdecimal()]
            number = max([*there, *self._numbers], default=-1) + 1
            self._numbers.add(number)
        try:
            yield f"{number:04d}"
        finally:
            with self._changed:
                self._numbers.discard(number)

    def port(self) -> int:
        """Return a port that nobody listens on and no other slot was given just now."""
        with self._changed:
            while (port := free_port()) in self._ports:
                pass
            self._ports.append(port)
            return port


def run_all(runs: Sequence[Callable[[], None]], shared: Slots) -> None:
    """Run every slot to its end, each in a thread of its own; one slot alone runs in the caller's.

    The first error of a slot, and an interrupt of the caller, end the processes of all before they are raised.
    """
    if len(runs) == 1:
        runs[0]()
        return
    with ThreadPoolExecutor(len(runs)) as pool:
        # Not threading.Thread.join: until Python 3.13 an interrupt makes it take a living thread for ended.
        futures = [pool.submit(run) for run in runs]
        try:
            ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            shared.end()
    for future in ended:
        future.result()

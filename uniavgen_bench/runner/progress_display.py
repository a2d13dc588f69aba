"""How far a command is: a bar that fits the terminal, or in a log a line now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from uniavgen_bench.stats.numbers import duration

LINE_SECONDS = 20.0
"""Without a terminal, a line of progress is printed at least this often."""
WIDE, NARROW = 40, 16
"""Columns of the bar where there is room, and where there is little."""
TIMES = len("0:00:00 left 0:00:00")
LEAST_NAME = 10
"""A name of a clip that is cut to less says nothing."""


class ProgressDisplay:
    """A bar on a terminal; without one, lines `line(done, total)` after every `LINE_SECONDS` and at the end."""

    def __init__(self, console: Console, line: Callable[[str, int, int], str]) -> None:
        self.console = console
        self.line = line
        self.stage, self.total, self.done = "", 0, 0
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.ended: threading.Event | None = None

    def begin(self, stage: str, total: int) -> None:
        """Begin a stage of so many steps; the one before is over."""
        self.stop()
        self.stage, self.total, self.done = stage, total, 0
        if not self.console.is_terminal:
            self.ended = threading.Event()
            threading.Thread(target=self._lines, args=(self.ended, time.monotonic()), daemon=True).start()
            return
        # Only the name of the clip may give way; rich would shrink the bar and the times to nothing first.
        columns = (
            TextColumn(escape(stage)), BarColumn(self._bar_width, table_column=Column(min_width=self._bar_width)),
            MofNCompleteColumn(table_column=Column(no_wrap=True, min_width=2 * len(str(total)) + 1)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)), TextColumn("left"),
            TimeRemainingColumn(table_column=Column(no_wrap=True, min_width=7)),
            TextColumn("{task.fields[current]}", style="dim"),
        )  # fmt: skip
        self.bar = Progress(*columns, console=self.console, transient=True)
        self.bar.start()
        self.task = self.bar.add_task(stage, total=total, current="")

    def step(self, current: str) -> None:
        """Tell that a step is done, and of what it was."""
        self.done += 1
        if self.bar is not None and self.task is not None:
            self.bar.update(self.task, completed=self.done, current=escape(self._cut(current)))
        elif self.done == self.total:
            self.console.print(self.line(self.stage, self.done, self.total), highlight=False)

    def stop(self) -> None:
        """Take the bar away, or print no more lines."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
        if self.ended is not None:
            self.ended.set()
            self.ended = None

    @property
    def _bar_width(self) -> int:
        return WIDE if self.console.width >= 110 else NARROW

    def _cut(self, name: str) -> str:
        room = (
            self.console.width - len(self.stage) - self._bar_width - 2 * len(str(self.total)) - 1 - TIMES - 4
        )
        if len(name) <= room:
            return name
        return f"{name[: room - 1]}…" if room >= LEAST_NAME else ""

    def _lines(self, ended: threading.Event, began: float) -> None:
        while not ended.wait(LINE_SECONDS) and self.done < self.total:
            after = duration(time.monotonic() - began)
            self.console.print(
                f"{self.line(self.stage, self.done, self.total)} after {after}", highlight=False
            )

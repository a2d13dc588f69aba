"""Progress of making clips: nothing for a moment's work, otherwise a bar with the time left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

PATIENCE = 2.0
"""Seconds before anything is shown."""


class ClipProgress:
    """Shown on standard error; a log gets one line."""

    def __init__(self, total: int, place: Path) -> None:
        self.total, self.place, self.done = total, place, 0
        self._start = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> ClipProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self) -> None:
        """Count one clip more."""
        self.done += 1
        if self._bar is None and self.done < self.total and time.monotonic() - self._start > PATIENCE:
            self._show()
        if self._bar is not None:
            self._bar.update(self._task, completed=self.done)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        if not console.is_terminal:
            note = f"portraits: making {self.total} clips, kept in {self.place}"
            console.print(note, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._bar.start()
        elapsed = time.monotonic() - self._start
        self._task = self._bar.add_task("portraits: making clips", total=self.total, completed=self.done)
        # The bar must count the time before it was shown, or its first estimates would be too hopeful.
        self._bar.tasks[0].start_time = self._bar.get_time() - elapsed

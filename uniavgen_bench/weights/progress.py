"""A progress bar with bytes and time left for downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class PullProgress(Protocol):
    """Told by a pull what it downloads."""

    def start(self, what: str, total: int) -> None:
        """A download of about `total` bytes begins."""

    def advance(self, count: int) -> None:
        """`count` more bytes are here."""

    def done(self, complete: bool) -> None:
        """The download has ended, well or not."""


class Silent:
    """Shows nothing."""

    def start(self, what: str, total: int) -> None:
        """Show nothing."""

    def advance(self, count: int) -> None:
        """Show nothing."""

    def done(self, complete: bool) -> None:
        """Show nothing."""


class _Bar:
    def __init__(
        self, add: Callable[[str, int], None], step: Callable[[int], None], end: Callable[[bool], None]
    ):
        self.start, self.advance, self.done = add, step, end


@contextmanager
def progress_bar(total: int, note: str) -> Iterator[PullProgress]:
    """Show a note, and one bar over all downloads on standard error: bytes, speed and time left."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.progress import TransferSpeedColumn as Speed

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        Speed(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    console.print(note, markup=False, highlight=False, soft_wrap=True)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("weights", total=total)
        begun, seen, size = 0, 0, 0
        planned = total

        def start(what: str, expected: int) -> None:
            nonlocal begun, seen, size
            seen, size = 0, expected
            progress.update(task, description=what)

        def advance(count: int) -> None:
            nonlocal seen
            seen += count
            progress.update(task, completed=begun + min(seen, size))

        def done(complete: bool) -> None:
            nonlocal begun, planned
            begun += size if complete else 0
            planned = max(begun, planned - (0 if complete else size))
            progress.update(task, completed=begun, total=planned)

        yield _Bar(start, advance, done)

"""Find what a store can do without, and delete it on request."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from uniavgen_bench.core.atomic import PART, held
from uniavgen_bench.core.store import Store, drop

DAY = 86_400.0
RECENT = 3600.0
"""Seconds for which a file counts as being written or about to be read, whatever else speaks against it."""


@dataclass
class Amount:
    """A number of files and their size in bytes."""

    files: int = 0
    bytes: int = 0

    def add(self, size: int) -> None:
        """Count one more file."""
        self.files += 1
        self.bytes += size


@dataclass
class Sorted:
    """What became of the files of a store. `stays`: files that were to go and could not be deleted."""

    parts: Amount = field(default_factory=Amount)
    unused: Amount = field(default_factory=Amount)
    kept: Amount = field(default_factory=Amount)
    stays: Amount = field(default_factory=Amount)


@dataclass(frozen=True)
class Unwanted:
    """Which entries may go: those not among the `used` keys, and not of use for `days`; None asks for neither."""

    used: Collection[str] | None = None
    days: float | None = None

    def goes(self, key: str, age: float) -> bool:
        """Tell whether an entry may go that was last of use `age` seconds ago."""
        if self.used is None and self.days is None:
            return False
        if self.used is not None and key in self.used:
            return False
        return age > (RECENT if self.days is None else max(self.days * DAY, RECENT))


def collect(root: Path, unwanted: Unwanted, *, delete: bool) -> Sorted:
    """Sort the files of a store into what can go and what stays; with `delete`, what can go is gone.

    A file that a living process writes never goes: not when its lock is held, and not when it is young.
    """
    store, found, now = Store(root), Sorted(), time.time()
    for path in parts(store):
        with suppress(FileNotFoundError):
            _leave(path, path.lstat(), found.parts, found, delete=delete)
    for key, path in store.entries():
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if unwanted.goes(key, now - status.st_mtime):
            _leave(path, status, found.unused, found, delete=delete)
        else:
            found.kept.add(status.st_size)
    return found


def parts(store: Store) -> Iterator[Path]:
    """Yield what processes that are no more left behind half-written."""
    for folder in store.folders():
        yield from left_over(folder)


def left_over(folder: Path) -> Iterator[Path]:
    """Yield the half-written files right in a folder that nobody writes any more."""
    now = time.time()
    for path in sorted(folder.iterdir()):
        try:
            if not PART.fullmatch(path.name) or path.is_symlink() or not path.is_file():
                continue
            old = now - path.stat().st_mtime > RECENT
        except OSError:
            continue
        if old and not held(path):
            yield path


def _leave(path: Path, status: os.stat_result, going: Amount, found: Sorted, *, delete: bool) -> None:
    gone = drop(path, status) if delete else True
    (going if gone else found.stays).add(status.st_size)

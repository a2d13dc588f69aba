"""Read every entry of a store and tell which are damaged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.regular_file import open_regular
from uniavgen_bench.core.store import CHANGED, CUT, DIGEST, Store, drop


@dataclass(frozen=True)
class DamagedEntry:
    """An entry that cannot be used: where it is, its size in bytes, what is wrong, and whether it was removed."""

    path: Path | str
    bytes: int
    problem: str
    removed: bool = False


@dataclass(frozen=True)
class Verified:
    """What reading a whole store showed. `entries` and `bytes` count all, the damaged ones too."""

    root: Path | str
    entries: int
    bytes: int
    damaged: tuple[DamagedEntry, ...]


def verify_store(root: Path, *, repair: bool = False, seen: Callable[[], None] = lambda: None) -> Verified:
    """Hash every entry anew and compare it with the digest in front of it; `repair` removes the damaged ones.

    `seen` is called after each entry. An entry that vanishes or is replaced meanwhile is none of those damaged.
    """
    damaged: list[DamagedEntry] = []
    entries = size = 0
    for _, path in Store(root).entries():
        try:
            status = path.lstat()
            problem = _problem(path)
        except FileNotFoundError:
            continue
        entries, size = entries + 1, size + status.st_size
        if problem:
            removed = repair and _removed(path, status)
            damaged.append(DamagedEntry(path, status.st_size, problem, removed))
        seen()
    return Verified(root, entries, size, tuple(damaged))


def _problem(path: Path) -> str:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return "not a file"
    try:
        with open_regular(path) as stream:
            written, content = stream.read(DIGEST), hashlib.file_digest(stream, "sha256").digest()
    except FileNotFoundError:
        raise
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    if len(written) < DIGEST:
        return CUT
    return "" if content == written else CHANGED


def _removed(path: Path, status: os.stat_result) -> bool:
    if path.is_symlink():
        path.unlink(missing_ok=True)
        return True
    return drop(path, status)

"""A content-addressed store: bytes under the hash of what they were computed from."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.regular_file import open_regular

DIGEST = 32
CUT, CHANGED = "cut off", "its bytes are not those that were written"
"""What can be wrong with an entry."""
TOUCHED_EVERY = 86_400.0
"""Seconds after which reading an entry sets its time anew, so that its age tells when it was last of use."""
FOLDER = re.compile(r"[0-9a-f]{2}")
NAME = re.compile(r"[0-9a-f]{62}")


def home() -> Path:
    """Return the folder for caches and weights: `UNIAVGEN_BENCH_HOME`, else `~/.cache/uniavgen-bench`."""
    given = os.environ.get("UNIAVGEN_BENCH_HOME")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "uniavgen-bench"


class Store:
    """Entries on disk, each with the digest of its bytes in front.

    Many processes may read and write at once: an entry appears whole or not at all, and a damaged entry is
    dropped when it is read, so that deleting or damaging the store costs only time. `used`: the keys that this
    object found or wrote.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.used: set[str] = set()

    def path(self, key: str) -> Path:
        """Return the file of a key (64 hexadecimal digits)."""
        return self.root / key[:2] / key[2:]

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, or None when there are none, or they are damaged or cannot be read."""
        path = self.path(key)
        try:
            with open_regular(path) as stream:
                status = os.fstat(stream.fileno())
                entry = stream.read()
        except OSError:  # absent, or it cannot be read: what can be computed anew must not end a run
            return None
        if damage(entry):
            drop(path, status)
            return None
        if time.time() - status.st_mtime > TOUCHED_EVERY:
            with suppress(OSError):
                os.utime(path)
        self.used.add(key)
        return entry[DIGEST:]

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes under a key.

        Raises:
            OSError: the disk is full; without permission it says that nothing can be written (`EROFS`).
        """
        try:
            write_atomic(self.path(key), hashlib.sha256(data).digest() + data)
        except PermissionError as error:
            raise OSError(errno.EROFS, "no permission to write", error.filename) from error
        self.used.add(key)

    def entries(self) -> Iterator[tuple[str, Path]]:
        """Yield key and file of every entry, sound or not; files of other names are none."""
        for folder in self.folders():
            for path in sorted(folder.iterdir()):
                if NAME.fullmatch(path.name):
                    yield folder.name + path.name, path

    def folders(self) -> list[Path]:
        """Return the folders in which entries lie; empty where there is no store."""
        if not self.root.is_dir():
            return []
        return sorted(p for p in self.root.iterdir() if FOLDER.fullmatch(p.name) and p.is_dir())


def damage(entry: bytes) -> str:
    """Return what is wrong with the bytes of an entry's file, or nothing."""
    if len(entry) < DIGEST:
        return CUT
    if hashlib.sha256(memoryview(entry)[DIGEST:]).digest() != entry[:DIGEST]:
        return CHANGED
    return ""


def drop(path: Path, seen: os.stat_result) -> bool:
    """Delete a file unless another process has put a new one in its place; return whether it is gone."""
    try:
        now = path.stat()
        if (now.st_ino, now.st_mtime_ns) != (seen.st_ino, seen.st_mtime_ns):
            return False
        path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

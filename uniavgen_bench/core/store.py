"""A content-addressed store: bytes under the hash of what they were computed from."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from uniavgen_bench.core.atomic import write_atomic

DIGEST = 32


def home() -> Path:
    """Return the folder for caches and weights: `UNIAVGEN_BENCH_HOME`, else `~/.cache/uniavgen-bench`."""
    given = os.environ.get("UNIAVGEN_BENCH_HOME")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "uniavgen-bench"


class Store:
    """Entries on disk, each with the digest of its bytes in front.

    Many processes may read and write at once: an entry appears whole or not at all, and a damaged entry is
    dropped when it is read, so that deleting or damaging the store costs only time.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """Return the file of a key (64 hexadecimal digits)."""
        return self.root / key[:2] / key[2:]

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key, or None when there are none or they are damaged."""
        path = self.path(key)
        try:
            entry = path.read_bytes()
        except FileNotFoundError:
            return None
        data = entry[DIGEST:]
        if len(entry) < DIGEST or hashlib.sha256(data).digest() != entry[:DIGEST]:
            path.unlink(missing_ok=True)
            return None
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes under a key."""
        write_atomic(self.path(key), hashlib.sha256(data).digest() + data)

"""Check files against the manifest, and remember what was checked, so that 100 MB are not hashed at each start."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.hashing import sha256_bytes, sha256_file
from uniavgen_bench.weights.manifest import WeightFile


@dataclass(frozen=True)
class Problem:
    """Why a file must not be loaded: which file, what was expected, what was found."""

    path: Path
    expected: str
    found: str

    def __str__(self) -> str:
        """Render as one clause."""
        return f"{self.path} is not the file of the manifest: expected {self.expected}, found {self.found}"


class Verifier:
    """Hashes files once; a stamp keyed by path, size and time of change says that the hash was right.

    A folder of stamps that cannot be written costs time, nothing else.
    """

    def __init__(self, stamps: Path) -> None:
        self.stamps = stamps
        self._known: set[str] = set()

    def check(self, path: Path, file: WeightFile, *, again: bool = False) -> Problem | None:
        """Return None when a file is the manifest's, else what is wrong; `again` hashes in spite of a stamp.

        Raises:
            OSError: the file cannot be read.
        """
        facts = path.stat()
        if facts.st_size != file.bytes:
            return Problem(path, f"{file.bytes} bytes", f"{facts.st_size} bytes")
        key = sha256_bytes(f"{path.resolve()}|{facts.st_size}|{facts.st_mtime_ns}|{file.sha256}".encode())
        stamp = self.stamps / key
        if not again and (key in self._known or stamp.is_file()):
            self._known.add(key)
            return None
        found = sha256_file(path)
        if found != file.sha256:
            self._known.discard(key)
            with contextlib.suppress(OSError):
                stamp.unlink(missing_ok=True)
            return Problem(path, f"sha256 {file.sha256}", f"sha256 {found}")
        self._known.add(key)
        with contextlib.suppress(OSError):
            write_atomic(stamp, b"")
        return None

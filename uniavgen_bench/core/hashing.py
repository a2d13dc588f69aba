"""Content addresses: SHA-256 over bytes, files and canonical JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

CHUNK = 1 << 20


def sha256_bytes(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in chunks so that memory stays flat."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(CHUNK):
            digest.update(block)
    return digest.hexdigest()


def sha256_json(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON: sorted keys, no spaces, NaN refused."""
    return sha256_bytes(_canonical(value))


def sha256_json_list(parts: Iterable[Any]) -> str:
    """Return what `sha256_json` returns of a list with these parts; an iterator among them stands for a list.

    Only one item is in memory at a time.
    """
    digest = hashlib.sha256()
    _add_list(digest, parts)
    return digest.hexdigest()


def _add_list(digest: hashlib._Hash, parts: Iterable[Any]) -> None:
    digest.update(b"[")
    for number, part in enumerate(parts):
        digest.update(b"," if number else b"")
        if isinstance(part, Iterator):
            _add_list(digest, part)
        else:
            digest.update(_canonical(part))
    digest.update(b"]")


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()

"""Verify and collect over a shared store: what `store_verify` and `store_gc` do, by listing and reading it.

There are no locks at an address: a half-written file is one that is older than an hour. Reading sets no time either, so
an entry's age counts from when it was written.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from uniavgen_bench.core.atomic import PART
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.remote_address import RemoteAddress
from uniavgen_bench.core.remote_store import entry_path
from uniavgen_bench.core.store import FOLDER, NAME, damage
from uniavgen_bench.core.store_gc import RECENT, Amount, Sorted, Unwanted
from uniavgen_bench.core.store_verify import DamagedEntry, Verified

TIMES = ("mtime", "LastModified", "last_modified", "updated", "modificationTime", "created")
"""Names under which filesystems tell when a file was written."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a shared store: its path there, its key (None: half-written), bytes, and when it was written."""

    path: str
    key: str | None
    bytes: int
    written: float | None


def verify_remote(
    address: RemoteAddress, *, repair: bool = False, seen: Callable[[], None] = lambda: None
) -> Verified:
    """Read every entry at an address and compare it with its digest; `repair` removes the damaged ones.

    Raises:
        InputError: nothing lies at the address, it cannot be listed, or it stops answering.
    """
    damaged: list[DamagedEntry] = []
    entries = size = 0
    with _answering(address) as (files, root):
        for file in _files(files, root):
            if file.key is None:
                continue
            entry = _content(files, file.path)
            if entry is None:
                continue
            entries, size = entries + 1, size + len(entry)
            if problem := damage(entry):
                # Read again: another process may have written it anew.
                removed = repair and _content(files, file.path) == entry and _remove(files, file.path)
                shown = entry_path(address.shown, file.key)
                damaged.append(DamagedEntry(shown, len(entry), problem, removed))
            seen()
    return Verified(address.shown, entries, size, tuple(damaged))


def collect_remote(address: RemoteAddress, unwanted: Unwanted, *, delete: bool) -> Sorted:
    """Sort the files at an address into what can go and what stays; with `delete`, what can go is gone.

    What has no time there stays.

    Raises:
        InputError: nothing lies at the address, it cannot be listed, or it stops answering.
    """
    found, now = Sorted(), time.time()

    def leave(file: RemoteFile, going: Amount) -> None:
        gone = _remove(files, file.path) if delete else True
        (going if gone else found.stays).add(file.bytes)

    with _answering(address) as (files, root):
        for file in _files(files, root):
            age = 0.0 if file.written is None else now - file.written
            if file.key is None:
                if age > RECENT:
                    leave(file, found.parts)
            elif unwanted.goes(file.key, age):
                leave(file, found.unused)
            else:
                found.kept.add(file.bytes)
    return found


@contextmanager
def _answering(address: RemoteAddress) -> Iterator[tuple[Any, str]]:
    try:
        yield address.connect()
    except FileNotFoundError:
        raise InputError(f"there is nothing at {address.shown}") from None
    except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own
        raise InputError(f"the store {address.shown} cannot be used: {address.told(error)}") from None


def _files(files: Any, root: str) -> Iterator[RemoteFile]:
    """Yield the entries and the half-written files, sorted.

    Folder by folder: `find` of fsspec leaves out, without a word, what it cannot list.
    """
    files.invalidate_cache()
    for folder in sorted(
        _last(about) for about in files.ls(root, detail=True) if about["type"] == "directory"
    ):
        if not FOLDER.fullmatch(folder):
            continue
        listed: list[dict[str, Any]] = []
        with suppress(FileNotFoundError):  # emptied meanwhile
            listed = files.ls(f"{root}/{folder}", detail=True)
        for about in sorted(listed, key=_last):
            name = _last(about)
            key = folder + name if NAME.fullmatch(name) else None
            if about["type"] == "file" and (key is not None or PART.fullmatch(name)):
                size = int(about.get("size") or 0)
                yield RemoteFile(f"{root}/{folder}/{name}", key, size, _written(about))


def _last(about: dict[str, Any]) -> str:
    return str(about["name"]).rstrip("/").rpartition("/")[2]


def _written(about: dict[str, Any]) -> float | None:
    """Return when a file was written, in seconds since 1970, or None where that is not told."""
    for name in TIMES:
        told = about.get(name)
        with suppress(ValueError):
            if isinstance(told, str):
                told = datetime.datetime.fromisoformat(told)
            if isinstance(told, datetime.datetime):
                return told.timestamp()
            if isinstance(told, int | float):
                return told / 1000 if name == "modificationTime" else float(told)
    return None


def _content(files: Any, path: str) -> bytes | None:
    try:
        return bytes(files.cat_file(path))
    except FileNotFoundError:
        return None


def _remove(files: Any, path: str) -> bool:
    try:
        files.rm_file(path)
    except FileNotFoundError:
        return True
    except Exception:  # noqa: BLE001 - each filesystem refuses in its own way; what stays is told
        return False
    return True

"""A store that others share: entries at an address of fsspec, with a local store in front."""

from __future__ import annotations

import functools
import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from uniavgen_bench.core.errors import one_line
from uniavgen_bench.core.remote_address import WHOLE, RemoteAddress, read_address
from uniavgen_bench.core.store import DIGEST, Store, damage

FIRST, LIMIT = 10.0, 30.0
"""Seconds that reading or writing one entry may take: until an address has answered for the first time, and then."""
BUDGET = 60.0
"""Seconds of a clip that may go to waiting for an address."""
PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds for which an address is left alone after it failed; twice as long each time that it fails again."""

Answer = TypeVar("Answer")
Done = Literal["read", "written"]
KEY_OF_NONE = "0" * 64
"""A key under which no entry lies."""
MEANS: dict[Done, str] = {
    "read": "what it holds is computed anew",
    "written": "results stay in the local store",
}


@dataclass(frozen=True)
class Shared:
    """How a process uses an address: `budget` is the seconds of a clip that may go to waiting for it.

    `silent`: it did not answer when the run began, and nobody asks it for a while.
    """

    address: str = field(repr=False)
    budget: float = BUDGET
    silent: bool = False


class Remote:
    """The entries at one address. What fails there costs time and is told once; it raises nothing."""

    def __init__(self, address: RemoteAddress, *, silent: bool = False) -> None:
        self.address = address
        self._files: tuple[Any, str] | None = None
        self._alone: dict[Done, tuple[float, float]] = {}  # until when, and for how long next time
        self._said: set[Done] = set()
        self._notes: list[str] = []
        self._answered = False
        if silent:
            self._said.update(MEANS)
            self._leave_alone(*MEANS)

    def answers(self) -> bool:
        """Tell whether anything answers there, be it a refusal, in the time of a first answer."""
        try:
            within(FIRST, lambda: _read(*self._place(KEY_OF_NONE)))
        except TimeoutError:
            return False
        except Exception:  # noqa: BLE001 - it answers; what is wrong is told by who needs an entry
            self._files = None
        self._answered = True
        return True

    def get(self, key: str, limit: float = LIMIT) -> bytes | None:
        """Return the file of an entry, or None when there is none or it cannot be read within `limit` seconds."""
        return self._asked("read", key, _read, limit)

    def put(self, key: str, entry: bytes, *, over: bool = False, limit: float = LIMIT) -> None:
        """Write the file of an entry, where that can be done in time; `over` one that is damaged."""
        whole = self.address.protocol in WHOLE

        def write(files: Any, path: str) -> None:
            if over and not whole:  # some move onto no file that is there, and do not say so
                with suppress(FileNotFoundError):
                    files.rm_file(path)
            (_write_whole if whole else _write_aside)(files, path, entry)

        self._asked("written", key, write, limit)

    def notes(self) -> tuple[str, ...]:
        """Return what a user should know and was not told yet."""
        notes, self._notes = tuple(self._notes), []
        return notes

    def _asked(self, what: Done, key: str, do: Callable[[Any, str], Answer], limit: float) -> Answer | None:
        if time.monotonic() < self._alone.get(what, (0.0, PAUSE))[0]:
            return None
        path = entry_path("", key)
        try:
            answer = within(min(limit, LIMIT if self._answered else FIRST), lambda: do(*self._place(key)))
        except Exception as error:  # noqa: BLE001 - every filesystem has errors of its own, and none may end a run
            self._files = None  # its connection may be broken for good
            silent = isinstance(error, TimeoutError)
            # Who does not answer one question would only be waited for again with the other.
            self._leave_alone(*(MEANS if silent else [what]))
            if what not in self._said:
                self._said.add(what)
                said = "no answer in time" if silent else self.address.told(error, path)
                self._notes.append(
                    one_line(f"the store {self.address.shown} cannot be {what} ({said}): {MEANS[what]}")
                )
            return None
        self._answered = True
        self._alone.pop(what, None)
        return answer

    def _leave_alone(self, *whats: Done) -> None:
        for what in whats:
            _, pause = self._alone.get(what, (0.0, PAUSE))
            self._alone[what] = time.monotonic() + pause, min(2 * pause, LONGEST_PAUSE)

    def _place(self, key: str) -> tuple[Any, str]:
        if self._files is None:
            self._files = self.address.connect()
        files, root = self._files
        return files, entry_path(root, key)


class RemoteStore(Store):
    """A local store in front of one that others share.

    What is not here is read there, and then is here too; what is put is written to both. Only the local one can
    raise. Entries there are not deleted when they are read: a damaged one counts as absent and is written over.
    When `budget` seconds went to waiting for it, this object asks it for nothing more.
    """

    def __init__(self, root: Path, remote: Remote, budget: float = BUDGET) -> None:
        super().__init__(root)
        self._remote = remote
        self._left = budget
        self._damaged: set[str] = set()

    def get(self, key: str) -> bytes | None:
        """Return the bytes under a key from here or there, or None."""
        found = super().get(key)
        if found is not None:
            return found
        with self._waiting() as limit:
            entry = self._remote.get(key, limit) if limit > 0 else None
        if entry is None:
            return None
        if damage(entry):
            self._damaged.add(key)
            return None
        data = entry[DIGEST:]
        with suppress(OSError):
            super().put(key, data)
        self.used.add(key)
        return data

    def put(self, key: str, data: bytes) -> None:
        """Keep bytes under a key, here and there.

        Raises:
            OSError: as `Store.put` does, for the local store.
        """
        super().put(key, data)
        with self._waiting() as limit:
            if limit > 0:
                entry = hashlib.sha256(data).digest() + data
                self._remote.put(key, entry, over=key in self._damaged, limit=limit)
        self._damaged.discard(key)

    @contextmanager
    def _waiting(self) -> Iterator[float]:
        """Give the seconds that are left for waiting, and count those that pass."""
        began = time.monotonic()
        yield self._left
        self._left -= time.monotonic() - began


def tried(address: RemoteAddress, timeout: float, note: Callable[[str], None]) -> Shared:
    """Ask an address for the first time, before a run; clips may take `timeout` seconds each.

    One that does not answer is told of here, and not waited for by every worker anew.
    """
    silent = not Remote(address).answers()
    if silent:
        note(
            f"the store {address.shown} does not answer: it is left alone at first, results stay in the local store"
        )
    return Shared(address.given, min(BUDGET, timeout / 4), silent)


def open_store(root: Path, remote: Shared | str | None) -> Store:
    """Return the store in a folder, in front of the one at the address `remote` where that is given.

    Raises:
        InputError: the address cannot be used here (see `remote_address.read_address`).
    """
    if remote is None:
        return Store(root)
    shared = Shared(remote) if isinstance(remote, str) else remote
    return RemoteStore(root, remote_at(shared), shared.budget)


def remote_at(remote: Shared | str) -> Remote:
    """Return the one connection of this process to an address."""
    return (
        _connection(remote, silent=False)
        if isinstance(remote, str)
        else _connection(remote.address, silent=remote.silent)
    )


@functools.cache
def _connection(address: str, *, silent: bool) -> Remote:
    return Remote(read_address(address), silent=silent)


def told_once(note: Callable[[str], None]) -> Callable[[str], None]:
    """Return a way to pass on the notes of many workers: of those that differ only in what an error said, the first."""
    told: set[str] = set()

    def once(text: str) -> None:
        about = text.partition(" (")[0]
        if about not in told:
            note(text)
        told.add(about)

    return once


def entry_path(root: str, key: str) -> str:
    """Return the path of an entry, the same below every root."""
    return f"{root}/{key[:2]}/{key[2:]}"


def within(seconds: float, do: Callable[[], Answer]) -> Answer:
    """Return what a function returns or raises; raises `TimeoutError` when it has not ended in time.

    It goes on then, in a thread that keeps no process alive: filesystems have no common way to be stopped.
    """
    done: Future[Answer] = Future()

    def work() -> None:
        try:
            done.set_result(do())
        except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
            done.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return done.result(timeout=seconds)


def _read(files: Any, path: str) -> bytes | None:
    files.invalidate_cache()  # of folders: another writer's entry would not be seen
    try:
        return bytes(files.cat_file(path))
    except (FileNotFoundError, IsADirectoryError):
        return None


def _write_whole(files: Any, path: str, entry: bytes) -> None:
    files.pipe_file(path, entry)


def _write_aside(files: Any, path: str, entry: bytes) -> None:
    """Write under another name, then move: readers see a whole entry or none."""
    folder, _, name = path.rpartition("/")
    part = f"{folder}/.{name[:40]}.{secrets.token_hex(6)}"
    try:
        try:
            files.pipe_file(part, entry)
        except Exception:  # noqa: BLE001 - the first of its folder; each filesystem says so in its own way
            files.makedirs(folder, exist_ok=True)
            files.pipe_file(part, entry)
        try:
            files.mv(part, path)
        except Exception:  # noqa: BLE001 - some refuse to move onto a file that is there
            files.rm_file(path)
            files.mv(part, path)
    except BaseException:
        with suppress(Exception):
            files.rm_file(part)
        raise

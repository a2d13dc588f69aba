"""A board on disk: entries, an archive of expired ones, public keys, and the policy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from uniavgen_bench.core.entry_files import LARGEST, Entry, EntryBody, Policy, parse_entry
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.located import read_given
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.report.leaderboard.keys import read_public_keys

BOARD = Path("reports/leaderboard")
"""Where a board lies in a checkout."""

PORTRAITS = "portraits"
"""The plugin of the procedural dataset: its world is never ranked with real clips."""


@dataclass(frozen=True)
class Track:
    """What two entries must share to be compared: task, kind of dataset, the same samples to the byte, and draws."""

    task: str
    plugin: str
    samples: str
    repeats: int
    seed: int
    cluster: str


def track_of(body: EntryBody) -> Track:
    """Return the track of an entry."""
    samples = sha256_json(sorted([s.id, s.given, s.cluster] for s in body.samples))
    task = body.task.value if body.task else ""
    return Track(task, body.dataset.plugin, samples, body.suite.repeats, body.suite.seed, body.cluster or "")


@dataclass(frozen=True)
class Stored:
    """An entry and the file that it was read from."""

    path: Path
    entry: Entry
    archived: bool = False

    @property
    def head(self) -> str:
        """The hash that names the entry."""
        return self.entry.chain.head

    @cached_property
    def track(self) -> Track:
        """Its track."""
        return track_of(self.entry.body)

    @property
    def history(self) -> tuple[str, str, Track]:
        """What all entries of one history share: system, key and track."""
        return (self.entry.body.system.id, self.entry.signature.key, self.track)


def file_name(entry: Entry) -> str:
    """Return the one file name that an entry may have."""
    return f"{slug(entry.body.system.id)}-{entry.body.date}-{entry.chain.head[:16]}.json"


class Board:
    """A folder with `entries/*.json`, `archive/*.json`, `keys/*.pub` and `policy.json`; all of them may be absent."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def entries_dir(self) -> Path:
        """The entries that are ranked."""
        return self.root / "entries"

    @property
    def archive_dir(self) -> Path:
        """Entries that are kept for the history alone, because their protocol has expired."""
        return self.root / "archive"

    def paths(self) -> list[Path]:
        """Return the files of all entries, those of the archive last."""
        return sorted(self.entries_dir.glob("*.json")) + sorted(self.archive_dir.glob("*.json"))

    def is_archived(self, path: Path) -> bool:
        """Tell whether a file lies in the archive."""
        return path.resolve().parent == self.archive_dir.resolve()

    @cached_property
    def keys(self) -> dict[str, str]:
        """The public keys by name; raises InputError for a bad file."""
        return read_public_keys(self.root / "keys")

    @cached_property
    def policy(self) -> Policy:
        """The policy; raises InputError for a bad file."""
        path = self.root / "policy.json"
        if not path.is_file():
            return Policy()
        try:
            return Policy.model_validate_json(read_given(path))
        except ValidationError as error:
            raise InputError(f"{path}: {first_problem(error)}") from None

    def must_exist(self) -> None:
        """Raise InputError when there is no such folder."""
        if not self.root.is_dir():
            raise InputError(f"{self.root}: no such board", way_out="name its folder with --board")

    def read(self, path: Path) -> Stored:
        """Read one entry.

        Raises:
            InputError: it cannot be read, or is no entry.
        """
        data = read_given(path, LARGEST)
        return Stored(path, parse_entry(data, str(path)), self.is_archived(path))

    def readable(self, more: Iterable[Path] = ()) -> list[Stored]:
        """Return all entries of the board that can be read, and those of `more`; others are left to `verify`."""
        found: dict[Path, Stored] = {}
        for path in [*self.paths(), *more]:
            try:
                found.setdefault(path.resolve(), self.read(path))
            except (InputError, OSError, RuntimeError):  # the latter two: links in a circle
                continue
        return list(found.values())


def last_of(entries: Iterable[Stored]) -> dict[tuple[str, str, Track], Stored]:
    """Return the entry of each history that no other one follows."""
    stored = list(entries)
    followed = {s.entry.body.previous for s in stored}
    return {s.history: s for s in sorted(stored, key=lambda s: s.entry.body.date) if s.head not in followed}

"""Get files of the manifest: each archive once, every file checked before it gets its name in the home."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.weights.archive import FetchError, join_members
from uniavgen_bench.weights.fetch import Fetcher
from uniavgen_bench.weights.manifest import Scheme, Source, Weight, WeightFile
from uniavgen_bench.weights.progress import PullProgress

STAGING = ".pull-"


@dataclass(frozen=True)
class Wanted:
    """A file that is to be put into `<home>/<weight>/<file>`."""

    weight: Weight
    file: WeightFile


def wanted_files(weights: Sequence[Weight]) -> list[Wanted]:
    """Return the files of the weights, one by one."""
    return [Wanted(weight, file) for weight in weights for file in weight.files]


def download_bytes(weights: Sequence[Weight]) -> int:
    """Return the bytes that pulling takes from the first source of each file: an archive counts once."""
    sizes: dict[str, int] = {}
    for want in wanted_files(weights):
        for part in want.file.sources[0].parts:
            sizes[part.archive] = part.bytes or want.file.bytes
    return sum(sizes.values())


class Puller:
    """Fetches files into a home. Two processes that pull at once take turns."""

    def __init__(self, home: Path, fetchers: Mapping[Scheme, Fetcher]) -> None:
        self.home, self.fetchers = home, fetchers

    def pull(
        self, weights: Sequence[Weight], progress: PullProgress, is_here: Callable[[Weight], bool]
    ) -> dict[str, str]:
        """Fetch the files of the weights; return name and reason of every weight that could not be had.

        `is_here` is asked once more when it is this process's turn: another may have got the files meanwhile.

        Raises:
            InputError: the home cannot be written, or the disk has too little room.
        """
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            self._check_room(weights)
            with FileLock(self.home / ".lock"):
                # Left by a killed pull: we hold the lock, so nobody uses it.
                for left in self.home.glob(f"{STAGING}*"):
                    shutil.rmtree(left, ignore_errors=True)
                with tempfile.TemporaryDirectory(dir=self.home, prefix=STAGING) as name:
                    lacking = [w for w in weights if not is_here(w)]
                    return _Staging(self, Path(name), progress).place(wanted_files(lacking))
        except OSError as error:
            raise InputError(
                f"weights cannot be written to {self.home}: {error.strerror or error}",
                way_out="name another folder with UNIAVGEN_BENCH_HOME",
            ) from error

    def _check_room(self, weights: Sequence[Weight]) -> None:
        need = download_bytes(weights) + sum(w.bytes for w in weights)
        free = shutil.disk_usage(self.home).free
        if need > free:
            raise InputError(
                f"{self.home} has {megabytes(free)} free, the weights need {megabytes(need)} while they are fetched",
                way_out="make room, or name another folder with UNIAVGEN_BENCH_HOME",
            )


class _Staging:
    """The folder of one pull, on the home's file system, so that a checked file moves in at one stroke."""

    def __init__(self, puller: Puller, root: Path, progress: PullProgress) -> None:
        self.puller, self.root, self.progress = puller, root, progress
        self._archives: dict[str, Path | FetchError] = {}

    def place(self, wanted: Sequence[Wanted]) -> dict[str, str]:
        failed: dict[str, list[str]] = {}
        for want in wanted:
            reasons = self._place_file(want)
            if reasons:
                failed.setdefault(want.weight.name, []).extend(reasons)
        return {name: "; ".join(dict.fromkeys(reasons)) for name, reasons in failed.items()}

    def _place_file(self, want: Wanted) -> list[str]:
        """Try the sources in order; return no reasons when one gave the file."""
        reasons = []
        checked = self.root / "checked"
        for source in want.file.sources:
            try:
                parts = [(self._download(part, want.file), part.member) for part in source.parts]
                join_members(parts, want.file, checked)
            except FetchError as error:
                text = str(error)
                reasons.append(text if source.archive in text else f"{source.archive}: {text}")
                continue
            target = self.puller.home / want.weight.name / want.file.file
            target.parent.mkdir(parents=True, exist_ok=True)
            checked.replace(target)
            return []
        return reasons

    def _download(self, source: Source, file: WeightFile) -> Path:
        done = self._archives.get(source.archive)
        if done is None:
            done = self._archives[source.archive] = self._fetch(source, source.bytes or file.bytes)
        if isinstance(done, FetchError):
            raise done
        return done

    def _fetch(self, source: Source, limit: int) -> Path | FetchError:
        folder = self.root / f"{len(self._archives)}"
        folder.mkdir()
        self.progress.start(source.archive.rpartition("/")[2], limit)
        outcome: Path | FetchError
        try:
            outcome = self.puller.fetchers[source.scheme](source, limit, folder, self.progress.advance)
        except FetchError as error:
            outcome = error
        self.progress.done(isinstance(outcome, Path))
        return outcome


def megabytes(count: int) -> str:
    """Return a size for people: `1.2 MB`."""
    return f"{count / 1e6:.1f} MB"

"""Find the weights that metrics ask for, check them, and get them before a run starts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from uniavgen_bench.core import store
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.run_files import WeightUsed
from uniavgen_bench.weights.fetch import FETCHERS, Fetcher
from uniavgen_bench.weights.manifest import Manifest, Scheme, Weight, load_manifest
from uniavgen_bench.weights.progress import PullProgress, Silent, progress_bar
from uniavgen_bench.weights.pull import Puller, download_bytes, megabytes
from uniavgen_bench.weights.search import SEARCH_VARIABLE, Found, find, search_folders
from uniavgen_bench.weights.verify import Verifier

RETRY_SECONDS = 24 * 3600
"""A run asks a source that no one has seen working at most once a day."""


class State(StrEnum):
    """Whether a weight can be loaded."""

    HERE = "here"
    ABSENT = "absent"
    WRONG = "wrong"


@dataclass(frozen=True)
class WeightStatus:
    """One entry of the manifest on this machine; `problem` says what is wrong with a file that must not load."""

    weight: Weight
    state: State
    path: Path | None = None
    problem: str = ""

    @property
    def why(self) -> str:
        """Why it cannot be loaded, and the way out."""
        return f"{self.problem or f'{self.weight.name} is not here'} ({way_out(self.weight)})"


@dataclass(frozen=True)
class Readiness:
    """What a run has: names that are here, those just pulled, and those that it must do without, with the reason."""

    here: tuple[str, ...] = ()
    pulled: tuple[str, ...] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)


class WeightLocator:
    """The verified files of the weights manifest.

    They lie in `<UNIAVGEN_BENCH_HOME>/weights/<name>/`, or in the folders of `UNIAVGEN_BENCH_WEIGHTS_PATH`. A file
    whose hash is not the manifest's is never given out.
    """

    def __init__(
        self,
        manifest: Manifest | None = None,
        *,
        home: Path | None = None,
        folders: Sequence[Path] | None = None,
        fetchers: Mapping[Scheme, Fetcher] = FETCHERS,
    ) -> None:
        self.manifest = manifest or load_manifest()
        self.home = home or store.home() / "weights"
        self.folders = search_folders() if folders is None else tuple(folders)
        self.fetchers = fetchers
        self._verifier = Verifier(self.home / ".verified")

    def path(self, name: str) -> Path:
        """Return the verified file of a weight, or the folder of its files.

        Raises:
            InputError: no weight of that name is declared.
            MissingError: it is not here, or its hash is wrong.
        """
        status = self._status(self.manifest[name])
        if status.path is None:
            raise MissingError(Reason.WEIGHTS, status.why)
        return status.path

    def sha256(self, name: str) -> str:
        """Return the hash that the manifest asks of a weight, whether or not it is here."""
        return self.manifest[name].sha256

    def status(self, names: Iterable[str] | None = None, *, again: bool = False) -> list[WeightStatus]:
        """Return the state of the named weights, by default of all; `again` hashes every file anew."""
        return [self._status(w, again=again) for w in self._entries(names)]

    def used(self, names: Iterable[str]) -> list[WeightUsed]:
        """Return what a run writes down about the weights that it read and that are here."""
        return [
            WeightUsed(
                name=s.weight.name,
                sha256=s.weight.sha256,
                bytes=s.weight.bytes,
                licence=s.weight.licence,
                source=s.weight.files[0].sources[0].at,
            )
            for s in self.status(names)
            if s.state is State.HERE
        ]

    def pull(
        self, names: Iterable[str] | None = None, *, offline: bool = False, quiet: bool = False
    ) -> Readiness:
        """Get the named weights, by default all that are known to be obtainable; what is here stays.

        Raises:
            InputError: an unknown name, `offline` with something to get, or a home that cannot be written.
        """
        entries = self._entries(names)
        if names is None:
            entries = [w for w in entries if w.tried]
        statuses = [self._status(w) for w in entries]
        here = tuple(s.weight.name for s in statuses if s.state is State.HERE)
        without = {s.weight.name: s for s in statuses if s.state is not State.HERE}
        lacking = [s.weight for s in without.values()]
        if not lacking:
            return Readiness(here=here)
        if offline:
            raise self._refusal(list(without.values()))
        if quiet:
            failed = self._fetch(lacking, Silent())
        else:
            total = download_bytes(lacking)
            note = f"fetching {', '.join(w.name for w in lacking)} ({megabytes(total)}) to {self.home}"
            with progress_bar(total, note) as progress:
                failed = self._fetch(lacking, progress)
        pulled = tuple(w.name for w in lacking if w.name not in failed)
        reasons = {}
        for name, reason in failed.items():
            wrong = f"; {without[name].problem}" if without[name].problem else ""
            reasons[name] = f"{name} could not be had: {reason}{wrong}"
        return Readiness(here=here, pulled=pulled, unavailable=reasons)

    def require(self, names: Iterable[str], *, offline: bool = False, quiet: bool = False) -> Readiness:
        """Make sure before a run that its weights are here: say what is lacking, and get it.

        A weight that no source gives does not stop the run: it stands in `unavailable`, and its metrics answer
        `Missing(weights)`. Offline, only weights that are known to be obtainable stop the run.

        Raises:
            InputError: `offline` and something obtainable is lacking; the message holds the command that gets it.
        """
        statuses = self.status(names)
        here = tuple(s.weight.name for s in statuses if s.state is State.HERE)
        lacking = [s for s in statuses if s.state is not State.HERE]
        obtainable = [s for s in lacking if s.weight.tried]
        if offline and obtainable:
            raise self._refusal(obtainable)
        unavailable = {
            s.weight.name: s.why
            for s in lacking
            if not s.weight.tried and (offline or self._lately_in_vain(s.weight))
        }
        asked = [s.weight.name for s in lacking if s.weight.name not in unavailable]
        got = self.pull(asked, quiet=quiet) if asked else Readiness()
        return Readiness(here=here, pulled=got.pulled, unavailable=unavailable | dict(got.unavailable))

    def _entries(self, names: Iterable[str] | None) -> list[Weight]:
        return list(
            self.manifest.weight if names is None else (self.manifest[n] for n in dict.fromkeys(names))
        )

    def _status(self, weight: Weight, *, again: bool = False) -> WeightStatus:
        try:
            found = find(weight, self.home, self.folders, self._verifier, again=again)
        except OSError as error:
            return WeightStatus(weight, State.WRONG, problem=f"{error.filename}: {error.strerror}")
        if found.path is not None:
            return WeightStatus(weight, State.HERE, found.path)
        state = State.WRONG if found.problems else State.ABSENT
        return WeightStatus(weight, state, problem=_problems(found))

    def _fetch(self, weights: Sequence[Weight], progress: PullProgress) -> dict[str, str]:
        def is_here(weight: Weight) -> bool:
            return self._status(weight).state is State.HERE

        failed = Puller(self.home, self.fetchers).pull(weights, progress, is_here)
        for weight in weights:
            with contextlib.suppress(OSError):
                if weight.name in failed:
                    self._vain(weight).parent.mkdir(parents=True, exist_ok=True)
                    self._vain(weight).touch()
                else:
                    self._vain(weight).unlink(missing_ok=True)
        return failed

    def _vain(self, weight: Weight) -> Path:
        return self.home / ".in-vain" / weight.name

    def _lately_in_vain(self, weight: Weight) -> bool:
        try:
            return time.time() - self._vain(weight).stat().st_mtime < RETRY_SECONDS
        except OSError:
            return False

    def _refusal(self, lacking: Sequence[WeightStatus]) -> InputError:
        weights = [s.weight for s in lacking]
        names = " ".join(w.name for w in weights)
        size = megabytes(download_bytes(weights))
        wrong = "; ".join(s.problem for s in lacking if s.problem)
        return InputError(
            f"offline, and these weights are not here: {names.replace(' ', ', ')}, {size} to fetch"
            f"{f'; {wrong}' if wrong else ''}",
            way_out=f"where there is a network run: uniavgen-bench weights pull {names} — then copy the folder "
            f"weights of its UNIAVGEN_BENCH_HOME to {self.home}, or name it in {SEARCH_VARIABLE}",
        )


def way_out(weight: Weight) -> str:
    """Return what a user can do to get a weight."""
    command = f"uniavgen-bench weights pull {weight.name}"
    if weight.tried:
        return f"run: {command}"
    files = ", ".join(f.file for f in weight.files)
    return f"try: {command}; or put {files} of {weight.home} into a folder of {SEARCH_VARIABLE}"


def _problems(found: Found) -> str:
    return "; ".join(str(p) for p in found.problems)

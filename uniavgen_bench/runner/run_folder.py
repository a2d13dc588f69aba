"""The directory of a run: found or made, guarded, and cleared of another run that it replaces."""

from __future__ import annotations

import datetime
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_events import ENTRIES_FILE
from uniavgen_bench.core.run_files import RunDirectory


def open_run(name: str, identity: str, out: Path | None, *, replace: bool) -> RunDirectory:
    """Return the directory of a run: `out`, or one below `runs/` that an interrupted run of the same began.

    Raises:
        InputError: it is a file, holds something else than a run, or another run and `replace` is not given.
    """
    if out is None:
        base = Path("runs") / name
        for folder in sorted(base.glob(f"*-{identity[:8]}"), reverse=True):
            if RunDirectory(folder).manifest_path.is_file():
                return RunDirectory(folder)
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        return RunDirectory(base / f"{stamp}-{identity[:8]}")
    directory = RunDirectory(out)
    if not directory.root.exists():
        return directory
    if not directory.root.is_dir():
        raise InputError(f"{directory.root} is a file", way_out="choose another --out")
    if not directory.manifest_path.is_file():
        if any(p.name != LOCK for p in directory.root.iterdir()):
            raise InputError(f"{directory.root} is not empty and not a run", way_out="choose another --out")
        return directory
    if not replace and directory.manifest().plan_sha256 != identity:
        raise InputError(
            f"{directory.root} holds another run (other clips, systems or metrics)",
            way_out="choose another --out, or add --replace; scores already computed stay in the cache",
        )
    return directory


LOCK = ".lock"
PATIENCE = 2.0
"""Seconds that a driver waits for the lock: who looks how far a run is takes it for an instant."""


def clear_other_run(directory: RunDirectory, identity: str) -> None:
    """Take away the results of another run that is being replaced: they must not stand beside the new manifest.

    The list of what failed goes also when the same run goes on, which may have no such list in the end. What was made
    stays: clips with the logs of their jobs, because they are used again where they fit; events.jsonl, whose sessions
    name their plan; validity.json, whose results name the metrics that they are about.
    """
    (directory.root / "problems.log").unlink(missing_ok=True)
    if directory.manifest_path.is_file() and directory.manifest().plan_sha256 != identity:
        results = (
            directory.scores_path, directory.clips_path, directory.stats_path, directory.ablation_path,
            directory.published_path, directory.root / ENTRIES_FILE,
        )  # fmt: skip
        for path in results:
            path.unlink(missing_ok=True)
        for folder in ("report", "evidence"):
            shutil.rmtree(directory.root / folder, ignore_errors=True)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep other processes out of a run directory; raises `InputError` when one is in it."""
    writable(root, "choose another --out")
    lock = filelock.FileLock(root / LOCK)
    try:
        lock.acquire(timeout=PATIENCE, poll_interval=0.05)
    except filelock.Timeout:
        raise InputError(f"{root} is being written by another process", way_out="wait for it") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def cleared(folder: Path) -> Iterator[None]:
    """Take a folder away before and after: what a killed run left in it, and what this one leaves."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def writable(folder: Path, way_out: str) -> None:
    """Make a folder and try to write into it.

    Raises:
        InputError: that cannot be done.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"{folder} cannot be written: {error.strerror or error}", way_out=way_out) from None

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


def clear_other_run(directory: RunDirectory, identity: str) -> None:
    """Take away the results of another run that is being replaced: they must not stand beside the new manifest."""
    if directory.manifest_path.is_file() and directory.manifest().plan_sha256 != identity:
        directory.scores_path.unlink(missing_ok=True)
        directory.clips_path.unlink(missing_ok=True)
        directory.stats_path.unlink(missing_ok=True)
        directory.ablation_path.unlink(missing_ok=True)
        shutil.rmtree(directory.root / "report", ignore_errors=True)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Keep other processes out of a run directory; raises `InputError` when one is in it."""
    writable(root, "choose another --out")
    lock = filelock.FileLock(root / LOCK)
    try:
        lock.acquire(timeout=0)
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

"""Clips on disk, made when they are first asked for; what is damaged or half-written is made again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import parent_process
from pathlib import Path

from pydantic import ValidationError

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.hashing import sha256_bytes, sha256_file, sha256_json
from uniavgen_bench.core.sample import Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.core.store import home

from .clip_maker import ClipMaker, in_order_of_people, write_files, write_task_files
from .clip_progress import ClipProgress
from .espeak import library_files
from .recipe import Recipe

STAMP = "complete.json"
UNFINISHED = ".unfinished-"
STALE_SECONDS = 3600.0
FEW = 6
"""As many clips are made in this process; for more, others are started to help."""
MOST_WORKERS = 8
TASKS_WITH_FILES = (Task.DUBBING, Task.CONTINUATION)
NOT_IN_A_CLIP = frozenset({"card.py", "clip_cache.py", "clip_progress.py", "dataset.py", "export.py"})
"""Modules that no byte of a clip depends on."""
WRITERS = ("mux.py", "writing.py")
"""Modules of `media` that write a clip's bytes."""

Job = tuple[Recipe, Path]


class Stamp(Frozen):
    """complete.json, written last: the SHA-256 of every file of a folder."""

    files: dict[str, str]


@cache
def world_version() -> str:
    """Return the hash of what makes clips: this package's code, and the libraries whose bytes show in them."""
    sources = sorted(p for p in Path(__file__).parent.glob("*.py") if p.name not in NOT_IN_A_CLIP)
    sources += [Path(__file__).parents[2] / "media" / name for name in WRITERS]
    code = [[path.name, sha256_bytes(path.read_bytes())] for path in sources]
    libraries = [
        [name, _version(name)] for name in ("espeakng-loader", "av", "soxr", "opencv-python-headless")
    ]
    return sha256_json([code, libraries])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def cache_root() -> Path:
    """Return the folder of all clips."""
    return home() / "portraits"


def folder_of(recipe: Recipe, task: Task | None = None) -> Path:
    """Return where the files of a clip lie, or those of one task beside them."""
    key = sha256_json([world_version(), asdict(recipe), task.value if task else None])
    return cache_root() / key[:2] / key[2:34]


def is_whole(folder: Path) -> bool:
    """Say whether every file of a folder is there and has the bytes that were written."""
    try:
        stamp = Stamp.model_validate_json((folder / STAMP).read_bytes())
        return bool(stamp.files) and all(
            sha256_file(folder / n) == digest for n, digest in stamp.files.items()
        )
    except (OSError, ValidationError):
        return False


def ensure(recipes: Sequence[Recipe], task: Task, *, workers: int | None = None) -> list[Path]:
    """Return the folder of each clip, with the task's own files made too; makes what is absent or damaged.

    Any number of processes may do this at once. `workers`: how many processes make clips (None: one per core).

    Raises:
        InputError: a recipe that cannot be made.
        NotInstalledError: the extra `portraits` is not installed.
        BenchError: the folder cannot be written.
    """
    try:
        absent = [recipe for recipe in recipes if not is_whole(folder_of(recipe))]
        if absent:
            library_files()
            _clear_unfinished()
            with ClipProgress(len(absent), cache_root()) as progress:
                jobs = [(recipe, folder_of(recipe)) for recipe in in_order_of_people(absent)]
                for _ in _made(jobs, workers):
                    progress.advance()
        if task in TASKS_WITH_FILES:
            for recipe in recipes:
                _make_task_files(recipe, task)
    except OSError as error:
        raise BenchError(
            f"clips cannot be kept in {cache_root()}: {error.strerror or error} (set UNIAVGEN_BENCH_HOME)"
        ) from error
    return [folder_of(recipe) for recipe in recipes]


def _made(jobs: list[Job], workers: int | None) -> Iterator[None]:
    """Make clips here or in processes; the bytes are the same."""
    count = min(workers or os.cpu_count() or 1, MOST_WORKERS, len(jobs))
    # A process that was started to help must not start others.
    if count > 1 and (workers is not None or len(jobs) > FEW) and parent_process() is None:
        yield from _made_by_processes(jobs, count)
        return
    maker = ClipMaker()
    for recipe, folder in jobs:
        make_folder(recipe, folder, maker)
        yield


def _made_by_processes(jobs: list[Job], count: int) -> Iterator[None]:
    from concurrent.futures import as_completed
    from multiprocessing import get_context

    from pebble import ProcessExpired, ProcessPool

    # Clips of one person stay together: to model somebody costs as much as half a clip.
    parts = [
        jobs[i * len(jobs) // (4 * count) : (i + 1) * len(jobs) // (4 * count)] for i in range(4 * count)
    ]
    with ProcessPool(max_workers=count, context=get_context("spawn")) as pool:
        futures = [pool.schedule(make_folders, args=[part]) for part in parts if part]
        try:
            for future in as_completed(futures):
                yield from (None for _ in range(future.result()))
        except ProcessExpired as error:
            pool.stop()  # type: ignore[no-untyped-call]
            raise BenchError(
                "a process that makes clips died (run it again: what is made is kept)"
            ) from error
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise


def make_folders(jobs: list[Job]) -> int:
    """Make clips in a process of its own; return how many."""
    maker = ClipMaker()
    for recipe, folder in jobs:
        make_folder(recipe, folder, maker)
    return len(jobs)


def make_folder(recipe: Recipe, folder: Path, maker: ClipMaker) -> None:
    """Make the folder of a clip, unless another process has done so by now."""
    if is_whole(folder):
        return
    with _unfinished() as partial:
        write_files(maker.make(recipe), partial)
        _take_place(partial, folder)


def _make_task_files(recipe: Recipe, task: Task) -> None:
    folder = folder_of(recipe, task)
    if is_whole(folder):
        return
    with _unfinished() as partial:
        write_task_files(folder_of(recipe), partial, task, recipe.form.frames, recipe.form.fps)
        _take_place(partial, folder)


class _unfinished:  # noqa: N801 - reads as a function
    """A folder that vanishes unless it takes its place."""

    def __enter__(self) -> Path:
        cache_root().mkdir(parents=True, exist_ok=True)
        self._path = Path(tempfile.mkdtemp(dir=cache_root(), prefix=UNFINISHED))
        return self._path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._path, ignore_errors=True)


def _take_place(partial: Path, folder: Path) -> None:
    """Stamp a finished folder and rename it, so that others see all of it or nothing."""
    files = {path.name: sha256_file(path) for path in sorted(partial.iterdir())}
    write_atomic(partial / STAMP, Stamp(files=files).model_dump_json().encode())
    folder.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(3):
        try:
            partial.rename(folder)
            return
        except OSError:
            if is_whole(folder):
                return
            broken = Path(tempfile.mkdtemp(dir=cache_root(), prefix=UNFINISHED))
            try:
                folder.rename(broken / "broken")
            except FileNotFoundError:
                pass
            finally:
                shutil.rmtree(broken, ignore_errors=True)
    partial.rename(folder)


def _clear_unfinished() -> None:
    """Remove what killed processes left long ago."""
    for path in cache_root().glob(f"{UNFINISHED}*"):
        try:
            old = time.time() - path.stat().st_mtime > STALE_SECONDS
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(path, ignore_errors=True)

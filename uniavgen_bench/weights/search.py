"""Where the files of the manifest may lie: the home, then the user's own folders."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.weights.manifest import Weight, WeightFile
from uniavgen_bench.weights.verify import Problem, Verifier

SEARCH_VARIABLE = "UNIAVGEN_BENCH_WEIGHTS_PATH"


@dataclass(frozen=True)
class Found:
    """The outcome of a search: the verified file or folder, or None and what was wrong with those that were seen."""

    path: Path | None
    problems: tuple[Problem, ...] = ()


def search_folders() -> tuple[Path, ...]:
    """Return the folders of `UNIAVGEN_BENCH_WEIGHTS_PATH`, in order."""
    given = os.environ.get(SEARCH_VARIABLE, "")
    return tuple(Path(part).expanduser() for part in given.split(os.pathsep) if part.strip())


def find(
    weight: Weight, home: Path, folders: Sequence[Path], verifier: Verifier, *, again: bool = False
) -> Found:
    """Look for a weight: `<home>/<name>/` first, then each folder and its subfolder of that name.

    In the user's folders a single file may have any name: it is known by its size and hash.
    """
    problems: list[Problem] = []
    for place in (home / weight.name, *(p for f in folders for p in (f / weight.name, f))):
        named = [place / f.file for f in weight.files]
        if all(path.is_file() for path in named):
            wrong = [
                problem
                for path, file in zip(named, weight.files, strict=True)
                if (problem := verifier.check(path, file, again=again)) is not None
            ]
            if not wrong:
                return Found(place if weight.is_folder else named[0])
            problems += wrong
    if not weight.is_folder:
        for path in _same_size(weight.files[0], folders):
            if verifier.check(path, weight.files[0], again=again) is None:
                return Found(path)
    return Found(None, tuple(problems))


def _same_size(file: WeightFile, folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.name != file.file and path.is_file() and path.stat().st_size == file.bytes:
                    yield path

"""The dataset `manifest`: a CSV, TSV or JSONL file that lists samples, and finished clips where there are any."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from pydantic import ValidationError

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.core.sample import Role, Sample
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.core.tables import Row, read_rows
from uniavgen_bench.datasets.columns import (
    FACTS,
    PUBLISHED,
    TASKS,
    ColumnMapping,
    find_columns,
    unused_columns,
)
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin, FinishedClip
from uniavgen_bench.datasets.picture_header import check_picture

RECORDING = "none"
"""A `system` cell that starts with this word: no system made the clip, it is a recording."""


FILE_FACTS = frozenset({"truth", "truth_audio"})
"""Facts by which controls and metrics find files beside a clip, be they there yet or not."""

MOST_DIGITS = 6
"""Digits that the number of a repeat may have."""


class ManifestOptions(Frozen):
    """`path`: the manifest. `root`: the folder that its paths are relative to and must stay in (default: its own).

    `clips`: the folder of finished clips, when the manifest lists only samples: `<clips>/<sample>.mp4`.
    """

    path: Path
    root: Path | None = None
    clips: Path | None = None
    columns: ColumnMapping = ColumnMapping()


def confined(text: str, root: Path, where: Where) -> Path:
    """Return the absolute path of a relative one below `root`.

    Raises:
        InputError: an absolute path, a drive, a NUL, or a path (or link) that leads out of the root.
    """
    windows, posix = PureWindowsPath(text), PurePosixPath(text)
    if "\0" in text:
        raise InputError("the path holds a NUL character", where=where)
    try:
        path = (root / text).resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, signs that no file system takes
        raise InputError(f"{text!r} cannot be a path: {error}", where=where) from None
    if windows.drive or windows.root or posix.is_absolute() or not path.is_relative_to(root.resolve()):
        raise InputError(
            f"{text!r} leads out of {root}",
            where=where,
            way_out="paths are relative to the root: dataset.root names another",
        )
    return path


def load_manifest(options: ManifestOptions) -> Dataset:
    """Read a manifest.

    Raises:
        InputError: names file, line and column of the first problem.
    """
    header, rows = read_rows(options.path)
    columns = find_columns(header, options.columns, options.path)
    root = options.root or options.path.parent
    if options.clips is not None:
        _usable(options.clips)
    samples: dict[str, tuple[Sample, int]] = {}
    clips: dict[tuple[str, str, int], int] = {}
    finished: list[FinishedClip] = []
    for row in rows:
        reader = _RowReader(row, columns, root, options)
        sample = reader.sample()
        known = samples.setdefault(sample.id, (sample, row.line))
        clip = reader.finished_clip(sample)
        if known[1] != row.line and (clip is None or known[0] != sample):
            what = f"the sample {sample.id!r} stands on line {known[1]} already"
            raise InputError(what, where=reader.where("sample"), way_out="give each sample one id")
        if clip is None:
            continue
        first = clips.setdefault((clip.system, clip.sample, clip.repeat), row.line)
        if first != row.line:
            what = f"{clip.system!r} has a clip for {clip.sample!r} on line {first} already"
            raise InputError(what, where=reader.where("clip"), way_out="number them in a column 'repeat'")
        finished.append(clip)
    if not rows:
        raise InputError("lists nothing", where=Where(options.path))
    unused = unused_columns(header, columns)
    notes = (f"columns not used: {', '.join(unused)}",) if unused else ()
    facts = {
        "manifest": options.path.name,
        "manifest_sha256": sha256_file(options.path),
        "rows": str(len(rows)),
    }
    return Dataset(options.path.stem, tuple(s for s, _ in samples.values()), tuple(finished), facts, notes)


class _RowReader:
    """Reads one row; errors name its line and the column."""

    def __init__(self, row: Row, columns: Mapping[str, str], root: Path, options: ManifestOptions) -> None:
        self.row, self.columns, self.root, self.options = row, columns, root, options

    def where(self, field: str) -> Where:
        return Where(self.options.path, self.row.line, self.columns.get(field, field))

    def cell(self, field: str) -> str | None:
        value = self.row.cells.get(self.columns.get(field, ""))
        return self.text(value, field) if value is not None else None

    def text(self, value: Any, field: str) -> str:
        if not isinstance(value, str | int | float):
            raise InputError(f"must be a text, got {type(value).__name__}", where=self.where(field))
        return str(value)

    def path(self, field: str) -> Path | None:
        text = self.cell(field)
        return confined(text, self.root, self.where(field)) if text is not None else None

    def image(self) -> Path | None:
        path = self.path("image")
        if path is not None:
            check_picture(path, self.where("image"))
        return path

    def sample_id(self) -> str:
        given = self.cell("sample")
        if given is not None:
            return given
        clip = self.cell("clip")
        path = PurePosixPath(clip.replace("\\", "/")) if clip is not None else None
        if path is None or not path.name:
            raise InputError("the row names no clip", where=self.where("clip"))
        return path.with_suffix("").as_posix()

    def sample(self) -> Sample:
        facts = {name: str(self.row.cells[name]) for name in FACTS if name in self.row.cells}
        facts |= {k[5:]: str(v) for k, v in self.row.cells.items() if k.startswith("fact.") and len(k) > 5}
        published, lists = self.published()
        facts |= lists
        task = self.cell("task")
        if task is not None and task not in TASKS:
            facts["task"] = task
        self.refuse_facts_outside(facts)
        try:
            return Sample(
                id=self.sample_id(),
                task=TASKS.get(task or ""),
                image=self.image(),
                caption=self.cell("caption"),
                speech=self.cell("speech"),
                speech_verified="unverified" not in (self.cell("speech_source") or "").lower(),
                language=(self.cell("language") or "en").lower(),
                reference_audio=self.path("reference_audio"),
                reference_text=self.cell("reference_text"),
                condition_audio=self.path("condition_audio"),
                condition_video=self.path("condition_video"),
                facts=facts,
                published=published,
            )
        except ValidationError as error:
            raise InputError(first_problem(error), where=Where(self.options.path, self.row.line)) from None

    def refuse_facts_outside(self, facts: Mapping[str, str]) -> None:
        """Refuse facts that name a file outside of the root."""
        name = fact_outside(facts, self.root)
        if name is not None:
            column = name if name in self.row.cells else f"fact.{name}"
            where = Where(self.options.path, self.row.line, column)
            raise InputError(f"{facts[name][:80]!r} names a file outside of {self.root}", where=where)

    def published(self) -> tuple[dict[str, float], dict[str, str]]:
        """Return scores that others gave, and apart those that are lists (one value per face track)."""
        scores: dict[str, float] = {}
        lists: dict[str, str] = {}
        for column, value in self.row.cells.items():
            if not column.startswith((PUBLISHED, "published.", "human_")):
                continue
            if str(value).startswith("["):
                lists[column] = str(value)
                continue
            name = column.removeprefix(PUBLISHED).removeprefix("published.")
            try:
                scores[name] = float(value)
            except (TypeError, ValueError, OverflowError):
                scores[name] = math.nan
            if not math.isfinite(scores[name]):
                where = Where(self.options.path, self.row.line, column)
                raise InputError(f"{str(value)[:40]!r} is not a number", where=where) from None
        return scores, lists

    def finished_clip(self, sample: Sample) -> FinishedClip | None:
        path = self.path("clip")
        if path is None and self.options.clips is not None:
            folder = self.options.clips
            name = confined(f"{sample.id}.mp4", folder, self.where("sample"))
            path = name if _is_file(name) or not folder.is_dir() else _by_stem(folder, sample.id, name)
        if path is None:
            return None
        repeat = self.cell("repeat") or "0"
        if not repeat.isdecimal() or len(repeat) > MOST_DIGITS:
            raise InputError(f"{repeat[:40]!r} is not a whole number", where=self.where("repeat"))
        system = self.cell("system") or (self.options.clips or self.root).resolve().name
        if system.lower().split(" ")[0] == RECORDING:
            label = f"recording{system[len(RECORDING) :]}"
            return FinishedClip(label, sample.id, path, int(repeat), Role.UPPER_CONTROL)
        return FinishedClip(system, sample.id, path, int(repeat))


def _usable(folder: Path) -> None:
    try:
        folder.is_dir()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be a folder: {error}", where=Where(repr(str(folder)[:200]))) from None


def fact_outside(facts: Mapping[str, str], root: Path) -> str | None:
    """Return the first fact that names a file outside of `root`: controls and metrics read files that facts name."""
    inside = root.resolve()
    for name, text in facts.items():
        path = Path(text)
        if name not in FILE_FACTS and not (path.is_absolute() and _is_file(path)):
            continue
        try:
            if not path.resolve().is_relative_to(inside):
                return name
        except (OSError, RuntimeError, ValueError):  # links in a circle, a NUL, a name that is too long
            return name
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that is longer than the file system takes, or that holds a NUL
        return False


def _by_stem(folder: Path, sample: str, fallback: Path) -> Path:
    """Return the one media file `<sample>.*` of a folder, else the `.mp4` that is not there."""
    found = sorted(p for p in folder.iterdir() if p.stem == sample and p.suffix.lower() in MEDIA)
    return found[0] if len(found) == 1 else fallback


MEDIA = frozenset({".mp4", ".mov", ".m4v", ".mpg", ".mpeg", ".webm", ".mkv", ".avi", ".wav", ".flac"})
"""Endings of files that are taken for clips."""

PLUGIN = DatasetPlugin(
    name="manifest",
    summary="a CSV, TSV or JSONL file that lists samples and finished clips (UniAVGen's CSV as it is)",
    options=ManifestOptions,
    load=load_manifest,
)

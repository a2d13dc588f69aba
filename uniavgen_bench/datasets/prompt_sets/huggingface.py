"""A dataset of the library `datasets` in a local folder: saved with `save_to_disk`, or files that it reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.errors import InputError, NotInstalledError, Where, nearest
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.sample import Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.core.store import home
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .images_csv import COLUMNS, NEEDS
from .items import Item, sample_id
from .local_copy import file_below, local_copy
from .prompt_set import PromptSetOptions, Reading, language_of, prompt_set

NAME = "huggingface"
MEDIA = ("image", "reference_audio", "condition_audio", "condition_video")
ENDINGS = {b"\x89PNG": ".png", b"\xff\xd8\xff": ".jpg", b"RIFF": ".wav", b"fLaC": ".flac", b"ID3": ".mp3"}
KINDS = {"parquet": (".parquet",), "csv": (".csv",), "json": (".jsonl", ".json")}
KNOWN: Mapping[str, tuple[str, ...]] = {**COLUMNS, "condition_video": ("condition_video", "video_path")}
CARD = SetCard(
    title="Hugging Face datasets",
    home="your own folder, or https://huggingface.co/datasets",
    get="hf download OWNER/NAME --repo-type dataset --local-dir FOLDER",
    read_at="datasets 5.2.0",
    layout="a folder of save_to_disk, or one with parquet, csv or json files called by their split",
    licence="the dataset's own: read its card",
    citation="the dataset's own: read its card",
    tasks=(*NEEDS, Task.DUBBING),
    serves="what its columns hold; they are mapped by name",
    fields={field: " or ".join(names) for field, names in KNOWN.items()},
    traps=(
        "Needs the extra `hub`: pip install 'uniavgen-bench[hub]'.",
        "Nothing is downloaded: only files in the folder are handed to the library, its scripts and links are not.",
        "Pictures and sounds inside the table are written to UNIAVGEN_BENCH_HOME/huggingface under their hash.",
        "The licence and citation of what you load are not known here: give them as options, so that a run keeps them.",
    ),
)
TASK_NEEDS: Mapping[Task, tuple[str, ...]] = {**NEEDS, Task.DUBBING: ("speech", "condition_video")}


class HubColumns(Frozen):
    """Column names, where they are not among the known ones."""

    id: str | None = None
    image: str | None = None
    caption: str | None = None
    speech: str | None = None
    language: str | None = None
    reference_audio: str | None = None
    reference_text: str | None = None
    condition_audio: str | None = None
    condition_video: str | None = None


class HuggingFaceOptions(PromptSetOptions):
    """`split`: which split. `columns`: names of columns. `licence`, `citation`: what the dataset's card says.

    `root`: the folder that paths in it are relative to and must stay in (default: `path`).
    """

    card: ClassVar[SetCard] = CARD
    split: str = "test"
    root: Path | None = None
    columns: HubColumns = HubColumns()
    licence: str = Field(default=CARD.licence, min_length=1)
    citation: str = Field(default=CARD.citation, min_length=1)


def load(options: HuggingFaceOptions) -> Dataset:
    """Read a dataset.

    Raises:
        NotInstalledError: the extra `hub` is not installed.
        InputError: names the folder, row and column of the first problem.
    """
    path = local_copy(options.path, CARD)
    table = _opened(path, options.split)
    columns = _columns(options.columns, tuple(table.column_names), path)
    reading = Reading(options, path, expected={})
    for row in _rows(table, path, columns):
        reading.counts["rows"] += 1
        _add(reading, row, columns, options)
    dataset = reading.dataset(NAME)
    facts = {
        **dataset.facts,
        "licence": options.licence,
        "citation": options.citation,
        "split": options.split,
    }
    return Dataset(path.resolve().name, dataset.samples, dataset.clips, facts, dataset.notes)


def _opened(path: Path, split: str) -> Any:
    """Return the split of a local dataset, with pictures and sounds not decoded.

    Files are given to the library one by one: the card of a folder may name data elsewhere, which would be fetched.
    """
    try:
        import datasets
    except ImportError:
        raise NotInstalledError("the package datasets", extra="hub") from None
    if not hasattr(datasets, "load_from_disk"):  # a folder of that name beside the program, not the package
        raise NotInstalledError("the package datasets", extra="hub")
    if not path.is_dir():
        raise InputError("is a file, not a folder", where=Where(path), way_out=f"expected: {CARD.layout}")
    saved = next((p for p in (path, path / split) if (p / "state.json").is_file()), None)
    if saved is None and (path / "dataset_dict.json").is_file():
        raise InputError(f"has no split {split!r}", where=Where(path), way_out="--set dataset.split=…")
    try:
        if saved is not None:
            found: Any = datasets.load_from_disk(str(saved))
        else:
            kind, files = _files(path, split)
            reader = getattr(datasets.Dataset, f"from_{kind}")
            found = reader([str(file) for file in files], cache_dir=str(home() / "huggingface" / "tables"))
        for name, feature in found.features.items():
            if type(feature).__name__ in {"Image", "Audio", "Video"}:
                found = found.cast_column(name, type(feature)(decode=False))
    except InputError:
        raise
    except Exception as error:  # the library raises whatever its readers raise
        what = f"cannot be read as a dataset: {type(error).__name__}: {str(error)[:200]}"
        raise InputError(what, where=Where(path), way_out=f"expected: {CARD.layout}") from error
    return found


def _files(path: Path, split: str) -> tuple[str, list[Path]]:
    """Return the files of a split, and the library's name for their kind."""
    for kind, endings in KINDS.items():
        files = sorted(p for ending in endings for p in path.rglob(f"*{ending}") if p.is_file())
        chosen = [p for p in files if split in (p.stem, p.parent.name) or p.name.startswith(f"{split}-")]
        if chosen:
            return kind, chosen
        if files:
            names = ", ".join(dict.fromkeys(p.stem.partition("-")[0] for p in files[:50]))
            raise InputError(f"has no file of the split {split!r}", where=Where(path),
                             way_out=f"splits: {names}: --set dataset.split=…")  # fmt: skip
    raise InputError("holds no dataset", where=Where(path), way_out=f"expected: {CARD.layout}")


def _columns(given: HubColumns, header: tuple[str, ...], path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for field, names in KNOWN.items():
        wanted = getattr(given, field)
        if wanted is not None and wanted not in header:
            close = nearest(wanted, header)
            way_out = f"did you mean {close!r}?" if close else f"columns: {', '.join(header[:12])}"
            raise InputError(f"no column {wanted!r} for {field}", where=Where(path), way_out=way_out)
        column = wanted or next((name for name in names if name in header), None)
        if column is not None:
            found[field] = column
    if "caption" not in found:
        way_out = f"map it: --set dataset.columns.caption=COLUMN; columns: {', '.join(header[:12])}"
        raise InputError("no column for the caption", where=Where(path), way_out=way_out)
    return found


def _rows(table: Any, path: Path, columns: Mapping[str, str]) -> Iterator[Item]:
    wanted = list(dict.fromkeys(columns.values()))
    for number, row in enumerate(table.select_columns(wanted), start=1):
        yield Item(path, number, row)


def _add(reading: Reading, row: Item, columns: Mapping[str, str], options: HuggingFaceOptions) -> None:
    root = options.root or options.path

    def text(field: str) -> str | None:
        value = row.data.get(columns.get(field, ""))
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return row.optional(columns[field]) if field in columns else None

    media = {field: _media(row, columns[field], root) if field in columns else None for field in MEDIA}
    speech = text("speech")
    task = options.task
    for field in TASK_NEEDS[task] if task else ():
        if (speech if field == "speech" else media[field]) is None:
            place = row.where(columns.get(field, field))
            raise InputError(f"is empty, but {task} needs it", where=place, way_out="map it: dataset.columns")
    place = row.where(columns.get("id", ""))
    reading.add(
        row,
        sample_id(text("id") or f"{row.line - 1:05d}", place),
        place,
        caption=row.text(columns["caption"]),
        speech=speech,
        language=(text("language") or language_of(speech)).lower(),
        reference_text=text("reference_text"),
        **media,
    )


def _media(row: Item, column: str, root: Path) -> Path | None:
    """Return the file of a picture or sound: named by a path, or held in the table and then written to the cache."""
    value = row.data.get(column)
    where = row.where(column)
    if isinstance(value, Mapping):
        data, name = value.get("bytes"), value.get("path")
        if isinstance(data, bytes) and data:
            ending = next((end for start, end in ENDINGS.items() if data.startswith(start)), "")
            ending = ending or next(iter(re.findall(r"\.[a-z0-9]{1,7}\Z", str(name or "").lower())), "")
            return _kept(data, ending, where)
        value = name
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InputError("holds neither a path nor a file", where=where)
    absolute = Path(value)
    if absolute.is_absolute() and absolute.is_relative_to(root.resolve()):
        value = absolute.relative_to(root.resolve()).as_posix()
    return file_below(root, value, where)


def _kept(data: bytes, ending: str, where: Where) -> Path:
    path = home() / "huggingface" / f"{sha256_bytes(data)}{ending}"
    try:
        if not path.is_file():
            write_atomic(path, data)
    except OSError as error:
        what = f"cannot be kept in {path.parent}: {error.strerror}"
        raise InputError(what, where=where, way_out="name another folder with UNIAVGEN_BENCH_HOME") from None
    return path


PLUGIN = prompt_set(NAME, HuggingFaceOptions, load)

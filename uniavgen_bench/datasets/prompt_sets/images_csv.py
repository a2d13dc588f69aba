"""A folder of pictures and a table of prompts: the plainest prompt set, also in Ovi's and the Hub's column names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import ClassVar

from uniavgen_bench.core.errors import InputError, Where, nearest
from uniavgen_bench.core.sample import Task
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import Item, read_table, sample_id
from .local_copy import PICTURES, file_below, listed, local_copy
from .prompt_set import PromptSetOptions, Reading, facts_of, language_of, prompt_set
from .speech_tags import without_tags

NAME = "images-csv"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "image": ("image", "image_path", "file_name", "ref_image_path"),
    "caption": ("caption", "prompt", "text_prompt", "text"),
    "speech": ("speech", "transcript", "speech_content"),
    "id": ("id", "sample", "data_id"),
    "language": ("language", "lang"),
    "reference_audio": ("reference_audio", "ref_audio_path"),
    "reference_text": ("reference_text", "ref_speech_content"),
    "condition_audio": ("condition_audio", "audio_path"),
}
NEEDS: Mapping[Task, tuple[str, ...]] = {
    Task.JOINT: ("speech",),
    Task.JOINT_REF_AUDIO: ("speech", "reference_audio"),
    Task.AUDIO_DRIVEN: ("condition_audio",),
}
"""What a task needs in every row beside picture and caption."""
CARD = SetCard(
    title="Images and a table",
    home="your own folder",
    get="put a table (.csv, .tsv or .jsonl) beside the pictures",
    read_at="Ovi 5b69b25 for the tags and columns of its table",
    layout="a table, or a folder with one, with columns for image and caption",
    licence="yours",
    citation="yours",
    tasks=tuple(NEEDS),
    serves="image and caption, with speech, a reference voice or driving audio where there are columns for them",
    fields={field: " or ".join(names) for field, names in COLUMNS.items()},
    traps=(
        "Speech may stand in the prompt as Ovi writes it, <S>words<E>: it is taken out as the text to speak, and the "
        "words stay in the caption in quotation marks; sounds in <AUDCAP>…<ENDAUDCAP> become the fact audio_prompt.",
        "A row without an id is called by its picture, without the ending; two rows of one picture need ids.",
        "Pictures that no row names are counted in a note.",
    ),
)


class ImagesCsvOptions(PromptSetOptions):
    """`path`: the table, or a folder that holds one. `root`: the folder of the pictures (default: the table's own)."""

    card: ClassVar[SetCard] = CARD
    root: Path | None = None


def load(options: ImagesCsvOptions) -> Dataset:
    """Read the table; raises InputError that names file, row and column of the first problem."""
    path = local_copy(options.path, CARD)
    path = _table(path) if path.is_dir() else path
    root = options.root or path.parent
    header, rows = read_table(path, ())
    columns = {f: next((n for n in names if n in header), None) for f, names in COLUMNS.items()}
    for field in ("image", "caption"):
        if columns[field] is None:
            close = next((c for c in header if nearest(c, COLUMNS[field])), None)
            way_out = (
                f"rename {close!r} to {field!r}" if close else f"known names: {', '.join(COLUMNS[field])}"
            )
            raise InputError(f"no column for the {field}", where=Where(path, 1), way_out=way_out)
    reading = Reading(options, path, expected={})
    used: set[Path] = set()
    for row in rows:
        reading.counts["rows"] += 1
        used.add(_add(reading, row, {f: name for f, name in columns.items() if name}, root))
    unused = [name for name in header if name not in columns.values()]
    if unused:
        reading.notes.append(f"columns not used: {', '.join(unused)}")
    idle = [p for suffix in PICTURES for p in listed(root, suffix) if p.resolve() not in used]
    if idle:
        reading.notes.append(
            f"{len(idle)} pictures in {root.name} stand in no row, the first: {idle[0].name}"
        )
    return reading.dataset(NAME)


def _add(reading: Reading, row: Item, columns: Mapping[str, str], root: Path) -> Path:
    """Add a row; return its picture."""

    def cell(field: str) -> str | None:
        return row.optional(columns[field]) if field in columns else None

    def file(field: str) -> Path | None:
        name = cell(field)
        return file_below(root, name, row.where(columns[field])) if name is not None else None

    where = row.where(columns["image"])
    name = row.text(columns["image"])
    image = file_below(root, name, where)
    if image.suffix.lower() not in PICTURES:
        raise InputError(f"{name!r} is no picture", where=where, way_out=f"pictures: {', '.join(PICTURES)}")
    prompt = without_tags(row.text(columns["caption"]), row.where(columns["caption"]))
    tagged, speech = " ".join(prompt.lines) or None, cell("speech")
    if tagged and speech and tagged.split() != speech.split():
        what = "says something else than the words in <S>…<E>"
        raise InputError(what, where=row.where(columns["speech"]), way_out="leave one of the two out")
    speech = speech or tagged
    given = {
        "speech": speech,
        "reference_audio": file("reference_audio"),
        "condition_audio": file("condition_audio"),
    }
    for field in NEEDS[reading.options.task] if reading.options.task else ():
        if given[field] is None:
            known = f"known columns: {', '.join(COLUMNS[field])}"
            place = row.where(columns.get(field, field))
            raise InputError(f"is empty, but {reading.options.task} needs it", where=place, way_out=known)
    id = cell("id") or PurePosixPath(name.replace("\\", "/")).with_suffix("").as_posix()
    facts = facts_of(
        audio_prompt=prompt.sound, speakers=str(len(prompt.lines)) if len(prompt.lines) > 1 else None
    )
    place = row.where(columns.get("id", columns["image"]))
    reading.add(
        row,
        sample_id(id, place),
        place,
        image=image,
        caption=prompt.caption,
        language=(cell("language") or language_of(speech)).lower(),
        reference_text=cell("reference_text"),
        facts=facts,
        **given,
    )
    return image


def _table(folder: Path) -> Path:
    found = [p for suffix in (".csv", ".tsv", ".jsonl") for p in listed(folder, suffix)]
    if len(found) != 1:
        names = ", ".join(p.name for p in found[:5]) or "none"
        raise InputError(f"holds {len(found)} tables, not one ({names})", where=Where(folder),
                         way_out="name the table itself: dataset.path")  # fmt: skip
    return found[0]


PLUGIN = prompt_set(NAME, ImagesCsvOptions, load)

"""The CSV of the released UniAVGen: nine columns, one task per file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.sample import Task
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import Item, read_table
from .local_copy import file_below, local_copy
from .prompt_set import CLIP_NAME, PromptSetOptions, Reading, prompt_set

NAME = "uniavgen-csv"
COLUMNS = (
    "data_id", "ref_image_path", "ref_audio_path", "ref_speech_content", "video_path", "audio_path",
    "speech_content", "prompt", "lang",
)  # fmt: skip
LANGUAGES = ("en", "zh")
NEEDS: Mapping[Task, tuple[str, ...]] = {
    Task.JOINT: ("ref_image_path",),
    Task.JOINT_REF_AUDIO: ("ref_image_path", "ref_audio_path", "ref_speech_content"),
    Task.AUDIO_DRIVEN: ("ref_image_path", "audio_path"),
    Task.DUBBING: ("video_path",),
}
"""Columns that a task needs in every row beside id, speech, prompt and language."""
CARD = SetCard(
    title="UniAVGen CSV",
    home="https://github.com/MCG-NJU/Sora2-mini (examples/csvs)",
    get="git clone https://github.com/MCG-NJU/Sora2-mini",
    read_at="6d9a41b",
    layout="a CSV with the columns " + ", ".join(COLUMNS),
    licence="Apache-2.0 by its README, without a licence file",
    citation="UniAVGen, arXiv:2511.03334",
    tasks=tuple(NEEDS),
    serves="image, caption and speech, with a reference voice, driving audio or a silent video by task",
    fields={
        "id": "data_id, as text",
        "image": "ref_image_path",
        "caption": "prompt",
        "speech": "speech_content",
        "reference_audio, reference_text": "ref_audio_path, ref_speech_content",
        "condition_audio": "audio_path",
        "condition_video": "video_path",
        "language": "lang",
    },
    traps=(
        "The four example files have one row each; the hundred samples of the paper are not released.",
        "Paths in the file are relative to the folder that the program runs in: set `root` to the checkout.",
        "The released code reads `001` as the number 1 where all ids are digits: here ids stay text, and the fact "
        "`clip_name` is the name that it gives to the clip.",
        "The released code refuses driving audio over 5.0625 s and videos of more than 81 frames.",
        "Without a task, the filled columns tell it: video_path, audio_path, ref_audio_path, else joint.",
    ),
)


class UniAVGenCsvOptions(PromptSetOptions):
    """`root`: the folder that its paths are relative to and must stay in (default: the file's own)."""

    card: ClassVar[SetCard] = CARD
    root: Path | None = None


def load(options: UniAVGenCsvOptions) -> Dataset:
    """Read the CSV; raises InputError that names file, row and column of the first problem."""
    path = local_copy(options.path, CARD)
    header, rows = read_table(path, COLUMNS)
    task = options.task or _task_of(rows, path)
    reading = Reading(options.model_copy(update={"task": task}), path)
    root = options.root or path.parent
    # pandas, with which the released code reads the file, takes a column of digits for numbers.
    numbers = all((row.optional("data_id") or "").isdecimal() for row in rows)
    for row in rows:
        for column in NEEDS[task]:
            if row.optional(column) is None:
                what = f"is empty, but {task.value} needs it"
                raise InputError(what, where=row.where(column), way_out="fill it, or name another task")
        language = row.text("lang")
        if language not in LANGUAGES:
            raise InputError(f"must be en or zh, got {language!r}", where=row.where("lang"))
        name = row.id("data_id")
        reading.counts["rows"] += 1
        reading.add(
            row,
            name,
            row.where("data_id"),
            image=_file(row, "ref_image_path", root),
            caption=row.text("prompt"),
            speech=row.text("speech_content"),
            language=language,
            reference_audio=_file(row, "ref_audio_path", root),
            reference_text=row.optional("ref_speech_content"),
            condition_audio=_file(row, "audio_path", root),
            condition_video=_file(row, "video_path", root),
            facts={CLIP_NAME: (name.lstrip("0") or "0") if numbers else name},
        )
    unused = [column for column in header if column not in COLUMNS]
    if unused:
        reading.notes.append(f"columns not used: {', '.join(unused)}")
    return reading.dataset(NAME)


def _file(row: Item, column: str, root: Path) -> Path | None:
    name = row.optional(column)
    return file_below(root, name, row.where(column)) if name is not None else None


def _task_of(rows: list[Item], path: Path) -> Task:
    """Return the task that the filled columns of all rows show."""
    kinds = {
        "video_path": Task.DUBBING,
        "audio_path": Task.AUDIO_DRIVEN,
        "ref_audio_path": Task.JOINT_REF_AUDIO,
    }
    shown = [next((t for column, t in kinds.items() if row.optional(column)), Task.JOINT) for row in rows]
    for row, task in zip(rows, shown, strict=True):
        if task is not shown[0]:
            what = f"the row is for {task.value}, the first one for {shown[0].value}"
            raise InputError(what, where=row.where(), way_out="one task per file, or name it: dataset.task")
    if not shown:
        raise InputError("lists nothing", where=Where(path))
    return shown[0]


PLUGIN = prompt_set(NAME, UniAVGenCsvOptions, load)

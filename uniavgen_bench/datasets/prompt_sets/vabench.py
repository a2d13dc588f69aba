"""VABench: prompts in one JSON file per category, and a table that gives each prompt the name of its clip."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import ClassVar, Literal

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.located import read_text
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import clean, json_list, sample_id
from .local_copy import exists, inside, listed, local_copy, part
from .prompt_set import PromptSetOptions, Reading, facts_of, prompt_set

NAME = "vabench"
FOLDERS = {"text": "json_files/json_text", "image": "json_files/json_image"}
COUNTS = {"text": 848, "image": 521}
LANGUAGE = {"easy_human_language": 64, "hard_human_language": 36}
MAPPING = "mapping/final_idx_to_prompt.csv"
CARD = SetCard(
    title="VABench",
    home="https://github.com/tanABCC/VABench",
    get="git clone https://github.com/tanABCC/VABench",
    read_at="0b1fe7c",
    layout="json_files/json_text and json_files/json_image with one JSON list per category, and " + MAPPING,
    licence="none found: all rights reserved",
    citation="Hua et al., VABench, arXiv:2512.09299",
    tasks=(),
    serves="text to audio and video (speech only quoted inside the prompt; pictures cannot be matched)",
    fields={
        "id": "part/category/number in its file, from 1",
        "caption": "prompt_en (option `caption`: prompt_vision)",
        "facts": "category, part, audio_prompt (prompt_audio), clip_name (idx of the mapping)",
    },
    counts={"text": COUNTS["text"], **LANGUAGE, "total": COUNTS["text"]},
    traps=(
        "The mapping is separated by tabs although it is called .csv, and its prompts are escaped as in JSON.",
        "The mapping has 1,298 rows for 1,369 items: items without idx have no clip name for its scorer.",
        "Items of the image part (521, `part: image`) carry no file name, so no picture can be given with them.",
        "Words to be spoken stand in quotation marks inside the caption, beside other quoted text; they are not "
        "taken out.",
    ),
)


class VABenchOptions(PromptSetOptions):
    """`part`: text (848 items) or image (521). `caption`: the whole prompt, or the picture's alone."""

    card: ClassVar[SetCard] = CARD
    part: Literal["text", "image"] = "text"
    caption: Literal["prompt_en", "prompt_vision"] = "prompt_en"


def load(options: VABenchOptions) -> Dataset:
    """Read a local copy; raises InputError that names file, line and key of the first problem."""
    root = local_copy(options.path, CARD)
    folder = part(root, (FOLDERS[options.part], Path(FOLDERS[options.part]).name), CARD)
    files = listed(folder, ".json")
    if not files:
        raise InputError("holds no .json", where=Where(folder), way_out=f"expected: {CARD.layout}")
    names = _mapping(inside(root, root / MAPPING))
    expected = {"total": COUNTS[options.part]} | (LANGUAGE if options.part == "text" else {})
    reading = Reading(options, folder, expected=expected)
    nameless = 0
    for file in files:
        category = sample_id(file.stem, Where(file))
        for number, item in enumerate(json_list(file), start=1):
            prompt = item.text("prompt_en")
            clip_name = names.get(prompt)
            nameless += clip_name is None
            reading.counts[category] += 1
            facts = facts_of(
                category=category,
                part=options.part,
                clip_name=clip_name,
                audio_prompt=item.optional("prompt_audio"),
            )
            id = f"{options.part}/{category}/{number:03d}"
            reading.add(item, id, item.where(), caption=item.text(options.caption), facts=facts)
    if nameless:
        reading.notes.append(
            f"{nameless} items have no idx in {MAPPING}: its scorer has no clip name for them"
        )
    if options.part == "image":
        reading.notes.append("items of the image part carry no file name: no picture is given with them")
    return reading.dataset(NAME)


def _mapping(path: Path) -> dict[str, str]:
    """Return prompt -> idx; a prompt that stands twice keeps its first idx."""
    if not exists(path):
        return {}
    text = read_text(path)
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    names: dict[str, str] = {}
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        if not {"idx", "prompt"} <= set(reader.fieldnames or ()):
            raise InputError("must have the columns idx and prompt", where=Where(path, 1), way_out=CARD.get)
        for row in reader:
            where = Where(path, reader.line_num, "idx")
            prompt, name = row["prompt"], row["idx"]
            if not prompt or not name:
                raise InputError("the row has no idx or no prompt", where=where, way_out=CARD.get)
            name = sample_id(clean(name, where), where)
            names.setdefault(clean(_unescaped(prompt), where), name)
    except csv.Error as error:
        raise InputError(f"is not a table: {error}", where=Where(path, reader.line_num)) from None
    return names


def _unescaped(prompt: str) -> str:
    try:
        text = json.loads(f'"{prompt}"')
    except ValueError:
        return prompt
    return text if isinstance(text, str) else prompt


PLUGIN = prompt_set(NAME, VABenchOptions, load)

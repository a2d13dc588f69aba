"""JavisBench (JavisDiT): captions of videos with sound; a row is known by its number."""

from __future__ import annotations

import re
from typing import ClassVar, Literal

from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import read_table
from .local_copy import local_copy, part
from .prompt_set import PromptSetOptions, Reading, facts_of, prompt_set

NAME = "javisbench"
FILES = {"full": "JavisBench.csv", "mini": "JavisBench-mini.csv"}
COUNTS = {"full": 10_140, "mini": 1_000}
ASPECT = re.compile(r"cat\d+_ind")
CARD = SetCard(
    title="JavisBench",
    home="https://huggingface.co/datasets/JavisVerse/JavisBench",
    get="hf download JavisVerse/JavisBench --repo-type dataset --include '*.csv' --local-dir javisbench",
    read_at="JavisDiT b505b37",
    layout="JavisBench.csv or JavisBench-mini.csv, with the column text",
    licence="MIT by its page; the real videos are not released",
    citation="Liu et al., JavisDiT, arXiv:2503.23377",
    tasks=(),
    serves="text to audio and video (no picture, no speech text)",
    fields={
        "id": "sample_ and the row's number from 0, four digits",
        "caption": "text",
        "facts": "category (full or mini), source (path), audio_text, cat0_ind …: the numbers of its taxonomy",
    },
    counts={"full": COUNTS["full"], "total": COUNTS["full"]},
    traps=(
        "Its scorer wants sample_0000.mp4 and a .wav beside it, by the row's number: never sort or filter the file.",
        "Spoken words stand in the caption at best; nothing says which words should be heard.",
        "The mini set has 1,000 rows: `split: mini`.",
    ),
)


class JavisBenchOptions(PromptSetOptions):
    """`split`: full or mini, where `path` is the folder."""

    card: ClassVar[SetCard] = CARD
    split: Literal["full", "mini"] = "full"


def load(options: JavisBenchOptions) -> Dataset:
    """Read a local copy; raises InputError that names file, row and column of the first problem."""
    path = local_copy(options.path, CARD)
    split = options.split
    if path.is_dir():
        path = part(path, (FILES[split],), CARD)
    elif path.name == FILES["mini"]:
        split = "mini"
    header, rows = read_table(path, ("text",))
    reading = Reading(options, path, expected={"total": COUNTS[split]})
    aspects = [column for column in header if ASPECT.fullmatch(column)]
    for number, row in enumerate(rows):
        name = f"sample_{number:04d}"
        reading.counts[split] += 1
        facts = facts_of(
            category=split,
            clip_name=name,
            source=row.optional("path"),
            audio_text=row.optional("audio_text"),
            **{aspect: row.optional(aspect) for aspect in aspects},
        )
        reading.add(row, name, row.where(), caption=row.text("text"), facts=facts)
    return reading.dataset(NAME)


PLUGIN = prompt_set(NAME, JavisBenchOptions, load)

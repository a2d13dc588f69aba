"""AVGen-Bench: task-driven prompts in eleven categories, a JSON file each."""

from __future__ import annotations

import re
from typing import ClassVar

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import json_list, sample_id
from .local_copy import listed, local_copy, part
from .prompt_set import PromptSetOptions, Reading, facts_of, prompt_set

NAME = "avgen-bench"
FORBIDDEN = re.compile(r'[/\\:*?"<>|\n\r\t]')
LONGEST_NAME = 180
CATEGORIES = (
    "ads", "animals", "asmr", "chemical_reaction", "cooking", "gameplays", "movie_trailer", "news",
    "physical_experiment", "sports",
)  # fmt: skip
COUNTS = {**dict.fromkeys(CATEGORIES, 20), "musical_instrument_tutorial": 35}
CARD = SetCard(
    title="AVGen-Bench",
    home="https://github.com/microsoft/AVGen-Bench",
    get="git clone https://github.com/microsoft/AVGen-Bench",
    read_at="1049eab",
    layout="prompts/*.json, each a list of objects with content and prompt",
    licence="MIT (the repository)",
    citation="Microsoft, AVGen-Bench, https://github.com/microsoft/AVGen-Bench",
    tasks=(),
    serves="text to audio and video (no picture; speech only quoted inside the prompt)",
    fields={
        "id": "category/content, with characters that file names forbid as _",
        "caption": "prompt",
        "facts": "category, content, style",
    },
    counts={**COUNTS, "total": 235},
    traps=(
        'Its clips are called {category}/{content}.mp4 with / \\ : * ? " < > | as _, blanks as one, 180 characters.',
        "Ten categories have 20 prompts, musical_instrument_tutorial has 35.",
    ),
)


class AVGenBenchOptions(PromptSetOptions):
    """Options of AVGen-Bench."""

    card: ClassVar[SetCard] = CARD


def load(options: AVGenBenchOptions) -> Dataset:
    """Read a local copy; raises InputError that names file, line and key of the first problem."""
    root = local_copy(options.path, CARD)
    folder = part(root, ("prompts",), CARD) if not root.is_dir() or root.name != "prompts" else root
    files = listed(folder, ".json")
    if not files:
        raise InputError("holds no .json", where=Where(folder), way_out=f"expected: {CARD.layout}")
    reading = Reading(options, folder)
    for file in files:
        category = sample_id(file.stem, Where(file))
        for item in json_list(file):
            content = item.text("content")
            name = f"{category}/{clip_name(content)}"
            reading.counts[category] += 1
            facts = facts_of(category=category, clip_name=name, content=content, style=item.optional("style"))
            reading.add(item, name, item.where("content"), caption=item.text("prompt"), facts=facts)
    return reading.dataset(NAME)


def clip_name(content: str) -> str:
    """Return the name of a clip as the set's own generator makes it."""
    name = " ".join(FORBIDDEN.sub("_", content).split())
    return name[:LONGEST_NAME].rstrip() or "untitled"


PLUGIN = prompt_set(NAME, AVGenBenchOptions, load)

"""Verse-Bench (UniVerse-1): a folder per set with `{id}.json` beside `{id}.jpg`, or MOVA's one file of prompts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.sample import Task
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import Item, json_groups, json_object, sample_id
from .local_copy import exists, inside, listed, local_copy, picture_of
from .prompt_set import (
    PromptSetOptions,
    Reading,
    facts_of,
    language_of,
    prompt_set,
    speech_fields,
    spoken,
)

NAME = "verse-bench"
Subset = Literal["set1", "set2", "set3"]
SETS: tuple[Subset, ...] = ("set1", "set2", "set3")
CARD = SetCard(
    title="Verse-Bench",
    home="https://huggingface.co/datasets/dorni/Verse-Bench",
    get="hf download dorni/Verse-Bench --repo-type dataset --local-dir verse_bench",
    read_at="Verse-Bench 5645a09, MOVA 595a976",
    layout="the folders set1, set2, set3 with {id}.json and {id}.jpg, or MOVA's verse_bench_prompts.json",
    licence="code Apache-2.0; the licence of the data could not be read",
    citation="UniVerse-1, arXiv:2509.06155",
    tasks=(Task.JOINT,),
    serves="image, caption and speech text",
    fields={
        "id": "set/id",
        "image": "{id}.jpg",
        "caption": "video_prompt (option `caption`: MOVA's rewritten `prompt`)",
        "speech": "speech_prompt.text",
        "facts": "category (the set), audio_prompt, speaker, truth_audio (set2)",
    },
    counts={"set1": 205, "set2": 295, "set3": 100, "total": 600},
    traps=(
        "Items may have no speech text; for the task joint those are left out, and a note says how many.",
        "audio_prompt is a list of texts; a system that takes none gets the caption alone.",
        "The wav beside an item of set2 is the recording (fact `truth_audio`); it is never given to a system.",
        "No item has a reference voice.",
    ),
)


class VerseBenchOptions(PromptSetOptions):
    """`sets`: which of the three. `caption`: video_prompt, or `prompt` of MOVA's file.

    `root`: the folder of the pictures, where `path` is MOVA's file (default: the file's own).
    """

    card: ClassVar[SetCard] = CARD
    root: Path | None = None
    sets: tuple[Subset, ...] = SETS
    caption: Literal["video_prompt", "prompt"] = "video_prompt"


def load(options: VerseBenchOptions) -> Dataset:
    """Read a local copy; raises InputError that names file, item and key of the first problem."""
    path = local_copy(options.path, CARD)
    if path.is_dir():
        root, items = path, _in_folder(path, options)
    else:
        root, items = options.root or path.parent, _in_file(path, options)
    expected: dict[str, int] = {name: CARD.counts[name] for name in options.sets}
    expected["total"] = sum(expected.values())
    reading = Reading(options, path, expected=expected)
    silent = 0
    for group, name, item in items:
        reading.counts[group] += 1
        speech, said = speech_fields(spoken(item, "speech_prompt"))
        silent += speech is None
        if speech is None and options.task is Task.JOINT:
            continue
        where = item.where()
        stem = f"{group}/{name}"
        truth = inside(root, root / group / f"{name}.wav")
        reading.add(
            item,
            stem,
            where,
            image=picture_of(root, stem, where, CARD),
            caption=item.text(options.caption),
            speech=speech,
            language=language_of(speech),
            facts=said
            | facts_of(
                category=group,
                clip_name=name,
                audio_prompt=" ".join(item.texts("audio_prompt")),
                truth_audio=str(truth.resolve()) if group == "set2" and exists(truth) else None,
            ),
        )
    if silent and options.task is Task.JOINT:
        reading.notes.append(f"{silent} items have no speech text and are left out of the task joint")
    return reading.dataset(NAME)


def _in_folder(root: Path, options: VerseBenchOptions) -> Iterator[tuple[str, str, Item]]:
    for group in options.sets:
        if not exists(root / group):
            raise _no_set(group, [name for name in SETS if exists(root / name)], root)
        files = listed(inside(root, root / group), ".json")
        if not files:
            raise InputError("holds no {id}.json", where=Where(root / group), way_out=CARD.get)
        for file in files:
            yield group, sample_id(file.stem, Where(file)), json_object(file)


def _no_set(absent: str, there: list[str], path: Path) -> InputError:
    way_out = f"expected: {CARD.layout}"
    if there:
        way_out += f"; to read what is there: --set dataset.sets=[{','.join(there)}]"
    return InputError(f"holds no {absent!r}", where=Where(path), way_out=way_out)


def _in_file(path: Path, options: VerseBenchOptions) -> Iterator[tuple[str, str, Item]]:
    groups = json_groups(path)
    absent = next((group for group in options.sets if group not in groups), None)
    if absent is not None:
        raise _no_set(absent, [name for name in SETS if name in groups], path)
    for group in options.sets:
        for name, item in groups[group]:
            yield group, sample_id(name, item.where()), item


PLUGIN = prompt_set(NAME, VerseBenchOptions, load)

"""T2AV-Compass: five hundred prompts with separate descriptions of picture, sound and speech."""

from __future__ import annotations

from typing import ClassVar, Literal

from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import json_list
from .local_copy import local_copy, part
from .prompt_set import (
    PromptSetOptions,
    Reading,
    facts_of,
    language_of,
    prompt_set,
    speech_fields,
    spoken,
)

NAME = "t2av-compass"
TAXONOMY = ("core_subject", "event_scenario", "sound_type", "camera_movement")
COMPOSITION = ("audio_spatial_composition", "visual_spatial_composition", "audio_temporal_composition")
CARD = SetCard(
    title="T2AV-Compass",
    home="https://github.com/NJU-LINK/T2AV-Compass",
    get="git clone https://github.com/NJU-LINK/T2AV-Compass",
    read_at="b726966",
    layout="t2av-compass/Data/prompts.json, a list of objects with index, prompt, video_prompt, speech_prompt",
    licence="none found: all rights reserved",
    citation="Cao et al., T2AV-Compass, ICML 2026, arXiv:2512.21094",
    tasks=(),
    serves="text to audio and video, with speech text for 150 of 500 (no picture)",
    fields={
        "id": "sample_ and index, four digits",
        "caption": "prompt (option `caption`: video_prompt)",
        "speech": "speech_prompt[].text, in order",
        "facts": "category (subject_matter), audio_prompt, speakers, speech_lines, taxonomy",
    },
    counts={"speech": 150, "no speech": 350, "one line": 124, "total": 500},
    traps=(
        "26 of the 150 items with speech have several lines, of one or more speakers; the lines stand in the fact "
        "`speech_lines` as JSON.",
        "Only 33 of the 150 are on screen alone (fact audio_spatial_composition): lips cannot be scored in the rest.",
        "Its scorer looks for sample_0001.mp4 by index, which starts at 1.",
    ),
)


class T2AVCompassOptions(PromptSetOptions):
    """`caption`: the whole prompt, or video_prompt alone."""

    card: ClassVar[SetCard] = CARD
    caption: Literal["prompt", "video_prompt"] = "prompt"


def load(options: T2AVCompassOptions) -> Dataset:
    """Read a local copy; raises InputError that names file, line and key of the first problem."""
    path = local_copy(options.path, CARD)
    if path.is_dir():
        path = part(path, ("t2av-compass/Data/prompts.json", "Data/prompts.json", "prompts.json"), CARD)
    reading = Reading(options, path)
    one_line = 0
    for item in json_list(path):
        name = f"sample_{item.whole('index'):04d}"
        lines = spoken(item, "speech_prompt")
        speech, said = speech_fields(lines)
        one_line += len(lines) == 1
        reading.counts["speech" if lines else "no speech"] += 1
        taxonomy = {key: "; ".join(item.texts(key)) for key in TAXONOMY}
        composition = {key: item.optional(key) for key in COMPOSITION}
        facts = facts_of(
            category=item.optional("subject_matter"),
            clip_name=name,
            audio_prompt=" ".join(item.texts("audio_prompt")),
            **taxonomy,
            **composition,
        )
        reading.add(
            item,
            name,
            item.where("index"),
            caption=item.text(options.caption),
            speech=speech,
            language=language_of(speech),
            facts=said | facts,
        )
    reading.also["one line"] = one_line
    return reading.dataset(NAME)


PLUGIN = prompt_set(NAME, T2AVCompassOptions, load)

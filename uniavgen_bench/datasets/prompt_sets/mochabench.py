"""MoChaBench (MoCha): 220 pictures, captions and driving speech."""

from __future__ import annotations

from typing import ClassVar

from uniavgen_bench.core.sample import Task
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset

from .items import read_table
from .local_copy import file_below, local_copy, part
from .prompt_set import PromptSetOptions, Reading, facts_of, prompt_set

NAME = "mochabench"
FRAMES = "first-frames-from-mocha-generation"
COUNTS = {
    "1p_closeup_facingcamera": 27,
    "1p_emotion": 34,
    "1p_mediumshot_actioncontrol": 52,
    "1p_protrait": 39,
    "1p_camera_movement": 19,
    "1p_generalize_chinese": 4,
    "2p_1clip_1talk": 30,
    "2p_2clip_2talk": 15,
}
CARD = SetCard(
    title="MoChaBench",
    home="https://github.com/congwei1230/MoChaBench",
    get="git clone https://github.com/congwei1230/MoChaBench",
    read_at="043908d",
    layout=f"benchmark/benchmark.csv, benchmark/speeches and benchmark/{FRAMES}",
    licence="Apache-2.0; the first frames are output of another model (MoCha)",
    citation="Wei et al., MoCha, arXiv:2503.23307",
    tasks=(Task.AUDIO_DRIVEN,),
    serves="image, caption and driving speech (no transcript)",
    fields={
        "id": "category/context_id",
        "image": FRAMES + "/{category}/{context_id}.png",
        "caption": "prompt, without the quotation marks around it",
        "condition_audio": "speeches/{category}/{context_id}_speech.wav",
        "facts": "category, people (1p or 2p)",
    },
    counts={**COUNTS, "total": 220},
    traps=(
        "The table is benchmark/benchmark.csv; the folder names spell portrait as `1p_protrait`.",
        "The wav without _speech is the sound before denoising; its scorer and this loader take the denoised one.",
        "There is no transcript: for the task joint, and for word errors, one has to be made and checked first.",
        "idx_in_category starts again in every category; context_id is unique only within one.",
        "The published table was computed on 18 of 19 camera and 38 of 39 portrait items.",
    ),
)


class MoChaBenchOptions(PromptSetOptions):
    """Options of MoChaBench."""

    card: ClassVar[SetCard] = CARD


def load(options: MoChaBenchOptions) -> Dataset:
    """Read a local copy; raises InputError that names file, row and column of the first problem."""
    path = local_copy(options.path, CARD)
    if path.is_dir():
        path = part(path, ("benchmark/benchmark.csv", "benchmark.csv"), CARD)
    _, rows = read_table(path, ("category", "context_id", "prompt"))
    root = path.parent
    reading = Reading(options, path)
    for row in rows:
        category, context = row.id("category"), row.id("context_id")
        where = row.where("context_id")
        name = f"{category}/{context}"
        reading.counts[category] += 1
        reading.add(
            row,
            name,
            where,
            image=file_below(root, f"{FRAMES}/{name}.png", where, CARD),
            caption=_unquoted(row.text("prompt")),
            condition_audio=file_below(root, f"speeches/{name}_speech.wav", where, CARD),
            language="zh" if "chinese" in category else "en",
            facts=facts_of(category=category, clip_name=name, people=category.partition("_")[0]),
        )
    return reading.dataset(NAME)


def _unquoted(prompt: str) -> str:
    inner = prompt[1:-1].strip() if len(prompt) > 1 and prompt[0] == prompt[-1] == '"' else ""
    return inner or prompt


PLUGIN = prompt_set(NAME, MoChaBenchOptions, load)

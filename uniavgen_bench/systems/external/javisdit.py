"""JavisDiT and JavisDiT++: picture and sound from text alone, so its row is one of text, not of the task joint."""

from __future__ import annotations

import csv
import io
import re
from typing import Literal, Self

from pydantic import Field, model_validator

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, SeededOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, cell, prompt

SEED = re.compile(r"^seed\s*=.*$", re.MULTILINE)


class JavisDiTOptions(SeededOptions):
    """Its options. `text_only` must be set: it sees neither the image nor which words are to be spoken.

    `version`: v1.0 is JavisDiT++, v0.1 is JavisDiT. `batch` is 1, because the noise of a prompt depends on those
    before it in the list; a larger one is faster. `prompt_without_speech`: of samples that have no words to speak, as
    in JavisBench. `model_path`: must be set for v0.1, which has weights of its own.
    """

    seed: int = Field(default=42, ge=0)
    batch: int = Field(default=1, ge=0)
    text_only: bool = False
    version: Literal["v1.0", "v0.1"] = "v1.0"
    model_path: str = "./checkpoints/JavisDiT-v1.0-jav"
    prompt: PromptTemplate = '{caption} The person says: "{speech}"'
    prompt_without_speech: PromptTemplate = "{caption}"
    num_frames: int = Field(default=81, ge=1)
    resolution: str = "480p"
    aspect_ratio: str = "9:16"

    @model_validator(mode="after")
    def _said(self) -> Self:
        if not self.text_only:
            raise ValueError(
                "it takes neither the image nor the words of the task: set text_only: true to run it on prompts alone"
            )
        if self.version != "v1.0" and self.model_path == type(self).model_fields["model_path"].default:
            raise ValueError(f"model_path names the weights of v1.0: set it to those of {self.version}")
        return self

    @property
    def config(self) -> str:
        """The configuration of the chosen version, below the checkout."""
        return f"configs/javisdit-{self.version.replace('.', '-')}/inference/sample.py"


def prepare(batch: Batch[JavisDiTOptions]) -> Launch:
    """Write the list of prompts and the configuration with the seed in it."""
    options = batch.options
    rows = batch.each(lambda item: _prompt(batch, item))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["text"])
    writer.writerows([text] for _, text in rows)
    listed = batch.write("prompts.csv", table.getvalue())
    config = batch.write("sample.py", _seeded(batch))
    several = len(options.devices)
    launcher = ("torchrun", "--nproc_per_node", str(several)) if several > 1 else ("python",)
    return Launch(
        (*launcher, "scripts/inference.py", str(config), "--num-frames", str(options.num_frames),
         "--resolution", options.resolution, "--aspect-ratio", options.aspect_ratio,
         "--model-path", options.model_path, "--prompt-path", str(listed), "--save-dir", str(batch.out),
         "--verbose", "2"),
        {item.name: f"out/sample_{number:04d}.mp4" for number, (item, _) in enumerate(rows)},
    )  # fmt: skip


def _prompt(batch: Batch[JavisDiTOptions], item: Item) -> str:
    options = batch.options
    template = options.prompt if item.sample.speech else options.prompt_without_speech
    return cell(prompt(item, template, batch.note), "prompt")


def _seeded(batch: Batch[JavisDiTOptions]) -> str:
    """Return the checkout's configuration with another seed; it has no option for it."""
    path = batch.root / batch.options.config
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise InputError(f"javisdit: its configuration {path} is not there") from None
    line = f"seed = {batch.items[0].seed}"
    return SEED.sub(line, text) if SEED.search(text) else f"{text.rstrip()}\n{line}\n"


EXTERNAL = External(
    name="javisdit",
    title="JavisDiT++ (v1.0) and JavisDiT (v0.1): picture and sound from text alone",
    home="JavisVerse/JavisDiT",
    commit="b505b37",
    dated="2026-03-29",
    licence="Apache-2.0",
    weights_licence="not stated",
    tasks=(Task.JOINT,),
    delivers=Delivered(
        16.0, "81 frames as asked for here (65 by default)", "AAC 16 kHz, mono doubled", "480x854"
    ),
    seed="`seed` of its configuration (shipped: 42) + number of the repeat; noise also depends on the list's order",
    memory="not stated",
    environment="Python 3.10, torch 2.5.1 cu121, xformers 0.0.28.post3, flash-attn, colossalai",
    entry="scripts/inference.py",
    options=JavisDiTOptions,
    prepare=prepare,
    modules=("torch", "colossalai"),
    weights=lambda options: (options.model_path,),
    batch=True,
    example={"text_only": True},
    steps=(
        "git clone https://github.com/JavisVerse/JavisDiT && cd JavisDiT && git checkout b505b37",
        "make an environment with Python 3.10 as its README says; torchvision is pinned to 0.21.0, which does not fit "
        "torch 2.5.1",
        "download JavisVerse/JavisDiT-v1.0-jav (for v0.1 its own weights and imagebind_huge.pth, named by model_path), "
        "Wan-AI/Wan2.1-T2V-1.3B and cvssp/audioldm2 into ./checkpoints",
    ),
    caveats=(
        "it sees neither the reference image nor which words are to be spoken: its row cannot be compared with rows "
        "of joint generation on identity, and hardly on words",
        "the aspect ratio is height to width: 9:16 is a landscape picture",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

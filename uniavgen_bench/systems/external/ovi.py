"""Ovi 1.1 (character-ai): joint picture and voice from an image and one prompt; many prompts per model load."""

from __future__ import annotations

import csv
import glob
import io
import re
from collections.abc import Callable
from typing import Literal, Self

import yaml
from pydantic import Field, model_validator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, SeededOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, cell, prompt, silent

TAGS = re.compile(r"<.*?>")
NAMED = 50
"""Characters of a prompt, without tags, that make a file's name."""
OWN_TAG = re.compile(r"</?\s*(?:S|E|AUDCAP|ENDAUDCAP)\s*>", re.IGNORECASE)
"""Tags that tell the model what is spoken and what is heard; in given words they would change that."""
FP8 = "720x720_5s"
"""The only model of which there are fp8 weights."""


class OviOptions(SeededOptions):
    """The keys of its YAML file; the defaults are those that it ships with.

    `prompt`: words between `<S>` and `<E>` are spoken. `sound`: a description of the sound, put at the end in the form
    that the model wants; empty: none.
    """

    seed: int = Field(default=103, ge=0)
    prompt: PromptTemplate = "{caption} <S>{speech}<E>"
    sound: str = ""
    model_name: Literal["720x720_5s", "960x960_5s", "960x960_10s"] = "960x960_10s"
    ckpt_dir: str = "./ckpts"
    sample_steps: int = Field(default=50, ge=1)
    solver_name: Literal["unipc", "euler", "dpm++"] = "unipc"
    shift: float = 5.0
    audio_guidance_scale: float = 3.0
    video_guidance_scale: float = 4.0
    slg_layer: int = 11
    cpu_offload: bool = False
    fp8: bool = False
    qint8: bool = False
    video_negative_prompt: str = ""
    audio_negative_prompt: str = ""

    @model_validator(mode="after")
    def _weights_are_there(self) -> Self:
        if self.fp8 and self.model_name != FP8:
            raise ValueError(f"fp8 weights exist only for model_name {FP8}, not for {self.model_name}")
        return self


def full_prompt(item: Item, options: OviOptions, note: Callable[[Item, str], None] = silent) -> str:
    """Return the prompt with the description of the sound in the form of the chosen model.

    Raises:
        MissingError: nothing to speak, or tags in the sample's own words.
    """
    for what in ("caption", "speech"):
        tag = OWN_TAG.search(getattr(item.sample, what) or "")
        if tag is not None:
            raise MissingError(
                Reason.NOT_GENERATED, f"the {what} holds {tag.group()}, which is a tag of its prompts"
            )
    text = prompt(item, options.prompt, note)
    if not options.sound:
        return text
    if options.model_name == "720x720_5s":
        return f"{text} <AUDCAP>{options.sound}<ENDAUDCAP>"
    return f"{text} Audio: {options.sound}"


def named(text: str) -> str:
    """Return the part of a file's name that comes of a prompt."""
    return TAGS.sub("", text).replace(" ", "_").replace("/", "_")[:NAMED]


def beginning(item: Item, options: OviOptions) -> str:
    """Return what two prompts of one process must not share: their file names begin with it."""
    try:
        return named(full_prompt(item, options))
    except MissingError:
        return item.name


def side(options: OviOptions) -> int:
    """Return the side of the square that a model's pictures have the area of."""
    return int(options.model_name.split("x")[0])


def gpu_gib(options: OviOptions) -> float:
    """Return the memory that is stated for what is kept on the GPU."""
    if options.fp8 or options.qint8:
        return 24.0
    return 32.0 if options.cpu_offload else 80.0


def prepare(batch: Batch[OviOptions]) -> Launch:
    """Write `prompts.csv` and `run.yaml`."""
    options, size = batch.options, side(batch.options)
    rows = batch.each(
        lambda item: (cell(full_prompt(item, options, batch.note), "prompt"), str(batch.image(item)))
    )
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["text_prompt", "image_path"])
    writer.writerows(row for _, row in rows)
    listed = batch.write("prompts.csv", table.getvalue())
    seed = batch.items[0].seed
    config = {
        "model_name": options.model_name, "output_dir": str(batch.out), "ckpt_dir": options.ckpt_dir,
        "sample_steps": options.sample_steps, "solver_name": options.solver_name, "shift": options.shift,
        "sp_size": 1, "audio_guidance_scale": options.audio_guidance_scale,
        "video_guidance_scale": options.video_guidance_scale, "mode": "i2v", "fp8": options.fp8,
        "cpu_offload": options.cpu_offload, "qint8": options.qint8, "seed": seed,
        "video_negative_prompt": options.video_negative_prompt,
        "audio_negative_prompt": options.audio_negative_prompt,
        "video_frame_height_width": [size, size], "text_prompt": str(listed), "slg_layer": options.slg_layer,
        "each_example_n_times": 1,
    }  # fmt: skip
    written = batch.write("run.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    several = len(options.devices)
    launcher = ("torchrun", "--nnodes", "1", "--nproc_per_node", str(several)) if several > 1 else ("python",)
    return Launch(
        (*launcher, "inference.py", "--config-file", str(written)),
        {item.name: f"out/{glob.escape(named(text))}_{size}x{size}_{seed}_*.mp4" for item, (text, _) in rows},
    )


EXTERNAL = External(
    name="ovi",
    title="Ovi 1.1: twin networks for picture and voice, from an image and a prompt with spoken words",
    home="character-ai/Ovi",
    commit="5b69b25",
    dated="2025-11-14",
    licence="Apache-2.0; its audio VAE files come from MMAudio (CC BY-NC 4.0)",
    weights_licence="not stated",
    tasks=(Task.JOINT,),
    delivers=Delivered(
        24.0, "121 or 241 frames (5 or 10 s)", "AAC 16 kHz", "aspect of the image, area of the model"
    ),
    seed="one for a process: `seed` (shipped: 103) + number of the repeat",
    memory="80 GB; 32 GB with cpu_offload; 24 GB with fp8 or qint8",
    environment="torch 2.6.0, flash-attn, transformers <= 4.51.3, numpy < 2, moviepy 1.0.3",
    entry="inference.py",
    options=OviOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "transformers", "omegaconf", "moviepy"),
    weights=lambda options: (options.ckpt_dir,),
    batch=True,
    apart=beginning,
    gpu_gib=gpu_gib,
    steps=(
        "git clone https://github.com/character-ai/Ovi && cd Ovi && git checkout 5b69b25",
        "make an environment with torch 2.6.0 and requirements.txt",
        "python3 download_weights.py (writes ./ckpts)",
    ),
    caveats=(
        "two prompts that share their first 50 characters share a file name: such samples run in different processes",
        "the spoken words stand in the prompt between `<S>` and `<E>`; the option `prompt` says where",
        "words of a sample that hold its tags (`<S>`, `<E>`, `<AUDCAP>`) are refused",
        "fp8 weights exist only for model_name 720x720_5s",
        "sizes in its file names are those of the YAML file, not of the picture",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

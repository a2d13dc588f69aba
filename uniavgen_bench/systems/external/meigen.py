"""InfiniteTalk and MultiTalk (MeiGen-AI): a talking person from an image and a sound; one JSON file per process."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Literal

from pydantic import Field

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, prompt

FPS, LEAST = 25, 81


class MeiGenOptions(ExternalOptions):
    """What both share. `mode`: `clip` would stop after 81 frames."""

    ckpt_dir: str = "weights/Wan2.1-I2V-14B-480P"
    wav2vec_dir: str = "weights/chinese-wav2vec2-base"
    area: Literal["480", "720"] = "480"
    sample_steps: int = Field(default=40, ge=1)
    mode: Literal["streaming", "clip"] = "streaming"
    prompt: PromptTemplate = "{caption}"


class InfiniteTalkOptions(MeiGenOptions):
    """Of InfiniteTalk."""

    infinitetalk_dir: str = "weights/InfiniteTalk/single/infinitetalk.safetensors"
    motion_frame: int = Field(default=9, ge=1)


class MultiTalkOptions(MeiGenOptions):
    """Of MultiTalk."""


def prepare_infinitetalk(batch: Batch[InfiniteTalkOptions]) -> Launch:
    """Write its JSON file."""
    own = ("--infinitetalk_dir", batch.options.infinitetalk_dir)
    motion = ("--motion_frame", str(batch.options.motion_frame))
    return _prepare(batch, "infinitetalk", "cond_video", own, motion)


def prepare_multitalk(batch: Batch[MultiTalkOptions]) -> Launch:
    """Write its JSON file."""
    return _prepare(batch, "multitalk", "cond_image", (), ())


def _prepare(
    batch: Batch[InfiniteTalkOptions] | Batch[MultiTalkOptions],
    kind: str,
    picture: str,
    own: tuple[str, ...],
    motion: tuple[str, ...],
) -> Launch:
    item, options = batch.only, batch.options
    sound = batch.sound(item)
    seconds = batch.facts(sound, "the driving sound").audio_duration or 0.0
    if seconds * FPS <= LEAST:
        raise MissingError(
            Reason.NOT_GENERATED,
            f"the driving sound lasts {seconds:.3f} s, it needs more than {LEAST / FPS:.2f} s",
        )
    asked = {
        "prompt": prompt(item, options.prompt, batch.note),
        picture: str(batch.image(item)),
        "cond_audio": {"person1": str(sound)},
    }
    written = batch.write("input.json", json.dumps(asked, ensure_ascii=False, indent=2) + "\n")
    batch.note(item, "it resamples the sound to 16 kHz and sets it to -23 LUFS, also in the clip")
    count = len(options.devices)
    launcher = ("torchrun", f"--nproc_per_node={count}", "--standalone") if count > 1 else ("python",)
    several = ("--dit_fsdp", "--t5_fsdp", f"--ulysses_size={count}") if count > 1 else ()
    return Launch(
        (*launcher, f"generate_{kind}.py", "--ckpt_dir", options.ckpt_dir, "--wav2vec_dir", options.wav2vec_dir, *own,
         "--input_json", str(written), "--size", f"{kind}-{options.area}",
         "--sample_steps", str(options.sample_steps), "--mode", options.mode, *motion, *several,
         "--base_seed", str(item.seed), "--audio_save_dir", str(batch.folder / "audio"),
         "--save_file", str(batch.out / "clip")),
        {item.name: "out/clip.mp4"},
    )  # fmt: skip


INFINITETALK = External(
    name="infinitetalk",
    title="InfiniteTalk: a talking person of any length from image and sound",
    home="MeiGen-AI/InfiniteTalk",
    commit="0107cd9",
    dated="2025-08-25",
    licence="Apache-2.0",
    weights_licence="Apache-2.0",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(
        25.0, "as the sound", "AAC 16 kHz at -23 LUFS", "a bucket near the image's ratio, cropped"
    ),
    seed="--base_seed, per clip",
    memory="not stated in GB; --num_persistent_param_in_dit 0 through options.arguments saves memory",
    environment="Python 3.10, torch 2.4.1 cu121, xformers 0.0.28, flash_attn 2.7.4.post1",
    entry="generate_infinitetalk.py",
    options=InfiniteTalkOptions,
    prepare=prepare_infinitetalk,
    depends_on=frozenset({"devices"}),
    modules=("torch", "xformers", "flash_attn"),
    weights=lambda options: (options.ckpt_dir, options.wav2vec_dir, options.infinitetalk_dir),
    steps=(
        "git clone https://github.com/MeiGen-AI/InfiniteTalk && cd InfiniteTalk && git checkout 0107cd9",
        "make an environment with Python 3.10 and torch 2.4.1",
        "download Wan2.1-I2V-14B-480P, chinese-wav2vec2-base and MeiGen-AI/InfiniteTalk into ./weights",
    ),
    caveats=(
        "the sound of the clip is not the given one: it is 16 kHz and set to -23 LUFS, so levels and the upper band "
        "cannot be compared with others",
        "a sound of 3.24 s or less is refused by it",
        "the image is cropped from its centre to a size from a list",
    ),
)
MULTITALK = replace(
    INFINITETALK,
    name="multitalk",
    title="MultiTalk: talking people from image and sound; here one person",
    home="MeiGen-AI/MultiTalk",
    commit="c1ad840",
    dated="2026-05-22",
    memory="one RTX 4090 at 480",
    entry="generate_multitalk.py",
    options=MultiTalkOptions,
    prepare=prepare_multitalk,
    weights=lambda options: (options.ckpt_dir, options.wav2vec_dir),
    steps=(
        "git clone https://github.com/MeiGen-AI/MultiTalk && cd MultiTalk && git checkout c1ad840",
        "make an environment with Python 3.10 and torch 2.4.1",
        "download Wan2.1-I2V-14B-480P, chinese-wav2vec2-base and MeiGen-AI/MeiGen-MultiTalk into ./weights; its "
        "weights must replace the index file inside the Wan folder",
    ),
)
INFINITETALK_PLUGIN = external_plugin(INFINITETALK)
MULTITALK_PLUGIN = external_plugin(MULTITALK)

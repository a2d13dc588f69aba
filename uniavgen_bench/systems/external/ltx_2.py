"""LTX-2 (Lightricks, 2.5 form of the options): joint from an image and a prompt, and audio-driven."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydantic import Field, field_validator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions, whole_steps
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, prompt

FPS, STEP = 24, 8
WORDS = 200
"""Words that a prompt may have."""
SHARED = ("text_encoder_path", "video_vae_path", "audio_vae_path", "spatial_upsampler_path")


class Ltx2Options(ExternalOptions):
    """Paths of its weights, and how a prompt is made.

    `transformer_path`: distilled, for joint. `dev_transformer_path` and `distilled_lora` (with `lora_strength`): for
    audio-driven. `num_frames`: of a joint clip, 8 n + 1. `image_strength`: how firmly the first frame is held.
    """

    transformer_path: str = ""
    dev_transformer_path: str = ""
    distilled_lora: str = ""
    lora_strength: float = 1.0
    text_encoder_path: str = ""
    video_vae_path: str = ""
    audio_vae_path: str = ""
    spatial_upsampler_path: str = ""
    num_frames: int = Field(default=121, ge=9)
    image_strength: float = Field(default=1.0, ge=0, le=1)
    prompt: PromptTemplate = '{caption} The person says: "{speech}"'
    driven_prompt: PromptTemplate = "{caption}"

    @field_validator("num_frames")
    @classmethod
    def _steps(cls, value: int) -> int:
        return whole_steps(value, STEP)


def prepare(batch: Batch[Ltx2Options]) -> Launch:
    """Choose the pipeline of the task."""
    item, options = batch.only, batch.options
    driven = batch.task(item) is Task.AUDIO_DRIVEN
    head: tuple[str, ...]
    own: tuple[str, ...]
    paths = [word for name in SHARED for word in (f"--{name.replace('_', '-')}", getattr(options, name))]
    image = ("--image", str(batch.image(item)), "0", str(options.image_strength))
    out = str(batch.out / "clip.mp4")
    if driven:
        sound, frames = _driven(batch, item)
        head = ("python", "-m", "ltx_pipelines.a2vid_two_stage", "--transformer-path", options.dev_transformer_path,
                "--distilled-lora", options.distilled_lora, str(options.lora_strength))  # fmt: skip
        own = ("--audio-path", sound)
        text = prompt(item, options.driven_prompt, batch.note)
    else:
        head = ("python", "-m", "ltx_pipelines.distilled", "--transformer-path", options.transformer_path)
        own, frames, text = (), options.num_frames, prompt(item, options.prompt, batch.note)
    if (count := len(text.split())) > WORDS:
        raise MissingError(Reason.NOT_GENERATED, f"the prompt has {count} words, it takes {WORDS} at most")
    return Launch(
        (*head, *paths, "--num-frames", str(frames), "--seed", str(item.seed), *image, *own, "--prompt", text,
         "--output-path", out),
        {item.name: "out/clip.mp4"},
    )  # fmt: skip


def _driven(batch: Batch[Ltx2Options], item: Item) -> tuple[str, int]:
    """Return the sound and the least number of frames, 8 n + 1, that is as long."""
    sound = batch.sound(item)
    seconds = batch.facts(sound, "the driving sound").audio_duration or 0.0
    frames = STEP * max(1, math.ceil((seconds * FPS - 1) / STEP)) + 1
    batch.note(
        item, f"{frames} frames were asked for, the least 8 n + 1 that holds {seconds:.3f} s at {FPS} fps"
    )
    return str(sound), frames


def unfit(options: Ltx2Options, samples: Sequence[Sample]) -> str:
    """Name a path that the samples' task needs and the options lack."""
    tasks = {sample.task for sample in samples}
    needed = list(SHARED)
    if Task.JOINT in tasks:
        needed.append("transformer_path")
    if Task.AUDIO_DRIVEN in tasks:
        needed += ["dev_transformer_path", "distilled_lora"]
    absent = next((name for name in needed if not getattr(options, name)), None)
    return f"options.{absent} is not set (where that weight file lies)" if absent else ""


def weights(options: Ltx2Options) -> tuple[str, ...]:
    """Return the paths that are set."""
    names = ("transformer_path", "dev_transformer_path", "distilled_lora", *SHARED)
    return tuple(path for path in (getattr(options, name) for name in names) if path)


EXTERNAL = External(
    name="ltx-2",
    title="LTX-2.5: picture and sound from an image and a prompt with spoken words, or to a given sound",
    home="Lightricks/LTX-2",
    commit="400fd31",
    dated="2026-08-16",
    licence="LTX-2.x Community License: evaluation is free; companies over 10 M USD yearly need a licence to use it",
    weights_licence="the same; gated",
    tasks=(Task.JOINT, Task.AUDIO_DRIVEN),
    delivers=Delivered(
        24.0, "8 n + 1 frames (121)", "AAC, rate of the checkpoint", "1024x1536 unless told otherwise"
    ),
    seed="--seed, per clip",
    memory="not stated; --quantization fp8-cast, --offload cpu through options.arguments",
    environment="uv; Python >= 3.10, torch 2.7 or 2.13 cu132 with natten, transformers 5.8 to 5.14",
    entry="pyproject.toml",
    options=Ltx2Options,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "transformers", "ltx_pipelines"),
    weights=weights,
    unfit=unfit,
    example={
        name: f"CHECKOUT/weights/{name}.safetensors"
        for name in ("transformer_path", "dev_transformer_path", "distilled_lora", *SHARED)
    },
    steps=(
        "git clone https://github.com/Lightricks/LTX-2 && cd LTX-2 && git checkout 400fd31",
        "uv sync, then set options.launcher to [uv, run] or options.python to .venv/bin/python",
        "download Lightricks/LTX-2.5 (gated, about 66 GiB) and set the paths",
    ),
    caveats=(
        "its image is compressed again before it conditions (CRF 33; 18 from 2.4)",
        "users report still faces for very clean synthetic speech",
        f"a prompt of more than {WORDS} words is answered with a reason",
        "weights of 2.3 have other options and cannot be named here",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

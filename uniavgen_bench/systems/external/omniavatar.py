"""OmniAvatar: a talking person from an image, a prompt and a sound; one line of a text file per process."""

from __future__ import annotations

import glob
from typing import Literal

from pydantic import Field, field_validator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, prompt

BETWEEN = "@@"
LEAD = 0.04
"""Seconds of silence that it puts before the sound in any case."""


class OmniAvatarOptions(ExternalOptions):
    """Its options. `hp`: further hyperparameters by name. `silence_duration_s`: silence that it puts before the sound

    (shipped: 0.3; here 0, so that clip and given sound agree but for 0.04 s).
    """

    size: Literal["14B", "1.3B"] = "14B"
    prompt: PromptTemplate = "{caption}"
    num_steps: int = Field(default=50, ge=1)
    guidance_scale: float = 4.5
    silence_duration_s: float = Field(default=0.0, ge=0)
    hp: dict[str, str] = Field(default_factory=dict)

    @field_validator("hp")
    @classmethod
    def _no_commas(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if "," in text or "=" in text:
                raise ValueError(f"{name}: a value of hp holds neither comma nor equals sign, got {text!r}")
        return value


def prepare(batch: Batch[OmniAvatarOptions]) -> Launch:
    """Write the list of one line."""
    item, options = batch.only, batch.options
    text = prompt(item, options.prompt, batch.note)
    if BETWEEN in text:
        raise MissingError(
            Reason.NOT_GENERATED, f"the prompt holds {BETWEEN}, which separates the fields of its list"
        )
    image, sound = batch.image(item), batch.sound(item)
    stem = f"{item.name}_{batch.token}"
    listed = batch.write(f"{stem}.txt", f"{text}{BETWEEN}{image}{BETWEEN}{sound}\n")
    count = max(1, len(options.devices))
    several = {"sp_size": str(count)} if count > 1 else {}
    values = {
        "seed": str(item.seed), "num_steps": str(options.num_steps), "guidance_scale": str(options.guidance_scale),
        "silence_duration_s": f"{options.silence_duration_s:g}", **several, **options.hp,
    }  # fmt: skip
    config = "configs/inference.yaml" if options.size == "14B" else "configs/inference_1.3B.yaml"
    batch.note(item, f"it puts {options.silence_duration_s + LEAD:.2f} s of silence before the sound")
    return Launch(
        ("torchrun", "--standalone", f"--nproc_per_node={count}", "scripts/inference.py", "--config", config,
         "--input_file", str(listed), "--hp=" + ",".join(f"{name}={value}" for name, value in values.items())),
        {item.name: f"{glob.escape(str(batch.root))}/demo_out/**/res_{stem}_*/result_*_wav.mp4"},
    )  # fmt: skip


def gpu_gib(options: OmniAvatarOptions) -> float | None:
    """Return what is stated for 14B on one GPU with all parameters kept there; other settings need less."""
    return 36.0 if options.size == "14B" and not options.hp and len(options.devices) <= 1 else None


EXTERNAL = External(
    name="omniavatar",
    title="OmniAvatar: a talking person from image, prompt and sound",
    home="Omni-Avatar/OmniAvatar",
    commit="1536bf3",
    dated="2025-08-06",
    licence="Apache-2.0",
    weights_licence="not stated",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(25.0, "silence, the sound, and 1 frame", "AAC", "nearest of 400x720, 720x720, 720x400, cropped"),
    seed="`seed` of --hp, per clip",
    memory="36, 21 or 8 GB for 14B, by how much is kept on the GPU",
    environment="torch 2.4.0 cu124, transformers 4.52.3, xfuser 0.4.1",
    entry="scripts/inference.py",
    options=OmniAvatarOptions,
    prepare=prepare,
    depends_on=frozenset({"devices"}),
    modules=("torch", "transformers", "xfuser"),
    alone=True,
    weights=lambda options: (
        f"pretrained_models/OmniAvatar-{options.size}", f"pretrained_models/Wan2.1-T2V-{options.size}",
        "pretrained_models/wav2vec2-base-960h",
    ),
    gpu_gib=gpu_gib,
    steps=(
        "git clone https://github.com/Omni-Avatar/OmniAvatar && cd OmniAvatar && git checkout 1536bf3",
        "make an environment with torch 2.4.0 cu124; it calls /usr/bin/ffmpeg, which must be there",
        "download OmniAvatar-14B, Wan2.1-T2V-14B and wav2vec2-base-960h into ./pretrained_models",
    ),
    caveats=(
        "it puts silence before the sound, 0.04 s at least: lip sync is not touched, but the clip is later and longer "
        "than the given sound",
        "raw results stay below demo_out, under a name that no other process has; one process at a time "
        "runs there",
        "one clip per process, because noise depends on the line's place in its list",
    ),
)  # fmt: skip
PLUGIN = external_plugin(EXTERNAL)

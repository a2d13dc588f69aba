"""UniVerse-1 (Dorniwang): joint picture and voice from an image and a JSON file in the form of Verse-Bench."""

from __future__ import annotations

import json

from pydantic import Field

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import caption


class UniVerse1Options(ExternalOptions):
    """Its options; the defaults are those of its script.

    `audio_prompt`: descriptions of the sound (`none` is blanked by it). `speaker`: who speaks, for all samples.
    """

    model_path: str = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
    ace_path: str = "ACE-Step/ACE-Step-v1-3.5B"
    transformer_path: str = "./checkpoints/UniVerse-1-base/"
    num_frames: int = Field(default=125, ge=1)
    num_inference_steps: int = Field(default=35, ge=1)
    guidance_scale_vid: float = 1.2
    guidance_scale_aud: float = 5.0
    cpu_offload: bool = True
    audio_prompt: tuple[str, ...] = ("none",)
    speaker: str = "the person"


def prepare(batch: Batch[UniVerse1Options]) -> Launch:
    """Write the JSON file."""
    item, options = batch.only, batch.options
    asked = {
        "video_prompt": caption(item),
        "audio_prompt": list(options.audio_prompt),
        "speech_prompt": {"speaker": options.speaker, "text": batch.speech(item)},
    }
    written = batch.write("prompt.json", json.dumps(asked, ensure_ascii=False, indent=2) + "\n")
    offload = ("--cpu_offload",) if options.cpu_offload else ()
    return Launch(
        ("torchrun", "--nnodes=1", f"--nproc_per_node={max(1, len(options.devices))}",
         "fastvideo/sample/sample_universe.py", "--model_path", options.model_path, "--ace_path", options.ace_path,
         "--transformer_path", options.transformer_path, "--num_frames", str(options.num_frames),
         "--height", "256", "--width", "256", "--num_inference_steps", str(options.num_inference_steps),
         "--guidance_scale_vid", str(options.guidance_scale_vid),
         "--guidance_scale_aud", str(options.guidance_scale_aud), "--seed", str(item.seed), *offload,
         "--output_path", str(batch.out), "--refimg_path", str(batch.image(item)), "--prompt_path", str(written)),
        {item.name: "out/*_with_audio.mp4"},
    )  # fmt: skip


EXTERNAL = External(
    name="universe-1",
    title="UniVerse-1: a video and a music model stitched together, from an image, a caption and words",
    home="Dorniwang/UniVerse-1-code",
    commit="2b9bb02",
    dated="2025-09-09",
    licence="Apache-2.0",
    weights_licence="not stated",
    tasks=(Task.JOINT,),
    delivers=Delivered(25.0, "125 frames, 5 s", "16 kHz mono", "nearest of 512x512, 768x480, 480x768"),
    seed="--seed, per clip",
    memory="not stated",
    environment="Python >= 3.10, torch 2.5.0 cu121, flash-attn 2.7.0.post2, diffusers 0.33.1, transformers 4.51.0",
    entry="fastvideo/sample/sample_universe.py",
    options=UniVerse1Options,
    prepare=prepare,
    depends_on=frozenset({"devices"}),
    modules=("torch", "diffusers", "transformers"),
    weights=lambda options: (options.transformer_path,),
    steps=(
        "git clone https://github.com/Dorniwang/UniVerse-1-code && cd UniVerse-1-code && git checkout 2b9bb02",
        "make an environment with Python 3.10 and torch 2.5.0",
        "download dorni/UniVerse-1-Base into ./checkpoints/UniVerse-1-base/; set options.model_path and "
        "options.ace_path to Wan2.1-T2V-1.3B-Diffusers and ACE-Step-v1-3.5B",
    ),
    caveats=(
        "models are loaded again for every clip; several devices work on one clip",
        "the picture is resized to one of three sizes without crop, whatever --height and --width say",
        "the language is guessed from the words; the speaker's name and descriptions of the sound are options, "
        "the same for all samples",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

"""Wan2.2-S2V-14B: a talking person from an image, a prompt and a sound, one clip per process."""

from __future__ import annotations

from pydantic import Field

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, prompt


class WanS2VOptions(ExternalOptions):
    """Its options. `infer_frames`: frames of a piece, a multiple of 4 (None: 80); n pieces give n times that - 3."""

    ckpt_dir: str = "./Wan2.2-S2V-14B/"
    size: str = "1024*704"
    prompt: PromptTemplate = "{caption}"
    infer_frames: int | None = Field(default=None, ge=4, multiple_of=4)
    num_clip: int | None = Field(default=None, ge=1)
    sample_steps: int | None = Field(default=None, ge=1)


def prepare(batch: Batch[WanS2VOptions]) -> Launch:
    """Copy image and sound; what is left out would silently be an example of its own."""
    item, options = batch.only, batch.options
    text = prompt(item, options.prompt, batch.note)
    chosen = {
        "--infer_frames": options.infer_frames, "--num_clip": options.num_clip, "--sample_steps": options.sample_steps
    }  # fmt: skip
    more = [word for name, value in chosen.items() if value is not None for word in (name, str(value))]
    count = len(options.devices)
    launcher = ("torchrun", f"--nproc_per_node={count}") if count > 1 else ("python",)
    shared = (
        ("--dit_fsdp", "--t5_fsdp", "--ulysses_size", str(count))
        if count > 1
        else ("--offload_model", "True")
    )
    return Launch(
        (*launcher, "generate.py", "--task", "s2v-14B", "--size", options.size, "--ckpt_dir", options.ckpt_dir,
         *shared, "--convert_model_dtype", "--prompt", text, "--image", str(batch.image(item)),
         "--audio", str(batch.sound(item)), "--base_seed", str(item.seed), *more,
         "--save_file", str(batch.out / "clip.mp4")),
        {item.name: "out/clip.mp4"},
    )  # fmt: skip


EXTERNAL = External(
    name="wan22-s2v",
    title="Wan2.2-S2V-14B: a talking person from image, prompt and sound",
    home="Wan-Video/Wan2.2",
    commit="42bf4cf",
    dated="2026-03-17",
    licence="Apache-2.0",
    weights_licence="Apache-2.0",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(16.0, "80 n - 3 frames for n pieces", "the given sound as AAC, cut to the picture",
                       "area of --size, ratio of the image, sides multiples of 64"),
    seed="--base_seed, per clip (its own default is random)",
    memory="80 GB on one GPU",
    environment="Python >= 3.10, torch >= 2.4.0, flash_attn, transformers 4.49 to 4.51.3, requirements_s2v.txt",
    entry="generate.py",
    options=WanS2VOptions,
    prepare=prepare,
    depends_on=frozenset({"devices"}),
    modules=("torch", "transformers", "flash_attn"),
    weights=lambda options: (options.ckpt_dir,),
    gpu_gib=lambda options: 80.0 if len(options.devices) <= 1 else None,
    steps=(
        "git clone https://github.com/Wan-Video/Wan2.2 && cd Wan2.2 && git checkout 42bf4cf",
        "make an environment with requirements.txt and requirements_s2v.txt",
        "download Wan-AI/Wan2.2-S2V-14B into ./Wan2.2-S2V-14B",
    ),
    caveats=(
        "it makes pieces of 80 frames at 16 fps and drops 3 frames: a sound of 4.81 to 5 s loses its end; what a clip "
        "lost is noted beside it (infer_frames 84 would give 5.0625 s in one piece, untested)",
        "a failed mux leaves a silent file and status 0",
    ),
)  # fmt: skip
PLUGIN = external_plugin(EXTERNAL)

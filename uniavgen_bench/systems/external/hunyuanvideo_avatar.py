"""HunyuanVideo-Avatar (Tencent): a talking person from an image, a prompt and a sound; many rows per model load."""

from __future__ import annotations

import csv
import io

from pydantic import Field

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, SeededOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, cell, prompt

FPS = 25
FOLDER = "weights/ckpts/hunyuan-video-t2v-720p/transformers"
COLUMNS = ("videoid", "image", "audio", "prompt", "fps")


class HunyuanVideoAvatarOptions(SeededOptions):
    """Its options. `infer_min`: 129 frames (5.16 s) whatever the sound lasts, as its example for small GPUs does."""

    seed: int = Field(default=128, ge=0)
    ckpt: str = f"{FOLDER}/mp_rank_00_model_states_fp8.pt"
    ckpt_many: str = f"{FOLDER}/mp_rank_00_model_states.pt"
    image_size: int = Field(default=704, ge=64, multiple_of=64)
    cfg_scale: float = 7.5
    infer_steps: int = Field(default=50, ge=1)
    flow_shift: float = 5.0
    use_deepcache: bool = True
    infer_min: bool = False
    cpu_offload: bool = False
    prompt: PromptTemplate = "{caption}"


def prepare(batch: Batch[HunyuanVideoAvatarOptions]) -> Launch:
    """Write the CSV file."""
    options = batch.options
    rows = batch.each(lambda item: _row(batch, item))
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row for _, row in rows)
    listed = batch.write("rows.csv", table.getvalue())
    shared = (
        "--input", str(listed), "--ckpt", options.ckpt, "--sample-n-frames", "129",
        "--seed", str(batch.items[0].seed), "--image-size", str(options.image_size),
        "--cfg-scale", str(options.cfg_scale), "--infer-steps", str(options.infer_steps),
        "--use-deepcache", str(int(options.use_deepcache)),
        "--flow-shift-eval-video", str(options.flow_shift), "--save-path", str(batch.out),
    )  # fmt: skip
    clips = {item.name: f"out/{item.name}_audio.mp4" for item, _ in rows}
    environment = {"MODEL_BASE": "./weights", "PYTHONPATH": "./"}
    least = ("--infer-min",) if options.infer_min else ()
    count = len(options.devices)
    if count > 1:
        words = tuple(options.ckpt_many if word == options.ckpt else word for word in shared)
        launcher = ("torchrun", "--nnodes=1", f"--nproc_per_node={count}", "hymm_sp/sample_batch.py")
        return Launch((*launcher, *words, *least), clips, environment)
    offload = ("--cpu-offload",) if options.cpu_offload else ()
    environment |= {"DISABLE_SP": "1", **({"CPU_OFFLOAD": "1"} if options.cpu_offload else {})}
    return Launch(
        ("python", "hymm_sp/sample_gpu_poor.py", *shared, "--use-fp8", *least, *offload), clips, environment
    )


def _row(batch: Batch[HunyuanVideoAvatarOptions], item: Item) -> tuple[str, ...]:
    image, sound = str(batch.image(item)), str(batch.sound(item))
    text = cell(prompt(item, batch.options.prompt, batch.note), "prompt")
    return item.name, image, sound, text, str(FPS)


EXTERNAL = External(
    name="hunyuanvideo-avatar",
    title="HunyuanVideo-Avatar: a talking person from image, prompt and sound",
    home="Tencent-Hunyuan/HunyuanVideo-Avatar",
    commit="fd59436",
    dated="2025-06-16",
    licence="Tencent Hunyuan Community: not valid in EU, UK and South Korea; outputs must not improve other AI models",
    weights_licence="the same",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(
        25.0, "as the sound, or 129 frames with infer_min", "of the given sound", "sides multiples of 64"
    ),
    seed="one for a process: `seed` (shipped: 128) + number of the repeat",
    memory="24 GB at least (very slow), 96 GB advised; 80 GB ran out for a user",
    environment="Python 3.10.9, torch 2.4.0, CUDA 12.4 or 11.8, flash-attn 2.6.3, diffusers 0.33.0",
    entry="hymm_sp/sample_gpu_poor.py",
    options=HunyuanVideoAvatarOptions,
    prepare=prepare,
    modules=("torch", "diffusers"),
    weights=lambda options: (options.ckpt_many if len(options.devices) > 1 else options.ckpt,),
    batch=True,
    gpu_gib=lambda options: 24.0 if options.image_size >= 704 and not options.cpu_offload else None,
    steps=(
        "git clone https://github.com/Tencent-Hunyuan/HunyuanVideo-Avatar && cd HunyuanVideo-Avatar && "
        "git checkout fd59436",
        "make an environment with Python 3.10.9 and torch 2.4.0",
        "download tencent/HunyuanVideo-Avatar into ./weights",
    ),
    caveats=(
        "read its licence first: it is not valid everywhere",
        "a fixed phrase on quality is put before every prompt",
        "it takes memory by the size of the picture: image_size 704, 512, 384 or 256",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

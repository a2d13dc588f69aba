"""MOVA (OpenMOSS): joint picture and sound from an image and a prompt whose quoted words are spoken."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions, whole_steps
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, prompt


class MovaOptions(ExternalOptions):
    """Its options. `num_frames`: 4 k + 1 (121 is 5.04 s; its own default is 193, 8.04 s)."""

    ckpt_path: str = "MOVA-360p/"
    height: int = Field(default=352, ge=16, multiple_of=16)
    width: int = Field(default=640, ge=16, multiple_of=16)
    num_frames: int = Field(default=121, ge=5)
    offload: Literal["cpu", "group", "none"] = "cpu"
    prompt: PromptTemplate = '{caption} The person says, "{speech}"'

    @field_validator("num_frames")
    @classmethod
    def _steps(cls, value: int) -> int:
        return whole_steps(value, 4)


def prepare(batch: Batch[MovaOptions]) -> Launch:
    """Copy the image."""
    item, options = batch.only, batch.options
    count = str(max(1, len(options.devices)))
    return Launch(
        ("torchrun", f"--nproc_per_node={count}", "scripts/inference_single.py", "--ckpt_path", options.ckpt_path,
         "--cp_size", count, "--height", str(options.height), "--width", str(options.width),
         "--num_frames", str(options.num_frames), "--prompt", prompt(item, options.prompt, batch.note),
         "--ref_path", str(batch.image(item)), "--output_path", str(batch.out / "clip.mp4"),
         "--seed", str(item.seed), "--offload", options.offload),
        {item.name: "out/clip.mp4"},
    )  # fmt: skip


EXTERNAL = External(
    name="mova",
    title="MOVA: picture and sound from an image and a prompt with quoted words",
    home="OpenMOSS/MOVA",
    commit="595a976",
    dated="2026-08-19",
    licence="Apache-2.0",
    weights_licence="not stated in the README",
    tasks=(Task.JOINT,),
    delivers=Delivered(24.0, "121 frames as asked for here (193 by default)", "AAC 192k, 44.1 kHz by default",
                       "as asked for; the image is cropped from its centre"),
    seed="--seed, per clip",
    memory="48 GB with component offload, 12 GB with group offload; 67 to 77 GB of host memory",
    environment="Python >= 3.12, torch, transformers < 5, yunchang",
    entry="scripts/inference_single.py",
    options=MovaOptions,
    prepare=prepare,
    depends_on=frozenset({"devices"}),
    modules=("torch", "transformers", "yunchang"),
    weights=lambda options: (options.ckpt_path,),
    gpu_gib=lambda options: {"cpu": 48.0, "group": 12.0}.get(options.offload),
    steps=(
        "git clone https://github.com/OpenMOSS/MOVA && cd MOVA && git checkout 595a976",
        "make an environment with Python 3.13",
        "download OpenMOSS-Team/MOVA-360p (or -720p) and set options.ckpt_path",
    ),
    caveats=(
        "several devices work on one clip",
        "words in double quotes are spoken, so quotes inside the words to speak become single ones (it is noted), and "
        "quoted words of a caption may be spoken too",
        "the image is cropped from its centre to the size that is asked for: set height and width to the image's ratio",
    ),
)  # fmt: skip
PLUGIN = external_plugin(EXTERNAL)

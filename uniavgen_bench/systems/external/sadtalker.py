"""SadTalker: a talking head from one image and a sound; files are named by the second."""

from __future__ import annotations

from typing import Literal

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin


class SadTalkerOptions(ExternalOptions):
    """Its options; `full` pastes the face into the whole picture."""

    still: bool = True
    preprocess: Literal["crop", "extcrop", "resize", "full", "extfull"] = "full"
    enhancer: Literal["none", "gfpgan", "RestoreFormer"] = "none"
    size: Literal[256, 512] = 256


def prepare(batch: Batch[SadTalkerOptions]) -> Launch:
    """Copy image and sound."""
    item, options = batch.only, batch.options
    still = ("--still",) if options.still else ()
    enhancer = ("--enhancer", options.enhancer) if options.enhancer != "none" else ()
    return Launch(
        ("python", "inference.py", "--driven_audio", str(batch.sound(item)), "--source_image", str(batch.image(item)),
         "--result_dir", str(batch.out), *still, "--preprocess", options.preprocess, *enhancer,
         "--size", str(options.size)),
        {item.name: "out/*.mp4"},
    )  # fmt: skip


EXTERNAL = External(
    name="sadtalker",
    title="SadTalker: a talking head from image and sound, by a 3D face model",
    home="OpenTalker/SadTalker",
    commit="cd4c046",
    dated="2023-10-11",
    licence="Apache-2.0 except listed third-party parts",
    weights_licence="the same",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(25.0, "as the sound", "16 kHz", "of the image with preprocess full, else 256 wide"),
    seed="none: blinks are drawn unseeded, so repeats differ",
    memory="not stated",
    environment="Python 3.8, torch 1.12.1 cu113, numpy 1.23.4",
    entry="inference.py",
    options=SadTalkerOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "numpy"),
    weights=lambda options: ("checkpoints",),
    steps=(
        "git clone https://github.com/OpenTalker/SadTalker && cd SadTalker && git checkout cd4c046",
        "make an environment with Python 3.8 and torch 1.12.1",
        "bash scripts/download_models.sh",
    ),
    caveats=(
        "an image without a face prints a line and ends with status 0",
        "its documentation says real people only: stylised portraits may have no face for it",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

"""MuseTalk 1.5: the lips of an image (or video) repainted to a sound; many tasks in one YAML file."""

from __future__ import annotations

import yaml
from pydantic import Field

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin


class MuseTalkOptions(ExternalOptions):
    """Its options; `fps` counts because an image has none of its own."""

    unet_model_path: str = "models/musetalkV15/unet.pth"
    unet_config: str = "models/musetalkV15/musetalk.json"
    fps: int = Field(default=25, ge=1, le=120)


def prepare(batch: Batch[MuseTalkOptions]) -> Launch:
    """Write the YAML file; every task names its result, because a name stays in force for later ones."""
    options = batch.options
    rows = batch.each(lambda item: _task(batch, item))
    tasks = {f"task_{number}": row for number, (_, row) in enumerate(rows)}
    written = batch.write("tasks.yaml", yaml.safe_dump(tasks, sort_keys=False, allow_unicode=True))
    return Launch(
        ("python", "-m", "scripts.inference", "--inference_config", str(written), "--result_dir", str(batch.out),
         "--unet_model_path", options.unet_model_path, "--unet_config", options.unet_config, "--version", "v15",
         "--fps", str(options.fps)),
        {item.name: f"out/v15/{item.name}.mp4" for item, _ in rows},
    )  # fmt: skip


def _task(batch: Batch[MuseTalkOptions], item: Item) -> dict[str, str]:
    image, sound = str(batch.image(item)), str(batch.sound(item))
    return {"video_path": image, "audio_path": sound, "result_name": f"{item.name}.mp4"}


EXTERNAL = External(
    name="musetalk",
    title="MuseTalk 1.5: the lips of the portrait, repainted to the sound",
    home="TMElyralab/MuseTalk",
    commit="0a89dec",
    dated="2025-09-26",
    licence="MIT",
    weights_licence="any purpose; third-party parts under their own",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(25.0, "as the sound", "of the given sound", "of the image"),
    seed="none: there is no noise, repeats are equal",
    memory="a 4 GB laptop GPU has run it",
    environment="Python 3.10, torch 2.0.1 cu118, mmcv 2.0.1, mmdet 3.1.0, mmpose 1.1.0",
    entry="scripts/inference.py",
    options=MuseTalkOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "mmcv", "mmdet", "mmpose"),
    weights=lambda options: (options.unet_model_path, options.unet_config),
    batch=True,
    steps=(
        "git clone https://github.com/TMElyralab/MuseTalk && cd MuseTalk && git checkout 0a89dec",
        "make an environment with Python 3.10, torch 2.0.1, mmcv, mmdet and mmpose",
        "sh download_weights.sh",
    ),
    caveats=(
        "it catches its own errors and ends with status 0; what it left out has a reason here",
        "only the lips move; with an image it prints a clean-up error after the file is written",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

"""LatentSync 1.6 (ByteDance): re-syncs the lips of a video; for a portrait, a still video is made of it first."""

from __future__ import annotations

from pydantic import Field

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin

FPS = 25


class LatentSyncOptions(ExternalOptions):
    """Its options; the defaults are those of its README. `audio_rate`: Hz of the sound that it is handed."""

    unet_config_path: str = "configs/unet/stage2_512.yaml"
    inference_ckpt_path: str = "checkpoints/latentsync_unet.pt"
    inference_steps: int = Field(default=20, ge=1)
    guidance_scale: float = 1.5
    enable_deepcache: bool = True
    audio_rate: int | None = Field(default=None, ge=8000)


def prepare(batch: Batch[LatentSyncOptions]) -> Launch:
    """Make the still video."""
    item, options = batch.only, batch.options
    sound = batch.sound(item, rate=options.audio_rate)
    video = batch.still(item, sound, FPS)
    cache = ("--enable_deepcache",) if options.enable_deepcache else ()
    return Launch(
        ("python", "-m", "scripts.inference",
         "--unet_config_path", options.unet_config_path, "--inference_ckpt_path", options.inference_ckpt_path,
         "--inference_steps", str(options.inference_steps), "--guidance_scale", str(options.guidance_scale),
         *cache, "--video_path", str(video), "--audio_path", str(sound),
         "--video_out_path", str(batch.out / "clip.mp4"), "--seed", str(item.seed)),
        {item.name: "out/clip.mp4"},
    )  # fmt: skip


EXTERNAL = External(
    name="latentsync",
    title="LatentSync 1.6: the lips of a still video of the portrait, repainted to the sound",
    home="bytedance/LatentSync",
    commit="a229c39",
    dated="2025-06-20",
    licence="Apache-2.0",
    weights_licence="1.5: OpenRAIL++; 1.6: not read",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(25.0, "as the sound", "AAC 16 kHz", "of the video"),
    seed="--seed, per clip",
    memory="18 GB (1.6), 8 GB (1.5)",
    environment="Python 3.10.13, torch 2.5.1 cu121, diffusers 0.32.2",
    entry="scripts/inference.py",
    options=LatentSyncOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "diffusers", "omegaconf"),
    weights=lambda options: (options.inference_ckpt_path, "checkpoints/whisper/tiny.pt"),
    alone=True,
    gpu_gib=lambda options: 18.0 if options.unet_config_path.endswith("stage2_512.yaml") else None,
    steps=(
        "git clone https://github.com/bytedance/LatentSync && cd LatentSync && git checkout a229c39",
        "source setup_env.sh (makes its environment and downloads ByteDance/LatentSync-1.6)",
    ),
    caveats=(
        "it wants a video: the image is repeated at 25 fps for as long as the sound, so the head stands still",
        "it writes ./temp in its checkout, so one process at a time runs there",
        "a frame without a face ends it",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

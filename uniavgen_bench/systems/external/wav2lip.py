"""Wav2Lip: the mouth of an image (or video) repainted to a sound, 96 by 96 pixels."""

from __future__ import annotations

from pydantic import Field

from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin


class Wav2LipOptions(ExternalOptions):
    """Its options. `checkpoint_path`: Wav2Lip or Wav2Lip+GAN."""

    checkpoint_path: str = "checkpoints/wav2lip_gan.pth"
    pads: tuple[int, int, int, int] | None = None
    nosmooth: bool = False
    resize_factor: int | None = Field(default=None, ge=1)
    fps: int = Field(default=25, ge=1, le=120)


def prepare(batch: Batch[Wav2LipOptions]) -> Launch:
    """Copy image and sound."""
    item, options = batch.only, batch.options
    pads = ("--pads", *(str(p) for p in options.pads)) if options.pads is not None else ()
    smooth = ("--nosmooth",) if options.nosmooth else ()
    factor = ("--resize_factor", str(options.resize_factor)) if options.resize_factor is not None else ()
    return Launch(
        ("python", "inference.py", "--checkpoint_path", options.checkpoint_path, "--face", str(batch.image(item)),
         "--audio", str(batch.sound(item)), "--outfile", str(batch.out / "clip.mp4"), "--fps", str(options.fps),
         *pads, *smooth, *factor),
        {item.name: "out/clip.mp4"},
    )  # fmt: skip


EXTERNAL = External(
    name="wav2lip",
    title="Wav2Lip: the mouth of the portrait, repainted to the sound",
    home="Rudrabha/Wav2Lip",
    commit="5c90fa9",
    dated="2025-04-19",
    licence="personal, research and non-commercial use only (README; no licence file)",
    weights_licence="the same",
    tasks=(Task.AUDIO_DRIVEN,),
    delivers=Delivered(25.0, "as the sound", "of the given sound", "of the image"),
    seed="none: there is no noise, repeats are equal",
    memory="not stated",
    environment="Python 3.6, torch 1.1.0, librosa 0.7.0",
    entry="inference.py",
    options=Wav2LipOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "librosa"),
    weights=lambda options: (options.checkpoint_path, "face_detection/detection/sfd/s3fd.pth"),
    alone=True,
    steps=(
        "git clone https://github.com/Rudrabha/Wav2Lip && cd Wav2Lip && git checkout 5c90fa9",
        "make an environment with Python 3.6 and torch 1.1.0",
        "put the checkpoint into ./checkpoints and s3fd.pth into face_detection/detection/sfd (links in its README)",
    ),
    caveats=(
        "it writes temp/result.avi in its checkout, so one process at a time runs there",
        "digital silence can end it (its spectrum has no logarithm); nothing is added to the sound here",
        "the mouth is repainted at 96 by 96 pixels and pasted back",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

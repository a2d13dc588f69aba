"""Talker-T2AV: voice and face together from text, a reference voice, a face, and a file of reference motion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import external_plugin

FPS = 25


class TalkerT2AVOptions(ExternalOptions):
    """`motion`: a LIA-X motion file (`.pt`) for all samples, or a folder with `SAMPLE.pt` for each.

    `voice`: a reference voice for the task joint, which gives none. `gt_prefix_seconds`: 0, because the file would
    else begin with the reference's own voice and motion (its own default is 0.5).
    """

    motion: Path
    voice: Path | None = None
    gt_prefix_seconds: float = Field(default=0.0, ge=0)


def prepare(batch: Batch[TalkerT2AVOptions]) -> Launch:
    """Make a still video of the face."""
    item, options = batch.only, batch.options
    text = batch.speech(item)
    if batch.task(item) is Task.JOINT:
        voice_sample = item.sample.model_copy(update={"reference_audio": options.voice})
        item = Item(item.name, voice_sample, item.seed, item.repeat)
    voice = batch.sound(item, "reference_audio")
    return Launch(
        ("python", "infer.py", "--text", text, "--ref-audio", str(voice), "--ref-motion", _motion(options, item),
         "--ref-video", str(batch.still(item, voice, FPS)), "--gt-prefix-seconds", f"{options.gt_prefix_seconds:g}",
         "--output", str(batch.out / "clip.mp4")),
        {item.name: "out/clip.mp4"},
    )  # fmt: skip


def _motion(options: TalkerT2AVOptions, item: Item) -> str:
    if options.motion.is_file():
        return str(options.motion.absolute())
    path = options.motion / f"{item.sample.id}.pt"
    if not path.is_file():
        raise MissingError(Reason.NO_REFERENCE, f"there is no motion file {path.name}")
    return str(path.absolute())


def unfit(options: TalkerT2AVOptions, samples: Sequence[Sample]) -> str:
    """Say that the task joint needs a voice, or that there is no motion."""
    if not options.motion.exists():
        return f"options.motion: there is no {options.motion}"
    if options.voice is None and any(sample.task is Task.JOINT for sample in samples):
        return "it always needs a reference voice: set options.voice for the task joint"
    return ""


EXTERNAL = External(
    name="talker-t2av",
    title="Talker-T2AV: voice and face together from text, a voice and a face",
    home="zhenye234/Talker-T2AV",
    commit="6712f62",
    dated="2026-08-01",
    licence="Apache-2.0",
    weights_licence="not read",
    tasks=(Task.JOINT, Task.JOINT_REF_AUDIO),
    delivers=Delivered(25.0, "stops by itself, at most the reference + 2.4 s", "AAC of 24 kHz", "512x512"),
    seed="none: repeats differ as it likes",
    memory="not stated",
    environment="Python 3.11, torch 2.6.0 cu124, flash_attn 2.7.4.post1, transformers 5.3.0; ffmpeg",
    entry="infer.py",
    options=TalkerT2AVOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "transformers", "flash_attn"),
    unfit=unfit,
    example={"motion": "CHECKOUT/motion.pt", "voice": "CHECKOUT/voice.wav"},
    steps=(
        "git clone https://github.com/zhenye234/Talker-T2AV && cd Talker-T2AV && git checkout 6712f62",
        "make an environment with Python 3.11 and torch 2.6.0; the first run needs the network",
        "download its checkpoints and name them in options.env: CHECKPOINT_DIR, WHISPERVAE_CKPT, LIAX_CKPT, WAVLM_CKPT",
        "make the motion file: LIA-X latents [T, 40] of a talking face; its project has no script for it",
    ),
    caveats=(
        "it sees no caption, and the face only as the first frame of a still video",
        "a clip is at most 2.4 s longer than its reference voice: a long text with a short voice is cut off by it",
        "its motion comes of a file that this suite cannot make, so it is the same for all samples or your own",
    ),
)
PLUGIN = external_plugin(EXTERNAL)

"""UniAVGen as released (MCG-NJU/Sora2-mini): joint, joint with a reference voice, audio-driven, dubbing.

One CSV of nine columns and one YAML file per process; all rows share a task and a seed. A row that it would refuse
stops the whole job there, so rows are checked before.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import replace

import yaml
from pydantic import Field

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, SeededOptions
from uniavgen_bench.systems.external.plugin import external_plugin
from uniavgen_bench.systems.external.prompts import PromptTemplate, cell, prompt

TASKS: Mapping[Task, int] = {
    Task.JOINT: 0,
    Task.JOINT_REF_AUDIO: 1,
    Task.AUDIO_DRIVEN: 2,
    Task.DUBBING: 3,
}
COLUMNS = (
    "data_id", "ref_image_path", "ref_audio_path", "ref_speech_content", "video_path", "audio_path",
    "speech_content", "prompt", "lang",
)  # fmt: skip
LONGEST, FRAMES, FPS = 5.0625, 81, 16.0
"""Seconds of condition audio at most; frames and rate of a condition video."""
LANGUAGES = ("en", "zh")


class UniAVGenOptions(SeededOptions):
    """The keys of its YAML file; the defaults are those that it ships with. `prompt`: it wants one in every row."""

    model_path: str = "UniAVGen"
    audio_guidance_scale: float = 2.0
    video_guidance_scale: float = 3.0
    num_steps: int = Field(default=50, ge=1)
    shift: float = 5.0
    video_negative_prompt: str = ""
    slg_layer: int = 11
    macfg_prop: float = Field(default=0.5, ge=0, le=1)
    prompt: PromptTemplate = "{caption}"


def prepare(batch: Batch[UniAVGenOptions]) -> Launch:
    """Write `rows.csv` and `run.yaml`."""
    rows = batch.each(lambda item: _row(batch, item))
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for _, row in rows)
    listed = batch.write("rows.csv", table.getvalue())
    options = batch.options
    config = {
        "model_path": options.model_path, "audio_guidance_scale": options.audio_guidance_scale,
        "video_guidance_scale": options.video_guidance_scale, "output_dir": str(batch.out),
        "num_steps": options.num_steps, "shift": options.shift, "seed": batch.items[0].seed,
        "video_negative_prompt": options.video_negative_prompt, "test_csv": str(listed),
        "slg_layer": options.slg_layer, "macfg_prop": options.macfg_prop,
    }  # fmt: skip
    written = batch.write("run.yaml", yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    task = TASKS[batch.task(batch.items[0])] if batch.items[0].sample.task else 0
    processes = str(max(1, len(options.devices)))
    return Launch(
        ("torchrun", "--nnodes", "1", "--nproc_per_node", processes, "inference.py",
         "--task", str(task), "--config_file", str(written)),
        {item.name: f"out/{item.name}.mp4" for item, _ in rows},
    )  # fmt: skip


def _row(batch: Batch[UniAVGenOptions], item: Item) -> dict[str, str]:
    sample, task = item.sample, batch.task(item)
    if task not in TASKS:
        raise MissingError(Reason.NOT_GENERATED, f"it has no command for {task.value}")
    if sample.language not in LANGUAGES:
        raise MissingError(Reason.LANGUAGE, f"it speaks {' and '.join(LANGUAGES)}, not {sample.language}")
    row = dict.fromkeys(COLUMNS, "")
    row |= {
        "data_id": item.name,
        "speech_content": cell(batch.speech(item), "text to speak"),
        "prompt": cell(prompt(item, batch.options.prompt, batch.note), "prompt"),
        "lang": sample.language,
    }
    if task is not Task.DUBBING or sample.image is not None:
        row["ref_image_path"] = str(batch.image(item))
    if task is Task.JOINT_REF_AUDIO:
        if not sample.reference_text:
            raise MissingError(Reason.NO_TRANSCRIPT, "the reference voice has no transcript")
        row["ref_audio_path"] = str(batch.sound(item, "reference_audio"))
        said = " ".join(sample.reference_text.split())
        row["ref_speech_content"] = cell(said, "transcript of the reference voice")
    if task is Task.AUDIO_DRIVEN:
        path = batch.sound(item)
        seconds = batch.facts(path, "the driving sound").audio_duration or 0.0
        if seconds > LONGEST:
            raise MissingError(
                Reason.NOT_GENERATED, f"the driving sound lasts {seconds:.3f} s, it takes {LONGEST} s at most"
            )
        row["audio_path"] = str(path)
    if task is Task.DUBBING:
        path = batch.video(item)
        facts = batch.facts(path, "the given video")
        frames = round((facts.fps or 0.0) * (facts.video_duration or 0.0))
        if frames != FRAMES or abs((facts.fps or 0.0) - FPS) > 0.01:
            raise MissingError(
                Reason.NOT_GENERATED,
                f"the given video has {frames} frames at {facts.fps or 0:g} fps, it takes {FRAMES} at {FPS:g} fps",
            )
        row["video_path"] = str(path)
    return row


EXTERNAL = External(
    name="uniavgen",
    title="UniAVGen as released: one network for picture and voice, four of the five tasks",
    home="MCG-NJU/Sora2-mini",
    commit="6d9a41b",
    dated="2025-12-16",
    licence="Apache-2.0 (README; no licence file)",
    weights_licence="not stated separately",
    tasks=tuple(TASKS),
    delivers=Delivered(16.0, "81 frames, 5.0625 s", "AAC 24 kHz", "short side 736"),
    seed="one for a process; every row is seeded with it: `seed` + number of the repeat",
    memory="not stated",
    environment="Python 3.10, torch 2.6.0 cu124, flash-attn 2.7.4.post1, transformers 4.57.3, moviepy 1.0.3",
    entry="inference.py",
    options=UniAVGenOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("torch", "transformers", "omegaconf", "moviepy"),
    weights=lambda options: (options.model_path, "vocab.txt"),
    batch=True,
    steps=(
        "git clone https://github.com/MCG-NJU/Sora2-mini && cd Sora2-mini && git checkout 6d9a41b",
        "make an environment with Python 3.10; requirements.txt pins numpy 0.61.2, which does not exist: use a "
        "numpy that fits torch 2.6.0, and a flash-attn wheel for torch 2.6",
        "download MCG-NJU/UniAVGen from the Hugging Face Hub into ./UniAVGen",
    ),
    caveats=(
        "continuation has no command",
        "a row without a prompt stops its job: a sample without a caption is answered with a reason, unless the option "
        "`prompt` gives a text; so is a text that its table reader takes for no text (`None`, `NA`, `42`)",
        "a driving sound over 5.0625 s and a video other than 81 frames at 16 fps are refused by it; such samples "
        "are answered with a reason, nothing is cut or resampled",
        "every clip has 5.0625 s, whatever the sample asks for",
        "several devices share the rows of one process",
    ),
)
# Stated in its code: all networks; times, modulation and output heads are computed in float32.
PLUGIN = replace(external_plugin(EXTERNAL), precision="bfloat16")

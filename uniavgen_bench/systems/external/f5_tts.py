"""F5-TTS: speech in a reference voice, the first stage of the cascades, by its Python interface, which has a seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, SeededOptions

DRIVER = Path(__file__).with_name("f5_tts_driver.py")
SHORTEST = 10
"""Bytes of a text below which it speaks at a speed of 0.3."""
LONGEST = 12.0
"""Seconds of a reference voice that it uses; it cuts what is longer."""


class F5TTSOptions(SeededOptions):
    """Its options. `voice`, `voice_text`: a WAV and its transcript, for tasks that give no voice (joint)."""

    voice: Path | None = None
    voice_text: str = ""
    model: str = "F5TTS_v1_Base"
    nfe_step: int = Field(default=32, ge=1)
    cfg_strength: float = 2.0
    sway_sampling_coef: float = -1.0
    speed: float = Field(default=1.0, gt=0)


def prepare(batch: Batch[F5TTSOptions]) -> Launch:
    """Write the list of texts, and the script that speaks them."""
    rows = batch.each(lambda item: _text(batch, item))
    listed = batch.write(
        "texts.json", json.dumps([row for _, row in rows], ensure_ascii=False, indent=2) + "\n"
    )
    # A copy: beside the original lies a module that is called as the package that the script imports.
    script = batch.write("speak.py", DRIVER.read_text(encoding="utf-8"))
    return Launch(
        ("python", str(script), batch.options.model, str(listed)),
        {item.name: f"out/{item.name}.wav" for item, _ in rows},
    )


def _text(batch: Batch[F5TTSOptions], item: Item) -> dict[str, Any]:
    options, said = batch.options, batch.speech(item)
    sample, transcript = item.sample, item.sample.reference_text or ""
    if sample.task is not Task.JOINT_REF_AUDIO:
        sample = sample.model_copy(update={"reference_audio": options.voice})
        transcript = options.voice_text
    if not transcript:
        raise MissingError(Reason.NO_TRANSCRIPT, "the reference voice has no transcript")
    if len(said.encode()) < SHORTEST:
        batch.note(item, f"the text has fewer than {SHORTEST} bytes, which F5-TTS speaks at a speed of 0.3")
    voice = batch.sound(Item(item.name, sample, item.seed, item.repeat), "reference_audio")
    seconds = batch.facts(voice, "reference audio").audio_duration or 0.0
    if seconds > LONGEST:
        batch.note(
            item, f"the reference voice lasts {seconds:.2f} s, and F5-TTS uses {LONGEST:g} s of it at most"
        )
    return {
        "ref_file": str(voice), "ref_text": " ".join(transcript.split()), "gen_text": said,
        "file_wave": str(batch.out / f"{item.name}.wav"), "seed": item.seed, "nfe_step": options.nfe_step,
        "cfg_strength": options.cfg_strength, "sway_sampling_coef": options.sway_sampling_coef,
        "speed": options.speed,
    }  # fmt: skip


def unfit(options: F5TTSOptions, samples: Sequence[Sample]) -> str:
    """Say that a voice is needed."""
    voiceless = any(sample.task is not Task.JOINT_REF_AUDIO for sample in samples)
    if voiceless and (options.voice is None or not options.voice_text):
        return "it always needs a reference voice: set speech.voice and speech.voice_text for the task joint"
    if voiceless and options.voice is not None and not options.voice.is_file():
        return f"speech.voice: there is no {options.voice}"
    return ""


EXTERNAL = External(
    name="f5-tts",
    title="F5-TTS: speech in a reference voice",
    home="SWivid/F5-TTS",
    commit="2ae2c9b",
    dated="2026-05-18",
    licence="MIT; weights CC-BY-NC",
    weights_licence="CC-BY-NC",
    tasks=(Task.JOINT, Task.JOINT_REF_AUDIO),
    delivers=Delivered(None, "estimated from the reference's pace", "24 kHz WAV", "no picture"),
    seed="per text, through its Python interface: `seed` + number of the repeat",
    memory="not stated",
    environment="Python >= 3.10 (3.11 advised), torch >= 2.0, ffmpeg",
    entry="src/f5_tts/api.py",
    options=F5TTSOptions,
    prepare=prepare,
    depends_on=frozenset(),
    modules=("f5_tts",),
    batch=True,
    unfit=unfit,
    result="sound",
    steps=(
        "git clone https://github.com/SWivid/F5-TTS && cd F5-TTS && git checkout 2ae2c9b && pip install -e .",
        "its weights are fetched on first use",
    ),
    caveats=(
        "it always needs a reference voice: for the task joint one voice is chosen for all samples",
        "a reference over 12 s is cut by it, words in capitals are spelled out, texts under 10 bytes are slow",
    ),
)

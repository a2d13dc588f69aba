"""What is done to given pictures and sounds before a system gets them, and that each of it is noted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from scipy.io import wavfile

from external.world import checkout, jobs, make, sample, system
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.mux import write_wav
from uniavgen_bench.media.probe import probe
from uniavgen_bench.media.sound import audio
from uniavgen_bench.systems.external.batch import Batch
from uniavgen_bench.systems.external.external import ExternalOptions
from uniavgen_bench.systems.external.f5_tts import EXTERNAL, F5TTSOptions
from uniavgen_bench.systems.external.plugin import ExternalSystem
from uniavgen_bench.systems.external.prepare import Prepared

RATE = 24_000


def given(folder: Path, sound: np.ndarray, name: str = "given.wav", **more: Any) -> Sample:
    """A sample with a sound of 16-bit integers `[N]` or `[N, C]`."""
    folder.mkdir(parents=True, exist_ok=True)
    wavfile.write(folder / name, RATE, (sound * 32_000).astype(np.int16))
    return sample(folder, task=Task.AUDIO_DRIVEN, condition_audio=folder / name, **more)


def heard(tmp_path: Path, one: Sample, rate: int | None) -> tuple[Path, list[str]]:
    batch: Batch[ExternalOptions] = Batch(
        tmp_path, tmp_path / "job", ExternalOptions(), tuple(system("sadtalker").items(jobs([one], tmp_path)))
    )
    return batch.sound(batch.only, rate=rate), batch.notes.get(batch.only.name, [])


def tones(*hertz: float) -> np.ndarray:
    times = np.arange(RATE) / RATE
    return np.stack([0.4 * np.sin(2 * np.pi * f * times) for f in hertz], axis=1).squeeze()


@pytest.mark.parametrize(
    ("channels", "rate", "notes"),
    [
        (1, None, []),
        (1, RATE, []),
        (2, None, ["made mono, the mean of its 2 channels", "written as WAV of 32-bit floats"]),
        (2, 16_000, ["made mono, the mean of its 2 channels", "resampled from 24000 Hz to 16000 Hz",
                     "written as WAV of 32-bit floats"]),
        (1, 16_000, ["resampled from 24000 Hz to 16000 Hz", "written as WAV of 32-bit floats"]),
    ],
)  # fmt: skip
def test_a_sound_is_mono_and_what_was_done_is_noted(
    tmp_path: Path, channels: int, rate: int | None, notes: list[str]
) -> None:
    one = given(tmp_path / "given", tones(*(200.0, 330.0)[:channels]))
    path, noted = heard(tmp_path, one, rate)
    assert noted == [f"condition audio was {note}" for note in notes]
    sound = audio(path, mono=False)
    assert sound.source_channels == 1 and sound.rate == (rate or RATE)
    assert one.condition_audio is not None
    if not notes:
        assert path.read_bytes() == one.condition_audio.read_bytes()
    elif rate is None:
        np.testing.assert_allclose(sound.samples[0], audio(one.condition_audio).samples, atol=1e-6)


def prepared(tmp_path: Path, made_by: ExternalSystem, one: Sample) -> Prepared:
    (found,) = made_by.shown(jobs([one], tmp_path), tmp_path / "scratch")
    assert isinstance(found, Prepared)
    return found


def test_a_picture_with_odd_sides_is_noted(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "odd.png"), np.full((97, 131, 3), 120, np.uint8))
    one = given(tmp_path / "given", tones(200.0), image=tmp_path / "odd.png")
    found = prepared(tmp_path, system("latentsync"), one)
    (notes,) = found.batch.notes.values()
    assert any("still video is 132x98, for even sides" in note and "131x97" in note for note in notes)
    facts = probe(next((found.batch.folder / "media").glob("*still.mp4")))
    assert (facts.width, facts.height) == (132, 98)
    even = prepared(tmp_path, system("latentsync"), given(tmp_path / "even", tones(200.0)))
    assert not any("even sides" in note for notes in even.batch.notes.values() for note in notes)


@pytest.mark.parametrize(("seconds", "noted"), [(20.0, True), (11.9, False)])
def test_a_voice_that_f5_tts_cuts_is_noted(tmp_path: Path, seconds: float, noted: bool) -> None:
    write_wav(tmp_path / "voice.wav", np.full(round(seconds * RATE), 0.01, np.float32), RATE)
    options = F5TTSOptions(
        root=checkout("f5-tts"), python="python3", voice=tmp_path / "voice.wav", voice_text="Good evening."
    )
    found = prepared(tmp_path, ExternalSystem(EXTERNAL, options), sample(tmp_path / "given"))
    notes = [note for notes in found.batch.notes.values() for note in notes]
    assert notes == (
        ["the reference voice lasts 20.00 s, and F5-TTS uses 12 s of it at most"] if noted else []
    )


def test_notes_stand_beside_the_clip(tmp_path: Path) -> None:
    made = make(system("wav2lip"), [given(tmp_path / "given", tones(200.0, 300.0))], tmp_path)
    assert "input: condition audio was made mono, the mean of its 2 channels" in made.facts[0]["media"]

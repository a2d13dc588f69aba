"""The system `uniavgen-nano`: what a task gives in, a clip or a reason out."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from training_world import FRAMES, SAID, SIZE, write_nano

from reference_model.media import read_frames, read_waveform
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.mux import write_clip, write_wav
from uniavgen_bench.systems.system import Job
from uniavgen_bench.systems.uniavgen import FACTORS, PLUGIN, UniAVGenNanoOptions

SECONDS = FRAMES / 16


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_nano(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    folder = tmp_path_factory.mktemp("sample")
    picture = np.full((SIZE, SIZE, 3), 120, np.uint8)
    cv2.imwrite(str(folder / "image.png"), picture)
    sound = (0.3 * np.sin(np.arange(round(SECONDS * 24_000)) / 15)).astype(np.float32)
    write_wav(folder / "speech.wav", sound, 24_000)
    write_clip(folder / "silent.mp4", [picture] * FRAMES, 16)
    return Sample(
        id="one", image=folder / "image.png", speech=SAID[0], caption="A square.", task=Task.JOINT,
        condition_audio=folder / "speech.wav", condition_video=folder / "silent.mp4",
    )  # fmt: skip


def made(weights: Path, sample: Sample, out: Path, **options: object) -> Path:
    chosen = UniAVGenNanoOptions.model_validate({"weights": weights, "steps": 2, "frames": FRAMES, **options})
    PLUGIN.make(chosen).generate(Job(sample, 0, 5, out))
    return out


@pytest.mark.parametrize("task", [Task.JOINT, Task.DUBBING, Task.AUDIO_DRIVEN])
def test_a_clip_is_as_long_as_what_is_given(
    weights: Path, sample: Sample, tmp_path: Path, task: Task
) -> None:
    kept = {Task.DUBBING: "condition_video", Task.AUDIO_DRIVEN: "condition_audio"}.get(task)
    given = {
        name: getattr(sample, name) if name == kept else None
        for name in ("condition_video", "condition_audio")
    }
    clip = made(weights, sample.model_copy(update={"task": task, **given}), tmp_path / "clip.mp4")
    assert read_frames(clip).shape == (FRAMES, 128, 128, 3)
    assert len(read_waveform(clip)) / 24_000 == pytest.approx(SECONDS, abs=0.05)


def test_what_a_sample_or_the_machine_lacks_is_a_reason(
    weights: Path, sample: Sample, tmp_path: Path
) -> None:
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    with pytest.raises(MissingError) as error:
        made(tmp_path / "nowhere", alone, tmp_path / "clip.mp4")
    assert error.value.missing.reason is Reason.WEIGHTS
    with pytest.raises(MissingError) as error:
        made(weights, alone.model_copy(update={"speech": None}), tmp_path / "clip.mp4")
    assert error.value.missing.reason is Reason.NO_TRANSCRIPT
    with pytest.raises(MissingError) as error:
        made(weights, alone.model_copy(update={"image": None}), tmp_path / "clip.mp4")
    assert error.value.missing.reason is Reason.NOT_GENERATED
    assert not (tmp_path / "clip.mp4").exists()


def test_every_level_of_every_factor_is_a_choice_of_options(
    weights: Path, sample: Sample, tmp_path: Path
) -> None:
    alone = sample.model_copy(update={"condition_video": None, "condition_audio": None})
    for factor, levels in FACTORS.items():
        clips = {
            level: read_frames(made(weights, alone, tmp_path / f"{level}.mp4", **patch))
            for level, patch in levels.items()
        }
        first, *others = clips.values()
        assert any(not torch.equal(first, other) for other in others), factor

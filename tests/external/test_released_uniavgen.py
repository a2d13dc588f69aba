"""Released UniAVGen is called as it wants it: nine columns, one YAML file, a task and a seed per process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from external.world import jobs, make, sample, shown, system
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.prepare import Prepared

HEADER = "data_id,ref_image_path,ref_audio_path,ref_speech_content,video_path,audio_path,speech_content,prompt,lang"
ROW = {
    Task.JOINT: "{0},JOB/media/{0}_image.png,,,,,Words of 001.,\"A man talks, take 001.\",en",
    Task.JOINT_REF_AUDIO: "{0},JOB/media/{0}_image.png,JOB/media/{0}_reference_audio.wav,Hello there.,,,"
    "Words of 001.,\"A man talks, take 001.\",en",
    Task.AUDIO_DRIVEN: "{0},JOB/media/{0}_image.png,,,,JOB/media/{0}_condition_audio.wav,Words of 001.,"
    "\"A man talks, take 001.\",en",
    Task.DUBBING: "{0},JOB/media/{0}_image.png,,,JOB/media/{0}_video.mp4,,Words of 001.,"
    "\"A man talks, take 001.\",en",
}  # fmt: skip
NUMBER = {Task.JOINT: 0, Task.JOINT_REF_AUDIO: 1, Task.AUDIO_DRIVEN: 2, Task.DUBBING: 3}


@pytest.mark.parametrize("task", ROW)
def test_command_line_and_inputs_of_each_task(tmp_path: Path, task: Task) -> None:
    ((command, texts),) = shown(system("uniavgen"), [sample(tmp_path / "given", "001", task)], tmp_path)
    assert command == (
        f"ENV/torchrun --nnodes 1 --nproc_per_node 1 inference.py --task {NUMBER[task]} --config_file JOB/run.yaml"
    )
    assert texts["rows.csv"].splitlines() == [HEADER, ROW[task].format("c0000_001_r0")]
    assert yaml.safe_load(texts["run.yaml"]) == {
        "model_path": "UniAVGen", "audio_guidance_scale": 2.0, "video_guidance_scale": 3.0, "output_dir": "JOB/out",
        "num_steps": 50, "shift": 5.0, "seed": 2025, "video_negative_prompt": "", "test_csv": "JOB/rows.csv",
        "slg_layer": 11, "macfg_prop": 0.5,
    }  # fmt: skip


def test_every_device_gets_a_process(tmp_path: Path) -> None:
    ((command, _),) = shown(system("uniavgen", devices=[2, 5]), [sample(tmp_path / "given")], tmp_path)
    assert "--nproc_per_node 2 " in command


@pytest.mark.parametrize("task", ROW)
def test_all_rows_of_a_task_share_one_process(tmp_path: Path, task: Task) -> None:
    samples = [sample(tmp_path / "given", name, task) for name in ("001", "002", '3 "x" ü')]
    made = make(system("uniavgen"), samples, tmp_path)
    assert sorted(made.facts) == [0, 1, 2] and made.processes() == 1


def test_repeats_differ_by_seed(tmp_path: Path) -> None:
    made = make(system("uniavgen", seed=7), [sample(tmp_path / "given")], tmp_path, repeats=2)
    assert made.processes() == 2
    assert made.outs[0].read_bytes() != made.outs[1].read_bytes()
    seeds = [yaml.safe_load((made.folder / f"000{i}" / "run.yaml").read_text())["seed"] for i in (0, 1)]
    assert seeds == [7, 8]


def test_what_it_would_refuse_is_answered_and_the_others_are_made(tmp_path: Path) -> None:
    task = Task.AUDIO_DRIVEN
    samples = [
        sample(tmp_path / "given", "long", task, seconds=6.0),
        sample(tmp_path / "given", "good", task),
        sample(tmp_path / "given", "french", task, language="fr"),
        sample(tmp_path / "given", "mute", task, speech=None),
    ]
    made = make(system("uniavgen"), samples, tmp_path)
    assert sorted(made.facts) == [1] and made.processes() == 1
    assert made.missing[0].reason is Reason.NOT_GENERATED and "lasts 6.000 s" in made.missing[0].detail
    assert made.missing[2].reason is Reason.LANGUAGE
    assert made.missing[3].reason is Reason.NO_TRANSCRIPT


def test_a_sample_without_a_caption_costs_only_itself(tmp_path: Path) -> None:
    samples = [sample(tmp_path / "given", "bare", caption=None), sample(tmp_path / "given", "good")]
    made = make(system("uniavgen"), samples, tmp_path / "plain")
    assert sorted(made.facts) == [1] and made.processes() == 1
    assert made.missing[0].reason is Reason.NO_REFERENCE and "has no caption" in str(made.missing[0])
    made = make(system("uniavgen", prompt="A person. {caption}"), samples, tmp_path / "given a text")
    assert sorted(made.facts) == [0, 1]


@pytest.mark.parametrize("text", ["None", "NA", "nan", "42", "1e3", "True"])
@pytest.mark.parametrize("field", ["caption", "speech", "reference_text"])
def test_a_text_that_its_table_reader_takes_for_none_is_refused(
    tmp_path: Path, text: str, field: str
) -> None:
    task = Task.JOINT_REF_AUDIO
    more: dict[str, Any] = {field: text}
    samples = [sample(tmp_path / "given", "bad", task, **more), sample(tmp_path / "given", "good", task)]
    (prepared,) = system("uniavgen").shown(jobs(samples, tmp_path), tmp_path / "scratch")
    assert isinstance(prepared, Prepared)
    (missing,) = prepared.batch.refused.values()
    assert repr(text) in str(missing) and "table reader takes for no text" in str(missing)
    assert pd.read_csv(prepared.batch.folder / "rows.csv")["data_id"].tolist() == ["c0001_good_r0"]


def test_a_row_that_stops_the_job_costs_only_itself(tmp_path: Path) -> None:
    names = ["one", "CRASH", "three", "four", "five"]
    made = make(system("uniavgen"), [sample(tmp_path / "given", name) for name in names], tmp_path)
    assert sorted(made.missing) == [1]
    assert made.missing[1].reason is Reason.CRASHED and "out of memory" in made.log(made.processes() - 1)
    assert str(made.missing[1]).endswith("/log.txt")

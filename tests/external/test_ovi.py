"""Ovi is called with a YAML file and a CSV; prompts that would share a file name run apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from external.world import jobs, make, sample, shown, system
from uniavgen_bench.core.result import Reason
from uniavgen_bench.systems.external.prepare import Prepared

QUICK = {"model_name": "720x720_5s"}


def test_command_line_and_inputs(tmp_path: Path) -> None:
    ((command, texts),) = shown(system("ovi"), [sample(tmp_path / "given")], tmp_path)
    assert command == "ENV/python inference.py --config-file JOB/run.yaml"
    assert texts["prompts.csv"].splitlines() == [
        "text_prompt,image_path",
        '"A man talks, take a. <S>Words of a.<E>",JOB/media/c0000_a_r0_image.png',
    ]
    assert yaml.safe_load(texts["run.yaml"]) == {
        "model_name": "960x960_10s", "output_dir": "JOB/out", "ckpt_dir": "./ckpts", "sample_steps": 50,
        "solver_name": "unipc", "shift": 5.0, "sp_size": 1, "audio_guidance_scale": 3.0,
        "video_guidance_scale": 4.0, "mode": "i2v", "fp8": False, "cpu_offload": False, "qint8": False, "seed": 103,
        "video_negative_prompt": "", "audio_negative_prompt": "", "video_frame_height_width": [960, 960],
        "text_prompt": "JOB/prompts.csv", "slg_layer": 11, "each_example_n_times": 1,
    }  # fmt: skip


def test_several_devices_go_through_torchrun(tmp_path: Path) -> None:
    ((command, _),) = shown(system("ovi", devices=[0, 1]), [sample(tmp_path / "given")], tmp_path)
    assert command.startswith("ENV/torchrun --nnodes 1 --nproc_per_node 2 inference.py --config-file ")


@pytest.mark.parametrize(
    ("model", "end"),
    [
        ("720x720_5s", "<AUDCAP>Rain.<ENDAUDCAP>"),
        ("960x960_5s", "Audio: Rain."),
        ("960x960_10s", "Audio: Rain."),
    ],
)
def test_description_of_the_sound_has_the_form_of_the_model(tmp_path: Path, model: str, end: str) -> None:
    ((_, texts),) = shown(
        system("ovi", model_name=model, sound="Rain."), [sample(tmp_path / "given")], tmp_path
    )
    assert f"<E> {end}" in texts["prompts.csv"]


def test_prompts_with_one_beginning_do_not_overwrite_each_other(tmp_path: Path) -> None:
    caption = "A woman in a red coat stands at a window and looks out. " * 2
    samples = [sample(tmp_path / "given", str(i), caption=caption, speech=f"Word {i}.") for i in range(3)]
    samples.append(sample(tmp_path / "given", "other [*?]"))
    made = make(system("ovi", **QUICK), samples, tmp_path)
    assert sorted(made.facts) == [0, 1, 2, 3] and made.processes() == 3
    assert len({out.read_bytes() for out in made.outs}) == 4


@pytest.mark.parametrize("caption", ["He/she talks.", "Hi", "A <b>bold</b> man < 3 m tall talks."])
def test_a_clip_is_found_under_the_name_that_it_makes(tmp_path: Path, caption: str) -> None:
    made = make(
        system("ovi", **QUICK), [sample(tmp_path / "given", caption=caption, speech="Yes.")], tmp_path
    )
    assert made.facts[0]["file"].endswith("_720x720_103_0.mp4"), made.missing


@pytest.mark.parametrize("tag", ["<S>", "<E>", "< s >", "<AUDCAP>"])
@pytest.mark.parametrize("field", ["caption", "speech"])
def test_its_tags_in_given_words_are_refused(tmp_path: Path, tag: str, field: str) -> None:
    more: dict[str, Any] = {field: f"Words {tag} more"}
    samples = [sample(tmp_path / "given", "bad", **more), sample(tmp_path / "given")]
    ((_, texts),) = shown(system("ovi"), samples, tmp_path)
    assert len(texts["prompts.csv"].splitlines()) == 2
    (prepared,) = system("ovi").shown(jobs(samples, tmp_path), tmp_path / "again")
    assert isinstance(prepared, Prepared)
    (missing,) = prepared.batch.refused.values()
    assert missing.reason is Reason.NOT_GENERATED and f"the {field} holds {tag}" in (missing.detail or "")


def test_fp8_needs_the_model_that_has_such_weights() -> None:
    assert system("ovi", fp8=True, **QUICK)
    with pytest.raises(
        ValueError, match="fp8 weights exist only for model_name 720x720_5s, not for 960x960_10s"
    ):
        system("ovi", fp8=True)


def test_a_sample_without_words_is_refused_alone(tmp_path: Path) -> None:
    samples = [sample(tmp_path / "given", "mute", speech=None), sample(tmp_path / "given", "good")]
    made = make(system("ovi", **QUICK), samples, tmp_path)
    assert made.missing[0].reason is Reason.NO_TRANSCRIPT and 1 in made.facts


def test_a_crash_keeps_what_was_finished(tmp_path: Path) -> None:
    names = ["one", "two", "CRASH", "four"]
    made = make(system("ovi", **QUICK), [sample(tmp_path / "given", name) for name in names], tmp_path)
    assert sorted(made.missing) == [2] and made.missing[2].reason is Reason.CRASHED

"""A cascade speaks first, then makes a face for what was said; each stage's failure is told as such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from external.world import FAKES, PYTHON, checkout, jobs, make, sample
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.cascades import ALL, CascadeSystem
from uniavgen_bench.systems.external.prepare import Prepared
from uniavgen_bench.systems.system import SystemPlugin

VOICE = str(FAKES / "samples" / "voice.wav")


def cascade(
    name: str,
    *,
    voice: str | None = VOICE,
    video: dict[str, Any] | None = None,
    speech: dict[str, Any] | None = None,
) -> CascadeSystem:
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load(f"f5-tts-{name}")
    speaks = {
        "root": str(checkout("f5-tts")), "python": str(PYTHON), "env": {"PYTHONPATH": "src"}, "voice": voice,
        "voice_text": "Good evening.", "timeout": 60, **(speech or {}),
    }  # fmt: skip
    given = {"root": str(checkout(name)), "python": str(PYTHON), "timeout": 60, **(video or {})}
    made = plugin.make(plugin.options.model_validate({"speech": speaks, "video": given}))
    assert isinstance(made, CascadeSystem)
    return made


def test_there_is_one_for_every_audio_driven_system() -> None:
    registry = Registry(SYSTEMS, "system", SystemPlugin)
    driven = {
        f"f5-tts-{name}"
        for name, plugin in registry
        if plugin.own_stage and Task.AUDIO_DRIVEN in (plugin.tasks or ())
    }
    assert (
        {plugin.name for plugin in ALL} == driven == {n for n in registry.names() if n.startswith("f5-tts-")}
    )


@pytest.mark.parametrize("task", [Task.JOINT, Task.JOINT_REF_AUDIO])
def test_speech_then_face(tmp_path: Path, task: Task) -> None:
    samples = [sample(tmp_path / "given", name, task) for name in ("a", "b NOFILE", "c")]
    made = make(cascade("musetalk"), samples, tmp_path)
    assert sorted(made.facts) == [0, 2]
    assert made.missing[1].reason is Reason.NOT_GENERATED and made.missing[1].detail.startswith("speech: ")
    assert "the speech: delivered pcm_s16le 24000 Hz" in made.facts[0]["media"]
    assert made.facts[0]["speech"]["checkout_commit"] is None
    assert (made.folder / "speech" / "0000.wav").is_file()


def test_inputs_of_both_stages_can_be_shown(tmp_path: Path) -> None:
    given = jobs([sample(tmp_path / "given")], tmp_path)
    first, second = cascade("wav2lip").shown(given, tmp_path / "scratch")
    assert isinstance(first, Prepared) and isinstance(second, Prepared)
    assert first.command[0] == str(PYTHON) and first.command[1].endswith("speak.py")
    assert "--face" in second.command and "--audio" in second.command


def test_a_voice_is_needed_where_the_task_gives_none(tmp_path: Path) -> None:
    silent = cascade("wav2lip", voice=None)
    with pytest.raises(InputError, match=r"f5-tts: it always needs a reference voice: set speech\.voice"):
        silent.ready([sample(tmp_path / "given")])
    silent.ready([sample(tmp_path / "given", task=Task.JOINT_REF_AUDIO)])


def test_options_are_named_by_their_stage() -> None:
    with pytest.raises(InputError, match=r"wav2lip: options\.video\.at_once: .*\(options\.video\.root\)"):
        cascade("wav2lip", video={"at_once": 2}).ready([])
    with pytest.raises(InputError, match=r"f5-tts: there is no folder /no .*options\.speech\.root"):
        cascade("musetalk", speech={"root": "/no"}).ready([])

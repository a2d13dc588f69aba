"""A system of a task sees what the task gives, and nothing of what it is to make."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.core.sample import ClipKey, Sample, Task
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.runner.clip_work import ClipWork, WorkerConfig
from uniavgen_bench.runner.make_clip import make_clip
from uniavgen_bench.systems.system import Job, NoOptions, SystemPlugin
from uniavgen_bench.systems.task_inputs import FILES, GIVEN, given_by_task, handed_over

EXPECTED = {
    Task.JOINT: {"image"},
    Task.JOINT_REF_AUDIO: {"image", "reference_audio"},
    Task.CONTINUATION: {"image", "condition_audio", "condition_video"},
    Task.DUBBING: {"image", "condition_video"},
    Task.AUDIO_DRIVEN: {"image", "condition_audio"},
}
TARGETS = ("clip.mp4", "truth.json", "truth.safetensors", "speech.wav")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A clip's folder as the portrait world has it: what is given lies beside what is to be made."""
    made = tmp_path / "world" / "0a"
    made.mkdir(parents=True)
    for name in (*TARGETS, "image.png", "reference.wav", "beginning.wav", "silent.mp4"):
        (made / name).write_bytes(name.encode() * 9)
    return made


def sample_of(folder: Path, task: Task | None) -> Sample:
    driving = "speech.wav" if task is Task.AUDIO_DRIVEN else "beginning.wav"
    return Sample(
        id="a", task=task, image=folder / "image.png", caption="a man", speech="lay green",
        reference_audio=folder / "reference.wav", reference_text="bin blue", condition_audio=folder / driving,
        condition_video=folder / "silent.mp4", published={"lse_c": 7.0},
        facts={"truth": str(folder / "truth.json"), "emotion": "happy", "identity": "person-3"},
    )  # fmt: skip


class Spy:
    """A system that looks at all it is handed, and at all that lies beside it."""

    seen: Sample
    contents: dict[str, bytes]

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        return ()

    def generate(self, job: Job) -> None:
        self.seen = job.sample
        given = [path for name in FILES if (path := getattr(job.sample, name)) is not None]
        self.contents = {
            p.name: p.read_bytes() for path in given for p in path.parent.rglob("*") if p.is_file()
        }
        write_clip(job.out, [np.zeros((16, 16, 3), np.uint8)] * 3, 10, np.zeros(2400, np.float32), 8000)


def spied(monkeypatch: pytest.MonkeyPatch, sample: Sample, run: Path) -> Spy:
    """Let the runner make a clip of a sample by a spy."""
    spy = Spy()
    plugin = SystemPlugin("spy", "", lambda options: spy, NoOptions)
    monkeypatch.setattr("uniavgen_bench.runner.make_clip._system", lambda use, options: spy)
    monkeypatch.setattr(Registry, "load", lambda self, name: plugin)
    config = WorkerConfig(run, run / "store", (), (("spy", "{}"),), "cpu", 1, "none")
    make_clip(config, ClipWork(ClipKey(system="spy", sample="a"), sample, None, system=0))
    return spy


@pytest.mark.parametrize("task", Task)
def test_runner_hands_a_system_what_its_task_gives_and_not_the_target(
    task: Task, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = sample_of(folder, task)
    spy = spied(monkeypatch, sample, tmp_path / "run")
    assert {name for name in FILES if getattr(spy.seen, name) is not None} == EXPECTED[task]
    assert len(spy.contents) == len(EXPECTED[task])
    # The driving sound is the true sound: that is the task.
    secret = [t for t in TARGETS if not (task is Task.AUDIO_DRIVEN and t == "speech.wav")]
    hidden = {hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in secret}
    assert not hidden & {hashlib.sha256(data).hexdigest() for data in spy.contents.values()}
    assert spy.seen.facts == {} and spy.seen.published == {}
    assert str(folder.parent) not in json.dumps(spy.seen.model_dump(mode="json"))
    assert (spy.seen.speech, spy.seen.caption) == (sample.speech, sample.caption)


def test_true_text_of_the_reference_comes_with_it_alone(folder: Path) -> None:
    texts = {task: given_by_task(sample_of(folder, task)).reference_text for task in Task}
    assert [task for task, text in texts.items() if text] == [Task.JOINT_REF_AUDIO]


def test_files_handed_over_are_copies_that_vanish(folder: Path) -> None:
    plugin = SystemPlugin("spy", "", lambda options: Spy())
    with handed_over(sample_of(folder, Task.JOINT), plugin) as given:
        assert given.image is not None and given.image.suffix == ".png"
        given.image.write_bytes(b"painted over")
    assert not given.image.exists()
    assert (folder / "image.png").read_bytes() == b"image.png" * 9


def test_an_absent_file_stays_absent_and_named(folder: Path) -> None:
    (folder / "image.png").unlink()
    with handed_over(sample_of(folder, Task.JOINT), SystemPlugin("spy", "", lambda o: Spy())) as given:
        assert given.image is not None and not given.image.exists()


def test_only_declared_controls_see_the_truth(folder: Path) -> None:
    registry = Registry(SYSTEMS, "system", SystemPlugin)
    seeing = {name for name in registry.names() if registry.load(name).sees_truth}
    assert seeing == {"ground-truth", "static-portrait", "nano-codecs"}
    sample = sample_of(folder, Task.JOINT)
    with handed_over(sample, registry.load("ground-truth")) as given:
        assert given is sample


def test_every_task_and_field_is_spoken_for() -> None:
    assert set(GIVEN) == {*Task, None}
    assert all(fields <= set(Sample.model_fields) for fields in GIVEN.values())
    assert not any({"facts", "published"} & fields for fields in GIVEN.values())

"""A task that a set cannot serve is refused when the suite is read, in one line."""

from __future__ import annotations

from pathlib import Path

import local_copies as made
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Task
from uniavgen_bench.datasets.prompt_sets import images_csv, mochabench
from uniavgen_bench.datasets.prompt_sets.page import PLUGINS
from uniavgen_bench.runner.suite import ResolvedSuite, read_suite, resolve

SUITE = """\
schema: 1
name: sets
{task}dataset: {{name: {name}, path: {path}{more}}}
systems: [static-portrait]
metrics: [video.motion]
"""


def resolved(tmp_path: Path, name: str, path: Path, task: str = "", more: str = "") -> ResolvedSuite:
    suite = tmp_path / "suite.yaml"
    line = f"task: {task}\n" if task else ""
    suite.write_text(SUITE.format(name=name, path=path, task=line, more=more))
    return resolve(*read_suite(suite))


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_every_set_refuses_every_task_that_is_not_its_own(tmp_path: Path, plugin: object) -> None:
    assert plugin.card is not None and plugin.tasks == plugin.card.tasks  # type: ignore[attr-defined]
    for task in set(Task) - set(plugin.tasks):  # type: ignore[attr-defined]
        with pytest.raises(InputError) as caught:
            resolved(tmp_path, plugin.name, tmp_path, task.value)  # type: ignore[attr-defined]
        name = plugin.name  # type: ignore[attr-defined]
        assert f"suite.yaml:4: dataset.name: {name} cannot serve {task.value}; it serves" in str(caught.value)


def test_the_task_of_the_suite_is_the_task_of_the_samples(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path / "verse")
    suite = resolved(tmp_path, "verse-bench", root, "joint", ", sets: [set3]")
    assert {s.task for s in suite.dataset.samples} == {Task.JOINT} and suite.lock["dataset"][
        "task"
    ] == "joint"
    assert len(resolved(tmp_path, "verse-bench", root).dataset.samples) == 8


def test_a_task_of_the_dataset_alone_is_checked_too(tmp_path: Path) -> None:
    root = made.verse_bench(tmp_path / "verse")
    with pytest.raises(InputError) as caught:
        resolved(tmp_path, "verse-bench", root, more=", task: dubbing")
    assert "suite.yaml:3: dataset.task: cannot be served: Verse-Bench serves joint" in str(caught.value)


def test_two_tasks_that_differ_are_told(tmp_path: Path) -> None:
    path = made.images_csv(tmp_path / "set", "image,prompt,speech,audio_path", "001.png,A man.,Hi.,voice.wav")
    with pytest.raises(InputError, match="is told to serve audio_driven, the suite is for joint"):
        resolved(tmp_path, "images-csv", path, "joint", ", task: audio_driven")
    assert (
        resolved(tmp_path, "images-csv", path, "audio_driven").dataset.samples[0].condition_audio is not None
    )


def test_samples_of_a_set_fit_what_its_task_gives(tmp_path: Path) -> None:
    root = made.mochabench(tmp_path / "mocha")
    options = mochabench.MoChaBenchOptions(path=root, task=Task.AUDIO_DRIVEN)
    for sample in mochabench.load(options).samples:
        assert sample.image is not None and sample.condition_audio is not None and sample.caption
    path = made.images_csv(tmp_path / "set")
    options_of_images = images_csv.ImagesCsvOptions(path=path, task=Task.JOINT)
    assert all(s.speech and s.image and s.caption for s in images_csv.load(options_of_images).samples)

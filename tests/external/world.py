"""Fake checkouts, made-up samples, and a way to run an external system over them without the rest of the suite."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from uniavgen_bench.core.registry import SYSTEMS, Registry
from uniavgen_bench.core.result import Missing
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.mux import write_clip, write_wav
from uniavgen_bench.systems.external.plugin import ExternalSystem
from uniavgen_bench.systems.external.prepare import Prepared
from uniavgen_bench.systems.system import Job, JobDone, SystemPlugin

FAKES = Path(__file__).parent / "fakes"
"""The fakes as they are in the repository: for reading only, as some write into their checkout."""
COPY_OF_FAKES = "COPY_OF_FAKES"
"""Variable that names a copy of all fakes, for running; the fixture `copy_of_fakes` sets it."""
PYTHON = FAKES / "env" / "bin" / "python"


def path_with_tests_python() -> str:
    """The PATH on which `python3` is the Python of the tests, as the fake environment wants it."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def checkout(name: str) -> Path:
    """A fake checkout in which a system may run and write."""
    return Path(os.environ[COPY_OF_FAKES]) / name


def system(name: str, **options: Any) -> ExternalSystem:
    """A configured system whose checkout is its fake."""
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load(name)
    given = {"root": str(checkout(name)), "python": str(PYTHON), "timeout": 60, **options}
    made = plugin.make(plugin.options.model_validate(given))
    assert isinstance(made, ExternalSystem)
    return made


def sample(
    folder: Path,
    name: str = "a",
    task: Task = Task.JOINT,
    *,
    seconds: float = 2.0,
    rate: int = 24_000,
    **more: Any,
) -> Sample:
    """A sample that has all that any task gives."""
    folder.mkdir(parents=True, exist_ok=True)
    image, sound, video = folder / "image.png", folder / f"{seconds}-{rate}.wav", folder / "video.mp4"
    if not image.exists():
        cv2.imwrite(str(image), np.full((96, 128, 3), 120, np.uint8))
    if not sound.exists():
        tone = 0.2 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * rate)) / rate)
        write_wav(sound, tone.astype(np.float32), rate)
    if not video.exists():
        write_clip(video, [np.full((32, 32, 3), 60 + i, np.uint8) for i in range(81)], 16)
    return Sample(
        id=name, task=task,
        **{"image": image, "caption": f"A man talks, take {name}.", "speech": f"Words of {name}.",
           "reference_audio": sound, "reference_text": "Hello there.", "condition_audio": sound,
           "condition_video": video, **more},
    )  # fmt: skip


class Makes(Protocol):
    """A system that makes many clips."""

    def generate_many(self, jobs: Sequence[Job], folder: Path, done: JobDone) -> None:
        """Make clips and tell of each."""


@dataclass
class Made:
    """What a system told: facts of the clips that are there, reasons of those that are not, and where.

    `retold`: of which it told twice, because they turned out otherwise when their process had ended.
    """

    folder: Path
    outs: list[Path]
    facts: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    missing: dict[int, Missing] = field(default_factory=dict)
    retold: list[int] = field(default_factory=list)

    def log(self, number: int = 0) -> str:
        return (self.folder / f"{number:04d}" / "log.txt").read_text()

    def processes(self) -> int:
        return len(list(self.folder.glob("[0-9]*")))


def jobs(samples: Sequence[Sample], folder: Path, repeats: int = 1) -> list[Job]:
    return [
        Job(s, r, 1000 + 10 * i + r, folder / "clips" / str(i) / f"{r}.mp4")
        for i, s in enumerate(samples)
        for r in range(repeats)
    ]


def make(
    made_by: Makes, samples: Sequence[Sample], folder: Path, repeats: int = 1, *, retold: int = 0
) -> Made:
    """Let a system make clips; each job is told of exactly once, but for `retold` clips that are told of anew."""
    wanted = jobs(samples, folder, repeats)
    made = Made(folder / "jobs" / "system", [job.out for job in wanted])

    def done(index: int, missing: Missing | None, facts: Mapping[str, Any]) -> None:
        assert index not in made.missing, "told of again though it was missing"
        if made.facts.pop(index, None) is not None:
            made.retold.append(index)
        if missing is None:
            made.facts[index] = facts
        else:
            made.missing[index] = missing

    made_by.generate_many(wanted, made.folder, done)
    assert len(made.retold) == retold, "told twice"
    assert len(made.facts) + len(made.missing) == len(wanted)
    assert all(out.is_file() == (i in made.facts) for i, out in enumerate(made.outs))
    return made


def shown(
    made_by: ExternalSystem, samples: Sequence[Sample], folder: Path
) -> list[tuple[str, dict[str, str]]]:
    """The command lines that would be run with their text inputs; folders are called ROOT, JOB and ENV."""
    found = []
    scratch = folder / "scratch"
    for prepared in made_by.shown(jobs(samples, folder), scratch):
        assert isinstance(prepared, Prepared), prepared
        batch = prepared.batch

        places = {
            str(batch.folder): "JOB", str(batch.root): "ROOT", str(PYTHON.parent): "ENV", batch.token: "TOKEN",
        }  # fmt: skip

        def plain(text: str, places: Mapping[str, str] = places) -> str:
            for place, name in places.items():
                text = text.replace(place, name)
            return text

        texts = {plain(p.name): plain(p.read_text()) for p in sorted(batch.folder.iterdir()) if p.is_file()}
        found.append((plain(shlex.join(prepared.command)), texts))
    return found


def option(command: str, name: str) -> str:
    """The value of an option in a command line."""
    found = re.search(rf"{re.escape(name)}[ =](\S+)", command)
    assert found, f"{name} is not in {command}"
    return found.group(1)

"""What a task hands to a system: the fields of a sample that it gives, as files in a folder of their own.

A dataset keeps what is given beside what is to be made (a portrait's image beside its true clip), so hiding fields is
not enough: copies of the given files are handed over. This keeps systems honest that mean to be; it is no sandbox
against one that searches the disk.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.systems.system import SystemPlugin

ALWAYS = frozenset({"id", "task", "image", "caption", "speech", "speech_verified", "language"})
GIVEN: Mapping[Task | None, frozenset[str]] = {
    Task.JOINT: ALWAYS,
    Task.JOINT_REF_AUDIO: ALWAYS | {"reference_audio", "reference_text"},
    Task.CONTINUATION: ALWAYS | {"condition_audio", "condition_video"},
    Task.DUBBING: ALWAYS | {"condition_video"},
    Task.AUDIO_DRIVEN: ALWAYS | {"condition_audio"},
    None: ALWAYS | {"reference_audio", "reference_text", "condition_audio", "condition_video"},
}
"""Fields of a sample by task (None: a dataset that names no task). What a dataset knows of a sample beside its inputs
(`facts`, `published`) is never given."""
GIVEN_FOLDER = "given"
"""Folder of a run for the files that are handed over; it is there while clips are made."""
FILES = ("image", "reference_audio", "condition_audio", "condition_video")


def given_by_task(sample: Sample) -> Sample:
    """Return the sample with only the fields that its task gives."""
    hidden = set(Sample.model_fields) - GIVEN[sample.task]
    return sample.model_copy(
        update={name: Sample.model_fields[name].get_default(call_default_factory=True) for name in hidden}
    )


@contextmanager
def handed_over(sample: Sample, plugin: SystemPlugin, below: Path | None = None) -> Iterator[Sample]:
    """Give the sample as a system may see it; its files lie apart from all others until the block ends.

    `below`: the folder for them (default: that of temporary files); what a killed process left is its owner's to clear.
    A control that says so (`SystemPlugin.sees_truth`) gets the sample as it is. A file that is absent stays named, so
    that the system can say what it lacks.

    Raises:
        OSError: a given file cannot be read, or the disk is full.
    """
    if plugin.sees_truth:
        yield sample
        return
    given = given_by_task(sample)
    if below is not None:
        below.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="uniavgen-bench-given-", dir=below) as folder:
        placed: dict[str, Path] = {}
        for name in FILES:
            path: Path | None = getattr(given, name)
            if path is not None:
                placed[name] = Path(folder) / f"{name}{path.suffix}"
                if path.is_file():
                    shutil.copyfile(path, placed[name])
        yield given.model_copy(update=placed)

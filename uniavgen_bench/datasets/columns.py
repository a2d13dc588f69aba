"""Which column of a manifest means what: our own names, the CSV of UniAVGen, and lists of published clips."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from uniavgen_bench.core.errors import InputError, Where, nearest
from uniavgen_bench.core.sample import Task
from uniavgen_bench.core.spec import Frozen

ALIASES: Mapping[str, tuple[str, ...]] = {
    "clip": ("clip", "path", "file", "video"),
    "system": ("system", "model"),
    "sample": ("sample", "id", "data_id"),
    "repeat": ("repeat",),
    "task": ("task",),
    "speech": ("speech", "transcript", "speech_content"),
    "speech_source": ("speech_source", "transcript_source"),
    "language": ("language", "lang"),
    "caption": ("caption", "prompt"),
    "image": ("image", "ref_image_path"),
    "reference_audio": ("reference_audio", "ref_audio_path"),
    "reference_text": ("reference_text", "ref_speech_content"),
    "condition_audio": ("condition_audio", "audio_path", "speech_wav"),
    "condition_video": ("condition_video", "video_path"),
}
"""Field of a row -> accepted column names, our own first. `speech_wav` is how MoCha's list names the speech that
drives a clip; `data_id … audio_path` are UniAVGen's."""

FACTS = (
    "identity", "gender", "age", "emotion", "domain", "split", "single_face", "source_repo", "licence", "note",
)  # fmt: skip
"""Columns kept as facts of the sample, beside any column named `fact.<name>`."""

PUBLISHED = "published_"
"""Columns with this prefix (or `published.`) hold scores that others gave to the very clip; `human_` too."""

TASKS: Mapping[str, Task] = {
    **{task.value: task for task in Task},
    "joint_generation": Task.JOINT,
    "joint_generation_emotion": Task.JOINT,
    "joint_with_reference_audio": Task.JOINT_REF_AUDIO,
    "v2a": Task.DUBBING,
    "v2a_dubbing": Task.DUBBING,
    "a2v": Task.AUDIO_DRIVEN,
    "audio_driven_comparison": Task.AUDIO_DRIVEN,
}
"""Names of the five tasks in the wild; any other value is kept as the fact `task`."""


class ColumnMapping(Frozen):
    """Column names given by the user, for columns that are named otherwise; None: look for the known names."""

    clip: str | None = None
    system: str | None = None
    sample: str | None = None
    repeat: str | None = None
    task: str | None = None
    speech: str | None = None
    speech_source: str | None = None
    language: str | None = None
    caption: str | None = None
    image: str | None = None
    reference_audio: str | None = None
    reference_text: str | None = None
    condition_audio: str | None = None
    condition_video: str | None = None


def find_columns(header: Iterable[str], mapping: ColumnMapping, file: Path) -> dict[str, str]:
    """Return field -> column for a table's header.

    Raises:
        InputError: a column that the mapping names is not there, or the table names neither clips nor samples.
    """
    columns = tuple(header)
    found: dict[str, str] = {}
    for field, aliases in ALIASES.items():
        given = getattr(mapping, field)
        if given is not None and given not in columns:
            close = nearest(given, columns)
            way_out = f"did you mean {close!r}?" if close else f"columns: {', '.join(columns)}"
            raise InputError(f"no column {given!r} for {field}", where=Where(file, 1), way_out=way_out)
        column = given or next((name for name in aliases if name in columns), None)
        if column is not None:
            found[field] = column
    if "clip" not in found and "sample" not in found:
        close = next((c for c in columns if nearest(c, (*ALIASES["clip"], *ALIASES["sample"]))), None)
        seen = f"; {close!r} is not a known name" if close else ""
        raise InputError(
            f"no column names the clips or the samples{seen}",
            where=Where(file, 1),
            way_out="name it clip or sample, or map it: --set dataset.columns.clip=COLUMN",
        )
    return found


def unused_columns(header: Iterable[str], used: Mapping[str, str]) -> list[str]:
    """Return the columns that no field, fact or published score takes."""
    prefixes = (PUBLISHED, "published.", "human_", "fact.")
    return [c for c in header if c not in used.values() and c not in FACTS and not c.startswith(prefixes)]

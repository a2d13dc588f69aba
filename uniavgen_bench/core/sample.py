"""Samples and clips: what is given, and what was made of it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import Field

from uniavgen_bench.core.spec import Frozen


class Task(StrEnum):
    """The five tasks of the paper: what is given and what is made."""

    JOINT = "joint"
    JOINT_REF_AUDIO = "joint_ref_audio"
    CONTINUATION = "continuation"
    DUBBING = "dubbing"
    AUDIO_DRIVEN = "audio_driven"


class Role(StrEnum):
    """What a system stands for in a comparison."""

    SYSTEM = "system"
    UPPER_CONTROL = "upper-control"
    LOWER_CONTROL = "lower-control"


class Sample(Frozen):
    """One item of a dataset. Paths are absolute once a dataset is read.

    `speech` is the text that should be heard; `speech_verified` is False when a recogniser wrote it.
    `facts` (identity, gender, age, emotion, domain …) serve clustering and breakdowns;
    `published` holds scores that others gave to this very clip (for example `lse_c`).
    """

    id: str = Field(min_length=1)
    task: Task | None = None
    image: Path | None = None
    caption: str | None = None
    speech: str | None = None
    speech_verified: bool = True
    language: str = "en"
    reference_audio: Path | None = None
    reference_text: str | None = None
    condition_audio: Path | None = None
    condition_video: Path | None = None
    facts: dict[str, str] = Field(default_factory=dict)
    published: dict[str, float] = Field(default_factory=dict)


class SystemInfo(Frozen):
    """A system as it appears in a run: `id` in tables and paths, `use` the plugin that made its clips.

    `factors`: the level of every factor, as text, when the system is a cell of an ablation.
    """

    id: str = Field(min_length=1)
    use: str
    role: Role = Role.SYSTEM
    label: str = ""
    options: dict[str, object] = Field(default_factory=dict)
    factors: dict[str, str] = Field(default_factory=dict)


class ClipKey(Frozen):
    """The identity of a clip within a run."""

    system: str
    sample: str
    repeat: int = Field(default=0, ge=0)

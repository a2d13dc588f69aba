"""The system `command`: any program, by a template of its argument list; a new system needs no Python.

    - id: mine
      use: command
      options:
        root: /checkouts/mine
        python: .venv/bin/python
        tasks: [joint]
        command: [python, infer.py, --image, "{image}", --text, "{speech}", --seed, "{seed}", --out, "{out}"]

With `{jobs}` in the command all samples share one process: it is the path of a JSON Lines file with one object for
each, of the same names as the placeholders.
"""

from __future__ import annotations

import glob
import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Self

from pydantic import Field, model_validator

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.systems.external.batch import Batch, Item, Launch
from uniavgen_bench.systems.external.external import Delivered, External, ExternalOptions
from uniavgen_bench.systems.external.plugin import ExternalSystem
from uniavgen_bench.systems.external.template import checked_template, filled, placeholders
from uniavgen_bench.systems.system import SystemPlugin

TEXTS = ("caption", "speech", "reference_text", "language", "task")
FILES = ("image", "audio", "video", "reference_audio", "still")
PLACES = ("out", "out_folder", "folder", "name", "id", "token", "seed", "repeat", "root")
KNOWN = (*TEXTS, *FILES, *PLACES, "jobs")
OF_PROCESS = ("root", "folder", "out_folder", "token")
"""Placeholders that are the same for all samples of a process."""
RESERVED = frozenset({"log.txt", "command.json", "result.json", "jobs.jsonl", "out", "media", "tmp"})
"""Names in a job folder that are not for input files: what is kept of a job, and the folders in it."""
LISTED = (*TEXTS, "image", "audio", "video", "reference_audio", *PLACES[:-1])


class CommandOptions(ExternalOptions):
    """`command`: the argument list; a first word `python` or `torchrun` is of the system's environment.

    `tasks`: what it can do (empty: any). `files`: input files by name, as templates; their paths are placeholders
    `{file.NAME}`. `clip`: where the clip is, as a pattern relative to the job folder; the default is `{out}` itself. A
    program that writes elsewhere, below `{root}` say, runs alone in its checkout; `{token}` is a word of this process
    alone for its file names. What stands for a placeholder in `clip` is no pattern.
    `audio_rate`: Hz of the sounds it gets (None: as given). `still_fps`: frame rate of `{still}`, a still video of the
    image that lasts as long as `{audio}`. `fps`: what it delivers, if that is known.
    """

    command: tuple[str, ...] = Field(min_length=1)
    tasks: tuple[Task, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)
    clip: str = "{out}"
    audio_rate: int | None = Field(default=None, ge=8000)
    still_fps: int = Field(default=25, ge=1, le=120)
    fps: float | None = None

    @model_validator(mode="after")
    def _known_placeholders(self) -> Self:
        known = {*KNOWN, *(f"file.{name}" for name in self.files)}
        for text in (*self.command, self.clip):
            checked_template(text, known)
        for name, text in self.files.items():
            if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", name):
                raise ValueError(f"{name!r} is no name of a file: use letters, digits, _, - and dots")
            if name.lower() in RESERVED:
                raise ValueError(f"{name!r} is a name that a job folder has already: use another")
            checked_template(text, KNOWN)
        if self.many and any(n not in {"jobs", *OF_PROCESS} for n in self._used()):
            raise ValueError("beside {jobs} a command has only {root}, {folder}, {out_folder} and {token}")
        return self

    def _used(self) -> set[str]:
        return {name for text in self.command for name in placeholders(text)}

    @property
    def many(self) -> bool:
        """Whether one process takes all samples."""
        return "jobs" in self._used()

    @property
    def elsewhere(self) -> bool:
        """Whether the clip may lie outside the job folder, where those of other processes lie too."""
        parts = PurePosixPath(self.clip).parts
        return self.clip.startswith(("/", "{root}")) or ".." in parts


def prepare(batch: Batch[CommandOptions]) -> Launch:
    """Fill in the templates."""
    if batch.options.many:
        return _prepare_many(batch)
    item, options = batch.only, batch.options
    values = _Values(batch, item)
    for name, text in options.files.items():
        values.written[f"file.{name}"] = str(batch.write(name, filled(text, values)))
    arguments = tuple(filled(text, values) for text in options.command)
    return Launch(arguments, {item.name: values.pattern(options.clip)})


def _prepare_many(batch: Batch[CommandOptions]) -> Launch:
    rows = batch.each(lambda item: _listed(_Values(batch, item)))
    listed = batch.write(
        "jobs.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for _, (row, _) in rows)
    )
    shared = {
        "jobs": str(listed),
        "root": str(batch.root),
        "folder": str(batch.folder),
        "out_folder": str(batch.out),
        "token": batch.token,
    }
    arguments = tuple(filled(text, shared.__getitem__) for text in batch.options.command)
    return Launch(arguments, {item.name: clip for item, (_, clip) in rows})


def _listed(values: _Values) -> tuple[dict[str, str], str]:
    """Return the row of an item and the pattern of its clip; what the sample lacks is left out."""
    row = {"id": values("id")}
    for name in LISTED:
        try:
            row[name] = values(name)
        except MissingError:
            continue
    return row, values.pattern(values.batch.options.clip)


class _Values:
    """The values of placeholders for an item; files are copied when they are first asked for."""

    def __init__(self, batch: Batch[CommandOptions], item: Item) -> None:
        self.batch, self.item = batch, item
        self.written: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        if name not in self.written:
            self.written[name] = self._value(name)
        return self.written[name]

    def pattern(self, template: str) -> str:
        """Return a template filled so that only what the template says itself is a pattern."""
        return filled(template, lambda name: glob.escape(self(name)))

    def _value(self, name: str) -> str:
        batch, item = self.batch, self.item
        rate = batch.options.audio_rate
        if name in TEXTS:
            return self._text(name)
        if name == "id":
            return self._id()
        if name == "image":
            return str(batch.image(item))
        if name == "audio":
            return str(batch.sound(item, rate=rate))
        if name == "reference_audio":
            return str(batch.sound(item, "reference_audio", rate))
        if name == "video":
            return str(batch.video(item))
        if name == "still":
            return str(batch.still(item, Path(self("audio")), batch.options.still_fps))
        places = {
            "out": str(batch.out / f"{item.name}.mp4"), "out_folder": str(batch.out), "folder": str(batch.folder),
            "name": item.name, "token": batch.token, "seed": str(item.seed), "repeat": str(item.repeat),
            "root": str(batch.root),
        }  # fmt: skip
        return places[name]

    def _id(self) -> str:
        """Return the id of the sample; one that leads out of a folder, as part of a path, is refused."""
        given = self.item.sample.id
        parts = given.split("/")
        if "\\" in given or any(part in ("", ".", "..") for part in parts):
            raise MissingError(
                Reason.NOT_GENERATED,
                f"its id {given!r} cannot be part of a path: use {{name}} in place of {{id}}",
            )
        return given

    def _text(self, name: str) -> str:
        value = getattr(self.item.sample, name)
        if value is None and name in ("speech", "reference_text"):
            raise MissingError(Reason.NO_TRANSCRIPT, f"the sample has no {name.replace('_', ' ')}")
        return str(value.value if isinstance(value, Task) else value or "")


EXTERNAL = External(
    name="command",
    title="any program, by a template of its argument list",
    home="",
    commit="",
    dated="",
    licence="of the program",
    weights_licence="of the program",
    tasks=(),
    delivers=Delivered(None, "as the program", "as the program", "as the program"),
    seed="{seed}, per clip",
    memory="of the program",
    environment="of the program",
    entry="",
    options=CommandOptions,
    prepare=prepare,
)


class CommandSystem(ExternalSystem):
    """A program by template; with `{jobs}` it takes many samples."""

    def __init__(self, options: CommandOptions) -> None:
        from dataclasses import replace

        delivers = replace(EXTERNAL.delivers, fps=options.fps)
        super().__init__(
            replace(EXTERNAL, batch=options.many, alone=options.elsewhere, delivers=delivers), options
        )

    def ready(self, samples: Sequence[Sample]) -> None:
        """Check what can be checked; a program that is no Python needs no interpreter."""
        options = self.options
        assert isinstance(options, CommandOptions)
        if options.command[0] in ("python", "torchrun"):
            super().ready(samples)


def _tasks(options: CommandOptions) -> tuple[Task, ...] | None:
    return options.tasks or None


def _plugin() -> SystemPlugin:
    from dataclasses import replace

    from uniavgen_bench.systems.external.plugin import external_plugin

    return replace(external_plugin(EXTERNAL, CommandSystem), tasks_of=_tasks, fps="option fps")


PLUGIN = _plugin()

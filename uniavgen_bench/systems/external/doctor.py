"""Is an external system ready here: checkout, commit, environment, weights, GPU memory; and what would be run."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.redaction import environment_of_tools
from uniavgen_bench.core.result import Missing
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.media.mux import write_clip, write_wav
from uniavgen_bench.systems.external.checkout import (
    Commit,
    command_line,
    commit_of,
    process_environment,
    root_of,
)
from uniavgen_bench.systems.external.external import External, ExternalOptions
from uniavgen_bench.systems.external.gpu_memory import gpu_rows
from uniavgen_bench.systems.external.plugin import ExternalSystem
from uniavgen_bench.systems.external.prepare import Prepared
from uniavgen_bench.systems.external.slots import slots
from uniavgen_bench.systems.system import Job

State = Literal["ok", "note", "bad"]

PROBE = (
    "import importlib.util as u, json, platform, sys; "
    "print(json.dumps([platform.python_version(), [m for m in sys.argv[1:] if u.find_spec(m) is None]]))"
)
"""Asks an environment for its version and which of some modules it lacks, without importing them."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    text: str


def examine(external: External, options: ExternalOptions) -> Iterator[Check]:
    """Look at everything that can be looked at; the checkout's absence ends it."""
    try:
        root = root_of(external, options)
    except InputError as error:
        yield Check("checkout", "bad", str(error))
        return
    yield Check("checkout", "ok", str(root))
    if external.commit:
        yield commit_check(external, root)
    yield _environment(external, options, root)
    yield from _weights(external, options.shares()[0], root)
    yield from _gpu(external, options)
    yield from _side_by_side(external, options)


def commit_check(external: External, root: Path) -> Check:
    """Compare the commit of a checkout with the one whose facts are known."""
    here: Commit = commit_of(root)
    known = f"known: {external.commit} of {external.dated}"
    if here.sha is None:
        return Check("commit", "note", f"not a git checkout ({known})")
    changed = "; files were changed" if here.changed else ""
    if here.sha.startswith(external.commit):
        return Check("commit", "note" if changed else "ok", f"{here.sha[:7]}, as known{changed}")
    age = _age(root, external.commit)
    return Check("commit", "note", f"{here.sha[:7]} is {age} ({known}); options may differ{changed}")


def _age(root: Path, known: str) -> str:
    def is_ancestor(one: str, other: str) -> bool:
        command = ["git", "-C", str(root), "merge-base", "--is-ancestor", one, other]
        return (
            subprocess.run(command, capture_output=True, check=False, env=environment_of_tools()).returncode
            == 0
        )

    if is_ancestor(known, "HEAD"):
        return "newer than the known commit"
    return "older than the known commit" if is_ancestor("HEAD", known) else "not the known commit"


def _environment(external: External, options: ExternalOptions, root: Path) -> Check:
    words = getattr(options, "command", ())
    if words and words[0] not in ("python", "torchrun"):
        return _program(words[0], options, root)
    plain = options.model_copy(update={"arguments": ()})
    try:
        command = command_line(("python", "-c", PROBE, *external.modules), root, plain, external.name)
    except InputError as error:
        return Check("environment", "bad", str(error))
    environment = process_environment(options, {}, Path(tempfile.gettempdir()))
    try:
        done = subprocess.run(
            command, cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        version, absent = json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return Check("environment", "bad", f"{shlex.join(command[:1])} does not run")
    if absent:
        return Check("environment", "bad", f"Python {version} lacks {', '.join(absent)}")
    modules = f" with {', '.join(external.modules)}" if external.modules else ""
    return Check("environment", "ok", f"Python {version}{modules}; stated: {external.environment}")


def _program(name: str, options: ExternalOptions, root: Path) -> Check:
    """Look for a program that is no Python, or for the launcher that starts it."""
    name = options.launcher[0] if options.launcher else name
    if "{" in name:
        return Check("environment", "note", f"{name} is a template: it cannot be looked for")
    path = root / name if "/" in name else shutil.which(name)
    if path is None or not os.access(path, os.X_OK) or Path(path).is_dir():
        return Check("environment", "bad", f"there is no program {name}")
    return Check("environment", "ok", str(path))


def _weights(external: External, options: ExternalOptions, root: Path) -> Iterator[Check]:
    paths = external.weights(options)
    absent = [p for p in paths if not (root / p).exists()]
    if absent:
        yield Check("weights", "bad", f"not there: {', '.join(absent)} (below {root})")
    elif paths:
        yield Check("weights", "ok", ", ".join(paths))
    else:
        yield Check("weights", "note", "it fetches them itself, or does not say where they lie")


def _gpu(external: External, options: ExternalOptions) -> Iterator[Check]:
    rows = gpu_rows("name,memory.total,memory.free", options.devices)
    stated = external.memory
    if not rows:
        yield Check("gpu", "note", f"no nvidia-smi here; memory stated: {stated}")
        return
    best = max(int(total) for _, total, _ in rows) / 1024
    shown = "; ".join(
        f"{name}, {int(free) / 1024:.0f} of {int(total) / 1024:.0f} GiB free" for name, total, free in rows
    )
    # Cards are sold by round numbers that are a little less in GiB.
    needed = external.gpu_gib(options.shares()[0])
    if needed is not None and best < 0.9 * needed:
        yield Check("gpu", "bad", f"{shown}; {needed:g} GiB needed with these options; stated: {stated}")
    else:
        yield Check("gpu", "ok", f"{shown}; stated: {stated}")


def _side_by_side(external: External, options: ExternalOptions) -> Iterator[Check]:
    """Say which processes run at once, where there are several."""
    if options.at_once == 1:
        return
    try:
        shares = slots(external, options)
    except InputError as error:
        yield Check("at once", "bad", str(error))
        return
    said = f"{len(shares)} processes"
    if options.devices:
        shown = (", ".join(str(number) for number in share.devices) for share in shares)
        yield Check("at once", "ok", f"{said}, by devices: {' | '.join(shown)}")
    elif len(shares) > 1 and gpu_rows("name"):
        yield Check(
            "at once", "note", f"{said} that all see the same GPUs: options.devices gives each its own"
        )
    else:
        yield Check("at once", "ok", said)


def example_sample(folder: Path, task: Task | None) -> Sample:
    """Write a made-up sample that has all that a task can give: grey picture, tone, grey video."""
    folder.mkdir(parents=True, exist_ok=True)
    import cv2

    cv2.imwrite(str(folder / "image.png"), np.full((512, 512, 3), 128, np.uint8))
    tone = (0.1 * np.sin(2 * np.pi * 220 * np.arange(4 * 24_000) / 24_000)).astype(np.float32)
    write_wav(folder / "sound.wav", tone, 24_000)
    write_clip(folder / "video.mp4", [np.full((64, 64, 3), 128, np.uint8)] * 81, 16)
    return Sample(
        id="example", task=task, image=folder / "image.png", caption="A woman looks into the camera.",
        speech="Good morning to all of you.", reference_audio=folder / "sound.wav", reference_text="Good evening.",
        condition_audio=folder / "sound.wav", condition_video=folder / "video.mp4",
    )  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A process that would be started: its command line, folder, variables, text inputs, and what is refused."""

    command: str
    cwd: str
    variables: dict[str, str]
    inputs: dict[str, str]
    items: int
    refused: dict[str, str]


@runtime_checkable
class Shows(Protocol):
    """A system that consists of external ones and can prepare its processes without starting them."""

    @property
    def parts(self) -> tuple[ExternalSystem, ...]:
        """The external systems that it consists of."""

    def shown(self, jobs: Sequence[Job], scratch: Path) -> list[Prepared | dict[str, Missing]]:
        """Prepare every process as a run would."""


def shown_commands(system: Shows, jobs: Sequence[Job], scratch: Path) -> list[Shown]:
    """Return what a run would start for jobs; inputs are prepared below `scratch`.

    Raises:
        InputError: no checkout or interpreter.
    """
    found = []
    for prepared in system.shown(jobs, scratch):
        if isinstance(prepared, Prepared):
            batch = prepared.batch
            texts = {
                p.name: p.read_text(encoding="utf-8") for p in sorted(batch.folder.iterdir()) if p.is_file()
            }
            refused = {name: str(why) for name, why in batch.refused.items()}
            found.append(
                Shown(shlex.join(prepared.command), str(batch.root), prepared.given, texts,
                      len(batch.items) - len(refused), refused)
            )  # fmt: skip
        else:
            found.append(Shown("", "", {}, {}, 0, {name: _text(why) for name, why in prepared.items()}))
    return found


def _text(missing: Missing) -> str:
    return str(missing)

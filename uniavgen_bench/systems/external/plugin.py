"""An external system behind the protocol of all systems."""

from __future__ import annotations

import math
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_bytes, sha256_json
from uniavgen_bench.core.result import Missing, MissingError
from uniavgen_bench.core.sample import ClipKey, Sample, Task
from uniavgen_bench.systems.external.attempts import Attempts
from uniavgen_bench.systems.external.batch import Item, item_name
from uniavgen_bench.systems.external.checkout import commit_of, interpreter, root_of
from uniavgen_bench.systems.external.checkout_state import files_state, given_state, state_of
from uniavgen_bench.systems.external.external import (
    HOW_ONLY,
    SECRET,
    External,
    ExternalOptions,
    SeededOptions,
)
from uniavgen_bench.systems.external.prepare import Prepared, prepare
from uniavgen_bench.systems.external.slots import Slots, run_all, slots
from uniavgen_bench.systems.system import Job, JobDone, SystemPlugin

SAFE = re.compile(r"[A-Za-z0-9_/+-]+")
MOST_SEEDS = 2**31
Kind = tuple[int, Task | None]
"""Seed and task: items of one process have the same."""


class ExternalSystem:
    """A configured system of another project."""

    def __init__(self, external: External, options: ExternalOptions) -> None:
        self.external, self.options = external, options

    @property
    def parts(self) -> tuple[ExternalSystem, ...]:
        """The systems that it consists of: itself."""
        return (self,)

    def sources(self, key: ClipKey, clips: Sequence[ClipKey], seed: int) -> tuple[ClipKey, ...]:
        """A generated clip is derived from no other."""
        return ()

    def ready(self, samples: Sequence[Sample]) -> None:
        """Check what can be checked before anything is started.

        Raises:
            InputError: no checkout, no interpreter, options that cannot serve the samples or allow no several at once.
        """
        slots(self.external, self.options)
        root = root_of(self.external, self.options)
        if not self.options.launcher:
            interpreter(root, self.options, self.external.name)
        problem = self.external.unfit(self.options, samples)
        if problem:
            raise InputError(f"{self.external.name}: {problem}")

    def identity(self) -> str:
        """Return what beside the options makes the clips: the checkout's code, weights, given files, interpreter.

        Devices are those of one process; how many processes run side by side changes no clip.
        """
        external, options = self.external, self.options.shares()[0]
        root = root_of(external, options)
        parts = {
            "": state_of(root),
            "weights": files_state(root, external.weights(options)),
            "python": options.python or "",
            "devices": str(len(options.devices)) if len(options.devices) > 1 else "",
            "batch": str(options.batch) if options.batch else "",
            "variables": _variables(options),
        }
        for name in {"batch", "devices"} - external.depends_on:
            del parts[name]
        for name in type(options).model_fields:
            value = getattr(options, name)
            if isinstance(value, Path) and name not in HOW_ONLY:
                parts[name] = given_state(value)
        return "; ".join(f"{name} {text}".strip() for name, text in parts.items() if text)

    def checkouts(self) -> dict[str, str]:
        """Return the commit of its checkout, by the name of its project."""
        commit = commit_of(root_of(self.external, self.options))
        shown = commit.sha or "not a git checkout"
        return {self.external.home or self.external.name: shown + (", changed" if commit.changed else "")}

    def generate(self, job: Job) -> None:
        """Write one clip; raises `MissingError` with the reason."""
        problems: list[Missing] = []

        def done(index: int, missing: Missing | None, facts: Mapping[str, Any]) -> None:
            if missing is not None:
                problems.append(missing)

        self.generate_many([job], job.out.with_suffix(".jobs") / self.external.name, done)
        if problems:
            raise MissingError(problems[0].reason, problems[0].detail)

    def generate_many(self, jobs: Sequence[Job], folder: Path, done: JobDone) -> None:
        """Write clips; `done` is told of each as soon as its file is there or its reason is known.

        `folder` keeps logs, command lines and text inputs.

        Raises:
            InputError: as `ready`.
        """
        root = root_of(self.external, self.options)
        shares = slots(self.external, self.options)
        items = self.items(jobs)
        index = {item.name: i for i, item in enumerate(items)}
        outs = {item.name: job.out for item, job in zip(items, jobs, strict=True)}
        with scratch_folder(self.options, folder) as scratch, self._alone(root):
            shared = Slots(
                self.batches(items), len(shares), folder, scratch, outs,
                lambda item, missing, facts: done(index[item.name], missing, facts),
            )  # fmt: skip
            commit = commit_of(root)
            attempts = [Attempts(self.external, options, root, commit, shared) for options in shares]
            run_all([one.run for one in attempts], shared)
            attempts[0].refuse_rest()

    def shown(self, jobs: Sequence[Job], scratch: Path) -> list[Prepared | dict[str, Missing]]:
        """Prepare every process as a run would, start none; refused items come with their reasons.

        Of several at once a run gives each batch to the slot that is free first; here they get one in turn.

        Raises:
            InputError: no checkout or interpreter, or several at once are not allowed.
        """
        root = root_of(self.external, self.options)
        shares = slots(self.external, self.options)
        found: list[Prepared | dict[str, Missing]] = []
        for number, items in enumerate(self.batches(self.items(jobs))):
            options = shares[number % len(shares)]
            prepared = prepare(self.external, options, root, scratch / f"{number:04d}", items)
            found.append(prepared if isinstance(prepared, Prepared) else prepared.refused)
        return found

    def items(self, jobs: Sequence[Job]) -> list[Item]:
        """Give jobs the names that their files get."""
        items = []
        for number, job in enumerate(jobs):
            options = self.options
            if isinstance(options, SeededOptions):
                seed = options.seed + job.repeat
            else:  # what takes many clips and no seed must not be divided by seeds
                seed = 0 if self.external.batch else job.seed % MOST_SEEDS
            items.append(Item(item_name(number, job.sample.id, job.repeat), job.sample, seed, job.repeat))
        return items

    def batches(self, items: Sequence[Item]) -> list[list[Item]]:
        """Divide items into processes: one seed and task each, none that must be apart, at most `batch`.

        Without `batch`, several processes at once get equal shares.
        """
        if not self.external.batch:
            return [[item] for item in items]
        apart = self.external.apart
        most = self._most(items)
        batches: dict[Kind, list[tuple[list[Item], set[str]]]] = {}
        for item in items:
            kind = batches.setdefault(_kind(item), [])
            mark = apart(item, self.options) if apart is not None else item.name
            place = next((b for b in kind if len(b[0]) < most[_kind(item)] and mark not in b[1]), None)
            if place is None:
                place = ([], set())
                kind.append(place)
            place[0].append(item)
            place[1].add(mark)
        return [batch for kind in batches.values() for batch, _ in kind]

    def _most(self, items: Sequence[Item]) -> dict[Kind, int]:
        """Return how many items of each kind share a process at most."""
        counts = Counter(_kind(item) for item in items)
        if self.options.batch:
            return dict.fromkeys(counts, self.options.batch)
        share = math.ceil(len(items) / len(self.options.shares()))
        return {kind: math.ceil(count / math.ceil(count / share)) for kind, count in counts.items()}

    @contextmanager
    def _alone(self, root: Path) -> Iterator[None]:
        """Keep other runs out of a checkout into which the system writes files of fixed names."""
        if not self.external.alone:
            yield
            return
        name = f"uniavgen-bench-{sha256_bytes(str(root).encode())[:16]}.lock"
        with filelock.FileLock(Path(tempfile.gettempdir()) / name):
            yield


def _kind(item: Item) -> Kind:
    return item.seed, item.sample.task


def _variables(options: ExternalOptions) -> str:
    """Return a hash of the values of variables that are handed on; secrets change no clip and are not touched."""
    plain = {name: os.environ.get(name) for name in options.pass_env if not SECRET.search(name)}
    return sha256_json(plain)[:12] if plain else ""


@contextmanager
def scratch_folder(options: ExternalOptions, folder: Path) -> Iterator[Path]:
    """Give an empty folder for media whose path every program can read; it is gone afterwards.

    Its name comes from `folder`, so that one left by a killed run is emptied by the next.

    Raises:
        InputError: the folder for temporary files has odd characters in its path.
    """
    base = (options.scratch or Path(tempfile.gettempdir())).resolve()
    scratch = base / f"uniavgen-bench-{sha256_bytes(str(folder.resolve()).encode())[:12]}"
    if not SAFE.fullmatch(str(scratch)):
        raise InputError(
            f"the path {base} has characters that some systems cannot read",
            way_out="set options.scratch to a folder of letters, digits, _ and -",
        )
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def external_plugin(external: External, make: Callable[[Any], ExternalSystem] | None = None) -> SystemPlugin:
    """Return the plugin of an external system."""
    fps = external.delivers.fps
    return SystemPlugin(
        name=external.name,
        summary=external.title,
        make=make or (lambda options: ExternalSystem(external, options)),
        options=external.options,
        tasks=external.tasks or None,
        code=external.code,
        own_stage=True,
        how_only=HOW_ONLY,
        licence=external.licence,
        fps=f"{fps:g}" if fps is not None else "of input",
        facts=external,
    )

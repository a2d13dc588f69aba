"""Clips of systems with a stage of their own: made before anything is scored, system by system, and kept."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.core.sample import ClipKey
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.runner.clip_work import clip_folder
from uniavgen_bench.runner.configured import ConfiguredSystem
from uniavgen_bench.runner.disk_errors import disk_errors
from uniavgen_bench.runner.make_clip import read_sidecar
from uniavgen_bench.runner.plan import Plan, PlannedClip
from uniavgen_bench.runner.suite import ResolvedSuite
from uniavgen_bench.runner.told_reasons import ToldReasons
from uniavgen_bench.systems.system import CheckedOut, Job, StagedSystem, SystemPlugin
from uniavgen_bench.systems.task_inputs import FILES, GIVEN_FOLDER, given_by_task, handed_over

JOBS = "jobs"
"""Folder of a run: logs, command lines and text inputs of systems with a stage of their own, by system."""
OPTION = re.compile(r"\boptions(\.[a-z_]+)+")
"""How messages of systems name an option."""
NOT_TRIED = "not tried:"
"""How the detail begins of a clip that no process was started for."""


@dataclass(frozen=True)
class StagedClips:
    """What a system with a stage of its own is to make: its number in the suite, itself, and its clips."""

    index: int
    configured: ConfiguredSystem
    system: StagedSystem
    clips: tuple[PlannedClip, ...]


def staged_systems(resolved: ResolvedSuite, plan: Plan) -> list[StagedClips]:
    """Return the systems of a plan that make their clips in a stage of their own."""
    found = []
    for index, configured in enumerate(resolved.systems):
        clips = tuple(c for c in plan.clips if c.system == index)
        if configured.plugin.own_stage and clips:
            with named(configured):
                system = cast(StagedSystem, configured.plugin.make(configured.options))
            found.append(StagedClips(index, configured, system, clips))
    return found


def check_staged(resolved: ResolvedSuite, plan: Plan) -> None:
    """Check that all of them can be started, before anything is computed.

    Raises:
        InputError: a checkout, an interpreter or an option that cannot be used; the message names the system.
    """
    for staged in staged_systems(resolved, plan):
        with named(staged.configured):
            staged.system.ready([clip.sample for clip in staged.clips])


@contextmanager
def named(configured: ConfiguredSystem) -> Iterator[None]:
    """Put place and name of a system of the suite before an `InputError` that knows neither."""
    try:
        yield
    except InputError as error:
        what = error.what.removeprefix(f"{configured.info.use}: ")
        option = OPTION.search(f"{error.what} {error.way_out or ''}")
        where = error.where
        if where is None and configured.place is not None:
            where = configured.place.where(tuple(option.group().split(".")) if option else ())
        said = f"{configured.info.id}: {what}"
        raise InputError(said, where=where, way_out=error.way_out) from None


def make_staged(
    resolved: ResolvedSuite,
    plan: Plan,
    run: Path,
    device: str,
    note: Callable[[str], None],
    told: Callable[[ClipKey, Missing | None], None] = lambda key, missing: None,
) -> dict[ClipKey, Path | Missing]:
    """Make the clips of all systems with a stage of their own; those of an interrupted run are kept.

    `told` hears of each clip when it is there, and of each that will not be.

    Raises:
        InputError: as `check_staged`.
        StorageFullError: the disk is full.
    """
    made: dict[ClipKey, Path | Missing] = {}
    content = functools.cache(_content)
    for staged in staged_systems(resolved, plan):
        with disk_errors():
            made |= _make(staged, run, device, note, content, told)
    return made


def checkouts(resolved: ResolvedSuite, plan: Plan) -> dict[str, dict[str, str]]:
    """Return by system the commits of the checkouts that it runs in, by project."""
    found = {}
    for staged in staged_systems(resolved, plan):
        if isinstance(staged.system, CheckedOut):
            with named(staged.configured):
                found[staged.configured.info.id] = dict(staged.system.checkouts())
    return found


def _make(
    staged: StagedClips,
    run: Path,
    device: str,
    note: Callable[[str], None],
    content: Callable[[Path], str],
    hear: Callable[[ClipKey, Missing | None], None],
) -> dict[ClipKey, Path | Missing]:
    plugin, name = staged.configured.plugin, staged.configured.info.id
    identity = staged.system.identity()
    made: dict[ClipKey, Path | Missing] = {}
    waiting: list[tuple[PlannedClip, Path, str]] = []
    changed: list[str] = []
    for clip in staged.clips:
        out = run / "clips" / clip_folder(clip.key) / f"{clip.key.repeat}.mp4"
        key = _key(plugin, staged.configured.options, identity, clip, content)
        if _is_there(out, key):
            made[clip.key] = out
            hear(clip.key, None)
            continue
        waiting.append((clip, out, key))
        if out.is_file():
            changed.append(_what_changed(out, key, identity))
    if made:
        note(f"{name}: {len(made)} clips of an earlier run are kept")
    for why in sorted(set(changed)):
        note(f"{name}: {changed.count(why)} clips of an earlier run are made anew: {why}")
    if not waiting:
        return made
    note(f"{name}: making {len(waiting)} clips (logs: {JOBS}/{slug(name)})")

    told = ToldReasons()

    def done(index: int, missing: Missing | None, facts: Mapping[str, Any]) -> None:
        clip, out, key = waiting[index]
        if missing is None and not out.is_file():
            missing = Missing(Reason.NOT_GENERATED, "the system told of a clip that is not there")
        if missing is not None:
            if missing.detail.startswith(NOT_TRIED):  # the reason of those before it is not its own
                missing = Missing(Reason.NOT_GENERATED, missing.detail)
            made[clip.key] = missing
            hear(clip.key, missing)
            for stale in (out, out.with_suffix(".json")):  # the last word on a clip may be that there is none
                stale.unlink(missing_ok=True)
            if told.first(name, missing):
                note(f"{name}/{clip.key.sample}: {missing}")
            return
        _write_sidecar(staged, clip, out, key, {"identity": identity, **facts})
        made[clip.key] = out
        hear(clip.key, None)

    with ExitStack() as given:
        jobs = [
            Job(
                given.enter_context(handed_over(c.sample, plugin, run / GIVEN_FOLDER)),
                c.key.repeat,
                c.seed,
                out,
                (),
                device,
            )
            for c, out, _ in waiting
        ]
        for job in jobs:
            job.out.parent.mkdir(parents=True, exist_ok=True)
            job.out.unlink(missing_ok=True)
        staged.system.generate_many(jobs, run / JOBS / slug(name), done)
    for _, reason, count in told.repeated():
        note(f"{name}: no clip for {count} samples: {reason}")
    for clip, _, _ in waiting:
        if clip.key not in made:
            made[clip.key] = silent = Missing(Reason.NOT_GENERATED, "the system said nothing of this clip")
            hear(clip.key, silent)
    return made


def _write_sidecar(
    staged: StagedClips, clip: PlannedClip, out: Path, key: str, facts: Mapping[str, Any]
) -> None:
    info = staged.configured.info
    write_json(out.with_suffix(".json"), {
        "key": key, "sha256": sha256_file(out), "system": info.id, "sample": clip.key.sample,
        "repeat": clip.key.repeat, "use": info.use, "options": info.options, "seed": clip.seed, **facts,
    })  # fmt: skip


def _key(
    plugin: SystemPlugin,
    options: Frozen,
    identity: str,
    clip: PlannedClip,
    content: Callable[[Path], str],
) -> str:
    """Return the address of a clip: all that makes it, given files by their bytes, and nothing of how it is run."""
    chosen = plugin.chosen(options.model_dump(mode="json"))
    given = clip.sample if plugin.sees_truth else given_by_task(clip.sample)
    sample = given.model_dump(mode="json") | {
        name: content(path) for name in FILES if (path := getattr(given, name)) is not None
    }
    return sha256_json([plugin.name, plugin.code, identity, chosen, clip.seed, clip.key.repeat, sample])


def _content(path: Path) -> str:
    return sha256_file(path) if path.is_file() else "absent"


def _is_there(out: Path, key: str) -> bool:
    kept = _sidecar(out)
    return out.is_file() and kept.get("key") == key and kept.get("sha256") == sha256_file(out)


def _what_changed(out: Path, key: str, identity: str) -> str:
    kept = _sidecar(out)
    if kept.get("key") == key:
        return "the files are not those that were written"
    if kept.get("identity", identity) != identity:
        return "the checkout, its weights or its environment changed"
    return "its inputs or options changed"


def _sidecar(out: Path) -> Mapping[str, object]:
    sidecar = out.with_suffix(".json")
    return read_sidecar(sidecar) if sidecar.is_file() else {}


def seen_jobs(staged: StagedClips, given: ExitStack, device: str = "cpu") -> Sequence[Job]:
    """Return the jobs of a system as a run would hand them over, for showing them; nothing is written."""
    return [
        Job(given.enter_context(handed_over(c.sample, staged.configured.plugin)), c.key.repeat, c.seed,
            Path("clip.mp4"), (), device)
        for c in staged.clips
    ]  # fmt: skip

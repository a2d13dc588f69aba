"""Run a suite: plan, check what is needed, score every clip, and write the run directory."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from uniavgen_bench.analysis.needs import needed_weights
from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.core.gate_files import GATE_FILE
from uniavgen_bench.core.hashing import sha256_json_list
from uniavgen_bench.core.remote_address import chosen_remote, remote_note
from uniavgen_bench.core.remote_store import Shared, told_once, tried
from uniavgen_bench.core.result import Missing
from uniavgen_bench.core.run_files import (
    RunDirectory,
    RunManifest,
    WeightUsed,
)
from uniavgen_bench.core.sample import ClipKey
from uniavgen_bench.core.store import home
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig, clip_folder
from uniavgen_bench.runner.comparison_blocks import completed
from uniavgen_bench.runner.disk_errors import disk_errors
from uniavgen_bench.runner.event_log import logged
from uniavgen_bench.runner.executors.executor import (
    Executor,
    ExecutorOptions,
    RayOptions,
    check_executor,
    open_executor,
)
from uniavgen_bench.runner.nothing_made import without_result
from uniavgen_bench.runner.plan import Plan, PlannedClip, make_plan
from uniavgen_bench.runner.provenance import code_sha256, environment
from uniavgen_bench.runner.results import Results, problems_of, records_of, scores_table
from uniavgen_bench.runner.run_folder import clear_other_run, cleared, locked, open_run, writable
from uniavgen_bench.runner.run_media import media_by_system
from uniavgen_bench.runner.staged import check_staged, checkouts, make_staged, staged_systems
from uniavgen_bench.runner.suite import ResolvedSuite, dump_lock
from uniavgen_bench.runner.verdicts import Verdicts, write_verdicts
from uniavgen_bench.systems.task_inputs import GIVEN_FOLDER
from uniavgen_bench.version import VERSION
from uniavgen_bench.weights.locate import WeightLocator


@dataclass(frozen=True)
class RunOptions:
    """How a run is executed; nothing here changes a score.

    `store`: address of a store that others share; None: what `UNIAVGEN_BENCH_STORE` names, else none.
    """

    out: Path | None = None
    limit: int | None = None
    systems: tuple[str, ...] = ()
    workers: int | None = None
    device: str = "cpu"
    offline: bool = False
    replace: bool = False
    timeout: float = 1800.0
    command: str = ""
    executor: str = "local"
    ray: RayOptions = field(default_factory=RayOptions)
    store: str | None = field(default=None, repr=False)

    @property
    def spread(self) -> ExecutorOptions:
        """How its clips are spread over processes."""
        return ExecutorOptions(self.executor, self.workers, self.device, self.timeout, self.ray)


@dataclass(frozen=True)
class Hooks:
    """What a caller wants to hear: the plan, each finished clip, and notes for the user.

    `made`: a clip of a system with a stage of its own is there, or will not be.
    """

    planned: Callable[[Plan], None] = lambda plan: None
    finished: Callable[[ClipWork, ClipOutcome], None] = lambda work, outcome: None
    note: Callable[[str], None] = lambda text: None
    made: Callable[[ClipKey, Missing | None], None] = lambda key, missing: None


@dataclass(frozen=True)
class Finished:
    """A finished run: where it lies, its manifest, its verdicts, and seconds by stage over all clips.

    `without_result`: systems, controls aside, that have no clip or no score at all.
    """

    directory: RunDirectory
    manifest: RunManifest
    verdicts: Verdicts
    timings: dict[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    without_result: tuple[str, ...] = ()


def run_suite(resolved: ResolvedSuite, options: RunOptions, hooks: Hooks | None = None) -> Finished:
    """Run a suite, or go on with it where it was killed.

    Raises:
        InputError: the output folder holds something else, or another process writes to it.
        StorageFullError: the disk is full; everything scored so far is kept.
    """
    hooks = hooks or Hooks()
    check_executor(options.spread)
    remote = chosen_remote(options.store)
    check_device(options.device, here=options.executor == "local")
    plan = make_plan(resolved, limit=options.limit, only=options.systems)
    for note in plan.notes:
        hooks.note(note)
    check_staged(resolved, plan)
    if staged_systems(resolved, plan):
        check_device(options.device)
    commits = checkouts(resolved, plan)
    locator = WeightLocator()
    names = needed_weights([metric.spec for _, metric in resolved.metrics])
    block, said = completed(resolved.suite.compare, plan.systems, resolved.reference)
    for note in said:
        hooks.note(note)
    readiness = locator.require(names, offline=options.offline)
    for reason in readiness.unavailable.values():
        hooks.note(f"{reason}: its metrics will be missing")
    identity = run_identity(resolved, plan, options)
    directory = open_run(resolved.suite.name, identity, options.out, replace=options.replace)
    writable(home() / "store", "name another folder with UNIAVGEN_BENCH_HOME")
    with (
        locked(directory.root),
        cleared(directory.root / GIVEN_FOLDER),
        open_executor(options.spread, hooks.note) as executor,
        logged(directory.root, identity, hooks) as hooks,
        disk_errors(),
    ):
        started, began = datetime.datetime.now(datetime.UTC), time.monotonic()
        manifest = _manifest(
            resolved, plan, options, identity, executor.workers, started, locator.used(names)
        )
        manifest = manifest.model_copy(update={"compare": block, "checkouts": commits})
        clear_other_run(directory, identity)
        (directory.root / GATE_FILE).unlink(missing_ok=True)  # a verdict on the scores that were here before
        write_json(directory.manifest_path, manifest.model_dump(mode="json"))
        write_atomic(directory.root / "suite.lock.yaml", dump_lock(resolved.lock))
        hooks.planned(plan)
        if remote is not None and (where := remote_note(remote)):
            hooks.note(where)
        shared = tried(remote, options.timeout, hooks.note) if remote else None
        done = _score_all(resolved, plan, options, directory, executor, hooks, shared)
        return _finish(directory, manifest, plan, resolved, done, began)


def check_device(device: str, *, here: bool = True) -> None:
    """Make sure that a device has a known name and, unless clips are worked on elsewhere, that it is `here`.

    Raises:
        InputError: it is neither `cpu` nor `cuda`, or there is no such GPU here.
    """
    if device not in ("cpu", "cuda"):
        raise unknown_name("device", device, ["cpu", "cuda"])
    if device == "cuda" and here:
        import torch

        if not torch.cuda.is_available():
            raise InputError("torch sees no CUDA device here", way_out="leave --device out")


def run_identity(resolved: ResolvedSuite, plan: Plan, options: RunOptions) -> str:
    """Hash what a run is about: suite, clips, metrics; not how many processes do it, nor how it is compared."""
    about = {
        key: value for key, value in resolved.lock.items() if key not in ("compare", "gate", "published")
    }
    about["systems"] = [
        s.info.model_copy(update={"options": s.plugin.chosen(s.info.options)}).model_dump(mode="json")
        for s in resolved.systems
    ]
    clips = (
        [
            c.key.model_dump(),
            c.sample.model_dump(mode="json"),
            str(c.path),
            [s.model_dump() for s in c.sources],
        ]
        for c in plan.clips
    )
    return sha256_json_list([about, clips, options.device])


def _manifest(
    resolved: ResolvedSuite,
    plan: Plan,
    options: RunOptions,
    identity: str,
    workers: int,
    started: datetime.datetime,
    weights: list[WeightUsed],
) -> RunManifest:
    return RunManifest(
        suite=resolved.suite.name,
        status="running",
        command=options.command,
        plan_sha256=identity,
        version=VERSION,
        code_sha256=code_sha256(),
        started=started.isoformat(timespec="seconds"),
        environment=environment(),
        device=options.device,
        executor=options.executor,
        workers=workers,
        systems=list(plan.systems),
        metrics=[metric.spec for _, metric in resolved.metrics],
        weights=weights,
        dataset={"name": resolved.dataset.name, **resolved.dataset.facts},
        seed=resolved.suite.seed,
        ablation=resolved.ablation,
        gate=resolved.suite.gate,
        published=resolved.suite.published,
        precision={s.info.id: s.plugin.precision for s in resolved.systems if s.plugin.precision},
    )


def _score_all(
    resolved: ResolvedSuite,
    plan: Plan,
    options: RunOptions,
    directory: RunDirectory,
    executor: Executor,
    hooks: Hooks,
    remote: Shared | None,
) -> Results:
    root = directory.root.resolve()
    config = WorkerConfig(
        run=root,
        store=(home() / "store").absolute(),
        metrics=tuple(name for name, _ in resolved.metrics),
        systems=tuple((s.info.use, s.options.model_dump_json()) for s in resolved.systems),
        device=options.device,
        threads=executor.threads,
        media=resolved.suite.report.media,
        remote=remote,
    )
    note = told_once(hooks.note)
    paths: dict[ClipKey, Path] = {c.key: c.path for c in plan.clips if c.path is not None}
    results = Results()
    made = make_staged(resolved, plan, root, options.device, hooks.note, hooks.made)
    works = [replace(_work(c, paths, root), made=made.get(c.key)) for c in plan.clips]
    stages = [[w for w in works if bool(w.sources) is derived] for derived in (False, True)]
    for work, outcome in executor.outcomes(config, stages):
        results.add(work, outcome)
        for text in outcome.notes:
            note(text)
        hooks.finished(work, outcome)
    return results


def _work(clip: PlannedClip, paths: dict[ClipKey, Path], root: Path) -> ClipWork:
    sources = tuple(paths.get(s) or root / "clips" / clip_folder(s) / f"{s.repeat}.mp4" for s in clip.sources)
    path = clip.path.absolute() if clip.path is not None else None
    return ClipWork(clip.key, clip.sample, path, clip.system, tuple(p.absolute() for p in sources), clip.seed)


def _finish(
    directory: RunDirectory,
    manifest: RunManifest,
    plan: Plan,
    resolved: ResolvedSuite,
    done: Results,
    began: float,
) -> Finished:
    ordered = done.ordered([clip.key for clip in plan.clips])
    table = scores_table(ordered, [m.spec.name for _, m in resolved.metrics])
    write_atomic(directory.scores_path, table.to_parquet(index=False))
    records = records_of(ordered)
    lines = "".join(r.model_dump_json() + "\n" for r in records)
    write_atomic(directory.clips_path, lines.encode())
    verdicts = write_verdicts(directory, manifest, table, records)
    problems = problems_of(ordered)
    if problems:
        write_atomic(directory.root / "problems.log", ("\n".join(problems) + "\n").encode())
    finished = datetime.datetime.now(datetime.UTC)
    manifest = manifest.model_copy(
        update={
            "status": "complete",
            "finished": finished.isoformat(timespec="seconds"),
            "seconds": round(time.monotonic() - began, 2),
            "media": media_by_system(records),
        }
    )
    write_json(directory.manifest_path, manifest.model_dump(mode="json"))
    empty = without_result(plan.systems, records, table)
    return Finished(directory, manifest, verdicts, dict(done.timings), problems, empty)

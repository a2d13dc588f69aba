"""From a finished run to signed entries: one for each system, its controls beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.entry_files import (
    Entry,
    EntryBody,
    EntryClip,
    EntryCode,
    EntryComputed,
    EntryDataset,
    EntryLink,
    EntrySample,
    EntrySuite,
    EntrySystem,
    EntryWeight,
    Plain,
    canonical,
)
from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.report.leaderboard.board import Board, Stored, file_name, last_of, track_of
from uniavgen_bench.report.leaderboard.chain import chain_of
from uniavgen_bench.report.leaderboard.keys import SigningKey
from uniavgen_bench.report.leaderboard.privacy import PATH, plain_environment, plain_options, refuse_leaks
from uniavgen_bench.report.leaderboard.rows import aggregates_of, summaries_of
from uniavgen_bench.report.leaderboard.source_run import (
    SourceRun,
    read_source,
    refuse_changed_clips,
    refuse_partial,
)
from uniavgen_bench.stats.grid import reason_of


@dataclass(frozen=True)
class Submitter:
    """Who publishes: a name to be shown, and addresses to link to."""

    name: str
    links: tuple[EntryLink, ...] = ()


def add_run(
    root: Path, board: Board, key: SigningKey, submitter: Submitter, systems: Sequence[str] = ()
) -> list[Stored]:
    """Write an entry of each system of a run, or of those named; all of them or none.

    Raises:
        InputError: the run cannot be published (see `read_source`), a name is unknown or a control's, an entry would
            tell of this machine, or the board has this very entry already.
    """
    run = read_source(root)
    chosen = _chosen(run, systems)
    refuse_changed_clips(run, [*chosen, *run.controls])
    last = last_of(board.readable())
    made = []
    for system in chosen:
        body = body_of(run, system, submitter)
        before = last.get((system.id, key.name, track_of(body)))
        if before is not None and before.entry.body.model_copy(update={"previous": None}) == body:
            raise InputError(f"{before.path} holds this result already")
        body = body.model_copy(update={"previous": before.head if before else None})
        chain = chain_of(body)
        entry = Entry(body=body, chain=chain, signature=key.sign(chain))
        made.append(Stored(board.entries_dir / file_name(entry), entry))
    for stored in made:
        write_atomic(stored.path, canonical(stored.entry))
    return made


def _chosen(run: SourceRun, names: Sequence[str]) -> list[SystemInfo]:
    known = {system.id: system for system in run.systems}
    if not known:
        raise InputError(f"{run.root} holds no system but controls: there is nothing to publish")
    for name in names:
        if name not in known:
            if name in {control.id for control in run.controls}:
                raise InputError(f"{name!r} is a control of the run: it goes along with every entry")
            raise unknown_name("system", name, known)
    return [known[name] for name in dict.fromkeys(names)] if names else list(known.values())


def body_of(run: SourceRun, system: SystemInfo, submitter: Submitter) -> EntryBody:
    """Return what an entry says of a system, without the entry before it.

    Raises:
        InputError: the system has no clip or not all that are planned, its metrics were scored without their weights,
            an input of a sample is gone, or something cannot be published.
    """
    rows = run.rows_of(system.id)
    records = [run.record(int(row)) for row in rows]
    if not any(record.sha256 for record in records):
        raise InputError(f"{run.root} holds no clip of {system.id!r}: there is nothing to publish")
    refuse_partial(run, system)
    manifest = run.manifest
    cluster = manifest.compare.cluster if manifest.compare else "identity"
    by_id = {record.sample.id: record.sample for record in records}
    try:
        samples = tuple(
            EntrySample(
                id=name,
                cluster=by_id[name].facts.get(cluster, "") if cluster else "",
                given=run.given(by_id[name]),
            )
            for name in sorted(by_id)
        )
        tasks = {sample.task for sample in by_id.values()}
        task = run.lock.task or (tasks.pop() if len(tasks) == 1 else None)
        body = EntryBody(
            task=task,
            suite=EntrySuite(
                name=manifest.suite,
                lock_sha256=run.lock_sha256,
                seed=run.lock.seed,
                repeats=run.lock.repeats,
            ),
            dataset=_dataset(run),
            samples=samples,
            cluster=cluster,
            metrics=tuple(manifest.metrics),
            computed=_computed(run),
            system=_system(run, system, samples),
            controls=_controls(run, system, samples),
            aggregates=(),
            weights=tuple(
                EntryWeight(name=w.name, sha256=w.sha256, licence=w.licence) for w in manifest.weights
            ),
            code=EntryCode(version=manifest.version, sha256=manifest.code_sha256),
            device=manifest.device,
            environment=plain_environment(manifest.environment),
            date=(manifest.finished or manifest.started)[:10],
            submitter=submitter.name,
            links=submitter.links,
            previous=None,
        )
    except ValidationError as error:
        raise InputError(f"{run.root} cannot be published: {first_problem(error)}") from None
    for name in weights_lacking(body):
        what = f"{run.root}: metrics were scored by {name}, whose hash the run does not name"
        raise InputError(what, way_out="pull the weights and start the run again")
    refuse_leaks(body)
    return body.model_copy(update={"aggregates": aggregates_of(summaries_of(body))})


def _computed(run: SourceRun) -> dict[str, EntryComputed]:
    named = {spec.name for spec in run.manifest.metrics} & run.computed.keys()
    return {
        name: EntryComputed(code=run.computed[name].code, params=plain_options(run.computed[name].params))
        for name in sorted(named)
    }


def weights_lacking(body: EntryBody) -> list[str]:
    """Return the weights of metrics that have numbers in an entry which does not name their hash."""
    named = {weight.name for weight in body.weights}
    found: dict[str, None] = {}
    at = 0
    for metric in body.metrics:
        fields = range(at, at := at + len(metric.fields))
        numbers = any(isinstance(c.scores[i], float) for s in body.systems for c in s.clips for i in fields)
        if numbers:
            found |= dict.fromkeys(name for name in metric.weights if name not in named)
    return list(found)


def _dataset(run: SourceRun) -> EntryDataset:
    options = plain_options({k: v for k, v in run.lock.dataset.items() if k != "name"})
    recipe: dict[str, Plain | list[Plain]] = {
        key: value for key, value in options.items() if value is not None and value != PATH
    }
    facts = {key: str(value) for key, value in plain_options(run.manifest.dataset).items() if value != PATH}
    plugin = str(run.lock.dataset["name"])
    return EntryDataset(plugin=plugin, name=facts.pop("name", plugin), recipe=recipe, facts=facts)


def _system(run: SourceRun, system: SystemInfo, samples: Sequence[EntrySample]) -> EntrySystem:
    """Return a system with its clips of some samples; clips of others are left out."""
    number = {sample.id: i for i, sample in enumerate(samples)}
    return _with_clips(run, system, {name: name for name in number}, number)


def _controls(run: SourceRun, system: SystemInfo, samples: Sequence[EntrySample]) -> tuple[EntrySystem, ...]:
    """Return the controls that have clips of the system's samples: their own, or those derived of the system's clips.

    A control of several systems names its samples `system/sample`; in an entry they have the sample's own name.
    """
    number = {sample.id: i for i, sample in enumerate(samples)}
    found = []
    for control in run.controls:
        held = {str(name) for name in run.grid.sample[run.rows_of(control.id)]}
        derived = {f"{system.id}/{name}": name for name in number if f"{system.id}/{name}" in held}
        names = derived or {name: name for name in number if name in held}
        if names:
            found.append(_with_clips(run, control, names, number))
    return tuple(found)


def _with_clips(
    run: SourceRun, system: SystemInfo, names: dict[str, str], number: dict[str, int]
) -> EntrySystem:
    grid = run.grid
    clips = []
    for row in run.rows_of(system.id):
        name = str(grid.sample[row])
        if name not in names:
            continue
        scores: list[float | Reason] = []
        for value, reason in zip(grid.values[row], grid.reasons[row], strict=True):
            scores.append(float(value) if reason < 0 else _reason(grid.reason_texts[reason]))
        record = run.record(int(row))
        clips.append(
            EntryClip(
                sample=number[names[name]],
                repeat=int(grid.repeat[row]),
                sha256=record.sha256,
                scores=tuple(scores),
            )
        )
    return EntrySystem(
        id=system.id,
        use=system.use,
        role=system.role,
        label=system.label,
        options=plain_options(system.options | {f"factor.{k}": v for k, v in system.factors.items()}),
        clips=tuple(sorted(clips, key=lambda clip: (clip.sample, clip.repeat))),
    )


def _reason(text: str) -> Reason:
    """Return the bare reason: its detail may name a file of this machine."""
    try:
        return Reason(reason_of(text))
    except ValueError:
        raise InputError(
            f"the run holds a reason that this version does not know: {reason_of(text)!r}"
        ) from None

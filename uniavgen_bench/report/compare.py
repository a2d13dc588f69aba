"""Runs compared sample by sample: verdicts per field, samples that changed most, and what could not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from uniavgen_bench.core.comparison import CompareBlock
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.report.compared_checks import (
    Refused,
    check_datasets,
    common_samples,
    comparable_metrics,
    matched_systems,
)
from uniavgen_bench.report.compared_fields import tested_columns
from uniavgen_bench.report.compared_runs import ComparedRun, read_compared
from uniavgen_bench.report.comparison import (
    ComparedPair,
    Comparison,
    LeftOut,
    Lost,
    Mover,
    RunRef,
    Unchanged,
)
from uniavgen_bench.report.same_clips import same_clips
from uniavgen_bench.stats.grid import ScoreGrid, score_grid
from uniavgen_bench.stats.pairs import Alignment, Pairs, sample_table
from uniavgen_bench.version import VERSION

MOST_MOVERS = 5
"""Samples listed per field and system at either end."""

MOST_LOST = 20
"""Samples without a counterpart listed per field and system."""


@dataclass(frozen=True)
class CompareOptions:
    """What is compared: `systems` as `A=B` or `A`, `fields` as `metric.field`; `common`: only what both runs have.

    `folder`: where links start. `seed`: of the resampling.
    """

    systems: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    common: bool = False
    folder: Path | None = None
    seed: int | None = None


@dataclass(frozen=True)
class _Job:
    """A system of a later run beside one of the first: the pairs of every compared field, and where clips are."""

    run: ComparedRun
    system: str
    baseline: str
    control: bool
    pairs: tuple[Pairs, ...]
    grid: ScoreGrid
    grid_before: ScoreGrid


def compare_runs(paths: Sequence[Path], options: CompareOptions | None = None) -> Comparison:
    """Compare runs with the first of them; corrections are over all tests of all runs.

    Raises:
        InputError: runs that cannot be compared at all (see `compared_runs` and `compared_checks`), or an unknown
            system or field.
    """
    options = options or CompareOptions()
    first, *others = read_compared(paths)
    block, seed = _block(first, options), _seed(first, options)
    jobs: list[_Job] = []
    unchanged: list[Unchanged] = []
    left_out: list[LeftOut] = []
    notes: list[str] = []
    for run in others:
        found, refused = _jobs(first, run, block, options)
        left_out += [LeftOut(run=run.name, what=r.what, why=r.why) for r in refused]
        notes += _notes(first, run)
        for job in found:
            same = same_clips(first, run, job.grid_before, job.grid)
            notes += _options_changed(first, job) + same.otherwise(job.system)
            if same.nothing_changed:
                unchanged.append(_unchanged(job))
            else:
                jobs.append(job)
    return Comparison(
        version=VERSION,
        runs=[_ref(run) for run in (first, *others)],
        block=block,
        seed=seed,
        family=sum(len(job.pairs) for job in jobs if not job.control),
        compared=_tested(jobs, block, seed),
        unchanged=unchanged,
        left_out=left_out,
        notes=notes,
        movers=[m for job in jobs for pairs in job.pairs for m in _movers(first, job, pairs, options.folder)],
        lost=[m for job in jobs for pairs in job.pairs for m in _lost(first, job, pairs, options.folder)],
    )


def _seed(first: ComparedRun, options: CompareOptions) -> int:
    if options.seed is not None:
        return options.seed
    return first.manifest.seed if first.manifest.seed is not None else 2025


def _block(first: ComparedRun, options: CompareOptions) -> CompareBlock:
    """Return how is tested: as the first run was, with the fields of the user."""
    block = first.manifest.compare or CompareBlock()
    return block.model_copy(update={"baseline": None, "fields": options.fields or block.fields})


def _tested(jobs: Sequence[_Job], block: CompareBlock, seed: int) -> list[ComparedPair]:
    """Test systems as one family and controls as another: a control must not weaken what is said about systems."""
    from uniavgen_bench.stats.comparison import compare_pairs

    compared: list[ComparedPair] = []
    for control in (False, True):
        flat = [(job, pairs) for job in jobs if job.control is control for pairs in job.pairs]
        results = compare_pairs([pairs for _, pairs in flat], block, seed=seed) if flat else []
        compared += [
            ComparedPair(run=job.run.name, system=job.system, baseline=job.baseline, result=result)
            for (job, _), result in zip(flat, results, strict=True)
        ]
    return compared


def _jobs(
    first: ComparedRun, run: ComparedRun, block: CompareBlock, options: CompareOptions
) -> tuple[list[_Job], list[Refused]]:
    check_datasets(first, run)
    specs, refused = comparable_metrics(first, run)
    if not specs:
        reasons = "; ".join(f"{r.what}: {r.why}" for r in refused[:3])
        raise InputError(f"{first.name} and {run.name} have no metric that could be compared: {reasons}")
    columns = tested_columns(specs, block, named=bool(options.fields))
    systems, alone = matched_systems(first, run, options.systems)
    refused += alone
    jobs = []
    for before, after in systems:
        samples, left = common_samples(first, run, (before, after), common=options.common)
        refused += left
        grid_before = _grid(first, before, specs, samples)
        grid = _grid(run, after, specs, samples)
        tables = (
            sample_table(grid, run.records, after, cluster=block.cluster),
            sample_table(grid_before, first.records, before, cluster=block.cluster),
        )
        alignment = Alignment.of(*tables, block.cluster)
        # Named with their runs, for both may be called the same.
        pairs = tuple(
            replace(
                alignment.pairs(column), system=f"{after} in {run.name}", baseline=f"{before} in {first.name}"
            )
            for column in columns
        )
        control = Role.SYSTEM not in (first.systems[before].role, run.systems[after].role)
        jobs.append(_Job(run, after, before, control, pairs, grid, grid_before))
    return jobs, refused


def _grid(run: ComparedRun, system: str, specs: Sequence[MetricSpec], samples: frozenset[str]) -> ScoreGrid:
    """Return the grid of one system over some samples; its records point into all records of the run."""
    chosen = (run.scores["system"] == system) & run.scores["sample"].isin(samples)
    at = [i for i, r in enumerate(run.records) if r.system == system and r.sample.id in samples]
    grid = score_grid(run.scores.loc[chosen], specs, [run.records[i] for i in at])
    places = np.asarray([*at, -1], dtype=np.int64)
    return ScoreGrid(**{**vars(grid), "record": places[grid.record]})


def _notes(first: ComparedRun, run: ComparedRun) -> list[str]:
    a, b = first.manifest, run.manifest
    notes = []
    if a.code_sha256 != b.code_sha256:
        versions = f" (version {b.version}, before {a.version})" if a.version != b.version else ""
        notes.append(
            f"{run.name} was scored by other code than {first.name}{versions}; "
            "what is compared has the same versions and parameters"
        )
    if not (first.computed and run.computed):
        notes.append("one of the runs does not say which parameters its metrics had")
    if a.device != b.device:
        notes.append(f"{run.name} was scored on {b.device}, {first.name} on {a.device}")
    if a.seed != b.seed:
        notes.append(f"other seeds: {b.seed} in {run.name}, {a.seed} in {first.name}")
    return notes


def _options_changed(first: ComparedRun, job: _Job) -> list[str]:
    before, after = first.systems[job.baseline], job.run.systems[job.system]
    changed = [
        f"{key} {before.options.get(key, 'not set')} → {after.options.get(key, 'not set')}"
        for key in sorted(before.options.keys() | after.options.keys())
        if before.options.get(key) != after.options.get(key)
    ]
    if before.use != after.use:
        changed.insert(0, f"made by {before.use} → {after.use}")
    return [f"{job.system} has other options in {job.run.name}: {', '.join(changed)}"] if changed else []


def _unchanged(job: _Job) -> Unchanged:
    return Unchanged(run=job.run.name, system=job.system, baseline=job.baseline, clips=len(job.grid.system))


def _movers(first: ComparedRun, job: _Job, pairs: Pairs, folder: Path | None) -> list[Mover]:
    """Return the samples that lost and gained most, worst first within each end."""
    gain = pairs.sign * (pairs.system_values - pairs.baseline_values)
    known = np.flatnonzero(~np.isnan(gain) & (gain != 0))
    order = known[np.argsort(gain[known], kind="stable")]
    falling = [int(i) for i in order[:MOST_MOVERS] if gain[i] < 0]
    rising = [int(i) for i in order[::-1][:MOST_MOVERS] if gain[i] > 0]
    movers = []
    for i in (*falling, *rising):
        sample = str(pairs.samples[i])
        before, after = _pages(first, job, sample, folder)
        movers.append(
            Mover(
                run=job.run.name,
                system=job.system,
                baseline=job.baseline,
                metric=pairs.metric,
                field=pairs.field,
                unit=pairs.unit,
                direction=pairs.direction,
                sample=sample,
                before=float(pairs.baseline_values[i]),
                after=float(pairs.system_values[i]),
                gain=float(gain[i]),
                page_before=before,
                page_after=after,
            )
        )
    return movers


def _lost(first: ComparedRun, job: _Job, pairs: Pairs, folder: Path | None) -> list[Lost]:
    """Return the samples that only one of the two has a score for, the lost ones first."""
    lost = np.flatnonzero(np.isnan(pairs.system_values) & ~np.isnan(pairs.baseline_values))
    found = np.flatnonzero(~np.isnan(pairs.system_values) & np.isnan(pairs.baseline_values))
    entries = []
    for i, gone in [*((int(i), True) for i in lost), *((int(i), False) for i in found)][:MOST_LOST]:
        sample = str(pairs.samples[i])
        before, after = _pages(first, job, sample, folder)
        entries.append(
            Lost(
                run=job.run.name,
                system=job.system,
                baseline=job.baseline,
                metric=pairs.metric,
                field=pairs.field,
                sample=sample,
                lost=gone,
                reason=_reason(job.grid if gone else job.grid_before, sample, (pairs.metric, pairs.field)),
                page_before=before,
                page_after=after,
            )
        )
    return entries


def _pages(first: ComparedRun, job: _Job, sample: str, folder: Path | None) -> tuple[str | None, str | None]:
    if folder is None:
        return None, None
    before = first.clip_page(job.baseline, sample, folder)
    return before, job.run.clip_page(job.system, sample, folder)


def _reason(grid: ScoreGrid, sample: str, column: tuple[str, str]) -> str:
    at = next(i for i, c in enumerate(grid.columns) if (c.metric, c.field.name) == column)
    rows = np.flatnonzero(grid.sample == sample)
    codes = [int(code) for code in grid.reasons[rows, at] if code >= 0]
    return grid.reason_texts[codes[0]] if codes else "absent"


def _ref(run: ComparedRun) -> RunRef:
    manifest = run.manifest
    return RunRef(
        name=run.name,
        suite=manifest.suite,
        started=manifest.started,
        version=manifest.version,
        code_sha256=manifest.code_sha256,
        plan_sha256=manifest.plan_sha256,
        device=manifest.device,
        seed=manifest.seed,
        clips=len(run.records),
    )

"""One system of one run as the gate sees it, read from a run directory or from a baseline file."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.core.gate_files import Baseline, BaselineClip, BaselineField, PastMeans
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord, MetricComputed, RunDirectory, RunManifest
from uniavgen_bench.core.sample import Role, Sample
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.computed import read_computed
from uniavgen_bench.report.links import is_path, without_paths
from uniavgen_bench.stats.grid import ABSENT, ScoreGrid, reason_of, score_grid
from uniavgen_bench.stats.pairs import SampleTable, sample_table


@dataclass(frozen=True)
class GateRun:
    """A finished run: its manifest, its clips, and its scores as a grid. `place` names it in messages.

    `computed` says by metric with which parameters it was computed.
    """

    place: str
    root: Path
    manifest: RunManifest
    clips: tuple[ClipRecord, ...]
    grid: ScoreGrid
    computed: dict[str, MetricComputed]


def read_gate_run(root: Path) -> GateRun:
    """Read a run that has finished.

    Raises:
        InputError: it is no run, damaged, or has not finished.
    """
    directory = RunDirectory(root)
    if not root.exists():
        raise InputError(f"{root}: no such run", way_out="give a run directory, as `run --out` makes it")
    manifest = directory.manifest()
    if manifest.status != "complete":
        raise InputError(
            f"{root} has not finished", way_out=f"the same command goes on with it: {manifest.command}"
        )
    clips = tuple(directory.clips())
    grid = score_grid(directory.scores(), manifest.metrics, clips)
    return GateRun(str(root), root, manifest, clips, grid, read_computed(root))


def choose_system(run: GateRun, wanted: str | None, *, option: str) -> str:
    """Return the system that the gate is about: the one that is wanted, else the run's only one.

    Raises:
        InputError: no such system, or several to choose from.
    """
    known = [system.id for system in run.manifest.systems]
    if wanted is not None:
        if wanted not in known:
            raise unknown_name("system", wanted, known)
        return wanted
    proper = [system.id for system in run.manifest.systems if system.role is Role.SYSTEM]
    if len(proper) != 1:
        listed = ", ".join(proper[:8]) + (", …" if len(proper) > 8 else "")
        raise InputError(
            f"{run.place} has {len(proper)} systems", way_out=f"choose one with {option}: {listed or 'none'}"
        )
    return proper[0]


def content_of(sample: Sample) -> str:
    """Return a hash of what a sample asks for: task and texts. Its files are named by machine paths and left out."""
    given = (sample.task, sample.caption, sample.speech, sample.language, sample.reference_text)
    return sha256_json([None if part is None else str(part) for part in given])[:16]


def dataset_of(facts: Mapping[str, str]) -> dict[str, str]:
    """Return what is said of a dataset without what names a place of this machine."""
    return {key: without_paths(text) for key, text in facts.items() if not is_path(text)}


def baseline_of(run: GateRun, system: str) -> Baseline:
    """Turn one system of a run into a baseline without margins; fields without a better side are left out.

    Raises:
        InputError: the system has no clip, no field has a better side, or none has a single number.
    """
    grid, manifest = run.grid, run.manifest
    rows = grid.rows_of(system)
    cluster = manifest.compare.cluster if manifest.compare is not None else "identity"
    clips = []
    for row in rows:
        record = run.clips[grid.record[row]] if grid.record[row] >= 0 else None
        sample = record.sample if record else Sample(id=str(grid.sample[row]))
        clips.append(
            BaselineClip(
                sample=sample.id,
                repeat=int(grid.repeat[row]),
                content=content_of(sample),
                cluster=sample.facts.get(cluster) if cluster else None,
                sha256=record.sha256 if record else None,
            )
        )
    kept = [i for i, c in enumerate(grid.columns) if c.field.direction is not Direction.NONE]
    if not len(rows) or not np.isfinite(grid.values[rows][:, kept]).any():
        raise InputError(
            f"{run.place} holds no score of {system!r} that has a better side, so nothing can be gated"
        )
    fields = []
    for i in kept:
        values = [None if np.isnan(v) else float(v) for v in grid.values[rows, i]]
        codes = grid.reasons[rows, i]
        reasons = {str(at): reason_of(grid.reason_texts[c]) for at, c in enumerate(codes) if c >= 0}
        column = grid.columns[i]
        fields.append(
            BaselineField(
                metric=column.metric, field=column.field.name, values=tuple(values), reasons=reasons
            )
        )
    specs = {grid.columns[i].metric for i in kept}
    return Baseline(
        suite=manifest.suite,
        system=system,
        made=manifest.finished or manifest.started,
        version=manifest.version,
        code_sha256=manifest.code_sha256,
        device=manifest.device,
        cluster=cluster,
        dataset=dataset_of(manifest.dataset),
        weights=tuple(manifest.weights),
        computed={name: run.computed[name] for name in sorted(specs & run.computed.keys())},
        metrics=tuple(spec for spec in manifest.metrics if spec.name in specs),
        clips=tuple(clips),
        fields=tuple(fields),
    ).sealed()


@dataclass(frozen=True)
class Side:
    """One system of a run or of a baseline, as the paired statistics take it."""

    grid: ScoreGrid
    clips: tuple[ClipRecord, ...]
    system: str

    def table(self, cluster: str | None) -> SampleTable:
        """Return the system's values by sample, repeats averaged."""
        return sample_table(self.grid, self.clips, self.system, cluster=cluster)


def side_of(baseline: Baseline) -> Side:
    """Turn a baseline back into a grid of scores with its clips."""
    facts = [{baseline.cluster: c.cluster} if baseline.cluster and c.cluster else {} for c in baseline.clips]
    clips = tuple(
        ClipRecord(
            system=baseline.system,
            sample=Sample(id=clip.sample, facts=fact),
            repeat=clip.repeat,
            source="",
            sha256=clip.sha256,
        )
        for clip, fact in zip(baseline.clips, facts, strict=True)
    )
    rows: list[tuple[object, ...]] = []
    for item in baseline.fields:
        for at, (clip, value) in enumerate(zip(baseline.clips, item.values, strict=True)):
            reason = "" if value is not None else item.reasons.get(str(at), ABSENT)
            number = np.nan if value is None else float(value)
            rows.append(
                (baseline.system, clip.sample, clip.repeat, item.metric, item.field, number, reason, "", 0.0)
            )
    scores = pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype({"value": "float64", "repeat": "int64"})
    return Side(score_grid(scores, baseline.metrics, clips), clips, baseline.system)


def means_of(baseline: Baseline) -> dict[tuple[str, str], float | None]:
    """Return the mean of every field over its scored samples, repeats averaged first; `zero`: of absolute values."""
    table = side_of(baseline).table(None)
    return {
        (c.metric, c.field.name): float(np.nanmean(values)) if np.isfinite(values).any() else None
        for c, values in zip(table.columns, table.values.T, strict=True)
        if c.field.direction is not Direction.NONE
    }


def now() -> str:
    """Return the time as it stands in files."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def current_means(baseline: Baseline) -> PastMeans:
    """Return what a baseline says, to be kept in the one that replaces it."""
    means = {f"{m}.{f}": v for (m, f), v in means_of(baseline).items() if v is not None}
    return PastMeans(made=baseline.made, code_sha256=baseline.code_sha256, means=means)

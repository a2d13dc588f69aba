"""Test metrics on clips with known changes, and write what was found: the study behind `uniavgen-bench validate`."""

from __future__ import annotations

import datetime
import json
import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.registry import METRICS, PluginError, Registry
from uniavgen_bench.core.run_files import MetricComputed, RunDirectory
from uniavgen_bench.core.validity_files import RunValidity
from uniavgen_bench.metrics.catalogue import plain_name, unknown_metric
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.report.render import plural
from uniavgen_bench.validity.expect import Family, expectations_for, families
from uniavgen_bench.validity.own_study import own_checks
from uniavgen_bench.validity.perturb import StudyClip
from uniavgen_bench.validity.study import (
    Barred,
    Progress,
    StudiedMetric,
    StudyOptions,
    again,
    make_works,
    planned_changes,
    score_works,
)
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.taught import LEFT_OUT, left_out, none_left, untaught
from uniavgen_bench.validity.verdict import (
    StudiedValidity,
    checks_of,
    repeat_checks,
    verdict_on,
    why_missing,
)
from uniavgen_bench.validity.verdict_checks import StudyCheck
from uniavgen_bench.validity.verdict_table import MetricTable
from uniavgen_bench.version import VERSION
from uniavgen_bench.weights.locate import WeightLocator

VALIDITY_FILE = "validity.json"
SCORES_FILE = "validity_scores.parquet"
REPEATED = 4
"""Clips that are scored from nothing twice more."""


class StudyResult(RunValidity):
    """validity.json as a study writes it."""

    metrics: tuple[StudiedValidity, ...] = ()


@dataclass(frozen=True)
class Validated:
    """The result of a study, and all scores that it is drawn from."""

    result: StudyResult
    scores: pd.DataFrame
    seconds: dict[str, float] = field(default_factory=dict)


def studied_metrics(
    names: Sequence[str],
    declared: Sequence[Family] | None = None,
    note: Callable[[str], None] = lambda text: None,
) -> list[StudiedMetric]:
    """Return metrics with what is expected of them: those named, else all that are installed and load.

    Raises:
        InputError: an unknown metric, or expectations that cannot be read.
    """
    registry = Registry(METRICS, "metric", Metric)
    known = declared if declared is not None else families()
    chosen = [plain_name(name, registry) for name in names] or registry.names()
    found = []
    for name in dict.fromkeys(chosen):
        if name not in registry.points():
            raise unknown_metric(name, registry)
        try:
            metric = registry.load(name)
        except PluginError as error:
            if names:
                raise
            note(str(error))
            continue
        found.append(StudiedMetric(name, metric, expectations_for(metric.spec, name, known)))
    return found


def validate_metrics(
    metrics: Sequence[StudiedMetric],
    sets: Sequence[ClipSet],
    options: StudyOptions,
    *,
    command: str = "",
    repeats: bool = True,
    progress: Progress | None = None,
) -> Validated:
    """Score all clips and their changes, hold the expectations against them, and draw the verdicts.

    What is scored is kept in the store of runs: a study that was stopped goes on from there.
    """
    if not any(found.clips for found in sets):
        raise InputError("there are no clips to test on", way_out="name a dataset or --clips")
    checks: dict[str, list[StudyCheck]] = {m.name: [] for m in metrics}
    missing: dict[str, list[str]] = {m.name: [] for m in metrics}
    tables = []
    for chosen in sets:
        if not chosen.clips:
            continue
        fair_sets = _fair_sets(metrics, chosen, progress or Progress())
        table = _scored(metrics, chosen, fair_sets, options, progress)
        tables.append(table.assign(set=chosen.name))
        repeated = _repeated(metrics, chosen, fair_sets, table, options, progress) if repeats else {}
        for studied in metrics:
            if studied.expected is None:
                continue
            fair = fair_sets[studied.name]
            checks[studied.name] += left_out(chosen, fair)
            if not fair.clips:
                missing[studied.name].append(none_left(chosen))
                continue
            names = [clip.sample.id for clip in fair.clips]
            rows = table[(table["metric"] == studied.metric.spec.name) & table["sample"].isin(names)]
            arranged = MetricTable(studied.metric.spec, rows)
            why = why_missing(arranged)
            if why:
                missing[studied.name].append(why)
                continue
            checks[studied.name] += checks_of(studied.expected, arranged, fair.clips, chosen.name)
            checks[studied.name] += repeated.get(studied.name, ())
            checks[studied.name] += own_checks(studied.expected, fair, options)
    locator = WeightLocator()
    found = tuple(
        _with_origin(
            verdict_on(
                m.metric.spec, m.expected, _finite(checks[m.name]),
                "; ".join(dict.fromkeys(missing[m.name])) if not _tested(checks[m.name]) else "",
            ),
            m.metric,
            locator,
        )
        for m in metrics
    )  # fmt: skip
    result = StudyResult(
        version=VERSION,
        command=command,
        made=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        clips={chosen.name: chosen.about for chosen in sets},
        metrics=found,
    )
    scores = pd.concat(tables, ignore_index=True)
    once = scores.drop_duplicates(["set", "sample", "change", "metric"])
    seconds = {str(name): float(part.sum()) for name, part in once.groupby("metric")["seconds"]}
    return Validated(result, scores, seconds)


def _fair_sets(metrics: Sequence[StudiedMetric], chosen: ClipSet, progress: Progress) -> dict[str, ClipSet]:
    """Return for every metric the clips that its weights did not learn from, and say which are left out."""
    fair = {m.name: untaught(m.expected.taught, chosen) for m in metrics if m.expected is not None}
    for name, kept in fair.items():
        for check in left_out(chosen, kept):
            gone = len(chosen.clips) - len(kept.clips)
            progress.note(
                f"{name}: {gone} of {plural(len(chosen.clips), 'clip')} left out, its weights learned from clips of "
                f"{check.detail}"
            )
    return fair


def _barred(chosen: Sequence[StudyClip], kept: Mapping[str, Sequence[StudyClip]]) -> Barred:
    asked = frozenset(clip.sample.id for clip in chosen)
    return {name: asked - {clip.sample.id for clip in clips} for name, clips in kept.items()}


def _scored(
    metrics: Sequence[StudiedMetric],
    chosen: ClipSet,
    fair: Mapping[str, ClipSet],
    options: StudyOptions,
    progress: Progress | None,
) -> pd.DataFrame:
    changes = planned_changes(metrics)
    works = make_works(
        chosen.clips, changes, options.kept / "media", progress,
        barred=_barred(chosen.clips, {name: kept.clips for name, kept in fair.items()}),
        workers=options.workers, timeout=options.timeout,
    )  # fmt: skip
    return score_works(works, chosen.clips, metrics, options, progress)


def _repeated(
    metrics: Sequence[StudiedMetric],
    chosen: ClipSet,
    fair: Mapping[str, ClipSet],
    table: pd.DataFrame,
    options: StudyOptions,
    progress: Progress | None,
) -> dict[str, tuple[StudyCheck, ...]]:
    asked = [m for m in metrics if m.expected is not None and not m.metric.spec.id.startswith("judge.")]
    first = {m.name: fair[m.name].clips[:REPEATED] for m in asked}
    wanted = {clip.sample.id for clips in first.values() for clip in clips}
    clips = tuple(clip for clip in chosen.clips if clip.sample.id in wanted)
    options.kept.mkdir(parents=True, exist_ok=True)
    asked_again = partial(_again, clips, asked, _barred(clips, first), options, progress)
    same, other = asked_again(threads=1, workers=1), asked_again(threads=2, workers=2)
    return {m.name: repeat_checks(m.metric.spec, table, same, other, chosen.name) for m in asked}


def _again(
    clips: Sequence[StudyClip],
    metrics: Sequence[StudiedMetric],
    barred: Barred,
    options: StudyOptions,
    progress: Progress | None,
    *,
    threads: int,
    workers: int,
) -> pd.DataFrame:
    with tempfile.TemporaryDirectory(dir=options.kept, prefix=".again-") as folder:
        return again(
            clips, metrics, options, Path(folder), progress, threads=threads, workers=workers, barred=barred
        )


def _tested(checks: Sequence[StudyCheck]) -> bool:
    return any(check.kind != LEFT_OUT for check in checks)


def _finite(checks: Sequence[StudyCheck]) -> list[StudyCheck]:
    """Leave out numbers that JSON cannot hold."""

    def lost(check: StudyCheck) -> dict[str, None]:
        numbers = {"value": check.value, "low": check.low, "high": check.high}
        return {
            name: None for name, number in numbers.items() if number is not None and not math.isfinite(number)
        }

    return [check.model_copy(update=lost(check)) for check in checks]


def _with_origin(found: StudiedValidity, metric: Metric, locator: WeightLocator) -> StudiedValidity:
    params = json.loads(json.dumps(dict(metric.parameters), default=str))
    weights = {name: locator.sha256(name) for name in metric.spec.weights}
    return found.model_copy(
        update={"computed": MetricComputed(code=metric.code, params=params), "weights": weights}
    )


def write_study(validated: Validated, out: Path) -> Path:
    """Write validity.json and all scores into a folder, which may be that of a run; return the path of the first.

    Raises:
        InputError: `out` is a file.
    """
    if out.is_file():
        raise InputError(f"{out} is a file", way_out="name a folder or a run")
    out.mkdir(parents=True, exist_ok=True)
    data = validated.result.model_dump(mode="json", exclude_none=True)
    scores = out / SCORES_FILE
    part = scores.with_name(f".{SCORES_FILE}.part")
    validated.scores.to_parquet(part, index=False)
    part.replace(scores)
    write_json(out / VALIDITY_FILE, data)
    return out / VALIDITY_FILE


def metrics_of_run(out: Path | None) -> tuple[str, ...]:
    """Return the versioned names of the metrics of the run in a folder; nothing where there is no run."""
    if out is None or not RunDirectory(out).manifest_path.is_file():
        return ()
    return tuple(spec.name for spec in RunDirectory(out).manifest().metrics)

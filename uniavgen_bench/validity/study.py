"""A study of metrics: clips, their changes, and the scores of both, computed as a run computes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
from pebble import ProcessExpired

from uniavgen_bench.core.result import Missing
from uniavgen_bench.core.sample import ClipKey
from uniavgen_bench.core.store import home
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.executors.start import start_worker
from uniavgen_bench.runner.isolated_workers import IsolatedWorkers
from uniavgen_bench.runner.pool import PoolOptions, outcomes
from uniavgen_bench.validity.expect import MetricExpectations, changes_of
from uniavgen_bench.validity.perturb import CLEAN, Changed, StudyClip, changed
from uniavgen_bench.validity.perturb_list import expanded, known

COLUMNS = ("sample", "cluster", "change", "metric", "field", "value", "reason", "seconds")
"""Columns of a table of scores; `value` is nan where `reason` says why."""

Barred = Mapping[str, Collection[str]]
"""By the name of a metric the samples that it is not to be scored on."""


@dataclass(frozen=True)
class StudiedMetric:
    """A metric by the name that it is registered under, and what is expected of it (None: nothing is declared)."""

    name: str
    metric: Metric
    expected: MetricExpectations | None


@dataclass(frozen=True)
class StudyOptions:
    """How a study is computed; nothing here changes a score.

    `root`: where changed clips are kept; `remote`: address of a store that others share.
    """

    workers: int = 1
    device: str = "cpu"
    timeout: float = 1800.0
    root: Path | None = None
    store: Path | None = None
    remote: str | None = field(default=None, repr=False)

    @property
    def kept(self) -> Path:
        """The folder of a study's own files."""
        return self.root or home() / "validity"


@dataclass(frozen=True)
class Progress:
    """What a caller hears: a stage begins with so many steps, a step is done, a note for the user."""

    begin: Callable[[str, int], None] = lambda stage, steps: None
    step: Callable[[str], None] = lambda what: None
    note: Callable[[str], None] = lambda text: None


def planned_changes(metrics: Sequence[StudiedMetric]) -> dict[str, tuple[str, ...]]:
    """Return for every change that is needed the registered names of the metrics that need it, clean first."""
    wanted: dict[str, list[str]] = {CLEAN.name: [m.name for m in metrics if m.expected is not None]}
    for metric in metrics:
        if metric.expected is None:
            continue
        for name in expanded(changes_of(metric.expected)):
            wanted.setdefault(name, []).append(metric.name)
    order = list(known())
    return {name: tuple(wanted[name]) for name in sorted(wanted, key=order.index) if wanted[name]}


def make_works(
    clips: Sequence[StudyClip],
    changes: Mapping[str, tuple[str, ...]],
    root: Path,
    progress: Progress | None = None,
    *,
    barred: Barred | None = None,
    workers: int = 1,
    timeout: float = 1800.0,
) -> list[ClipWork]:
    """Write the changed clips that are not there yet; return what is to be scored, clip by clip.

    Changes of one clip follow each other, so that what they share is found warm. Worker processes write them: a clip
    that kills its decoder, or takes longer than `timeout` s, is one that cannot be changed so. What only metrics that
    are barred from a clip would need is neither written nor scored.
    """
    say = progress or Progress()
    needed = {
        (number, name): names
        for number in range(len(clips))
        for name, asked in changes.items()
        if (names := _allowed(asked, clips[number], barred))
    }
    if not needed:
        return []
    wanted = list(needed)
    say.begin("changing clips", len(wanted))
    works = []
    for (number, name), made in zip(wanted, _made(wanted, clips, root, workers, timeout), strict=True):
        if made is not None:
            key = ClipKey(system=name, sample=clips[number].sample.id)
            works.append(ClipWork(key, made.sample, made.path.absolute(), only_metrics=needed[number, name]))
        say.step(f"{clips[number].sample.id} {name}")
    return works


def _allowed(names: Iterable[str], clip: StudyClip, barred: Barred | None) -> tuple[str, ...]:
    return tuple(name for name in names if clip.sample.id not in (barred or {}).get(name, ()))


def _made(
    wanted: Sequence[tuple[int, str]], clips: Sequence[StudyClip], root: Path, workers: int, timeout: float
) -> Iterator[Changed | None]:
    """Yield the changed clips in the order in which they are wanted; None where a change cannot be made."""
    pool = IsolatedWorkers(max(1, min(workers, len(wanted))), start_worker, (1, os.getpid()))
    try:
        running = [
            pool.schedule(changed, (known()[name], clips[number], clips, root), timeout)
            for number, name in wanted
        ]
        for future in running:
            try:
                yield future.result()
            except (TimeoutError, ProcessExpired):
                yield None
    except BaseException:
        pool.stop()
        raise
    finally:
        pool.join()


def score_works(
    works: Sequence[ClipWork],
    clips: Sequence[StudyClip],
    metrics: Sequence[StudiedMetric],
    options: StudyOptions,
    progress: Progress | None = None,
    *,
    threads: int = 1,
    stage: str = "scoring",
) -> pd.DataFrame:
    """Score clips by the workers of a run, from its store where they were scored before (columns: `COLUMNS`)."""
    say = progress or Progress()
    if works:
        say.begin(stage, len(works))
    config = WorkerConfig(
        run=options.kept / "work",
        store=options.store or home() / "store",
        metrics=tuple(m.name for m in metrics),
        systems=(),
        device=options.device,
        threads=threads,
        media="none",
        remote=options.remote,
    )
    clusters = {clip.sample.id: clip.cluster for clip in clips}
    found: dict[ClipKey, ClipOutcome] = {}
    pool = PoolOptions(max(1, min(options.workers, len(works))), threads, options.timeout)
    for work, outcome in outcomes(config, [works], pool) if works else ():
        found[work.key] = outcome
        for note in outcome.notes:
            say.note(note)
        say.step(f"{work.key.sample} {work.key.system}")
    rows = [row for work in works for row in _rows(work, found[work.key], clusters)]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"value": "float64", "seconds": "float64"})


def _rows(work: ClipWork, outcome: ClipOutcome, clusters: Mapping[str, str]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    sample = work.key.sample
    for scored in outcome.scored:
        for name, score in scored.scores.items():
            missing = isinstance(score, Missing)
            value = float("nan") if isinstance(score, Missing) else score.value
            reason = str(score) if missing else ""
            row = (sample, clusters[sample], work.key.system, scored.metric, name, value, reason)
            rows.append((*row, scored.seconds))
    return rows


def again(
    clips: Sequence[StudyClip],
    metrics: Sequence[StudiedMetric],
    options: StudyOptions,
    folder: Path,
    progress: Progress | None = None,
    *,
    threads: int,
    workers: int,
    barred: Barred | None = None,
) -> pd.DataFrame:
    """Score unchanged clips from nothing in an empty store below `folder`, the last clip first."""
    names = tuple(m.name for m in metrics if m.expected is not None)
    works = [
        ClipWork(
            ClipKey(system=CLEAN.name, sample=c.sample.id), c.sample, c.path.absolute(), only_metrics=allowed
        )
        for c in reversed(clips)
        if (allowed := _allowed(names, c, barred))
    ]
    cold = replace(options, store=folder / "store", remote=None, root=folder, workers=workers)
    stage = "scoring again" if workers == 1 else f"again, {workers} processes"
    return score_works(works, clips, metrics, cold, progress, threads=threads, stage=stage)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

"""What the leaderboard needs to compute published scores again: measure a clip anew, make samples anew."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from uniavgen_bench.core.entry_files import EntryDataset
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.registry import DATASETS, METRICS, Registry
from uniavgen_bench.core.result import Missing, MissingError, Score
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.report.leaderboard.recompute import Answers, Scorer
from uniavgen_bench.report.leaderboard.verify import Declared
from uniavgen_bench.weights.manifest import load_manifest
from uniavgen_bench.weights.models import Models


@cache
def _models() -> Models:
    from uniavgen_bench.weights.locate import WeightLocator

    return Models(WeightLocator(), device="cpu", threads=1)


@cache
def _metric(name: str) -> Metric | str:
    """Return the installed metric of a versioned name, or why there is none."""
    registry = Registry(METRICS, "metric", Metric)
    base = name.split("@")[0].split("[")[0]
    others = []
    for point in registry.names():
        if point.split("[")[0] != base:
            continue
        try:
            metric = registry.load(point)
        except BenchError as error:
            return str(error)
        if metric.spec.name == name:
            return metric
        others.append(metric.spec.name)
    return f"this installation has no {name}" + (f", it has {', '.join(others)}" if others else "")


def score_anew(clip: Path, sample: Sample, metrics: tuple[str, ...]) -> dict[str, Answers | str]:
    """Measure one clip with some metrics by their versioned names, on the CPU and from nothing: no cache is read.

    Returns for each name the answers of its fields, or the reason why this installation cannot measure it.
    """
    from uniavgen_bench.analysis.clip import VIDEO_PASS, AnalysedClip
    from uniavgen_bench.core.store import Store
    from uniavgen_bench.runner.score_clip import DISK_ERRORS, all_missing, score_clip

    found: dict[str, Answers | str] = {}
    with tempfile.TemporaryDirectory(prefix="uniavgen-rescore-") as folder:
        store, models = Store(Path(folder)), _models()
        installed: list[Metric] = []
        for name in metrics:
            metric = _metric(name)
            if isinstance(metric, str):
                found[name] = metric
            else:
                installed.append(metric)
        analysed = AnalysedClip(clip, sample, store, models)
        try:
            _ = analysed.facts
            analysed.ensure([a for m in installed for a in m.spec.needs if a in VIDEO_PASS])
        except MissingError as error:
            return found | {m.spec.name: all_missing(m, error.missing) for m in installed}
        except Exception as error:  # each metric says what it lacks, as in a run
            if isinstance(error, OSError) and error.errno in DISK_ERRORS:
                raise
        for metric in installed:
            answers: Mapping[str, Score | Missing] = score_clip(
                metric, analysed, sample, models, store
            ).scores
            found[metric.spec.name] = answers
    return found


def samples_anew(dataset: EntryDataset, task: Task | None) -> dict[str, Sample]:
    """Make the samples of a dataset again from the recipe in an entry; only datasets that are made here can be.

    Raises:
        InputError: the dataset is read from files that only the submitter has, or this version makes another one.
        NotInstalledError: an optional package is needed.
    """
    from uniavgen_bench.core.located import Located, validate
    from uniavgen_bench.datasets.dataset import DatasetPlugin

    if dataset.plugin != "portraits":
        raise InputError(f"the dataset {dataset.name!r} is read from files that are not part of an entry")
    plugin = Registry(DATASETS, "dataset", DatasetPlugin).load(dataset.plugin)
    options = validate(plugin.options, Located(dict(dataset.recipe), {}, "the entry's dataset"))
    return {sample.id: sample for sample in plugin.load(options).samples}


def declared() -> Declared:
    """Return the hashes of all weights of the manifest, and the specifications of all metrics that can be loaded."""
    registry = Registry(METRICS, "metric", Metric)
    specs = {}
    for name in registry.names():
        with contextlib.suppress(BenchError):  # a stranger's broken plugin says nothing of an entry
            spec = registry.load(name).spec
            specs[spec.name] = spec
    return Declared({weight.name: weight.sha256 for weight in load_manifest().weight}, specs)


def scorer() -> Scorer:
    """Return what `leaderboard verify` is handed."""
    return Scorer(score_anew, samples_anew, declared)

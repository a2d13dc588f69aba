"""What a worker process does with one clip: get it, look once, ask every metric."""

from __future__ import annotations

import functools
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from uniavgen_bench.analysis.clip import VIDEO_PASS, AnalysedClip
from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.registry import METRICS, SYSTEMS, Registry
from uniavgen_bench.core.remote_store import open_store, remote_at
from uniavgen_bench.core.result import Evidence, Missing, MissingError, Reason
from uniavgen_bench.core.run_files import ClipRecord, CurveData, EvidenceData
from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig, clip_folder
from uniavgen_bench.runner.disk_errors import disk_errors
from uniavgen_bench.runner.make_clip import make_clip, read_sidecar
from uniavgen_bench.runner.media_copy import place_media
from uniavgen_bench.runner.score_clip import DISK_ERRORS, Scored, all_missing, known_score, score_clip
from uniavgen_bench.systems.system import SystemPlugin
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models


@functools.cache
def _models(device: str, threads: int) -> Models:
    return Models(WeightLocator(), device=device, threads=threads)


@functools.cache
def _metric(name: str) -> Metric:
    return Registry(METRICS, "metric", Metric).load(name)


def load_plugins(config: WorkerConfig) -> None:
    """Load the metrics and the modules of the systems of a run in this process.

    Raises:
        InputError: one is not installed here.
    """
    for name in config.metrics:
        _metric(name)
    for use, _ in config.systems:
        Registry(SYSTEMS, "system", SystemPlugin).load(use)


def process_clip(config: WorkerConfig, work: ClipWork) -> ClipOutcome:
    """Get a clip, score it with every metric, and put its media and evidence into the run directory.

    Raises:
        StorageFullError: nothing can be written any more; the only error that stops a run.
    """
    with disk_errors():
        outcome = _process(config, work)
    notes = remote_at(config.remote).notes() if config.remote is not None else ()
    return replace(outcome, notes=notes) if notes else outcome


def _process(config: WorkerConfig, work: ClipWork) -> ClipOutcome:
    models = _models(config.device, config.threads)
    store = open_store(config.store, config.remote)
    names = work.only_metrics or config.metrics
    metrics = [_metric(name) for name in names]
    timings: dict[str, float] = {}
    started = time.perf_counter()
    source = str(work.path) if work.path is not None else work.key.system
    record = ClipRecord(system=work.key.system, sample=work.sample, repeat=work.key.repeat, source=source)
    try:
        if isinstance(work.made, Missing):
            raise MissingError(work.made.reason, work.made.detail)
        path = work.path or work.made or make_clip(config, work)
        if not path.is_file():
            raise MissingError(Reason.NOT_GENERATED, f"no such file: {path.name}")
    except MissingError as error:
        return _nothing(record, metrics, error.missing)
    timings["generate"] = time.perf_counter() - started
    clip = AnalysedClip(path, work.sample, store, models)
    try:
        facts = clip.facts
    except MissingError as error:
        return _nothing(record.model_copy(update={"sha256": sha256_file(path)}), metrics, error.missing)
    scored, problems = _score(metrics, clip, work.sample, models, store)
    timings |= {s.metric: s.seconds for s in scored if not s.cached}
    timings |= {f"artefact {name}": seconds for name, seconds in clip.seconds.items()}
    beside = read_sidecar(work.made.with_suffix(".json")) if isinstance(work.made, Path) else {}
    record = record.model_copy(
        update={
            "sha256": facts.file_sha256,
            "duration": facts.video_duration or facts.audio_duration,
            "fps": facts.fps,
            "width": facts.width,
            "height": facts.height,
            "audio_rate": facts.audio_rate,
            "notes": list(facts.problems),
            "delivered": str(beside.get("media", "")),
        }
    )
    started = time.perf_counter()
    record = place_media(config.run, config.media, record, path, clip)
    outcome = ClipOutcome(record, scored, timings, problems, tuple(sorted(store.used)))
    if not work.part:
        outcome = _place_evidence(config.run, outcome)
    timings["media"] = time.perf_counter() - started
    return outcome


def _score(
    metrics: list[Metric], clip: AnalysedClip, sample: Sample, models: Models, store: Store
) -> tuple[tuple[Scored, ...], tuple[str, ...]]:
    """Answer every metric: first from the store, then by one look at the pictures for all that are left.

    What comes of the sound is made when a metric reads it: one that refuses the sample costs no transcript.
    """
    known = {m.spec.name: known_score(m, clip, sample, models, store) for m in metrics}
    left = [m for m in metrics if known[m.spec.name] is None]
    problems: list[str] = []
    try:
        clip.ensure([artefact for m in left for artefact in m.spec.needs if artefact in VIDEO_PASS])
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            raise
        problems.append(f"analysis: {type(error).__name__}: {error}")
    scored = tuple(known[m.spec.name] or score_clip(m, clip, sample, models, store) for m in metrics)
    return scored, (*problems, *(f"{s.metric}: {s.problem}" for s in scored if s.problem))


def _nothing(record: ClipRecord, metrics: list[Metric], missing: Missing) -> ClipOutcome:
    record = record.model_copy(update={"problem": str(missing)})
    scored = tuple(Scored(m.spec.name, all_missing(m, missing)) for m in metrics)
    return ClipOutcome(record, scored)


def _place_evidence(run: Path, outcome: ClipOutcome) -> ClipOutcome:
    """Write what a reader may look at into the run; the driver, which keeps every outcome, would grow by it."""
    record = outcome.record
    key = ClipKey(system=record.system, sample=record.sample.id, repeat=record.repeat)
    items = [
        EvidenceData(
            metric=s.metric,
            curves=[CurveData(name=c.name, unit=c.unit, t=list(c.t), y=list(c.y)) for c in s.evidence.curves],
            texts=dict(s.evidence.texts),
        ).model_dump()
        for s in outcome.scored
        if s.evidence.curves or s.evidence.texts
    ]
    if not items:
        return outcome
    relative = Path("evidence") / clip_folder(key) / f"{record.repeat}.json"
    write_json(run / relative, items)
    record = record.model_copy(update={"evidence": relative.as_posix()})
    return replace(
        outcome, record=record, scored=tuple(replace(s, evidence=Evidence()) for s in outcome.scored)
    )


def failed_outcome(config: WorkerConfig, work: ClipWork, missing: Missing) -> ClipOutcome:
    """Return the outcome of a clip whose worker died or ran out of time."""
    source = str(work.path) if work.path is not None else work.key.system
    record = ClipRecord(system=work.key.system, sample=work.sample, repeat=work.key.repeat, source=source)
    return _nothing(record, [_metric(name) for name in work.only_metrics or config.metrics], missing)


def parts_of(config: WorkerConfig, work: ClipWork) -> tuple[ClipWork, ...]:
    """Return the work on a clip metric by metric."""
    names = work.only_metrics or config.metrics
    return tuple(replace(work, only_metrics=(name,), part=True) for name in names)


def merge(config: WorkerConfig, outcomes: Sequence[ClipOutcome]) -> ClipOutcome:
    """Join the outcomes of one clip that was scored metric by metric after a crash, and place their evidence.

    Raises:
        StorageFullError: the evidence cannot be written.
    """
    best = next((o for o in outcomes if o.record.sha256 is not None), outcomes[0])
    timings: Counter[str] = Counter()
    problems: list[str] = []
    for outcome in outcomes:
        timings.update(outcome.timings)
        problems += outcome.problems
        if outcome.record.problem and not best.record.problem:
            problems += [f"{s.metric}: {outcome.record.problem}" for s in outcome.scored]
    joined = replace(
        best,
        scored=tuple(s for o in outcomes for s in o.scored),
        timings=dict(timings),
        problems=tuple(dict.fromkeys(problems)),
        entries=tuple(sorted({key for o in outcomes for key in o.entries})),
        notes=tuple(note for o in outcomes for note in o.notes),
    )
    with disk_errors():
        return _place_evidence(config.run, joined)

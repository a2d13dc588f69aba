"""What a worker process does with one clip: get it, look once, ask every metric."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from uniavgen_bench.analysis.clip import VIDEO_PASS, AnalysedClip
from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.registry import METRICS, SYSTEMS, Registry
from uniavgen_bench.core.remote_store import Shared, open_store, remote_at
from uniavgen_bench.core.result import Evidence, Missing, MissingError, Reason
from uniavgen_bench.core.run_files import ClipRecord, CurveData, EvidenceData
from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.errors import MediaWriteError
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.media_copy import place_media
from uniavgen_bench.runner.score_clip import DISK_ERRORS, Scored, all_missing, known_score, score_clip
from uniavgen_bench.systems.system import Identified, Job, System, SystemPlugin
from uniavgen_bench.systems.task_inputs import GIVEN_FOLDER, handed_over
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models


@dataclass(frozen=True)
class WorkerConfig:
    """What all clips of a run share; small and picklable, so that it travels with each clip.

    `remote`: address of a store that `store` is in front of (`core.remote_store`).
    """

    run: Path
    store: Path
    metrics: tuple[str, ...]
    systems: tuple[tuple[str, str], ...]
    device: str
    threads: int
    media: str
    remote: Shared | str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ClipWork:
    """A clip to be scored: a finished file at `path`, or one that system number `system` makes from `sources`.

    `made`: what a stage before gave for it, a file or the reason why there is none. `part`: it is tried metric by
    metric, and this is one of them: its evidence travels with its outcome, and is placed with that of the others.
    """

    key: ClipKey
    sample: Sample
    path: Path | None
    system: int | None = None
    sources: tuple[Path, ...] = ()
    seed: int = 0
    only_metrics: tuple[str, ...] | None = None
    made: Path | Missing | None = None
    part: bool = False


@dataclass(frozen=True)
class ClipOutcome:
    """All that a run keeps of a clip. `timings`: seconds by stage, for the profile. `problems`: for the log.

    `entries`: keys of the store's entries that it used. `notes`: what the user should be told, once in a run.
    """

    record: ClipRecord
    scored: tuple[Scored, ...]
    timings: dict[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class StorageFullError(BenchError):
    """The disk is full or read-only; what was scored before is kept."""


@functools.cache
def _models(device: str, threads: int) -> Models:
    return Models(WeightLocator(), device=device, threads=threads)


@functools.cache
def _metric(name: str) -> Metric:
    return Registry(METRICS, "metric", Metric).load(name)


@functools.cache
def _system(use: str, options: str) -> System:
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load(use)
    return plugin.make(plugin.options.model_validate_json(options))


def load_plugins(config: WorkerConfig) -> None:
    """Load the metrics and the modules of the systems of a run in this process.

    Raises:
        InputError: one is not installed here.
    """
    for name in config.metrics:
        _metric(name)
    for use, _ in config.systems:
        Registry(SYSTEMS, "system", SystemPlugin).load(use)


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn an error after which nothing can be written into `StorageFullError`."""
    try:
        yield
    except (OSError, MediaWriteError) as raised:
        error = raised if isinstance(raised, OSError) else raised.__cause__
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            where = error.filename or "the store"
            raise StorageFullError(
                f"{where}: {error.strerror} (free some space and start again: scores are kept)"
            ) from error
        raise


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


def clip_folder(key: ClipKey) -> Path:
    """Return the folder of a clip below `clips/` or `evidence/` of a run."""
    return Path(slug(key.system)) / slug(key.sample)


def make_clip(config: WorkerConfig, work: ClipWork) -> Path:
    """Return the generated clip, made now or by an earlier, interrupted run with equal inputs.

    Raises:
        MissingError: the system cannot make it.
    """
    if work.system is None:
        raise MissingError(Reason.NOT_GENERATED, "there is neither a file nor a system for it")
    use, options = config.systems[work.system]
    plugin = Registry(SYSTEMS, "system", SystemPlugin).load(use)
    out = config.run / "clips" / clip_folder(work.key) / f"{work.key.repeat}.mp4"
    if work.sources and not work.sources[0].is_file():
        raise MissingError(Reason.NOT_GENERATED, f"its source is not there: {work.sources[0].name}")
    inputs = [sha256_file(p) if p.is_file() else "absent" for p in work.sources]
    sample = work.sample.model_dump(mode="json")
    with _failures():
        system = _system(use, options)
    identity = [system.identity()] if isinstance(system, Identified) else []
    key = sha256_json([use, plugin.code, options, work.seed, inputs, sample, config.device, *identity])
    sidecar = out.with_suffix(".json")
    if out.is_file() and sidecar.is_file():
        made = read_sidecar(sidecar)
        if made.get("key") == key and made.get("sha256") == sha256_file(out):
            return out
    out.parent.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    with _failures(), handed_over(work.sample, plugin, config.run / GIVEN_FOLDER) as given:
        job = Job(given, work.key.repeat, work.seed, out, work.sources, config.device)
        system.generate(job)
    facts = {
        "key": key, "sha256": sha256_file(out), "system": work.key.system, "sample": work.key.sample,
        "repeat": work.key.repeat, "use": use, "options": options, "seed": work.seed, "device": config.device,
        "sources_sha256": inputs, "identity": "".join(identity), "seconds": round(time.perf_counter() - started, 3),
    }  # fmt: skip
    write_json(sidecar, facts)
    return out


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Turn what a system did not foresee into a reason; an error of the disk stays one."""
    try:
        yield
    except (MissingError, OSError, MediaWriteError):
        raise
    except Exception as error:
        raise MissingError(Reason.FAILED, f"{type(error).__name__}: {error}") from error


def read_sidecar(path: Path) -> dict[str, object]:
    """Return what was written down beside a made clip; empty when it is damaged."""
    try:
        data = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


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

"""Score one clip with one metric, or find the answer in the store."""

from __future__ import annotations

import errno
import json
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.analysis.needs import Stream, artefact_versions
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.result import Curve, Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.device_batches import SmallerBatchWarning
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.declared import DeclaredArtefacts, streams_of
from uniavgen_bench.weights.models import Models

TRANSIENT = frozenset(
    {
        Reason.WEIGHTS, Reason.NOT_INSTALLED, Reason.NO_JUDGE, Reason.TIMEOUT, Reason.CRASHED, Reason.FAILED,
    }
)  # fmt: skip
"""Reasons that may be gone at the next run, so they are not kept."""

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors after which nothing can be written: they stop a run, because its scores could not be kept."""

ALWAYS_GIVEN = frozenset({"language", "speech_verified"})
"""Fields of a sample that every metric sees; the others must be declared in `sample_needs`."""

NAMELESS = "sample"
"""What a metric sees for a sample's id: a score must not depend on a name."""


@dataclass(frozen=True)
class Scored:
    """The answer of one metric for one clip, and what it cost when it was computed.

    `problem`: for the log, why it failed, or that the device had no room for its batches.
    """

    metric: str
    scores: Mapping[str, Score | Missing]
    evidence: Evidence = field(default_factory=Evidence)
    seconds: float = 0.0
    cached: bool = False
    problem: str = ""


class _Part(BaseModel):
    """Part of an entry of the store: exactly what its fields say, so that anything else is no answer."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class _NoScore(_Part):
    reason: Reason
    detail: str


class _Curve(_Part):
    name: str
    unit: str
    t: tuple[float, ...]
    y: tuple[float, ...]


class _Evidence(_Part):
    curves: tuple[_Curve, ...]
    texts: dict[str, str]


class _Entry(_Part):
    """An answer as the store keeps it, in JSON."""

    scores: dict[str, float | _NoScore]
    evidence: _Evidence
    seconds: float = Field(ge=0)
    problem: str = ""


def visible(sample: Sample, metric: Metric) -> Sample:
    """Return the sample with only the fields that a metric declares, so that its cache key cannot lie."""
    hidden = set(Sample.model_fields) - {"id"} - ALWAYS_GIVEN - set(metric.spec.sample_needs)
    defaults = {name: Sample.model_fields[name].get_default(call_default_factory=True) for name in hidden}
    return sample.model_copy(update={**defaults, "id": NAMELESS})


def score_key(metric: Metric, clip: ClipArtefacts, sample: Sample, models: Models) -> str:
    """Return the address of a metric's answer: media, metric, parameters, weights, and what it sees of the sample."""
    facts = clip.facts
    seen = visible(sample, metric).model_dump(mode="json", exclude={"id"})
    for name in ("image", "reference_audio", "condition_audio", "condition_video"):
        path = getattr(sample, name)
        if seen[name] is not None:
            seen[name] = sha256_file(path) if path.is_file() else "absent"
    seen["facts"] = {name: _content(value) for name, value in seen["facts"].items()}
    weights = {name: models.weights.sha256(name) for name in metric.spec.weights}
    needs = artefact_versions(metric.spec.needs, models)
    streams = {
        s.value: {Stream.VIDEO: facts.video_sha256, Stream.AUDIO: facts.audio_sha256}[s]
        for s in streams_of(metric.spec)
    }
    code = [metric.spec.name, metric.code, list(metric.parameters), [f.name for f in metric.spec.fields]]
    return sha256_json(["score", code, streams, seen, weights, needs, models.device])


def _content(fact: str) -> str:
    """Return the hash of a file that a fact names, else the fact: where a file lies says nothing of what it holds."""
    try:
        path = Path(fact)
        return sha256_file(path) if path.is_absolute() and path.is_file() else fact
    except (OSError, ValueError):
        return fact


def known_score(
    metric: Metric, clip: ClipArtefacts, sample: Sample, models: Models, store: Store
) -> Scored | None:
    """Return the answer that the store has, or None; raises `MissingError` when the clip cannot be addressed."""
    entry = store.get(score_key(metric, clip, sample, models))
    return None if entry is None else _decode(metric, entry)


def score_clip(metric: Metric, clip: ClipArtefacts, sample: Sample, models: Models, store: Store) -> Scored:
    """Measure and keep the answer; never raises for what a clip or a metric does wrong, only for a full disk."""
    started = time.perf_counter()
    problem = ""
    said: list[str] = []
    try:
        with _smaller_batches(said):
            measured = metric.measure(DeclaredArtefacts(clip, metric.spec), visible(sample, metric), models)
        _check(metric, measured)
    except MissingError as error:
        measured = Measurement(all_missing(metric, error.missing))
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            raise
        problem = f"{type(error).__name__}: {error}"
        measured = Measurement(all_missing(metric, Missing(Reason.FAILED, problem)))
    problem = "; ".join(text for text in (problem, *said) if text)
    name = metric.spec.name
    scored = Scored(name, measured.scores, measured.evidence, time.perf_counter() - started, problem=problem)
    if not any(_transient(s) for s in scored.scores.values()):
        store.put(score_key(metric, clip, sample, models), _encode(scored))
    return scored


@contextmanager
def _smaller_batches(said: list[str]) -> Iterator[None]:
    """Note that a device had no room for a batch: the scores are whole, and the run's log tells why they may differ."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SmallerBatchWarning)
        try:
            yield
        finally:
            said += [str(w.message) for w in caught if issubclass(w.category, SmallerBatchWarning)]
    for w in caught:
        if not issubclass(w.category, SmallerBatchWarning):
            warnings.warn_explicit(w.message, w.category, w.filename, w.lineno)


def all_missing(metric: Metric, missing: Missing) -> dict[str, Score | Missing]:
    """Give one reason for every field of a metric."""
    return {f.name: missing for f in metric.spec.fields}


def _transient(score: Score | Missing) -> bool:
    return isinstance(score, Missing) and score.reason in TRANSIENT


def _check(metric: Metric, measured: Measurement) -> None:
    declared = {f.name: f for f in metric.spec.fields}
    if set(measured.scores) != set(declared):
        raise TypeError(f"gave the fields {sorted(measured.scores)}, declares {sorted(declared)}")
    for name, score in measured.scores.items():
        low, high = declared[name].low, declared[name].high
        if isinstance(score, Score) and not (
            (low is None or score.value >= low - 1e-6) and (high is None or score.value <= high + 1e-6)
        ):
            raise ValueError(f"{name} = {score.value:g} is outside its declared range {low} … {high}")


def _encode(scored: Scored) -> bytes:
    scores = {
        name: s.value if isinstance(s, Score) else {"reason": s.reason.value, "detail": s.detail}
        for name, s in scored.scores.items()
    }
    data = {"scores": scores, "evidence": asdict(scored.evidence), "seconds": scored.seconds}
    if scored.problem:
        data["problem"] = scored.problem
    return json.dumps(data, ensure_ascii=False, allow_nan=False).encode()


def _decode(metric: Metric, entry: bytes) -> Scored | None:
    """Return the answer that an entry holds; None when it is anything but an answer of this metric, made to be kept."""
    try:
        data = _Entry.model_validate_json(entry)
        scores: dict[str, Score | Missing] = {
            name: Missing(s.reason, s.detail) if isinstance(s, _NoScore) else Score(s)
            for name, s in data.scores.items()
        }
        curves = tuple(Curve(c.name, c.unit, c.t, c.y) for c in data.evidence.curves)
        evidence = Evidence(curves, data.evidence.texts)
        _check(metric, Measurement(scores, evidence))
    except (ValueError, OverflowError, RecursionError, TypeError, KeyError):
        return None
    if any(_transient(s) for s in scores.values()) or any(len(c.t) != len(c.y) for c in curves):
        return None
    return Scored(metric.spec.name, scores, evidence, data.seconds, cached=True, problem=data.problem)

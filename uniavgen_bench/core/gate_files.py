"""The files of the gate: the baseline that a change is held against, and gate.json, the verdict."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.comparison import Number
from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.located import Located, located_problem, read_text
from uniavgen_bench.core.run_files import MetricComputed, WeightUsed, first_problem
from uniavgen_bench.core.spec import Direction, Frozen, MetricSpec

POLICY = ("margins", "alpha", "coverage")
"""What people may edit in a baseline file; everything else is evidence, covered by `evidence_sha256`."""


class BaselineClip(Frozen):
    """A clip that the baseline was scored on. `content` is the hash of what the sample asks for (text, task)."""

    sample: str = Field(min_length=1)
    repeat: int = Field(ge=0)
    content: str
    cluster: str | None = None
    sha256: str | None = None


class BaselineField(Frozen):
    """The scores of one field, one per clip in the order of `clips`: a number, or None where `reasons` says why."""

    metric: str
    field: str
    values: tuple[Number | None, ...]
    reasons: dict[str, str] = Field(default_factory=dict)


class PastMeans(Frozen):
    """What a baseline before this one said, so that many small losses in a row stay visible."""

    made: str
    code_sha256: str
    means: dict[str, Number]


class Baseline(Frozen):
    """The baseline of a gate: per-sample scores of one system, what they were made with, and the margins.

    `cluster` is the fact by which samples depend on each other; `computed` says by metric with which parameters it was
    computed (empty in files of older versions). `evidence_sha256` is over everything but the
    margins, alpha and coverage: it finds edits and damage, but is no signature.
    """

    schema_version: Literal[1] = 1
    kind: Literal["gate-baseline"] = "gate-baseline"
    evidence_sha256: str = ""
    margins: dict[str, Number | str] = Field(default_factory=dict)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    coverage: float = Field(default=0.0, ge=0, le=1)
    suite: str
    system: str
    made: str
    version: str
    code_sha256: str
    device: str
    cluster: str | None = None
    dataset: dict[str, str] = Field(default_factory=dict)
    weights: tuple[WeightUsed, ...] = ()
    computed: dict[str, MetricComputed] = Field(default_factory=dict)
    metrics: tuple[MetricSpec, ...] = Field(min_length=1)
    clips: tuple[BaselineClip, ...] = Field(min_length=1)
    fields: tuple[BaselineField, ...] = Field(min_length=1)
    past: tuple[PastMeans, ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        keys = [f"{clip.sample}, repeat {clip.repeat}" for clip in self.clips]
        if len(set(keys)) < len(keys):
            raise ValueError(f"clips: {next(k for k in keys if keys.count(k) > 1)} stands twice")
        declared = {(spec.name, field.name): field for spec in self.metrics for field in spec.fields}
        seen: set[tuple[str, str]] = set()
        for item in self.fields:
            name = f"fields: {item.metric} {item.field}"
            spec = declared.get((item.metric, item.field))
            if spec is None:
                raise ValueError(f"{name} is declared by none of the metrics")
            if (item.metric, item.field) in seen:
                raise ValueError(f"{name} stands twice")
            seen.add((item.metric, item.field))
            if len(item.values) != len(keys):
                raise ValueError(f"{name} has {len(item.values)} values for {len(keys)} clips")
            low = spec.low if spec.low is not None else float("-inf")
            high = spec.high if spec.high is not None else float("inf")
            outside = next((v for v in item.values if v is not None and not low <= v <= high), None)
            if outside is not None:
                raise ValueError(f"{name} holds {outside:g}, outside of {low:g} to {high:g}")
        return self

    def sealed(self) -> Baseline:
        """Return the baseline with its hash."""
        return self.model_copy(update={"evidence_sha256": _evidence(self.model_dump(mode="json"))})


def _evidence(data: dict[str, Any]) -> str:
    # Over the data as written, not over the schema: a later version with more facts still reads old files.
    return sha256_json({k: v for k, v in data.items() if k not in (*POLICY, "evidence_sha256")})


def read_baseline(path: Path) -> Baseline:
    """Read a baseline file.

    Raises:
        InputError: absent, no JSON, a key that is unknown, missing or wrong (the message names it), or evidence that
            was edited since it was written.
    """
    text = read_text(path)
    try:
        data = json.loads(text, object_pairs_hook=_once, parse_constant=_finite)
    except json.JSONDecodeError as error:
        raise InputError(f"is not JSON: {error.msg}", where=Where(path, error.lineno)) from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not a baseline: {error}", where=Where(path)) from None
    if not isinstance(data, dict) or data.get("kind") != "gate-baseline":
        way_out = "write one: uniavgen-bench gate update RUN --to FILE"
        raise InputError("is not a baseline of a gate", where=Where(path), way_out=way_out)
    try:
        baseline = Baseline.model_validate_json(text.removeprefix("\ufeff"))
    except ValidationError as error:
        if any(problem["type"] == "extra_forbidden" for problem in error.errors()):
            raise located_problem(Baseline, error, Located(data, {}, str(path))) from None
        raise InputError(f"is damaged: {first_problem(error)}", where=Where(path)) from None
    if _evidence(data) != baseline.evidence_sha256:
        raise InputError(
            "the scores or facts in it were edited since it was written",
            where=Where(path, key="evidence_sha256"),
            way_out=f"only {', '.join(POLICY)} may be edited; write it again: gate update RUN --to FILE",
        )
    return baseline


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} is given twice")
    return found


def _finite(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write a baseline atomically, one line per clip, metric and field, so that a diff of two can be read."""
    lines = []
    for key, value in baseline.sealed().model_dump(mode="json").items():
        if isinstance(value, list) and value:
            items = ",\n".join(f"    {_compact(item)}" for item in value)
            lines.append(f"  {_compact(key)}: [\n{items}\n  ]")
        else:
            lines.append(f"  {_compact(key)}: {_compact(value)}")
    write_atomic(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


class GateOutcome(StrEnum):
    """What the gate says about one field. Only `PASSED` lets a change through.

    `WORSE`: the loss is shown to be larger than the margin. `INCONCLUSIVE`: neither that nor the contrary is shown.
    `COVERAGE`: more samples lost their number than allowed, or too few are left to say anything.
    """

    PASSED = "passed"
    WORSE = "worse"
    INCONCLUSIVE = "inconclusive"
    COVERAGE = "coverage"


GATE_FILE = "gate.json"
"""The name of the verdict in a run directory."""

MarginSource = Literal["command line", "suite", "baseline"]


class GateField(Frozen):
    """One gated field: the loss beside the baseline (positive is worse), its one-sided bound, and what follows.

    `margin` and `loss` are in the field's unit, on the absolute values where the direction is `zero`.
    `lost` samples have a number in the baseline alone. `bound` is the largest loss that the data leave open at
    alpha. `false_alarm` is the chance (0 … 1) that a system as noisy as this and not changed at all fails; `needed`
    clusters would bring that chance to 20 %, and so would the margin `visible` with those at hand.
    """

    metric: str
    field: str
    unit: str
    direction: Direction
    margin: float
    margin_given: str
    margin_from: MarginSource
    attempted: int
    pairs: int
    lost: int
    clusters: int
    mean_baseline: float | None
    mean_system: float | None
    loss: float | None = None
    bound: float | None = None
    p: float | None = None
    false_alarm: float | None = None
    needed: int | None = None
    visible: float | None = None
    outcome: GateOutcome
    why: str
    seconds: float = 0.0

    @property
    def key(self) -> str:
        """`metric.field` with the metric's version."""
        return f"{self.metric}.{self.field}"


class GateResult(Frozen):
    """gate.json: whether a run may replace its baseline, field by field.

    `false_alarm_most` bounds the chance that an unchanged system fails anywhere: the sum over the fields, at most 1.
    """

    schema_version: Literal[1] = 1
    passed: bool
    suite: str
    run: str
    run_finished: str
    system: str
    baseline: str
    baseline_system: str
    baseline_made: str
    baseline_evidence: str
    rule: Literal["non_inferiority"] = "non_inferiority"
    alpha: float
    coverage: float
    cluster: str | None
    seed: int
    version: str
    code_sha256: str
    fields: tuple[GateField, ...] = Field(min_length=1)
    false_alarm_most: float | None
    notes: tuple[str, ...] = ()
    made: str

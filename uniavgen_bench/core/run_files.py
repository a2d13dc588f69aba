"""The files of a run directory: the schemas that the runner writes and the report reads."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

import pandas as pd
from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from uniavgen_bench.core.comparison import AblationBlock, AblationResult, CompareBlock, GateBlock, RunStats
from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.located import read_given
from uniavgen_bench.core.published import PublishedBlock, PublishedResult
from uniavgen_bench.core.sample import Sample, SystemInfo
from uniavgen_bench.core.spec import Frozen, MetricSpec

SCORE_COLUMNS = ("system", "sample", "repeat", "metric", "field", "value", "reason", "clip_sha256", "seconds")
"""Columns of scores.parquet. `value` is a number, or NaN where `reason` says `reason: detail`; `reason` is empty
beside a number. `seconds` is the cost of the metric for this clip when it was computed."""


class WeightUsed(Frozen):
    """A weight file that a run read."""

    name: str
    sha256: str
    bytes: int
    licence: str
    source: str


class MetricComputed(Frozen):
    """By what a metric's numbers were computed beside its weights: the count of repairs, and its parameters."""

    code: int = 1
    params: dict[str, JsonValue] = Field(default_factory=dict)


class CurveData(Frozen):
    """A series over the clip's time (see `core.result.Curve`)."""

    name: str
    unit: str
    t: list[float]
    y: list[float]


class EvidenceData(Frozen):
    """Evidence of one metric for one clip."""

    metric: str
    curves: list[CurveData] = Field(default_factory=list)
    texts: dict[str, str] = Field(default_factory=dict)


class ClipRecord(Frozen):
    """One line of clips.jsonl: a clip, its sample, what the container says, and where its media and evidence lie.

    `media` and `evidence` are relative to the run directory, or None. `poster` is a JPEG picture of the clip.
    `problem` is the reason why there is nothing to score, as `reason: detail`, or empty. `notes` say what the decoder
    found wrong with a clip that was scored all the same, for example that its file is cut off. `delivered` says what a
    system of another project delivered and what was done with it and with its inputs.
    """

    system: str
    sample: Sample
    repeat: int = 0
    source: str
    sha256: str | None = None
    media: str | None = None
    poster: str | None = None
    evidence: str | None = None
    duration: float | None = None
    fps: float | None = None
    width: int | None = None
    height: int | None = None
    audio_rate: int | None = None
    problem: str = ""
    notes: list[str] = Field(default_factory=list)
    delivered: str = ""


class RunManifest(Frozen):
    """manifest.json: what was run, with what, where, and when.

    `media`: by system, what its clips are like and that they were scored as they are. `checkouts`: by system of other
    projects, the commit of each checkout that it ran in, by the name of the project. `precision`: by system with
    networks whose numbers are known, in which numbers they compute. `executor`: where its `workers` were, `local` or
    `ray`; None in manifests that are older than this field.
    """

    schema_version: Literal[1] = 1
    suite: str
    status: Literal["running", "complete"]
    command: str
    plan_sha256: str
    version: str
    code_sha256: str
    started: str
    finished: str | None = None
    seconds: float | None = None
    environment: dict[str, str]
    device: str
    executor: str | None = None
    workers: int
    systems: list[SystemInfo]
    metrics: list[MetricSpec]
    weights: list[WeightUsed] = Field(default_factory=list)
    dataset: dict[str, str] = Field(default_factory=dict)
    seed: int | None = None
    compare: CompareBlock | None = None
    ablation: AblationBlock | None = None
    gate: GateBlock | None = None
    published: PublishedBlock | None = None
    media: dict[str, str] = Field(default_factory=dict)
    checkouts: dict[str, dict[str, str]] = Field(default_factory=dict)
    precision: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _distinct(self) -> RunManifest:
        for what, names in (
            ("metric", [m.name for m in self.metrics]),
            ("system", [s.id for s in self.systems]),
        ):
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"the {what} {twice!r} stands twice")
        return self


class RunDirectory:
    """A run on disk. Reading checks schemas; writing is atomic, so a killed process leaves no half file."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def manifest_path(self) -> Path:
        """manifest.json."""
        return self.root / "manifest.json"

    @property
    def scores_path(self) -> Path:
        """scores.parquet."""
        return self.root / "scores.parquet"

    @property
    def clips_path(self) -> Path:
        """clips.jsonl, one `ClipRecord` a line."""
        return self.root / "clips.jsonl"

    @property
    def stats_path(self) -> Path:
        """stats.json: the verdicts."""
        return self.root / "stats.json"

    @property
    def ablation_path(self) -> Path:
        """ablation.json: effects of the factors of an ablation."""
        return self.root / "ablation.json"

    @property
    def published_path(self) -> Path:
        """published.json: what a paper gave, beside what the run measured."""
        return self.root / "published.json"

    def stats(self) -> RunStats | None:
        """Read stats.json; None when the run has none.

        Raises:
            InputError: it does not fit the schema.
        """
        return _optional(RunStats, self.stats_path)

    def ablation(self) -> AblationResult | None:
        """Read ablation.json; None when the run has none.

        Raises:
            InputError: it does not fit the schema.
        """
        return _optional(AblationResult, self.ablation_path)

    def published(self) -> PublishedResult | None:
        """Read published.json; None when the run has none.

        Raises:
            InputError: it does not fit the schema.
        """
        return _optional(PublishedResult, self.published_path)

    def manifest(self) -> RunManifest:
        """Read manifest.json.

        Raises:
            InputError: it is absent, or does not fit the schema.
        """
        if not self.manifest_path.is_file():
            raise InputError(f"{self.root} is not a run: it has no manifest.json")
        try:
            return RunManifest.model_validate_json(self.manifest_path.read_bytes())
        except ValidationError as error:
            raise InputError(f"{self.manifest_path} is damaged: {first_problem(error)}") from error

    def scores(self) -> pd.DataFrame:
        """Read scores.parquet with the columns of `SCORE_COLUMNS`.

        Raises:
            InputError: it is absent, unreadable, or lacks a column.
        """
        if not self.scores_path.is_file():
            raise InputError(f"{self.root} has no scores.parquet: the run did not finish (start it again)")
        try:
            table = pd.read_parquet(self.scores_path)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.scores_path} cannot be read: {error}") from error
        absent = [c for c in SCORE_COLUMNS if c not in table.columns]
        if absent:
            raise InputError(f"{self.scores_path} lacks the column {absent[0]!r}")
        return table[list(SCORE_COLUMNS)]

    def clips(self) -> list[ClipRecord]:
        """Read clips.jsonl.

        Raises:
            InputError: it is absent, or a line does not fit the schema; the message names the line.
        """
        if not self.clips_path.is_file():
            raise InputError(f"{self.root} has no clips.jsonl: the run did not finish (start it again)")
        records = []
        try:
            text = self.clips_path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{self.clips_path} is not UTF-8") from None
        # Not splitlines(): it also splits at separators that may stand inside a caption.
        for number, line in enumerate(text.split("\n"), start=1):
            if not line:
                continue
            try:
                records.append(ClipRecord.model_validate_json(line))
            except ValidationError as error:
                raise InputError(f"{self.clips_path}:{number}: {first_problem(error)}") from error
        return records

    def evidence(self, record: ClipRecord) -> list[EvidenceData]:
        """Read the evidence of a clip; empty when it has none.

        Raises:
            InputError: the file is absent or no regular file, or lies outside of the run.
            ValidationError: it does not fit the schema.
        """
        if record.evidence is None:
            return []
        return _EVIDENCE.validate_json(read_given(self.inside(record.evidence)))

    def inside(self, path: str) -> Path:
        """Return the file that a record of the run names.

        Raises:
            InputError: it lies outside of the run, by its path or by a link: somebody else may have written the record.
        """
        try:
            found = (self.root / path).resolve()
            if found.is_relative_to(self.root.resolve()):
                return found
        except (OSError, RuntimeError, ValueError) as error:
            raise InputError(f"{path!r} cannot be a path: {error}", where=Where(self.clips_path)) from None
        raise InputError(f"{path!r} leads out of the run", where=Where(self.clips_path))


_EVIDENCE = TypeAdapter(list[EvidenceData])
_Model = TypeVar("_Model", bound=Frozen)


def _optional(model: type[_Model], path: Path) -> _Model | None:
    if not path.is_file():
        return None
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(f"{path} is damaged: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """Return the first problem of a schema error as `key: message`."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    return f"{key}: {problem['msg']}" if key else problem["msg"]

"""A run as a source of entries: read once, and refused where an entry of it could not be trusted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.hashing import sha256_bytes, sha256_file, sha256_json
from uniavgen_bench.core.located import parse_yaml, read_given
from uniavgen_bench.core.run_files import ClipRecord, MetricComputed, RunDirectory, RunManifest, first_problem
from uniavgen_bench.core.sample import Role, Sample, SystemInfo, Task
from uniavgen_bench.report.computed import read_computed
from uniavgen_bench.report.links import is_path
from uniavgen_bench.stats.grid import ABSENT, ScoreGrid, reason_of, score_grid

AGAIN = "run the suite without --limit and --systems"


class LockedSuite(BaseModel):
    """What the leaderboard reads of suite.lock.yaml; its other keys are the runner's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: Task | None = None
    seed: int = 0
    repeats: int = Field(default=1, ge=1)
    dataset: dict[str, Any]

    @field_validator("dataset")
    @classmethod
    def _named(cls, value: dict[str, Any]) -> dict[str, Any]:
        if not isinstance(value.get("name"), str):
            raise ValueError("names no dataset")
        return value


@dataclass(frozen=True)
class SourceRun:
    """A finished run with its suite lock. Clips are the rows of `grid`, `records` in the order of clips.jsonl."""

    root: Path
    manifest: RunManifest
    lock: LockedSuite
    lock_sha256: str
    records: tuple[ClipRecord, ...]
    grid: ScoreGrid
    computed: dict[str, MetricComputed]
    _given: dict[str, str] = field(default_factory=dict, compare=False)

    @property
    def systems(self) -> list[SystemInfo]:
        """The systems that an entry can be of."""
        return [system for system in self.manifest.systems if system.role is Role.SYSTEM]

    @property
    def controls(self) -> list[SystemInfo]:
        """The floors and ceilings."""
        return [system for system in self.manifest.systems if system.role is not Role.SYSTEM]

    def record(self, row: int) -> ClipRecord:
        """Return the record of a row of the grid."""
        return self.records[int(self.grid.record[row])]

    def given(self, sample: Sample) -> str:
        """Return `given_sha256` of a sample, computed once for all systems."""
        key = sample.model_dump_json()
        if key not in self._given:
            self._given[key] = given_sha256(sample)
        return self._given[key]

    def rows_of(self, system: str) -> NDArray[np.int64]:
        """Return the rows of a system."""
        return self.grid.rows_of(system)


def read_source(root: Path) -> SourceRun:
    """Read a run for the leaderboard.

    Raises:
        InputError: it is no run, unfinished, empty, mixes versions of a protocol, was changed after it was scored,
            or does not say of which samples it should hold.
    """
    directory = RunDirectory(root)
    manifest = directory.manifest()
    if manifest.status != "complete":
        raise InputError(f"{root} is not finished", way_out="start it again: it goes on where it was")
    records = tuple(directory.clips())
    if not records or not any(record.sha256 for record in records):
        raise InputError(f"{root} holds no clip: there is nothing to publish")
    if not manifest.metrics:
        raise InputError(f"{root} holds no metric: there is nothing to publish")
    scores = directory.scores()
    if not len(scores):
        raise InputError(f"{root} holds no score: there is nothing to publish")
    _one_version_each(manifest, set(scores["metric"]), root)
    grid = score_grid(scores, manifest.metrics, records)
    if (grid.record < 0).any():
        raise InputError(f"{root} is damaged: scores.parquet names a clip that clips.jsonl does not")
    texts = [reason_of(text) for text in grid.reason_texts]
    if ABSENT in texts and (grid.reasons == texts.index(ABSENT)).any():
        raise InputError(f"{root} is damaged: scores.parquet lacks rows", way_out="start the run again")
    named = scores.assign(clip_sha256=scores["clip_sha256"].fillna("").astype(str))
    hashes = named.groupby(["system", "sample", "repeat"], sort=False)["clip_sha256"].agg(["min", "max"])
    recorded = {(r.system, r.sample.id, r.repeat): r.sha256 or "" for r in records}
    for key, low, high in hashes.itertuples():
        if not low == high == recorded[key]:
            raise InputError(f"{root} is damaged: the scores of {key[1]!r} by {key[0]!r} are of another clip")
    lock_path = root / "suite.lock.yaml"
    try:
        data = read_given(lock_path)
        lock = LockedSuite.model_validate(parse_yaml(data.decode("utf-8"), str(lock_path)).data)
    except UnicodeDecodeError:
        raise InputError(f"{lock_path} is no YAML") from None
    except ValidationError as error:
        raise InputError(f"{lock_path} is no suite lock: {first_problem(error)}") from None
    return SourceRun(root, manifest, lock, sha256_bytes(data), records, grid, read_computed(root))


def _one_version_each(manifest: RunManifest, scored: set[str], root: Path) -> None:
    """Refuse two versions of one protocol, and scores of a version that the manifest does not declare."""
    declared = {spec.name for spec in manifest.metrics}
    for name in sorted(scored - declared):
        raise InputError(
            f"{root} mixes protocol versions: it holds scores of {name}, which it does not declare"
        )
    protocols = Counter((spec.id, spec.protocol) for spec in manifest.metrics)
    for (metric, protocol), count in protocols.items():
        if count > 1:
            name = f"{metric}[{protocol}]" if protocol else metric
            raise InputError(f"{root} mixes protocol versions: it holds {count} versions of {name}")


def refuse_partial(run: SourceRun, system: SystemInfo) -> None:
    """Refuse a system that does not cover what the suite plans: samples x repeats, or all clips of the manifest.

    Raises:
        InputError: clips are lacking, or the dataset does not say how many there are.
    """
    facts = {name: int(text) for name, text in run.manifest.dataset.items() if text.isdecimal()}
    repeats = run.lock.repeats
    rows = run.rows_of(system.id)
    if "samples" in facts:
        planned, held, of = facts["samples"] * repeats, len(rows), f"clips by {system.id!r}"
    elif "rows" in facts and system.use == "precomputed":
        finished = [s.id for s in run.manifest.systems if s.use == "precomputed"]
        planned, of = facts["rows"], "finished clips of the manifest"
        held = sum(len(run.rows_of(name)) for name in finished)
    elif "rows" in facts:
        planned, held, of = facts["rows"] * repeats, len(rows), f"clips by {system.id!r}"
    else:
        name = run.manifest.dataset.get("name", "?")
        what = f"the dataset {name!r} does not say which samples there are, so coverage is unknown"
        raise InputError(what, way_out="list the clips in a manifest, or use a suite with a dataset")
    if held < planned:
        raise InputError(f"the run is partial: it holds {held} of {planned} {of}", way_out=AGAIN)


def given_sha256(sample: Sample) -> str:
    """Return the hash of all that is given for a sample: texts, facts, and the bytes of every file that they name.

    Raises:
        InputError: a file is gone.
    """
    data = sample.model_dump(mode="json", exclude={"id", "published"})
    files = {name: data.pop(name) for name in list(data) if isinstance(getattr(sample, name), Path)}
    files |= {
        f"facts.{name}": data["facts"].pop(name)
        for name in list(data["facts"])
        if is_path(data["facts"][name])
    }
    hashes = {}
    for name, path in files.items():
        try:
            hashes[name] = sha256_file(Path(path))
        except OSError:
            what = f"{name} of sample {sample.id!r} is gone, and nobody could tell what it was: {path}"
            raise InputError(what, way_out="run the suite again") from None
    return sha256_json([data, hashes])


def refuse_changed_clips(run: SourceRun, systems: Sequence[SystemInfo]) -> None:
    """Refuse a run whose clips, as far as they lie beside it, are not those that were scored.

    Raises:
        InputError: names the first one.
    """
    for row in np.concatenate([run.rows_of(system.id) for system in systems]):
        record = run.record(int(row))
        path = clip_file(run.root, record)
        if path is not None and sha256_file(path) != record.sha256:
            what = f"the clip of {record.sample.id!r} by {record.system!r} was changed after it was scored"
            raise InputError(f"{run.root}: {what}", way_out="start the run again")


def clip_file(root: Path, record: ClipRecord) -> Path | None:
    """Return the file of a clip in its run, or where it came from; None for a clip of which only a preview is here."""
    if record.sha256 is None:
        return None
    if record.media and not record.media.endswith(".preview.mp4"):
        path = root / record.media
        return path if path.is_file() else None
    source = Path(record.source)
    return source if source.is_absolute() and source.is_file() else None

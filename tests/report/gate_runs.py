"""Small finished runs with scores of one's choice, for tests of the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd

from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.comparison import GateBlock
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord, RunManifest, WeightUsed
from uniavgen_bench.core.sample import Sample, SystemInfo
from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec, Tier


def spec(name: str, version: int = 1, protocol: str | None = None, **fields: Direction) -> MetricSpec:
    """A metric whose fields have these directions and no bounds."""
    return MetricSpec(
        id=name,
        version=version,
        protocol=protocol,
        title=name,
        summary="made up",
        fields=tuple(FieldSpec(name=f, unit="", direction=d, meaning="made up") for f, d in fields.items()),
        weights=(f"{name}-weights",),
        tier=Tier.EMBEDDED,
        licence="CC0-1.0",
        source="tests",
    )


SYNC = spec("lipsync.toy", in_place=Direction.HIGHER, offset=Direction.ZERO, movement=Direction.NONE)
WORDS = spec("speech.toy", wer=Direction.LOWER)


def weight(name: str, content: str = "one") -> WeightUsed:
    """A weight file of some content."""
    return WeightUsed(
        name=name, sha256=sha256_bytes(content.encode()), bytes=1, licence="CC0-1.0", source="tests"
    )


@dataclass(frozen=True)
class Made:
    """A run to write. `scores` maps a field's name to [samples] or [samples, repeats]; NaN is missing."""

    scores: Mapping[str, Sequence[float] | np.ndarray]
    suite: str = "ci"
    system: str = "talker"
    metrics: tuple[MetricSpec, ...] = (SYNC, WORDS)
    weights: tuple[WeightUsed, ...] = (weight("lipsync.toy-weights"), weight("face-detector"))
    status: str = "complete"
    gate: GateBlock | None = None
    names: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    speech: str = "Hello."
    others: tuple[str, ...] = ()
    order: int = 0
    more: Mapping[str, object] = field(default_factory=dict)


def write(root: Path, made: Made) -> Path:
    """Write a run directory and return it; fields that are not given are zero."""
    tables = {name: np.atleast_2d(np.asarray(v, dtype=float).T).T for name, v in made.scores.items()}
    size, repeats = next(iter(tables.values())).shape
    names = made.names or tuple(f"s{i:03d}" for i in range(size))
    keys = [(i, r) for i in range(size) for r in range(repeats)]
    np.random.default_rng(made.order).shuffle(keys)
    clips: list[ClipRecord] = []
    rows: list[tuple[object, ...]] = []
    for system in (made.system, *made.others):
        for i, r in keys:
            facts = {"identity": made.identities[i]} if made.identities else {}
            sample = Sample(id=names[i], speech=made.speech, facts=facts)
            clips.append(
                ClipRecord(system=system, sample=sample, repeat=r, source="", sha256=f"{root.name}{i}{r}")
            )
            for metric in made.metrics:
                for f in metric.fields:
                    value = float(tables[f.name][i, r]) if f.name in tables else 0.0
                    reason = "no_face: none" if np.isnan(value) else ""
                    rows.append((system, names[i], r, metric.name, f.name, value, reason, "", 0.1))
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype({"repeat": "int64", "value": "float64"})
    buffer = BytesIO()
    table.to_parquet(buffer, index=False)
    write_atomic(root / "scores.parquet", buffer.getvalue())
    write_atomic(root / "clips.jsonl", "".join(f"{c.model_dump_json()}\n" for c in clips).encode())
    manifest = RunManifest(
        suite=made.suite,
        status=made.status,  # type: ignore[arg-type]
        command="uniavgen-bench run ci",
        plan_sha256=sha256_bytes(b"plan"),
        version="0.1.0",
        code_sha256=sha256_bytes(b"code"),
        started="2026-01-01T00:00:00+00:00",
        finished="2026-01-01T00:01:00+00:00" if made.status == "complete" else None,
        environment={},
        device="cpu",
        workers=1,
        systems=[SystemInfo(id=name, use="precomputed") for name in (made.system, *made.others)],
        metrics=list(made.metrics),
        weights=list(made.weights),
        dataset={"name": "toy"},
        gate=made.gate,
    )
    write_json(root / "manifest.json", manifest.model_copy(update=dict(made.more)).model_dump(mode="json"))
    return root


def noisy(seed: int, *, size: int = 40, loss: float = 0.0, noise: float = 0.02) -> Made:
    """A run of samples that differ a lot, with a little noise of its own and a loss of sync (mean 0.4)."""
    level = 0.4 + 0.1 * np.random.default_rng(0).standard_normal(size)
    rng = np.random.default_rng([1, seed])
    return Made(
        {
            "in_place": level - loss + noise * rng.standard_normal(size),
            "offset": 20 * rng.standard_normal(size),
            "wer": np.clip(0.2 + 0.05 * rng.standard_normal(size), 0, None),
        }
    )


def changed(made: Made, **changes: object) -> Made:
    """A copy with other attributes."""
    return replace(made, **changes)  # type: ignore[arg-type]

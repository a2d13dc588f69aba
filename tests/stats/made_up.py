"""Runs and pairs made up from numbers, for tests of comparisons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.stats.grid import ScoreGrid, score_grid
from uniavgen_bench.stats.pairs import Pairs


def spec(
    name: str = "made.up",
    direction: Direction = Direction.HIGHER,
    *,
    low: float | None = None,
    high: float | None = None,
) -> MetricSpec:
    """A metric with the headline `x` and a second field `y`."""
    return MetricSpec(
        id=name,
        version=1,
        title="Made up",
        summary="Noise.",
        fields=(
            FieldSpec(name="x", unit="", direction=direction, low=low, high=high, meaning="noise"),
            FieldSpec(name="y", unit="", direction=Direction.NONE, meaning="noise"),
        ),
        tier=Tier.EMBEDDED,
        licence="Apache-2.0",
        source="none",
    )


def rows_of(
    values: Mapping[str, Sequence[Sequence[float]]], specs: Sequence[MetricSpec]
) -> list[tuple[object, ...]]:
    """Score rows: per system and sample a list of repeats, NaN where a repeat has no number."""
    return [
        (system, f"s{i}", repeat, metric.name, "x", value, "failed" if math.isnan(value) else "", "", 0.1)
        for system, samples in values.items()
        for i, repeats in enumerate(samples)
        for repeat, value in enumerate(repeats)
        for metric in specs
    ]


def run_of(
    values: Mapping[str, Sequence[Sequence[float] | float]],
    specs: Sequence[MetricSpec] = (spec(),),
    *,
    clusters: Sequence[str] | None = None,
    shuffle: int | None = None,
) -> tuple[ScoreGrid, list[ClipRecord]]:
    """A run of systems by their values per sample (a number, or a list of repeats)."""
    listed = {
        system: [list(v) if isinstance(v, Sequence) else [float(v)] for v in samples]
        for system, samples in values.items()
    }
    frame = pd.DataFrame(rows_of(listed, specs), columns=list(SCORE_COLUMNS))
    clips = [
        ClipRecord(
            system=system,
            sample=Sample(id=f"s{i}", facts={"identity": clusters[i]} if clusters else {}),
            repeat=repeat,
            source="",
        )
        for system, samples in listed.items()
        for i, repeats in enumerate(samples)
        for repeat in range(len(repeats))
    ]
    if shuffle is not None:
        rng = np.random.default_rng(shuffle)
        frame = frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
        clips = [clips[i] for i in rng.permutation(len(clips))]
    return score_grid(frame, specs, clips), clips


def pair(
    system: Sequence[float],
    baseline: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    direction: Direction = Direction.HIGHER,
    worst: float | None = None,
    names: tuple[str, str] = ("a", "b"),
    field: str = "x",
) -> Pairs:
    """Pairs of single clips; NaN is missing."""
    a, b = np.asarray(system, dtype=float), np.asarray(baseline, dtype=float)
    samples = np.asarray([f"s{i:05d}" for i in range(len(a))], dtype=object)
    return Pairs(
        metric="made.up@1",
        field=field,
        unit="",
        direction=direction,
        headline=True,
        system=names[0],
        baseline=names[1],
        samples=samples,
        clusters=samples if clusters is None else np.asarray(clusters, dtype=object),
        system_values=a,
        baseline_values=b,
        system_lacks=np.isnan(a).astype(float),
        baseline_lacks=np.isnan(b).astype(float),
        worst=worst,
    )

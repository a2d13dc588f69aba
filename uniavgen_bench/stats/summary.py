"""What a run says about each system: mean, interval and coverage of every field, and what is missing and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.spec import Direction, MetricSpec
from uniavgen_bench.stats.bootstrap import Clustered, Interval, NoInterval, intervals
from uniavgen_bench.stats.grid import ScoreGrid, reason_sentence, score_grid

SEED = 2025
LEVEL = 0.95


@dataclass(frozen=True)
class MissingCount:
    """How many clips lack a value for one reason, and the sentence that explains it."""

    reason: str
    count: int
    sentence: str


@dataclass(frozen=True)
class Summary:
    """One field of one metric over the clips of one system.

    `attempted` counts every clip of the system, `scored` those with a number; means are over the scored ones, so
    read them beside the coverage. `sd` is the sample standard deviation (n - 1). Without a scored clip the
    numbers are None. `floor`: the system is a control that this metric must put below real clips. `clusters` is the
    number of clusters with a scored clip.
    """

    system: str
    label: str
    role: Role
    metric: str
    field: str
    unit: str
    direction: Direction
    headline: bool
    floor: bool
    attempted: int
    scored: int
    mean: float | None
    median: float | None
    sd: float | None
    interval: Interval | NoInterval
    clusters: int
    missing: tuple[MissingCount, ...]

    @property
    def coverage(self) -> float:
        """The scored share of the attempted clips, 0 … 1; 0 when nothing was attempted."""
        return self.scored / self.attempted if self.attempted else 0.0

    @property
    def complete(self) -> bool:
        """Whether every attempted clip has a number."""
        return self.scored == self.attempted


def summarise(
    scores: pd.DataFrame,
    specs: Sequence[MetricSpec],
    clips: Sequence[ClipRecord],
    *,
    systems: Sequence[SystemInfo] = (),
    cluster: str | None = "identity",
    level: float = LEVEL,
    seed: int = SEED,
) -> tuple[Summary, ...]:
    """Summarise scores.parquet per system, metric and field.

    The order of rows does not matter, and a system's numbers do not depend on which others are there. Clips that
    share the sample fact `cluster` are drawn together in the bootstrap; a sample without the fact is its own
    cluster, so repeats of a sample always stay together. Systems come in the order of
    `systems`, others after them by name.

    Raises:
        InputError: a column is absent, a row or clip is there twice, or a value is infinite.
    """
    return summarise_grid(
        score_grid(scores, specs, clips), clips, systems=systems, cluster=cluster, level=level, seed=seed
    )


def summarise_grid(
    grid: ScoreGrid,
    clips: Sequence[ClipRecord],
    *,
    systems: Sequence[SystemInfo] = (),
    cluster: str | None = "identity",
    level: float = LEVEL,
    seed: int = SEED,
) -> tuple[Summary, ...]:
    """Summarise a grid (see `summarise`)."""
    infos = {info.id: info for info in systems}
    present = sorted({str(name) for name in grid.system} - infos.keys())
    order = [*infos, *present]
    groups: list[Clustered] = []
    rows_of = {system: grid.rows_of(system) for system in order}
    for system in order:
        rows = rows_of[system]
        members, unit = _clusters(grid, clips, rows, cluster)
        size = int(members.max()) + 1 if members.size else 0
        for column in range(len(grid.columns)):
            values = grid.values[rows, column]
            has = ~np.isnan(values)
            groups.append(
                Clustered(
                    sums=np.bincount(members[has], weights=values[has], minlength=size).astype(np.float64),
                    counts=np.bincount(members[has], minlength=size).astype(np.float64),
                    unit=unit,
                )
            )
    bounds = intervals(groups, level=level, seed=seed)
    summaries = []
    for at, (system, column) in enumerate((s, c) for s in order for c in range(len(grid.columns))):
        info = infos.get(system, SystemInfo(id=system, use=system))
        rows = rows_of[system]
        values = np.sort(grid.values[rows, column])[
            : int(np.count_nonzero(~np.isnan(grid.values[rows, column])))
        ]
        spec, field = grid.columns[column].spec, grid.columns[column].field
        summaries.append(
            Summary(
                system=system,
                label=info.label or system,
                role=info.role,
                metric=spec.name,
                field=field.name,
                unit=field.unit,
                direction=field.direction,
                headline=grid.columns[column].headline,
                floor=info.role is Role.LOWER_CONTROL and info.use in spec.floors,
                attempted=len(rows),
                scored=len(values),
                mean=float(values.mean()) if len(values) else None,
                median=float(np.median(values)) if len(values) else None,
                sd=float(values.std(ddof=1)) if len(values) > 1 else None,
                interval=bounds[at],
                clusters=int(np.count_nonzero(groups[at].counts)),
                missing=tuple(
                    MissingCount(reason, count, reason_sentence(reason))
                    for reason, count in grid.count_reasons(rows, column).items()
                ),
            )
        )
    return tuple(summaries)


def _clusters(
    grid: ScoreGrid, clips: Sequence[ClipRecord], rows: NDArray[np.int64], cluster: str | None
) -> tuple[NDArray[np.int64], str]:
    """Return the cluster number of each row (by name, so that order does not matter), and the unit's plural."""
    names: list[tuple[str, str]] = []
    for row in rows:
        record = int(grid.record[row])
        fact = clips[record].sample.facts.get(cluster, "") if cluster and record >= 0 else ""
        names.append(("fact", fact) if fact else ("sample", str(grid.sample[row])))
    known = {name: i for i, name in enumerate(sorted(set(names)))}
    members = np.asarray([known[name] for name in names], dtype=np.int64)
    if len(known) == len(rows):
        unit = "clips"
    elif all(kind == "sample" for kind, _ in names):
        unit = "samples"
    else:
        unit = f"clusters by {cluster}"
    return members, unit

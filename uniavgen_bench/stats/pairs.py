"""Two systems side by side, sample by sample: what paired tests compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import unknown_name
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.grid import Column, ScoreGrid

Float64 = NDArray[np.float64]
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Pairs:
    """One field of two systems over the samples that were planned for either, sorted by name.

    `samples`, `clusters` [N] are names; samples with equal clusters are flipped and drawn together. `system_values` and
    `baseline_values` [N] are means over the scored repeats, NaN where there is none; for direction `zero` of the
    absolute values, so that lower is better. `system_lacks`, `baseline_lacks` [N] are the shares of a sample's
    repeats without a number (1: all of them, or the sample was not planned for this system). `unit_of_cluster`
    names a cluster in the plural. `worst` is the bound of the field on its bad side, or None.
    """

    metric: str
    field: str
    unit: str
    direction: Direction
    headline: bool
    system: str
    baseline: str
    samples: Texts
    clusters: Texts
    system_values: Float64
    baseline_values: Float64
    system_lacks: Float64
    baseline_lacks: Float64
    unit_of_cluster: str = "samples"
    worst: float | None = None

    @property
    def sign(self) -> int:
        """+1 where larger values are better (or there is no better), -1 where smaller are."""
        return -1 if self.direction in (Direction.LOWER, Direction.ZERO) else 1

    @property
    def both(self) -> NDArray[np.bool_]:
        """Which samples [N] have a number from both."""
        return ~(np.isnan(self.system_values) | np.isnan(self.baseline_values))

    @property
    def members(self) -> NDArray[np.int64]:
        """The number of each sample's cluster [N], 0 … K - 1, by name."""
        return np.unique(self.clusters.astype(str), return_inverse=True)[1].astype(np.int64)


@dataclass(frozen=True)
class SampleTable:
    """One system of a run by sample: `values` and `lacks` [S, F] over the grid's columns (see `Pairs`).

    `facts` [S] says whether the cluster came from the sample's fact, or is the sample itself.
    """

    system: str
    samples: Texts
    clusters: Texts
    facts: NDArray[np.bool_]
    columns: tuple[Column, ...]
    values: Float64
    lacks: Float64


def sample_table(
    grid: ScoreGrid, clips: Sequence[ClipRecord], system: str, *, cluster: str | None
) -> SampleTable:
    """Average the repeats of a system's samples.

    Raises:
        InputError: the run has no such system.
    """
    rows = grid.rows_of(system)
    if not rows.size:
        raise unknown_name("system", system, {str(name) for name in grid.system})
    names, first, member = np.unique(grid.sample[rows].astype(str), return_index=True, return_inverse=True)
    facts = [_fact(clips, int(grid.record[row]), cluster) for row in rows[first]]
    clusters = [f"fact:{fact}" if fact else f"sample:{name}" for fact, name in zip(facts, names, strict=True)]
    attempted = np.bincount(member, minlength=len(names)).astype(np.float64)
    width = len(grid.columns)
    values, lacks = np.full((len(names), width), np.nan), np.ones((len(names), width))
    for at, column in enumerate(grid.columns):
        given = grid.values[rows, at]
        has = ~np.isnan(given)
        if column.field.direction is Direction.ZERO:
            given = np.abs(given)
        count = np.bincount(member[has], minlength=len(names))
        total = np.bincount(member[has], weights=given[has], minlength=len(names))
        values[count > 0, at] = total[count > 0] / count[count > 0]
        lacks[:, at] = 1 - count / attempted
    return SampleTable(
        system,
        names.astype(object),
        np.asarray(clusters, dtype=object),
        np.asarray([bool(fact) for fact in facts]),
        grid.columns,
        values,
        lacks,
    )


def pairs_of(
    grid_a: ScoreGrid,
    clips_a: Sequence[ClipRecord],
    system_a: str,
    grid_b: ScoreGrid,
    clips_b: Sequence[ClipRecord],
    system_b: str,
    column: tuple[str, str],
    *,
    cluster: str | None,
) -> Pairs:
    """Pair two systems of one run (give its grid twice) or of two, in the field `(metric, field)`.

    `system_b` is the baseline. Samples are paired by name (see `Alignment` for controls of several systems).

    Raises:
        InputError: a grid has no such system or field.
    """
    left = sample_table(grid_a, clips_a, system_a, cluster=cluster)
    right = sample_table(grid_b, clips_b, system_b, cluster=cluster)
    return Alignment.of(left, right, cluster).pairs(column)


@dataclass(frozen=True)
class Alignment:
    """The common samples of two systems: rows of either's table, -1 where it has no such sample.

    A control of several systems has samples named `system/sample`. Beside one of those systems only the samples
    made from its clips count, under their plain names; beside anything else the names are taken as they are.
    """

    left: SampleTable
    right: SampleTable
    samples: Texts
    clusters: Texts
    at_left: NDArray[np.int64]
    at_right: NDArray[np.int64]
    unit: str

    @classmethod
    def of(cls, left: SampleTable, right: SampleTable, cluster: str | None) -> Alignment:
        """Find the common samples of two tables; `cluster` is the fact's name, for the reader."""
        rows_left, rows_right = _named_for(left, right), _named_for(right, left)
        names = sorted({*rows_left, *rows_right})
        at_left = np.asarray([rows_left.get(name, -1) for name in names], dtype=np.int64)
        at_right = np.asarray([rows_right.get(name, -1) for name in names], dtype=np.int64)
        clusters, by_fact = [], []
        for name, a, b in zip(names, at_left, at_right, strict=True):
            table, row = (right, b) if b >= 0 else (left, a)
            by_fact.append(bool(table.facts[row]))
            clusters.append(table.clusters[row] if by_fact[-1] else f"sample:{name}")
        unit = "samples"
        if any(by_fact) and len(set(clusters)) < len(clusters):
            unit = {"identity": "identities"}.get(cluster or "", f"clusters by {cluster}")
        samples = np.asarray(names, dtype=object)
        return cls(left, right, samples, np.asarray(clusters, dtype=object), at_left, at_right, unit)

    def pairs(self, column: tuple[str, str]) -> Pairs:
        """Return the pairs in one field.

        Raises:
            InputError: a table has no such field.
        """
        at_left, at_right = _place(self.left.columns, column), _place(self.right.columns, column)
        found = self.right.columns[at_right]
        field = found.field
        worst = {
            Direction.HIGHER: field.low,
            Direction.LOWER: field.high,
            Direction.ZERO: None
            if field.low is None or field.high is None
            else max(abs(field.low), abs(field.high)),
            Direction.NONE: None,
        }[field.direction]
        return Pairs(
            metric=found.metric,
            field=field.name,
            unit=field.unit,
            direction=field.direction,
            headline=found.headline,
            system=self.left.system,
            baseline=self.right.system,
            samples=self.samples,
            clusters=self.clusters,
            system_values=_taken(self.left.values[:, at_left], self.at_left, np.nan),
            baseline_values=_taken(self.right.values[:, at_right], self.at_right, np.nan),
            system_lacks=_taken(self.left.lacks[:, at_left], self.at_left, 1.0),
            baseline_lacks=_taken(self.right.lacks[:, at_right], self.at_right, 1.0),
            unit_of_cluster=self.unit,
            worst=worst,
        )


def _taken(values: Float64, rows: NDArray[np.int64], otherwise: float) -> Float64:
    return np.where(rows >= 0, values[rows], otherwise)


def _named_for(table: SampleTable, other: SampleTable) -> dict[str, int]:
    """Return the rows of a table by the names that the other system's samples have."""
    plain = {str(name): row for row, name in enumerate(table.samples)}
    theirs = {str(name) for name in other.samples}
    prefix = f"{other.system}/"
    own = {name[len(prefix) :]: row for name, row in plain.items() if name.startswith(prefix)}
    return own if own.keys() & theirs and not plain.keys() & theirs else plain


def _fact(clips: Sequence[ClipRecord], record: int, cluster: str | None) -> str:
    return clips[record].sample.facts.get(cluster, "") if cluster and record >= 0 else ""


def _place(columns: Sequence[Column], column: tuple[str, str]) -> int:
    for at, known in enumerate(columns):
        if (known.metric, known.field.name) == column:
            return at
    raise unknown_name("field", ".".join(column), {f"{c.metric}.{c.field.name}" for c in columns})

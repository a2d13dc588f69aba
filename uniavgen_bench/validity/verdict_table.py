"""One metric's scores of a study, arranged by clip, change and field."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec
from uniavgen_bench.validity.perturb import CLEAN

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class MetricTable:
    """Rows of `study.COLUMNS` of one metric on one set of clips."""

    spec: MetricSpec
    rows: pd.DataFrame

    @cached_property
    def clips(self) -> list[str]:
        """The unchanged clips, by name."""
        return sorted(self.rows.loc[self.rows["change"] == CLEAN.name, "sample"].unique())

    @cached_property
    def cluster(self) -> dict[str, str]:
        """The cluster of each clip."""
        return dict(zip(self.rows["sample"], self.rows["cluster"], strict=True))

    @cached_property
    def _by_field(self) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
        return {
            str(name): (
                part.pivot(index="sample", columns="change", values="value"),
                part.pivot(index="sample", columns="change", values="reason"),
            )
            for name, part in self.rows.groupby("field")
        }

    def field(self, name: str) -> FieldSpec | None:
        """Return what the metric declares of a field, or None."""
        return next((f for f in self.spec.fields if f.name == name), None)

    def has(self, change: str) -> bool:
        """Tell whether any clip was changed in this way."""
        return bool((self.rows["change"] == change).any())

    def changed(self, change: str) -> NDArray[np.bool_]:
        """Tell which clips `[N]` were changed in this way, with a number or without."""
        made = set(self.rows.loc[self.rows["change"] == change, "sample"])
        return np.array([name in made for name in self.clips], np.bool_)

    def values(self, field: str, change: str = CLEAN.name) -> Float64:
        """Return the values `[N]` of all clips, nan where there is none."""
        wide = self._by_field[field][0] if field in self._by_field else pd.DataFrame()
        if change not in wide.columns:
            return np.full(len(self.clips), np.nan)
        return wide[change].reindex(self.clips).to_numpy(np.float64)

    def reasons(self, field: str, change: str = CLEAN.name) -> list[str]:
        """Return why each clip has no value (only the reason's word); empty where it has one or was not changed."""
        return [text.split(":")[0] for text in self.why(field, change)]

    def why(self, field: str, change: str = CLEAN.name) -> list[str]:
        """Return why each clip has no value, with the details; empty where it has one or was not changed."""
        wide = self._by_field[field][1] if field in self._by_field else pd.DataFrame()
        if change not in wide.columns:
            return [""] * len(self.clips)
        return [str(text) for text in wide[change].reindex(self.clips).fillna("")]

    def clusters(self, mask: NDArray[np.bool_]) -> list[str]:
        """Return the clusters of the clips that a mask `[N]` chooses."""
        return [self.cluster[name] for name, chosen in zip(self.clips, mask, strict=True) if chosen]

    def spread(self, field: str) -> float:
        """Return the standard deviation between unchanged clips; 0 for fewer than two numbers."""
        values = self.values(field)
        known = values[np.isfinite(values)]
        return float(known.std(ddof=1)) if len(known) > 1 else 0.0


def goodness(values: Float64, direction: Direction) -> Float64:
    """Return values turned so that more is better: the negative for `LOWER`, minus the size for `ZERO`."""
    if direction is Direction.ZERO:
        return -np.abs(values)
    return -values if direction is Direction.LOWER else values


def counted(reasons: Sequence[str]) -> str:
    """Say how often each reason occurs: `no_face 3, silent 1`."""
    names = sorted({reason for reason in reasons if reason})
    return ", ".join(f"{name} {sum(r == name for r in reasons)}" for name in names)

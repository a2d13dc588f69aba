"""Clips that are byte for byte the same in two runs: what differs there is the measuring, not the system."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from uniavgen_bench.report.compared_runs import ComparedRun
from uniavgen_bench.stats.grid import ScoreGrid

ROUNDING = 1e-3
"""Two scores of one clip may differ by this share of the field's spread, for devices round differently."""


@dataclass(frozen=True)
class SameClips:
    """The clips of a system that two runs share: `same` of `clips`, and per field how many have another score."""

    clips: int
    same: int
    changed: dict[tuple[str, str], int]

    @property
    def nothing_changed(self) -> bool:
        """Whether every clip is the same and has the same scores."""
        return self.same == self.clips > 0 and not self.changed

    def otherwise(self, system: str) -> list[str]:
        """Say which fields were measured otherwise."""
        return [
            f"caution: {count} clips of {system} are the same in both runs and have another {metric} {field}: "
            "the measuring changed, not the system"
            for (metric, field), count in self.changed.items()
        ]


def same_clips(before: ComparedRun, after: ComparedRun, old: ScoreGrid, new: ScoreGrid) -> SameClips:
    """Find the clips that are the same, and compare their scores; the grids hold one system over the same samples."""
    here, there = _hashes(after, new), _hashes(before, old)
    rows = [(row, there[key]) for key, row in here.items() if key in there]
    at, was = [row for row, _ in rows], [row for _, row in rows]
    changed: dict[tuple[str, str], int] = {}
    for number, column in enumerate(new.columns):
        a, b = new.values[at, number], old.values[was, number]
        known = old.values[~np.isnan(old.values[:, number]), number]
        spread = float(np.ptp(known)) if known.size else 0.0
        moved = np.abs(a - b) > ROUNDING * spread + 1e-9
        count = int(np.count_nonzero(moved | (np.isnan(a) != np.isnan(b))))
        if count:
            changed[column.metric, column.field.name] = count
    return SameClips(max(len(new.system), len(old.system)), len(rows), changed)


def _hashes(run: ComparedRun, grid: ScoreGrid) -> dict[tuple[str, int, str], int]:
    """Return the rows of the grid by sample, repeat and hash of the clip; empty for one that neither run may have."""
    found = {}
    for row, record in enumerate(grid.record):
        digest = run.records[record].sha256 if record >= 0 else None
        found[(str(grid.sample[row]), int(grid.repeat[row]), digest or "")] = row
    return found

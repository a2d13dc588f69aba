"""Everything that the pages of one run share, read and arranged once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory, RunManifest
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.stats.grid import Column, ScoreGrid, reason_of, score_grid
from uniavgen_bench.stats.numbers import decimals
from uniavgen_bench.stats.summary import Summary, summarise_grid
from uniavgen_bench.stats.table import ROLE_ORDER, places


@dataclass(frozen=True)
class RunData:
    """A run as the report needs it. Clips are the rows of `grid`; `systems` are in the order of the tables."""

    directory: RunDirectory
    manifest: RunManifest
    records: tuple[ClipRecord, ...]
    scores: pd.DataFrame
    grid: ScoreGrid
    summaries: tuple[Summary, ...]
    systems: tuple[SystemInfo, ...]

    @property
    def title(self) -> str:
        """The name of the report: the suite's, or the dataset's when clips were scored without a suite."""
        dataset = self.manifest.dataset.get("name")
        return f"Scores of {dataset}" if self.manifest.suite == "score" and dataset else self.manifest.suite

    def record(self, clip: int) -> ClipRecord | None:
        """Return the record of a clip, or None when only scores know it."""
        at = int(self.grid.record[clip])
        return self.records[at] if at >= 0 else None

    @cached_property
    def system_number(self) -> NDArray[np.int64]:
        """For each clip [N] the position of its system."""
        known = {system.id: i for i, system in enumerate(self.systems)}
        return np.asarray([known[str(name)] for name in self.grid.system], dtype=np.int64)

    @cached_property
    def page_names(self) -> tuple[str, ...]:
        """For each clip [N] the file name of its page; the hash of the slug keeps them distinct."""
        grid = self.grid
        return tuple(
            f"{slug(f'{system}/{sample}/{repeat}')}.html"
            for system, sample, repeat in zip(grid.system, grid.sample, grid.repeat, strict=True)
        )

    @cached_property
    def digits(self) -> tuple[int, ...]:
        """For each column the decimals of a mean."""
        found = places(self.summaries)
        return tuple(found.get((c.metric, c.field.name), 2) for c in self.grid.columns)

    @cached_property
    def clip_digits(self) -> tuple[int, ...]:
        """For each column the decimals of one clip's score, after the spread of the clips."""
        found = []
        for values in self.grid.values.T:
            known = values[~np.isnan(values)]
            if len(known) and not np.mod(known, 1).any():
                found.append(0)
                continue
            spread = float(known.std()) if len(known) > 1 else None
            found.append(decimals([spread], otherwise=float(np.abs(known).max()) if len(known) else None))
        return tuple(found)

    @cached_property
    def pool(self) -> NDArray[np.bool_]:
        """Whether each clip [N] is of a system proper: controls are no part of a distribution to be placed in."""
        roles = np.asarray([system.role is Role.SYSTEM for system in self.systems], dtype=bool)
        chosen = roles[self.system_number] if len(self.grid.system) else np.zeros(0, dtype=bool)
        return chosen if chosen.any() else np.ones(len(chosen), dtype=bool)

    def reason(self, clip: int, column: int) -> tuple[str, str]:
        """Return reason and detail of a missing value."""
        text = self.grid.reason_texts[self.grid.reasons[clip, column]]
        return reason_of(text), text.partition(":")[2].strip()

    def label(self, clip: int) -> str:
        """Return the label of a clip's system."""
        system = self.systems[self.system_number[clip]]
        return str(system.label or system.id)

    @cached_property
    def metric_columns(self) -> dict[str, list[int]]:
        """The columns of each metric, headline first."""
        found: dict[str, list[int]] = {}
        for i, column in enumerate(self.grid.columns):
            found.setdefault(column.metric, []).append(i)
        return found

    def headline_columns(self) -> list[int]:
        """Return the headline column of each metric."""
        return [columns[0] for columns in self.metric_columns.values()]

    def column(self, number: int) -> Column:
        """Return a column."""
        return self.grid.columns[number]


def read_run(run: Path) -> RunData:
    """Read a run directory.

    Raises:
        InputError: it is not a run, or a file of it is damaged.
    """
    directory = RunDirectory(run)
    manifest = directory.manifest()
    scores = directory.scores()
    try:
        records = tuple(directory.clips())
    except UnicodeDecodeError as error:
        raise InputError(f"{directory.clips_path} is damaged: it is not UTF-8") from error
    grid = score_grid(scores, manifest.metrics, records)
    known = {system.id for system in manifest.systems}
    others = sorted({str(name) for name in grid.system} - known)
    systems = [*manifest.systems, *(SystemInfo(id=name, use=name) for name in others)]
    systems.sort(key=lambda system: ROLE_ORDER.index(system.role))
    summaries = summarise_grid(grid, records, systems=systems)
    return RunData(directory, manifest, records, scores, grid, summaries, tuple(systems))

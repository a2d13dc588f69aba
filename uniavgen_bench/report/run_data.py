"""Everything that the pages of one run share, read and arranged once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uniavgen_bench.core.comparison import AblationResult, RunStats
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.published import PublishedResult
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory, RunManifest
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.validity_files import RunValidity
from uniavgen_bench.report.run_validity import validity_of_run
from uniavgen_bench.report.sidecars import Sidecars
from uniavgen_bench.stats.grid import Column, ScoreGrid, reason_of, score_grid
from uniavgen_bench.stats.numbers import decimals
from uniavgen_bench.stats.summary import Summary, summarise_grid
from uniavgen_bench.stats.table import ROLE_ORDER, places

LARGE = 3_000
"""With more clips than this, one page shows any clip from data files; with fewer, each clip has a page of its own."""


@dataclass(frozen=True)
class RunData:
    """A run as the report needs it. Clips are the rows of `grid`; `systems` are in the order of the tables.

    `stats`, `ablation` and `validity` are None where the run holds no such file. `validity_problem`: one line about a
    validity.json that cannot be read.
    """

    directory: RunDirectory
    manifest: RunManifest
    records: tuple[ClipRecord, ...]
    scores: pd.DataFrame
    grid: ScoreGrid
    summaries: tuple[Summary, ...]
    systems: tuple[SystemInfo, ...]
    stats: RunStats | None = None
    ablation: AblationResult | None = None
    published: PublishedResult | None = None
    validity: RunValidity | None = None
    validity_problem: str = ""

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
    def sidecars(self) -> Sidecars:
        """What lies beside the clips: what was delivered, and the logs of jobs; read when it is first asked for."""
        return Sidecars(self.directory.root, self.records, (system.id for system in self.systems))

    @cached_property
    def system_number(self) -> NDArray[np.int64]:
        """For each clip [N] the position of its system."""
        known = {system.id: i for i, system in enumerate(self.systems)}
        return np.asarray([known[str(name)] for name in self.grid.system], dtype=np.int64)

    @cached_property
    def large(self) -> bool:
        """Whether clips share one page that reads data files."""
        return len(self.grid.system) > LARGE

    @cached_property
    def clip_keys(self) -> tuple[str, ...]:
        """For each clip [N] its name in addresses, which stays the same from report to report.

        The hash of the slug keeps them distinct. `clip.html#KEY` leads to a clip in a report of any size.
        """
        grid = self.grid
        return tuple(
            slug(f"{system}/{sample}/{repeat}")
            for system, sample, repeat in zip(grid.system, grid.sample, grid.repeat, strict=True)
        )

    @cached_property
    def page_names(self) -> tuple[str, ...]:
        """For each clip [N] the file name of its own page."""
        return tuple(f"{key}.html" for key in self.clip_keys)

    def clip_link(self, clip: int) -> str:
        """Return the address of a clip's page, from the report's folder."""
        return f"clip.html#{self.clip_keys[clip]}" if self.large else f"clips/{self.page_names[clip]}"

    @cached_property
    def sample_names(self) -> tuple[str, ...]:
        """The samples [S], sorted."""
        return tuple(str(name) for name in np.unique(self.grid.sample.astype(str)))

    @cached_property
    def sample_number(self) -> NDArray[np.int64]:
        """For each clip [N] the position of its sample."""
        known = {name: i for i, name in enumerate(self.sample_names)}
        return np.asarray([known[str(name)] for name in self.grid.sample], dtype=np.int64)

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

    def label_of(self, system: str) -> str:
        """Return the label of a system by its id; the id where the run does not hold it."""
        return next((s.label for s in self.systems if s.id == system and s.label), system)

    def column_of(self, metric: str, field: str) -> int | None:
        """Return the column of a field by the metric's name, with its version or without; None when not here."""
        for i, column in enumerate(self.grid.columns):
            if column.field.name == field and metric in (column.metric, column.spec.id):
                return i
        return None

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
    validity, validity_problem = validity_of_run(run, manifest)
    return RunData(
        directory=directory,
        manifest=manifest,
        records=records,
        scores=scores,
        grid=grid,
        summaries=summaries,
        systems=tuple(systems),
        stats=directory.stats(),
        ablation=directory.ablation(),
        published=directory.published(),
        validity=validity,
        validity_problem=validity_problem,
    )

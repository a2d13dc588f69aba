"""What a finished run says beyond its means: which differences are real, what each factor of an ablation changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.comparison import AblationBlock, AblationResult, CompareBlock, RunStats, level_text
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory, RunManifest
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.stats.ablation_effects import ablation_effects
from uniavgen_bench.stats.comparison import compare_run
from uniavgen_bench.stats.grid import score_grid


@dataclass(frozen=True)
class Verdicts:
    """What stats.json and ablation.json of a run hold; `ablation` is None for a run without one."""

    stats: RunStats
    ablation: AblationResult | None = None


def write_verdicts(
    directory: RunDirectory, manifest: RunManifest, scores: pd.DataFrame, records: Sequence[ClipRecord]
) -> Verdicts:
    """Compare the systems of a run as its manifest asks, and write stats.json and ablation.json.

    An ablation whose references are not among the systems that were chosen for this run has no effects, and no file.
    """
    block, seed = manifest.compare or CompareBlock(), manifest.seed or 0
    grid = score_grid(scores, manifest.metrics, records)
    stats = compare_run(grid, records, manifest.systems, block, seed=seed)
    write_json(directory.stats_path, stats.model_dump(mode="json"))
    ablation = manifest.ablation
    if ablation is None or not _has_references(ablation, manifest.systems):
        directory.ablation_path.unlink(missing_ok=True)
        return Verdicts(stats)
    found = ablation_effects(grid, records, manifest.systems, ablation, block, seed=seed)
    write_json(directory.ablation_path, found.model_dump(mode="json"))
    return Verdicts(stats, found)


def _has_references(block: AblationBlock, systems: Sequence[SystemInfo]) -> bool:
    """Whether each factor has a cell at its reference, and another cell beside it."""
    cells = [info.factors for info in systems if info.factors]
    return len(cells) > 1 and all(
        any(factors.get(name) == level_text(levels[0]) for factors in cells)
        for name, levels in block.factors.items()
    )

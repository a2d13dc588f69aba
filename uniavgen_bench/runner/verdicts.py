"""What a finished run says beyond its means: which differences are real, what each factor of an ablation changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.comparison import AblationBlock, AblationResult, CompareBlock, RunStats, level_text
from uniavgen_bench.core.published import PublishedResult
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory, RunManifest
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.stats.ablation_effects import ablation_effects
from uniavgen_bench.stats.comparison import compare_run
from uniavgen_bench.stats.grid import ScoreGrid, score_grid
from uniavgen_bench.stats.published_order import published_orders


@dataclass(frozen=True)
class Verdicts:
    """What stats.json, ablation.json and published.json of a run hold; None for a run without one."""

    stats: RunStats
    ablation: AblationResult | None = None
    published: PublishedResult | None = None


def write_verdicts(
    directory: RunDirectory, manifest: RunManifest, scores: pd.DataFrame, records: Sequence[ClipRecord]
) -> Verdicts:
    """Compare the systems of a run as its manifest asks; write stats.json, ablation.json and published.json.

    An ablation whose references are not among the systems that were chosen for this run has no effects, and no file.
    """
    block, seed = manifest.compare or CompareBlock(), manifest.seed or 0
    grid = score_grid(scores, manifest.metrics, records)
    stats = compare_run(grid, records, manifest.systems, block, seed=seed)
    write_json(directory.stats_path, stats.model_dump(mode="json"))
    published = _published(directory, manifest, grid, records, block)
    ablation = manifest.ablation
    if ablation is None or not _has_references(ablation, manifest.systems):
        directory.ablation_path.unlink(missing_ok=True)
        return Verdicts(stats, published=published)
    found = ablation_effects(grid, records, manifest.systems, ablation, block, seed=seed)
    write_json(directory.ablation_path, found.model_dump(mode="json"))
    return Verdicts(stats, found, published)


def _published(
    directory: RunDirectory,
    manifest: RunManifest,
    grid: ScoreGrid,
    records: Sequence[ClipRecord],
    block: CompareBlock,
) -> PublishedResult | None:
    if manifest.published is None:
        directory.published_path.unlink(missing_ok=True)
        return None
    found = published_orders(grid, records, manifest.published, block, seed=manifest.seed or 0)
    write_json(directory.published_path, found.model_dump(mode="json"))
    return found


def _has_references(block: AblationBlock, systems: Sequence[SystemInfo]) -> bool:
    """Whether each factor has a cell at its reference, and another cell beside it."""
    cells = [info.factors for info in systems if info.factors]
    return len(cells) > 1 and all(
        any(factors.get(name) == level_text(levels[0]) for factors in cells)
        for name, levels in block.factors.items()
    )

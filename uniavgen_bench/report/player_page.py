"""The page that plays two to four systems side by side, and the page of any clip; their scripts read the data files."""

from __future__ import annotations

from typing import Any

from uniavgen_bench.report.run_data import RunData


def player(run: RunData) -> dict[str, Any]:
    """Return the context of the player; `baseline` is the number of the baseline among the systems, or -1."""
    baseline = run.stats.block.baseline if run.stats else None
    numbers = [i for i, system in enumerate(run.systems) if system.id == baseline]
    return {"manifest": run.manifest, "title": run.title, "baseline": numbers[0] if numbers else -1}


def viewer(run: RunData) -> dict[str, Any]:
    """Return the context of the page of any clip."""
    return {"manifest": run.manifest, "title": run.title, "large": run.large}

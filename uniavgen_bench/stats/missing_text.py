"""Whose missing samples stand in a p-value as the worst, in words."""

from __future__ import annotations

from collections.abc import Mapping

from uniavgen_bench.core.comparison import PairedResult
from uniavgen_bench.core.spec import Direction


def lacking_text(result: PairedResult, what: str, labels: Mapping[str, str] | None = None) -> str:
    """Return `a lacks 1 of 16 clips, counted as its worst`, or nothing where no side lacks what the other has.

    The differences are over the pairs, but a missing value must not help, so that p may be far larger than they let
    expect. `what` names samples in the plural. In a field without a better side missing values take no side.
    """
    if result.direction is Direction.NONE:
        return ""
    sides = ((result.system, result.only_baseline), (result.baseline, result.only_system))
    names = labels or {}
    return "; ".join(
        f"{names.get(name, name)} lacks {count} of {result.attempted} {what}, counted as its worst"
        for name, count in sides
        if count
    )

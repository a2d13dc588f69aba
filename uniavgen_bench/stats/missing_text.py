"""Whose missing samples stand in a p-value as the worst, in words."""

from __future__ import annotations

from collections.abc import Mapping

from uniavgen_bench.core.comparison import PairedResult, Verdict
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


def lost_by_missing(result: PairedResult) -> str:
    """Say how many samples the loser lacks, each of which counts as its worst; nothing where it lacks none."""
    lacking, who = {
        Verdict.WORSE: (result.only_baseline, "lacks"),
        Verdict.BETTER: (result.only_system, "the other lacks"),
    }.get(result.verdict, (0, ""))
    return f"{who} {lacking} of {result.attempted}" if lacking else ""


def against_its_pairs(result: PairedResult) -> bool:
    """Whether missing samples decided: over the pairs the loser does not lose, so that their difference misleads."""
    if result.cliff is None or not lost_by_missing(result):
        return False
    return result.cliff.value >= 0 if result.verdict is Verdict.WORSE else result.cliff.value <= 0

"""How a metric behaves, held against scores: what should not move it, what it refuses, whether it agrees with others.

What it claims to measure is held in `verdict_claims`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.validity_files import ValidityCheck
from uniavgen_bench.validity.expect import Agrees, Answers, Unmoved
from uniavgen_bench.validity.perturb import StudyClip
from uniavgen_bench.validity.perturb_list import expanded
from uniavgen_bench.validity.study_statistics import LEAST_CLUSTERS, Found, clustered, rank_agreement
from uniavgen_bench.validity.verdict_table import MetricTable, counted

LOST = 0.25
"""Share of clips that may lose their number by a change that should not matter."""
LEAST_RATED = 8
"""Fewer clips with a published score say nothing."""
BROKEN = (Reason.FAILED.value, Reason.CRASHED.value, Reason.TIMEOUT.value)


class StudyCheck(ValidityCheck):
    """A check with what kind it is of, on which clips, and the words of `not_for` that would admit a failure."""

    kind: str = ""
    on: str = ""
    admits: str = ""


def made_check(kind: str, name: str, found: Found | None = None, **more: object) -> StudyCheck:
    """Return a check with what was found, where that is a number."""
    given: dict[str, object] = {"kind": kind, "name": name, **more}
    if found is not None and math.isfinite(found.value):
        given |= {"value": found.value, "low": found.low, "high": found.high, "clips": found.clips}
    return StudyCheck.model_validate(given)


def too_few(clusters: Sequence[str]) -> str:
    """Say that there are too few clusters for a verdict; nothing where there are enough."""
    count = len(set(clusters))
    return f"too few: {count} of at least {LEAST_CLUSTERS} clusters" if count < LEAST_CLUSTERS else ""


def above(found: Found, chance: float, least: float) -> bool | None:
    """Held where the value reaches what is asked and chance lies below the interval; open where only the first does."""
    if found.low is None or not math.isfinite(found.value):
        return None
    if found.value < least:
        return False
    return True if found.low > chance else None


def no_field(kind: str, table: MetricTable, field: str) -> StudyCheck | None:
    """Return a failed check where the metric has no such field, else None."""
    if table.field(field) is not None:
        return None
    names = ", ".join(f.name for f in table.spec.fields)
    return made_check(kind, field, passed=False, detail=f"the metric has no such field; it has {names}")


def unmoved(table: MetricTable, asked: Unmoved) -> list[StudyCheck]:
    """Hold changes that should not matter against the spread between clips: one check for each entry of `by`."""
    fields = asked.fields or (table.spec.headline.name,)
    return [check for by in asked.by if (check := _unmoved(table, asked, by, fields)) is not None]


def _unmoved(table: MetricTable, asked: Unmoved, by: str, fields: Sequence[str]) -> StudyCheck | None:
    worst: tuple[float, str, Found] | None = None
    lost: list[str] = []
    if asked.against and not table.has(asked.against):
        return None
    unit = f"of the way to {asked.against}" if asked.against else "sd"
    for field in fields:
        if (wrong := no_field("unmoved", table, field)) is not None:
            return wrong
        clean, spread = table.values(field), _unit(table, field, asked.against)
        for change in expanded([by]):
            if not table.has(change):
                continue
            after = table.values(field, change)
            had, both = np.isfinite(clean), np.isfinite(clean) & np.isfinite(after)
            if had.any() and both.sum() < (1 - LOST) * had.sum():
                lost.append(f"{change} costs {had.sum() - both.sum()} of {had.sum()} numbers")
            moved = np.abs(after - clean)[both]
            if spread <= 0 and len(moved) and moved.max() > 0:
                spread = float(moved.max())
            sizes = moved / spread if spread > 0 else moved
            found = clustered(sizes.tolist(), table.clusters(both), lambda rows: float(np.median(rows)))
            if math.isfinite(found.value) and (worst is None or found.value > worst[0]):
                shift = float(np.mean((after - clean)[both])) / spread if spread > 0 else 0.0
                few = f"; {too_few(table.clusters(both))}" if found.low is None else ""
                worst = (
                    found.value,
                    f"most by {change}: {field}, mean change {shift:+.2f} {unit}{few}",
                    found,
                )
    if worst is None and not lost:
        return None
    passed = None if worst is None or worst[2].low is None else worst[0] <= asked.within and not lost
    unit = unit if asked.against else "sd between clips"
    of = f": {', '.join(asked.fields)}" if asked.fields and fields != (table.spec.headline.name,) else ""
    return made_check(
        "unmoved", f"unmoved by {by.removeprefix('@')}{of}", worst[2] if worst else None,
        passed=False if lost else passed, unit=unit, expected=f"median change of at most {asked.within:g} {unit}",
        detail="; ".join([*([worst[1]] if worst else []), *lost]), admits=asked.admits,
    )  # fmt: skip


def _unit(table: MetricTable, field: str, against: str) -> float:
    """Return what changes of a field are measured in: its spread between clips, or its distance to a control."""
    if not against:
        return table.spread(field)
    apart = np.abs(table.values(field, against) - table.values(field))
    return float(np.median(apart[np.isfinite(apart)])) if np.isfinite(apart).any() else 0.0


def answers(table: MetricTable, asked: Answers) -> StudyCheck | None:
    """Hold what cannot be measured against the reasons that are allowed, on clips that have a number unchanged.

    The headline has to be missing, whatever becomes of the other fields; where the expectation names fields, one of
    these. A field that broke is no refusal.
    """
    if not table.has(asked.when):
        return None
    names = asked.fields or (table.spec.headline.name,)
    for name in names:
        if (wrong := no_field("answers", table, name)) is not None:
            return wrong
    allowed = {reason.value for reason in asked.reasons}
    had = np.array([np.isfinite(table.values(name)) for name in names]).any(axis=0)
    every = np.array([table.reasons(name, asked.when) for name in names])
    refused = np.isin(every, sorted(allowed)).any(axis=0)
    whole = np.array([table.reasons(f.name, asked.when) for f in table.spec.fields])
    broken = np.isin(whole, BROKEN).any(axis=0)
    if asked.or_number:
        head = table.spec.headline.name
        near = np.abs(table.values(head, asked.when) - table.values(head)) <= table.spread(head)
        refused = refused | near
    right = np.asarray(refused & ~broken, np.bool_)[np.asarray(had, np.bool_)]
    if not len(right):
        return None
    wanted = " or ".join(sorted(allowed)) + (" or nearly the same number" if asked.or_number else "")
    given = counted([reason for row in every.T[np.asarray(had, np.bool_)] for reason in sorted(set(row))])
    return made_check(
        "answers", f"refuses {asked.when}", Found(float(right.mean()), None, None, len(right)),
        passed=bool(right.all()), unit="share", expected=wanted, detail=given or "numbers only", admits=asked.admits,
    )  # fmt: skip


def unbroken(table: MetricTable) -> StudyCheck | None:
    """Tell where a computation broke, died, or took too long; None where none did."""
    rows = table.rows[table.rows["reason"].str.split(":").str[0].isin(BROKEN)]
    if rows.empty:
        return None
    share = len(rows) / len(table.rows)
    return made_check(
        "unbroken", "computes without breaking", Found(1.0 - share, None, None, rows["sample"].nunique()),
        passed=False, unit="share", expected="a number or a reason of the clip",
        detail=f"{', '.join(sorted(rows['change'].unique()))}: {rows['reason'].iloc[0]}",
    )  # fmt: skip


def agrees(table: MetricTable, asked: Agrees, clips: Sequence[StudyClip]) -> StudyCheck | None:
    """Hold a field against a score that others published for the same clips.

    Clips of one owner alone are one cluster: then the interval is drawn over the clips, and the detail says so.
    """
    if (wrong := no_field("agrees", table, asked.field)) is not None:
        return wrong
    published = {clip.sample.id: clip.sample.published.get(asked.published) for clip in clips}
    theirs = np.array([published.get(name) for name in table.clips], dtype=np.float64)
    ours = table.values(asked.field)
    at = np.isfinite(theirs) & np.isfinite(ours)
    if at.sum() < LEAST_RATED:
        return None
    clusters = table.clusters(at)
    alone = len(set(clusters)) == 1
    drawn = [str(i) for i in range(len(clusters))] if alone else clusters
    found = rank_agreement(ours[at].tolist(), (asked.sign * theirs[at]).tolist(), drawn)
    passed = None if asked.rho is None else above(found, 0.0, asked.rho)
    expected = "" if asked.rho is None else f"Spearman of at least {asked.rho:g}, its interval above 0"
    said = "1 cluster, so the interval is over its clips" if alone else f"{len(set(clusters))} clusters"
    detail = "; ".join(part for part in ("Spearman", said, too_few(drawn)) if part)
    return made_check(
        "agrees", f"{asked.field} with published {asked.published}", found, passed=passed, expected=expected,
        detail=detail,
    )  # fmt: skip

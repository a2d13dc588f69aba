"""Expectations held against scores: one check each, with its number, its interval, and whether it held."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.core.validity_files import ValidityCheck
from uniavgen_bench.validity.expect import Agrees, Answers, Falls, Follows, Separates, Unmoved
from uniavgen_bench.validity.perturb import CLEAN, StudyClip
from uniavgen_bench.validity.perturb_list import expanded, known
from uniavgen_bench.validity.study_statistics import (
    Found,
    clustered,
    clustered_auc,
    dose_trend,
    rank_agreement,
)
from uniavgen_bench.validity.verdict_table import Float64, MetricTable, counted, goodness

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


def _check(kind: str, name: str, found: Found | None = None, **more: object) -> StudyCheck:
    given: dict[str, object] = {"kind": kind, "name": name, **more}
    if found is not None and math.isfinite(found.value):
        given |= {"value": found.value, "low": found.low, "high": found.high, "clips": found.clips}
    return StudyCheck.model_validate(given)


def _no_field(kind: str, table: MetricTable, field: str) -> StudyCheck | None:
    if table.field(field) is not None:
        return None
    names = ", ".join(f.name for f in table.spec.fields)
    return _check(kind, field, passed=False, detail=f"the metric has no such field; it has {names}")


def separates(table: MetricTable, asked: Separates) -> StudyCheck | None:
    """Hold the unchanged clips against a negative control; None where no clip could be changed so."""
    if (wrong := _no_field("separates", table, asked.field)) is not None:
        return wrong
    if not table.has(asked.control):
        return None
    declared = table.field(asked.field)
    direction = asked.better or (declared.direction if declared else Direction.NONE)
    name = f"{asked.field} against {asked.control}"
    if direction is Direction.NONE:
        return _check("separates", name, passed=False, detail="the field has no direction: declare `better`")
    clean = goodness(table.values(asked.field), direction)
    control = goodness(table.values(asked.field, asked.control), direction)
    one, two = np.isfinite(clean), np.isfinite(control)
    found = clustered_auc(
        clean[one].tolist(), table.clusters(one), control[two].tolist(), table.clusters(two)
    )
    refused = counted(table.reasons(asked.field, asked.control))
    both = one & two
    parts = [f"{np.mean(clean[both] > control[both]):.0%} above their own control"] if both.any() else []
    parts += [f"the control has no number: {refused}"] if refused else []
    return _check(
        "separates", name, found, passed=_above(found, 0.5, asked.auc), admits=asked.admits,
        expected=f"AUC of at least {asked.auc:g}, its interval above 0.5", detail="; ".join(parts),
    )  # fmt: skip


def _above(found: Found, chance: float, least: float) -> bool | None:
    """Held where the value reaches what is asked and chance lies below the interval; open where only the first does."""
    if found.low is None or not math.isfinite(found.value):
        return None
    if found.value < least:
        return False
    return True if found.low > chance else None


def follows(table: MetricTable, asked: Follows) -> StudyCheck | None:
    """Hold the offsets of shifted clips against the shifts, after the median of the unchanged ones."""
    if (wrong := _no_field("follows", table, asked.field)) is not None:
        return wrong
    shifts = [name for name in expanded(["@offsets"]) if table.has(name)]
    if not shifts:
        return None
    clean = table.values(asked.field)
    bias = float(np.nanmedian(clean)) if np.isfinite(clean).any() else float("nan")
    rows = [
        table.values(asked.field, name) - asked.sign * known()[name].dose - bias
        for name in (CLEAN.name, *shifts)
    ]
    errors = np.array(rows).T
    at = np.isfinite(errors)
    values = (np.abs(errors[at]) <= asked.within + 1e-6).astype(float)
    clusters = [
        table.cluster[name] for name, row in zip(table.clips, at, strict=True) for _ in range(row.sum())
    ]
    found = clustered(values.tolist(), clusters, lambda rows: float(rows.mean()))
    known_share = f"{at.mean():.0%} of shifted clips have an offset, median of the unchanged {bias:+.0f} ms"
    return _check(
        "follows", f"{asked.field} follows shifts of -400 … 400 ms",
        Found(found.value, found.low, found.high, int(at.any(axis=1).sum())),
        passed=None if found.low is None else found.value >= asked.share, unit="share",
        expected=f"at least {asked.share:g} within {asked.within:g} ms", detail=known_share, admits=asked.admits,
    )  # fmt: skip


def falls(table: MetricTable, asked: Falls) -> StudyCheck | None:
    """Hold a field against a growing dose: the rank correlation of dose and loss, clip by clip, then the mean."""
    if (wrong := _no_field("falls", table, asked.field)) is not None:
        return wrong
    names = [CLEAN.name, *(name for name in expanded([asked.along]) if table.has(name))]
    if len(names) < 3:
        return None
    declared = table.field(asked.field)
    direction = asked.better or (declared.direction if declared else Direction.NONE)
    doses = [abs(known()[name].dose) for name in names]
    raw = np.array([table.values(asked.field, name) for name in names]).T
    trend = dose_trend(doses, -goodness(raw, direction))
    at = np.isfinite(trend)
    found = clustered(trend[at].tolist(), table.clusters(at), lambda rows: float(rows.mean()))
    return _check(
        "falls", f"{asked.field} gets worse along {asked.along.removeprefix('@')}", found,
        passed=None if found.low is None else found.low > 0, expected="mean rank correlation with the dose above 0",
        detail=_curve(names, raw), admits=asked.admits,
    )  # fmt: skip


def _curve(names: Sequence[str], raw: Float64) -> str:
    points = []
    for name, column in zip(names, raw.T, strict=True):
        seen = column[np.isfinite(column)]
        points.append(f"{name} {np.median(seen):.3g}" if len(seen) else f"{name} –")
    return "medians: " + ", ".join(points)


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
        if (wrong := _no_field("unmoved", table, field)) is not None:
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
                worst = (found.value, f"most by {change}: {field}, mean change {shift:+.2f} {unit}", found)
    if worst is None and not lost:
        return None
    passed = None if worst is None or worst[2].low is None else worst[0] <= asked.within and not lost
    unit = unit if asked.against else "sd between clips"
    of = f": {', '.join(asked.fields)}" if asked.fields and fields != (table.spec.headline.name,) else ""
    return _check(
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
    """Hold what cannot be measured against the reasons that are allowed, on clips that have a number unchanged."""
    if not table.has(asked.when):
        return None
    names = asked.fields or tuple(f.name for f in table.spec.fields)
    for name in names:
        if (wrong := _no_field("answers", table, name)) is not None:
            return wrong
    allowed = {reason.value for reason in asked.reasons}
    had = np.array([np.isfinite(table.values(name)) for name in names]).any(axis=0)
    every = np.array([table.reasons(name, asked.when) for name in names])
    refused = np.isin(every, sorted(allowed)).any(axis=0)
    broken = np.isin(every, BROKEN).any(axis=0)
    if asked.or_number:
        head = table.spec.headline.name
        near = np.abs(table.values(head, asked.when) - table.values(head)) <= table.spread(head)
        refused = refused | near
    right = np.asarray(refused & ~broken, np.bool_)[np.asarray(had, np.bool_)]
    if not len(right):
        return None
    wanted = " or ".join(sorted(allowed)) + (" or nearly the same number" if asked.or_number else "")
    given = counted([reason for row in every.T[np.asarray(had, np.bool_)] for reason in sorted(set(row))])
    return _check(
        "answers", f"refuses {asked.when}", Found(float(right.mean()), None, None, len(right)),
        passed=bool(right.all()), unit="share", expected=wanted, detail=given or "numbers only", admits=asked.admits,
    )  # fmt: skip


def unbroken(table: MetricTable) -> StudyCheck | None:
    """Tell where a computation broke, died, or took too long; None where none did."""
    rows = table.rows[table.rows["reason"].str.split(":").str[0].isin(BROKEN)]
    if rows.empty:
        return None
    share = len(rows) / len(table.rows)
    return _check(
        "unbroken", "computes without breaking", Found(1.0 - share, None, None, rows["sample"].nunique()),
        passed=False, unit="share", expected="a number or a reason of the clip",
        detail=f"{', '.join(sorted(rows['change'].unique()))}: {rows['reason'].iloc[0]}",
    )  # fmt: skip


def agrees(table: MetricTable, asked: Agrees, clips: Sequence[StudyClip]) -> StudyCheck | None:
    """Hold a field against a score that others published for the same clips."""
    if (wrong := _no_field("agrees", table, asked.field)) is not None:
        return wrong
    published = {clip.sample.id: clip.sample.published.get(asked.published) for clip in clips}
    theirs = np.array([published.get(name) for name in table.clips], dtype=np.float64)
    ours = table.values(asked.field)
    at = np.isfinite(theirs) & np.isfinite(ours)
    if at.sum() < LEAST_RATED:
        return None
    found = rank_agreement(ours[at].tolist(), (asked.sign * theirs[at]).tolist(), table.clusters(at))
    passed = None if asked.rho is None or found.low is None else found.value >= asked.rho
    expected = "" if asked.rho is None else f"Spearman of at least {asked.rho:g}"
    detail = f"Spearman; {len(set(table.clusters(at)))} clusters"
    return _check(
        "agrees", f"{asked.field} with published {asked.published}", found, passed=passed, expected=expected,
        detail=detail,
    )  # fmt: skip

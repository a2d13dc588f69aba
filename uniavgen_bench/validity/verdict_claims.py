"""What a metric claims to measure, held against scores: it separates, it follows, it falls with a dose.

A missing value never helps a claim. Counted are the clips that were changed and whose unchanged version has a number;
where under a change fewer than half of these have one (`ANSWERED`), the claim is not held, whatever the others show,
and where not all have one, the detail gives the share. Refusals of a control that the expectation allows (`refused`)
are not counted. With fewer than `LEAST_CLUSTERS` clusters nothing is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.spec import Direction
from uniavgen_bench.validity.expect import Falls, Follows, Separates
from uniavgen_bench.validity.perturb import CLEAN
from uniavgen_bench.validity.perturb_list import expanded, known
from uniavgen_bench.validity.study_statistics import Found, clustered, clustered_auc, dose_trend
from uniavgen_bench.validity.verdict_checks import StudyCheck, above, made_check, no_field, too_few
from uniavgen_bench.validity.verdict_table import Float64, MetricTable, counted, goodness

ANSWERED = 0.5
"""Share of clips that must keep their number under a change for a claim about it."""
LEAST_TREND = 0.3
"""Mean rank correlation with the dose below which a field does not fall."""
CLEARLY = 0.25
"""Standard deviations between clips by which the median of a dose must be better than clean to be clearly so."""
NO_DIRECTION = "the field has no direction: declare `better`"


@dataclass(frozen=True)
class Answered:
    """How many of the clips that count have a number under some changes, and whether a claim may rest on them."""

    counts: NDArray[np.bool_]
    shares: dict[str, float]
    few: str

    @property
    def lacking(self) -> str:
        """The changes under which fewer than half have a number; empty where there is none."""
        names = [f"{name} ({share:.0%})" for name, share in self.shares.items() if share < ANSWERED]
        return f"fewer than half of the clips have a number under {', '.join(names)}" if names else ""

    @property
    def told(self) -> str:
        """The least share of clips with a number, where it is below 1."""
        name = min(self.shares, key=self.shares.__getitem__, default="")
        if not name or self.shares[name] == 1:
            return ""
        where = f" under {name}, where fewest have" if len(self.shares) > 1 else ""
        return f"{self.shares[name]:.0%} of clips with a number unchanged have one{where}"

    def judged(self, held: bool | None) -> bool | None:
        """Return whether a claim holds that would be `held` by its numbers."""
        if self.few:
            return None
        return False if self.lacking else held


def answered(table: MetricTable, field: str, changes: Sequence[str], refused: Sequence[str] = ()) -> Answered:
    """Count who has a number under each change, of the clips that have one unchanged and were changed.

    `refused`: reasons whose clips are not counted.
    """
    had = np.isfinite(table.values(field))
    shares: dict[str, float] = {}
    counts = np.zeros(len(table.clips), np.bool_)
    for change in changes:
        counted_here = had & table.changed(change) & ~np.isin(table.reasons(field, change), list(refused))
        if counted_here.any():
            shares[change] = float(np.isfinite(table.values(field, change))[counted_here].mean())
        counts |= counted_here
    return Answered(counts, shares, too_few(table.clusters(counts)))


def separates(table: MetricTable, asked: Separates) -> StudyCheck | None:
    """Hold the unchanged clips against a negative control; None where no clip could be changed so."""
    if (wrong := no_field("separates", table, asked.field)) is not None:
        return wrong
    if not table.has(asked.control):
        return None
    name = f"{asked.field} against {asked.control}"
    direction = _direction(table, asked.field, asked.better)
    if direction is Direction.NONE:
        return made_check("separates", name, passed=False, detail=NO_DIRECTION)
    clean = goodness(table.values(asked.field), direction)
    control = goodness(table.values(asked.field, asked.control), direction)
    have = answered(table, asked.field, [asked.control], [reason.value for reason in asked.refused])
    one, both = have.counts, have.counts & np.isfinite(control)
    found = clustered_auc(
        clean[one].tolist(), table.clusters(one), control[both].tolist(), table.clusters(both)
    )
    refused = counted(table.reasons(asked.field, asked.control))
    parts = [f"{np.mean(clean[both] > control[both]):.0%} above their own control"] if both.any() else []
    parts += [have.told, f"the control has no number: {refused}" if refused else ""]
    parts.append(have.few or (too_few(table.clusters(both)) if found.low is None else ""))
    return made_check(
        "separates", name, found, passed=have.judged(above(found, 0.5, asked.auc)), admits=asked.admits,
        expected=f"AUC of at least {asked.auc:g}, its interval above 0.5", detail=_joined(parts),
    )  # fmt: skip


def _direction(table: MetricTable, field: str, better: Direction | None) -> Direction:
    declared = table.field(field)
    return better or (declared.direction if declared else Direction.NONE)


def _joined(parts: Sequence[str]) -> str:
    return "; ".join(part for part in parts if part)


def follows(table: MetricTable, asked: Follows) -> StudyCheck | None:
    """Hold the offsets of shifted clips against the shifts, after the median of the unchanged ones."""
    if (wrong := no_field("follows", table, asked.field)) is not None:
        return wrong
    shifts = [name for name in expanded(["@offsets"]) if table.has(name)]
    if not shifts:
        return None
    clean = table.values(asked.field)
    bias = float(np.nanmedian(clean)) if np.isfinite(clean).any() else float("nan")
    names = (CLEAN.name, *shifts)
    rows = [table.values(asked.field, name) - asked.sign * known()[name].dose - bias for name in names]
    errors = np.array(rows).T
    have = answered(table, asked.field, shifts)
    at = np.isfinite(errors) & have.counts[:, None]
    values = (np.abs(errors[at]) <= asked.within + 1e-6).astype(float)
    clusters = [
        table.cluster[name] for name, row in zip(table.clips, at, strict=True) for _ in range(row.sum())
    ]
    found = clustered(values.tolist(), clusters, lambda rows: float(rows.mean()))
    detail = [f"median of the unchanged {bias:+.0f} ms", have.told, have.lacking, have.few]
    return made_check(
        "follows", f"{asked.field} follows shifts of -400 … 400 ms",
        Found(found.value, found.low, found.high, int(at.any(axis=1).sum())),
        passed=have.judged(None if found.low is None else found.value >= asked.share), unit="share",
        expected=f"at least {asked.share:g} within {asked.within:g} ms", detail=_joined(detail), admits=asked.admits,
    )  # fmt: skip


def falls(table: MetricTable, asked: Falls) -> StudyCheck | None:
    """Hold a field against a growing dose: the rank correlation of dose and loss, clip by clip, then the mean.

    Held where the mean reaches `LEAST_TREND` with its interval above 0, the median of the strongest dose is worse than
    clean, and no dose is clearly better than clean. A clip on which nothing moves, or that has a number at fewer than
    three doses (clean is one), counts as 0.
    """
    if (wrong := no_field("falls", table, asked.field)) is not None:
        return wrong
    names = [CLEAN.name, *(name for name in expanded([asked.along]) if table.has(name))]
    if len(names) < 3:
        return None
    name = f"{asked.field} gets worse along {asked.along.removeprefix('@')}"
    direction = _direction(table, asked.field, asked.better)
    if direction is Direction.NONE:
        return made_check("falls", name, passed=False, detail=NO_DIRECTION)
    have = answered(table, asked.field, names[1:])
    clusters = table.clusters(have.counts)
    raw = np.array([table.values(asked.field, name) for name in names]).T[have.counts]
    loss = -goodness(raw, direction)
    doses = np.array([abs(known()[name].dose) for name in names])
    found = clustered(
        np.nan_to_num(dose_trend(doses.tolist(), loss)), clusters, lambda rows: float(rows.mean())
    )
    wrong_ways = [
        *(
            f"not worse at {names[i]}"
            for i, dose in enumerate(doses)
            if dose == doses.max() and not _worse(loss, i)
        ),
        *(
            f"clearly better at {names[i]}"
            for i in range(1, len(names))
            if _clearly_better(loss, i, clusters)
        ),
    ]
    held = False if wrong_ways else above(found, 0.0, LEAST_TREND)
    detail = [_curve(names, raw), *wrong_ways, have.told, have.lacking, have.few]
    return made_check(
        "falls", name, found, passed=have.judged(held), detail=_joined(detail), admits=asked.admits,
        expected=(
            f"mean rank correlation with the dose of at least {LEAST_TREND:g}, its interval above 0; in the median "
            "worse than clean at the strongest dose, and nowhere clearly better"
        ),
    )  # fmt: skip


def _worse(loss: Float64, dose: int) -> bool:
    """Tell whether the median loss `[N, D]` at a dose lies above that of the same clips unchanged."""
    both = np.isfinite(loss[:, dose])
    return bool(both.any() and np.median(loss[both, dose]) > np.median(loss[both, 0]))


def _clearly_better(loss: Float64, dose: int, clusters: Sequence[str]) -> bool:
    """Tell whether a dose lowers the median loss by `CLEARLY`, and of each clip, with the interval, too."""
    both = np.isfinite(loss[:, dose])
    if not both.any():
        return False
    gain = np.median(loss[both, 0]) - np.median(loss[both, dose])
    spread = float(loss[:, 0].std(ddof=1)) if len(loss) > 1 else 0.0
    if gain <= 0 or gain < CLEARLY * spread:
        return False
    chosen = [cluster for cluster, has in zip(clusters, both, strict=True) if has]
    of_each = clustered(loss[both, 0] - loss[both, dose], chosen, lambda rows: float(np.median(rows)))
    return of_each.low is not None and of_each.low > 0


def _curve(names: Sequence[str], raw: Float64) -> str:
    points = []
    for name, column in zip(names, raw.T, strict=True):
        seen = column[np.isfinite(column)]
        points.append(f"{name} {np.median(seen):.3g}" if len(seen) else f"{name} –")
    return "medians: " + ", ".join(points)

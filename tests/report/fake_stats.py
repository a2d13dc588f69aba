"""Verdicts, ablations and validity of made-up runs: plain arithmetic on scores, to have something to show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from uniavgen_bench.core.comparison import (
    AblationBlock,
    AblationResult,
    CompareBlock,
    Estimate,
    FactorEffect,
    Interaction,
    PairedResult,
    RankResult,
    RunStats,
    Verdict,
)
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.spec import Direction, MetricSpec


def make_stats(
    table: pd.DataFrame,
    metrics: Sequence[MetricSpec],
    systems: Sequence[SystemInfo],
    *,
    baseline: str | None = None,
) -> RunStats:
    """Return verdicts of all headline fields beside `baseline`, or of every pair."""
    ids = [system.id for system in systems]
    pairs = (
        [(s, baseline) for s in ids if s != baseline]
        if baseline
        else [(b, a) for n, a in enumerate(ids) for b in ids[n + 1 :]]
    )
    by_field = {
        key: part.pivot_table(index="sample", columns="system", values="value", dropna=False)
        for key, part in table.groupby(["metric", "field"])
    }
    paired, ranks = [], []
    for spec in metrics:
        wide = by_field[(spec.name, spec.headline.name)].reindex(columns=ids)
        paired += [_pair(spec, wide, one, other, len(pairs) * len(metrics)) for one, other in pairs]
        ranks += _ranks(spec, wide, systems)
    return RunStats(
        block=CompareBlock(baseline=baseline),
        seed=1,
        family=len(paired),
        paired=paired,
        ranks=ranks,
        notes=["Clusters: identity."],
    )


def _pair(spec: MetricSpec, wide: pd.DataFrame, one: str, other: str, family: int) -> PairedResult:
    field = spec.headline
    mine, theirs = wide[one].to_numpy(), wide[other].to_numpy()
    both = ~np.isnan(mine) & ~np.isnan(theirs)
    common: dict[str, Any] = {
        "metric": spec.name,
        "field": field.name,
        "unit": field.unit,
        "direction": field.direction,
        "headline": True,
        "system": one,
        "baseline": other,
        "attempted": len(wide),
        "pairs": int(both.sum()),
        "only_system": int((~np.isnan(mine) & np.isnan(theirs)).sum()),
        "only_baseline": int((np.isnan(mine) & ~np.isnan(theirs)).sum()),
        "neither": int((np.isnan(mine) & np.isnan(theirs)).sum()),
        "clusters": int(both.sum()),
    }
    if both.sum() < 3:
        return PairedResult(**common, verdict=Verdict.NOT_COMPARABLE, why="fewer than 3 samples have both")
    gap = mine[both] - theirs[both]
    mean, error = float(gap.mean()), max(float(gap.std(ddof=1) / np.sqrt(len(gap))), 1e-9)
    sign = -1.0 if field.direction is Direction.LOWER else 1.0
    if field.direction is Direction.ZERO:
        sign = -np.sign(mean) if abs(mine[both].mean()) < abs(theirs[both].mean()) else np.sign(mean)
    p = float(min(1.0, 2 * np.exp(-0.717 * abs(mean / error) - 0.416 * (mean / error) ** 2)))
    adjusted = min(1.0, p * family)
    verdict = Verdict.NOT_SEEN
    if adjusted < 0.05 and field.direction is Direction.NONE:
        verdict = Verdict.DIFFERENT
    elif adjusted < 0.05:
        verdict = Verdict.BETTER if sign * mean > 0 else Verdict.WORSE
    d = sign * mean / (error * np.sqrt(len(gap)))
    return PairedResult(
        **common,
        mean_system=float(mine[both].mean()),
        mean_baseline=float(theirs[both].mean()),
        difference=Estimate(value=mean, low=mean - 1.96 * error, high=mean + 1.96 * error, method="made up"),
        d=Estimate(value=float(d), low=float(d) - 0.3, high=float(d) + 0.3),
        cliff=Estimate(value=float(np.tanh(d)), low=-1, high=1),
        p_permutation=p,
        p_wilcoxon=p,
        p_worst=p,
        p=p,
        p_adjusted=adjusted,
        detectable=2.8 * error,
        verdict=verdict,
    )


def _ranks(spec: MetricSpec, wide: pd.DataFrame, systems: Sequence[SystemInfo]) -> list[RankResult]:
    chosen = [system.id for system in systems if system.role is Role.SYSTEM]
    means = wide[chosen].mean() * (-1 if spec.headline.direction is Direction.LOWER else 1)
    order = means.rank(ascending=False, na_option="bottom")
    return [
        RankResult(
            metric=spec.name,
            field=spec.headline.name,
            system=name,
            scored=int(wide[name].notna().sum()),
            attempted=len(wide),
            mean=None if np.isnan(wide[name].mean()) else float(wide[name].mean()),
            rank=float(order[name]),
            low=max(1, int(order[name]) - 1),
            high=min(len(chosen), int(order[name]) + 1),
            of=len(chosen),
        )
        for name in chosen
    ]


def make_ablation(
    table: pd.DataFrame, metrics: Sequence[MetricSpec], systems: Sequence[SystemInfo]
) -> AblationResult:
    """Return effects of two made-up factors, and their interactions."""
    block = AblationBlock(
        of=systems[0].id,
        design="full",
        factors={"interaction": ("ati", "sti", "none"), "face_modulation": (True, False)},
    )
    stats = make_stats(table, metrics, systems, baseline=systems[0].id)
    effects, interactions = [], []
    cells = (
        ("interaction", "sti", "ati", 1),
        ("interaction", "none", "ati", 2),
        ("face_modulation", "off", "on", 3),
    )
    for factor, level, reference, which in cells:
        for result in stats.paired:
            if result.system == systems[which].id:
                effects.append(
                    FactorEffect(factor=factor, level=level, reference=reference, settings=2, result=result)
                )
    for n, spec in enumerate(metrics):
        estimate = Estimate(value=0.01 * n, low=0.01 * n - 0.02, high=0.01 * n + 0.02)
        for level in ("sti", "none"):
            interactions.append(
                Interaction(
                    metric=spec.name,
                    field=spec.headline.name,
                    unit="",
                    direction=spec.headline.direction,
                    factor_a="interaction",
                    level_a=level,
                    factor_b="face_modulation",
                    level_b="off",
                    pairs=10,
                    clusters=5,
                    estimate=estimate,
                    p=0.004 * (n + 1),
                    p_adjusted=min(1.0, 0.012 * (n + 1)),
                )
            )
    return AblationResult(
        block=block,
        systems={s.id: {"interaction": "ati"} for s in systems},
        effects=effects,
        interactions=interactions,
        notes=["Shared seeds."],
    )


def make_validity(metrics: Sequence[MetricSpec]) -> dict[str, Any]:
    """Return validity.json with keys that this version does not know."""
    return {
        "schema_version": 1,
        "dataset": "portraits",
        "metrics": [
            {
                "metric": spec.name,
                "verdict": "tells shifted sound from sound in place" if n == 0 else "",
                "worth": 3,
                "checks": [
                    {
                        "name": "shifted sound",
                        "passed": n != 1,
                        "value": 0.93,
                        "low": 0.88,
                        "high": 0.97,
                        "clips": 40,
                        "expected": "AUC of at least 0.9",
                        "curve": [1, 2],
                    },
                    {"name": "re-encoding", "passed": None, "value": 0.02, "detail": "CRF 18 … 36"},
                ],
            }
            for n, spec in enumerate(metrics[:3])
        ],
    }

"""Statistics of a study whose clips come in clusters: a person's clips, or those of one owner, are drawn together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from uniavgen_bench.validity.sync_statistics import spearman

Float64 = NDArray[np.float64]

LEAST_CLUSTERS = 6
"""Fewer clusters carry no interval, and no verdict: by four, noise passed for a held claim once in ten to twenty."""
RESAMPLES = 1000
SEED = 20251116
LEVEL = 0.95


@dataclass(frozen=True)
class Found:
    """A statistic with its 95 % interval (None where too few clusters carry one), from `clips` clips."""

    value: float
    low: float | None
    high: float | None
    clips: int


def drawn_weights(clusters: int) -> Float64:
    """Return how often each cluster is drawn in each resample, `[R, K]`: seeded, with replacement, K draws."""
    draws = np.random.default_rng(SEED).integers(0, clusters, size=(RESAMPLES, clusters))
    draws += np.arange(RESAMPLES)[:, None] * clusters
    counts = np.bincount(draws.ravel(), minlength=RESAMPLES * clusters)
    return counts.reshape(RESAMPLES, clusters).astype(np.float64)


def percentiles(values: Float64) -> tuple[float | None, float | None]:
    """Return the middle 95 % of the finite values; nothing where fewer than half are finite."""
    finite = values[np.isfinite(values)]
    if len(finite) * 2 < len(values):
        return None, None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)


def clustered_auc(
    true: Sequence[float], true_clusters: Sequence[str], false: Sequence[float], false_clusters: Sequence[str]
) -> Found:
    """Return the probability that a true value lies above a false one, ties half, with an interval over clusters.

    A resample draws clusters, and with each all its true and all its false values: the two come from the same clips.
    Every pair is counted as often as both its clusters are drawn. nan where one side is empty.
    """
    one, two = np.asarray(true, np.float64), np.asarray(false, np.float64)
    names = sorted({*true_clusters, *false_clusters})
    at = {name: i for i, name in enumerate(names)}
    if not len(one) or not len(two):
        return Found(float("nan"), None, None, 0)
    wins = (one[:, None] > two[None, :]) + 0.5 * (one[:, None] == two[None, :])
    left = np.eye(len(names))[[at[name] for name in true_clusters]]
    right = np.eye(len(names))[[at[name] for name in false_clusters]]
    won = left.T @ wins @ right
    pairs = left.sum(axis=0)[:, None] * right.sum(axis=0)[None, :]
    value = float(won.sum() / pairs.sum())
    if min(np.count_nonzero(left.sum(axis=0)), np.count_nonzero(right.sum(axis=0))) < LEAST_CLUSTERS:
        return Found(value, None, None, len(two))
    weights = drawn_weights(len(names))
    with np.errstate(invalid="ignore"):
        values = ((weights @ won) * weights).sum(axis=1) / ((weights @ pairs) * weights).sum(axis=1)
    low, high = percentiles(values)
    return Found(value, low, high, len(two))


def clustered(
    values: ArrayLike,
    clusters: Sequence[str],
    statistic: Callable[[Float64], float],
) -> Found:
    """Return a statistic of values `[N]` or `[N, C]` with its interval over clusters; nan where there are none."""
    rows = np.asarray(values, np.float64)
    if not len(rows):
        return Found(float("nan"), None, None, 0)
    names = sorted(set(clusters))
    value = float(statistic(rows))
    if len(names) < LEAST_CLUSTERS:
        return Found(value, None, None, len(rows))
    members = [np.flatnonzero(np.asarray(clusters) == name) for name in names]
    resampled = []
    for weights in drawn_weights(len(names)):
        chosen = [members[k] for k in np.flatnonzero(weights) for _ in range(int(weights[k]))]
        resampled.append(statistic(rows[np.concatenate(chosen)]))
    low, high = percentiles(np.array(resampled))
    return Found(value, low, high, len(rows))


def rank_agreement(one: Sequence[float], other: Sequence[float], clusters: Sequence[str]) -> Found:
    """Return Spearman's rank correlation with its interval over clusters."""
    pairs = np.column_stack([one, other]) if len(one) else np.zeros((0, 2))
    return clustered(pairs, clusters, lambda rows: spearman(rows[:, 0], rows[:, 1]))


def dose_trend(doses: Sequence[float], values: Float64) -> Float64:
    """Return each clip's rank correlation `[N]` of its values `[N, D]` with the doses `[D]`; nan for fewer than 3."""
    found = []
    at = np.asarray(doses, np.float64)
    for row in values:
        known = np.isfinite(row)
        found.append(spearman(at[known], row[known]) if known.sum() >= 3 else float("nan"))
    return np.array(found)

"""Is the loss smaller than what is accepted? The test behind the gate."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.spec import Direction, Frozen
from uniavgen_bench.stats.bootstrap import LEAST
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.pairs import Pairs
from uniavgen_bench.stats.sign_flip import EXACT, sign_flip

Float64 = NDArray[np.float64]

POWER = 0.8

ROUNDING = 1e-9
"""Differences below this share of the margin come from the last bits of numbers."""

INFLATED = 1.5
"""Rare large losses are often not in the sample, whose skewness then is too small; it is taken this much larger."""


class NonInferiority(Frozen):
    """Whether a system's loss beside the baseline is shown to be smaller than `margin`, all in the field's unit.

    `difference` is `system - baseline` over the pairs; `loss` the same, turned so that positive is worse. `bound` is
    the largest loss that the pairs leave open at one-sided `alpha`. `needed` is the number of clusters at which a
    system with no true loss would pass with power .8, as far as the observed spread tells. `lacking` samples have a
    number from the baseline and none from the system: they are not in the test, so judge them by coverage. `why` says
    in a sentence why it did not pass.
    """

    metric: str
    field: str
    unit: str
    direction: Direction
    system: str
    baseline: str
    margin: float
    alpha: float
    pairs: int
    clusters: int
    lacking: int
    mean_system: float | None
    mean_baseline: float | None
    difference: float | None
    loss: float | None
    bound: float | None
    p: float | None
    passed: bool
    needed: int | None
    why: str = ""


def non_inferiority(pairs: Pairs, margin: float, *, alpha: float = 0.05, seed: int = 2025) -> NonInferiority:
    """Test one-sidedly whether the mean loss is smaller than `margin` (> 0; the hypothesis to refute: it is not).

    A t-test over clusters, freed of skewness (Hall, J. R. Stat. Soc. B 54, 1992, "On the removal of skewness by
    transformation"), because losses are often rare and large; up to 32 clusters the larger p of this and of all sign
    flips of the differences with the margin added. A loss that no sample shows cannot be ruled out by any test:
    where losses are rarer than one in the number of clusters, more samples are the only way.

    Raises:
        InputError: a margin that is not positive, or a field without a better side.
    """
    if not (math.isfinite(margin) and margin > 0):
        raise InputError(f"the margin of {pairs.metric} {pairs.field} must be above 0, got {margin:g}")
    if pairs.direction is Direction.NONE:
        raise InputError(f"{pairs.metric} {pairs.field} has no better side, so it cannot get worse")
    differences = Differences.of(pairs)
    both = pairs.both
    counts, sums = differences.counts(), differences.sums()
    counts, sums = counts[counts > 0], sums[counts > 0]
    size = len(counts)
    lacking = int((~np.isnan(pairs.baseline_values) & np.isnan(pairs.system_values)).sum())
    loss = bound = p = needed = None
    what = f"{size} {pairs.unit_of_cluster}"
    if size:
        loss = -float(sums.sum() / counts.sum())
    if not size:
        why = "no sample has a number from both"
    elif size < LEAST or 2.0**-size > alpha:
        why = f"{what} can show nothing at {alpha:g}"
    else:
        assert loss is not None
        p = _p(counts, sums, margin, seed)
        bound = _bound(counts, sums, alpha, seed)
        needed = _needed(counts, sums, margin, alpha)
        why = _why(p, alpha, loss, margin, needed, what)
    return NonInferiority(
        metric=pairs.metric,
        field=pairs.field,
        unit=pairs.unit,
        direction=pairs.direction,
        system=pairs.system,
        baseline=pairs.baseline,
        margin=margin,
        alpha=alpha,
        pairs=int(both.sum()),
        clusters=size,
        lacking=lacking,
        mean_system=float(np.mean(pairs.system_values[both])) if both.any() else None,
        mean_baseline=float(np.mean(pairs.baseline_values[both])) if both.any() else None,
        difference=None if loss is None else -pairs.sign * loss,
        loss=loss,
        bound=bound,
        p=p,
        passed=p is not None and p < alpha,
        needed=needed,
        why=why,
    )


def _why(p: float, alpha: float, loss: float, margin: float, needed: int | None, what: str) -> str:
    if p < alpha:
        return ""
    if loss >= margin:
        return f"the loss of {loss:.4g} reaches the margin of {margin:.4g}"
    more = f"; about {needed} would do if nothing were lost" if needed else ""
    return f"{what} leave a loss of {margin:.4g} open{more}"


def _influence(counts: Float64, sums: Float64) -> tuple[float, Float64]:
    """Return the mean over samples, and what each cluster adds to it [K], of mean 0."""
    mean = float(sums.sum() / counts.sum())
    return mean, (sums - mean * counts) / float(counts.mean())


def _p(counts: Float64, sums: Float64, margin: float, seed: int) -> float:
    """Return the p-value of the hypothesis that the loss is at least `margin`; it falls as the margin rises."""
    p = _t_tail(counts, sums, margin)
    if len(counts) > EXACT:
        return p
    shifted = sums + margin * counts
    # A loss that is the margin but for rounding is not smaller than it.
    shifted[np.abs(shifted) <= ROUNDING * margin * counts] = 0.0
    return max(p, sign_flip([shifted], seed=seed)[0].up)


def _t_tail(counts: Float64, sums: Float64, margin: float) -> float:
    """Return P(T >= t) for the skewness-corrected t of the mean difference against -margin."""
    from scipy.special import stdtr

    size = len(counts)
    mean, parts = _influence(counts, sums)
    spread = float(np.sqrt((parts**2).sum() / (size - 1)))
    shift = mean + margin
    if spread <= 1e-12 * max(abs(mean), margin):
        return 0.0 if shift > ROUNDING * margin else 1.0
    skew = float((parts**3).mean() / float((parts**2).mean()) ** 1.5)
    skew *= INFLATED if skew < 0 else 1.0
    u = shift / spread
    # Hall's transformation of the studentised mean; monotone in u.
    statistic = math.sqrt(size) * (u + skew * u**2 / 3 + skew**2 * u**3 / 27 + skew / (6 * size))
    return float(stdtr(size - 1, -statistic))


def _bound(counts: Float64, sums: Float64, alpha: float, seed: int) -> float | None:
    """Return the largest loss that the test leaves open; None where it leaves all open."""
    mean, parts = _influence(counts, sums)
    spread = float(np.sqrt((parts**2).sum() / (len(parts) - 1)))
    if spread <= 1e-12 * abs(mean):
        return -mean
    found = _crossing(lambda loss: _t_tail(counts, sums, loss), alpha, -mean, spread)
    if found is None or len(counts) > EXACT or _p(counts, sums, found, seed) < alpha:
        return found
    return _crossing(lambda loss: _p(counts, sums, loss, seed), alpha, found, spread)


def _crossing(p: Callable[[float], float], alpha: float, start: float, step: float) -> float | None:
    """Return where a falling function of the loss first lies below alpha, from `start` upwards, by halves."""
    low, high = start, start + step
    for _ in range(30):
        if p(high) < alpha:
            break
        low, high = high, start + 2 * (high - start)
    else:
        return None
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (low, middle) if p(middle) < alpha else (middle, high)
    return high


def _needed(counts: Float64, sums: Float64, margin: float, alpha: float) -> int | None:
    """Return the clusters at which no true loss passes with power .8, up to a million."""
    from scipy.stats import norm

    _, parts = _influence(counts, sums)
    spread = float(np.sqrt((parts**2).sum() / (len(parts) - 1)))
    if spread <= 0:
        return None
    clusters = ((float(norm.ppf(1 - alpha)) + float(norm.ppf(POWER))) * spread / margin) ** 2
    return math.ceil(clusters + 2) if clusters < 1e6 else None

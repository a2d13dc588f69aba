"""How often the gate fails a system that did not change, and which margin would be wide enough for it.

The bound of a mean loss d over K independent clusters with standard error s is d + t(1 - alpha, K - 1) s. Where nothing
changed, (margin - d) / s follows a noncentral t with K - 1 degrees of freedom and noncentrality margin / s, which gives
the chance of a pass. The resampled bound of the gate agrees with this one up to the skewness of the losses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.gate_baseline import Side

SURE = 0.99
"""An unchanged system should pass a suggested margin with this chance."""

LEAST_CLUSTERS = 3
"""With fewer independent clusters no noise can be told."""

REPEATS, PAIRS, SPREAD = "repeats", "pairs with the baseline", "spread over samples"
BASIS_TEXT = {
    REPEATS: "from the repeats of each sample: how much a mean moves when only the seed changes",
    PAIRS: "from the differences to the file that is replaced, sample by sample",
    SPREAD: (
        "from the spread over samples, as if two runs had nothing in common: an upper limit; repeats in the suite "
        "(`repeats: 3`) give a better one"
    ),
}


@dataclass(frozen=True)
class Noise:
    """The standard error of the mean loss where nothing changed, over `clusters` independent clusters."""

    error: float
    clusters: int

    def false_alarm(self, margin: float, alpha: float) -> float:
        """Return the chance that an unchanged system fails this margin."""
        from scipy.stats import nct, t

        if self.error == 0:
            return 0.0 if margin > 0 else 1.0
        freedom = self.clusters - 1
        chance = float(nct.cdf(t.ppf(1 - alpha, freedom), freedom, margin / self.error))
        return min(1.0, max(0.0, chance)) if math.isfinite(chance) else 0.0

    def margin_for(self, chance: float, alpha: float) -> float:
        """Return the smallest margin that an unchanged system passes with a chance."""
        from scipy.optimize import brentq

        if self.error == 0:
            return 0.0

        def excess(size: float) -> float:
            return self.false_alarm(size * self.error, alpha) - (1 - chance)

        # With few clusters the t quantile is large, so the search begins wide.
        return float(brentq(excess, 0.0, 1000.0)) * self.error


def noise_of(losses: NDArray[np.float64], clusters: NDArray[np.int64]) -> Noise | None:
    """Return the noise of a mean of losses [n] that come in clusters [n]; None with too few clusters."""
    size = len(np.unique(clusters))
    if size < LEAST_CLUSTERS:
        return None
    sums = pd.Series(losses - losses.mean()).groupby(clusters).sum().to_numpy()
    return Noise(float(np.sqrt(size / (size - 1) * np.square(sums).sum()) / len(losses)), size)


@dataclass(frozen=True)
class Suggestion:
    """The smallest margin that an unchanged system passes with the chance `SURE`; `basis` is a key of `BASIS_TEXT`."""

    margin: float
    basis: str


def suggest(
    side: Side, at: int, cluster: str | None, previous: Noise | None, alpha: float
) -> Suggestion | None:
    """Suggest a margin for the field in column `at` from the best evidence of its noise; None without evidence.

    `previous` is the noise of the differences to the baseline that is replaced.
    """
    table = side.table(cluster)
    values = table.values[:, at]
    has = ~np.isnan(values)
    if not has.any():
        return None
    spread = noise_of(values[has], np.unique(table.clusters[has].astype(str), return_inverse=True)[1])
    if spread is None:
        return None
    noise, basis = Noise(spread.error * math.sqrt(2), spread.clusters), SPREAD
    within = _error_of_repeats(side, at)
    if within is not None:
        noise, basis = Noise(within, spread.clusters), REPEATS
    elif previous is not None and previous.error > 0:
        noise, basis = previous, PAIRS
    return Suggestion(round_up(noise.margin_for(SURE, alpha)), basis) if noise.error > 0 else None


def _error_of_repeats(side: Side, at: int) -> float | None:
    """Return the standard error of the difference of two such means when only the seeds differ; None without repeats.

    With R repeats of variance v in each sample it is sqrt(sum(2 v / R)) / n.
    """
    grid = side.grid
    rows = grid.rows_of(side.system)
    values = grid.values[rows, at]
    if grid.columns[at].field.direction is Direction.ZERO:
        values = np.abs(values)
    has = ~np.isnan(values)
    by_sample = pd.Series(values[has]).groupby(grid.sample[rows][has].astype(str)).agg(["var", "size"])
    if not (by_sample["size"] > 1).all():
        return None
    return float(np.sqrt((2 * by_sample["var"] / by_sample["size"]).sum()) / len(by_sample))


def round_up(value: float) -> float:
    """Round a positive number up to two significant digits."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.2g}")

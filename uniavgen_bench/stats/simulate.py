"""Do the tests keep what they state? Error rates and power by simulation: `python -m uniavgen_bench.stats.simulate`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from uniavgen_bench.core.comparison import CompareBlock, Verdict
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.deciding import decide
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.effects import detectable
from uniavgen_bench.stats.non_inferiority import non_inferiority
from uniavgen_bench.stats.pairs import Pairs
from uniavgen_bench.stats.seeding import generator

Float64 = NDArray[np.float64]
Shape = Literal["normal", "skewed", "heavy", "discrete", "clustered"]
SHAPES: tuple[Shape, ...] = ("normal", "skewed", "heavy", "discrete", "clustered")
SHAPE_TEXT = {
    "normal": "normal values",
    "skewed": "log-normal values",
    "heavy": "Student t values with 3 degrees of freedom",
    "discrete": "counts of words in error, mostly 0",
    "clustered": "clusters of 4 samples whose differences share half their variance",
}
CLUSTER = 4


@dataclass(frozen=True)
class Rate:
    """How often something happened, with its exact (Clopper-Pearson) 95 % interval."""

    happened: int
    of: int

    @property
    def share(self) -> float:
        """The observed share, 0 … 1."""
        return self.happened / self.of

    def interval(self) -> tuple[float, float]:
        """Return the 95 % interval of the true share."""
        from scipy.stats import binomtest

        found = binomtest(self.happened, self.of).proportion_ci()
        return float(found.low), float(found.high)


def noise(shape: Shape, systems: int, clusters: int, rng: np.random.Generator) -> Float64:
    """Draw values of equally good systems over the same samples [S, N], N = clusters (x 4 when clustered)."""
    size = clusters * CLUSTER if shape == "clustered" else clusters
    item = rng.standard_normal(size)
    if shape == "skewed":
        return np.asarray(np.exp(0.5 * item + 0.8 * rng.standard_normal((systems, size))))
    if shape == "heavy":
        tails: Float64 = rng.standard_t(3, size=(systems, size))
        return item + tails
    if shape == "discrete":
        words: Float64 = rng.poisson(np.exp(0.8 * item - 1.0), size=(systems, size)).astype(np.float64)
        return words / 10
    own: Float64 = rng.standard_normal((systems, size))
    if shape == "clustered":
        shared = np.repeat(rng.standard_normal((systems, clusters)), CLUSTER, axis=1)
        own = (own + shared) / math.sqrt(2)
    return item + own


def names(shape: Shape, size: int) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """Return the names of samples and their clusters."""
    width = CLUSTER if shape == "clustered" else 1
    samples = [f"{i:05d}" for i in range(size)]
    return np.asarray(samples, dtype=object), np.asarray(
        [f"{i // width:05d}" for i in range(size)], dtype=object
    )


def pair(values: Float64, baseline: Float64, shape: Shape, *, system: str = "a", field: str = "x") -> Pairs:
    """Pair two arrays of values [N] without missing ones, higher being better."""
    samples, clusters = names(shape, len(values))
    return Pairs(
        metric="simulated@1",
        field=field,
        unit="",
        direction=Direction.HIGHER,
        headline=True,
        system=system,
        baseline="b",
        samples=samples,
        clusters=clusters,
        system_values=values,
        baseline_values=baseline,
        system_lacks=np.isnan(values).astype(np.float64),
        baseline_lacks=np.isnan(baseline).astype(np.float64),
    )


def false_alarms(
    shape: Shape, block: CompareBlock, *, clusters: int, runs: int, seed: int, missing: float = 0.0
) -> Rate:
    """Count runs in which any of 12 true null hypotheses is rejected: 3 systems beside a baseline in 4 fields."""
    rng = generator(seed, "false alarms", shape, clusters, block.test, str(missing))
    wrong = 0
    for _ in range(runs):
        family = []
        for field in range(4):
            values = noise(shape, 4, clusters, rng)
            values[rng.random(values.shape) < missing] = np.nan
            family += [
                Differences.of(pair(values[k], values[0], shape, system=f"s{k}", field=f"f{field}"))
                for k in (1, 2, 3)
            ]
        wrong += any(d.verdict in (Verdict.BETTER, Verdict.WORSE) for d in decide(family, block, seed=seed))
    return Rate(wrong, runs)


def power(shape: Shape, block: CompareBlock, *, clusters: int, runs: int, seed: int) -> Rate:
    """Count runs that see a true difference of the size that a large study states as detectable.

    The size is the median over 200 runs of what each states, so that chance in the stated size does not count.
    """
    rng = generator(seed, "power", shape, clusters, block.test)
    stated = []
    for _ in range(200):
        values = noise(shape, 2, clusters, rng)
        size = detectable(Differences.of(pair(values[1], values[0], shape)), block)
        stated += [] if size is None else [size]
    shift = float(np.median(stated))
    seen = 0
    for _ in range(runs):
        values = noise(shape, 2, clusters, rng)
        one = Differences.of(pair(values[1] + shift, values[0], shape))
        seen += decide([one], block, seed=seed)[0].verdict is Verdict.BETTER
    return Rate(seen, runs)


LOSSES: dict[str, Callable[[int, np.random.Generator], Float64]] = {
    "normal losses": lambda n, rng: rng.standard_normal(n),
    "losses rare and large": lambda n, rng: rng.exponential(size=n) - 1,
    "gains rare and large": lambda n, rng: 1 - rng.exponential(size=n),
    "heavy tails": lambda n, rng: rng.standard_t(3, size=n),
    "discrete": lambda n, rng: rng.poisson(0.4, n).astype(np.float64) - rng.poisson(0.4, n),
}
"""Losses of mean 0 by sample [N]: positive is worse."""


def gate_passes(
    shape: str, *, loss: float, clusters: int, runs: int, seed: int, alpha: float, per_cluster: int = 1
) -> Rate:
    """Count runs in which the gate passes a system whose true mean loss is `loss` times the margin."""
    rng = generator(seed, "gate", shape, clusters, str(loss), per_cluster)
    passed = 0
    margin = 0.6
    for _ in range(runs):
        own = LOSSES[shape](clusters, rng)
        losses = np.repeat(own, per_cluster) + loss * margin
        if per_cluster > 1:
            losses += LOSSES["normal losses"](len(losses), rng)
        base = rng.standard_normal(len(losses))
        one = pair(base - losses, base, "normal")
        one = replace(
            one, clusters=np.asarray([f"{i // per_cluster:05d}" for i in range(len(losses))], dtype=object)
        )
        passed += non_inferiority(one, margin, alpha=alpha, seed=seed).passed
    return Rate(passed, runs)


def rate_text(rate: Rate) -> str:
    """Render a rate with its interval."""
    low, high = rate.interval()
    return f"{rate.share:.3f} [{low:.3f}, {high:.3f}]"


def report(runs: int, clusters: Sequence[int], seed: int, console: Console) -> None:
    """Print three tables: family-wise false alarms, power at the stated detectable difference, the gate."""
    alpha = 0.05
    table = Table(title=f"Any false alarm among 12 true null hypotheses, Holm, alpha {alpha}", box=None)
    for head in ("values", "clusters", "wilcoxon", "wilcoxon, 5 % missing", "paired_permutation"):
        table.add_column(head, justify="right")
    for shape in SHAPES:
        for size in clusters:
            rank, mean = CompareBlock(test="wilcoxon"), CompareBlock(test="paired_permutation")
            table.add_row(
                SHAPE_TEXT[shape],
                str(size),
                rate_text(false_alarms(shape, rank, clusters=size, runs=runs, seed=seed)),
                rate_text(false_alarms(shape, rank, clusters=size, runs=runs, seed=seed, missing=0.05)),
                rate_text(false_alarms(shape, mean, clusters=size, runs=runs, seed=seed)),
            )
    console.print(table)
    table = Table(title="Power at the stated detectable difference (power .8, one test)", box=None)
    for head in ("values", "clusters", "wilcoxon", "paired_permutation"):
        table.add_column(head, justify="right")
    for shape in SHAPES:
        for size in clusters:
            found = [
                power(shape, CompareBlock(test=test), clusters=size, runs=runs, seed=seed)
                for test in ("wilcoxon", "paired_permutation")
            ]
            table.add_row(SHAPE_TEXT[shape], str(size), *(rate_text(rate) for rate in found))
    console.print(table)
    table = Table(title=f"The gate passes, alpha {alpha}, margin 0.6 standard deviations", box=None)
    for head in ("differences", "clusters", "true loss = margin", "true loss = 0"):
        table.add_column(head, justify="right")
    for name, width in [*((name, 1) for name in LOSSES), ("normal losses", CLUSTER)]:
        for size in clusters:
            found = [
                gate_passes(
                    name, loss=loss, clusters=size, runs=runs, seed=seed, alpha=alpha, per_cluster=width
                )
                for loss in (1.0, 0.0)
            ]
            text = name if width == 1 else f"{name}, {width} samples a cluster"
            table.add_row(text, str(size), *(rate_text(rate) for rate in found))
    console.print(table)


def main() -> None:
    """Parse the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--clusters", type=int, nargs="+", default=[12, 24, 60])
    parser.add_argument("--seed", type=int, default=2025)
    given = parser.parse_args()
    report(given.runs, given.clusters, given.seed, Console())


if __name__ == "__main__":
    main()

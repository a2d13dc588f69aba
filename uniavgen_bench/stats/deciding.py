"""The test that decides: the block's own, with the worst in place of what is missing.

Verdicts and ranks rest on it, because it is monotone: putting "missing" in place of any value of a system never
lowers the p-value of a claim for this system, nor raises that of a claim against it. A test over the pairs alone
cannot have this property, because it forgets the sample that was lost. Nor can a mean, unless a lost value counts as
arbitrarily bad: `paired_permutation`, which is about means, lets a missing value outweigh everything in a field without
bounds, while `wilcoxon` gives it the worst rank and stays able to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uniavgen_bench.core.comparison import CompareBlock, Verdict
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.correction import PairedTest, corrected
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.numbers import count_of_tests
from uniavgen_bench.stats.pairs import Pairs
from uniavgen_bench.stats.sign_flip import Tails, sign_flip, smallest_p


@dataclass(frozen=True)
class Decision:
    """What is said of one comparison, and why it could not be more."""

    tails: Tails
    p_adjusted: float
    verdict: Verdict
    why: str


def decide(all_differences: Sequence[Differences], block: CompareBlock, *, seed: int) -> list[Decision]:
    """Decide all comparisons of a family."""
    tails = deciding_tails(all_differences, block, seed=seed)
    tests = [as_test(d.pairs, t) for d, t in zip(all_differences, tails, strict=True)]
    return [
        Decision(t, p, *_verdict(d, t, p, block, len(tests)))
        for d, t, p in zip(all_differences, tails, corrected(tests, block.correction), strict=True)
    ]


def _verdict(
    differences: Differences, tails: Tails, p_adjusted: float, block: CompareBlock, family: int
) -> tuple[Verdict, str]:
    pairs = differences.pairs
    what = f"{differences.clusters} {pairs.unit_of_cluster}"
    least = smallest_p(differences.clusters)
    if (np.isnan(pairs.system_values) & np.isnan(pairs.baseline_values)).all():
        return Verdict.NOT_COMPARABLE, "neither has a number"
    if least >= block.alpha:
        return Verdict.NOT_COMPARABLE, f"{what} allow no p below {least:.4g}"
    if pairs.direction is Direction.NONE and not pairs.both.any():
        return Verdict.NOT_COMPARABLE, "no sample has a number from both"
    if p_adjusted >= block.alpha:
        if block.correction != "none" and least * family >= block.alpha:
            least = min(1.0, least * family)
            return (
                Verdict.NOT_SEEN,
                f"{what} and {count_of_tests(family)} allow no corrected p below {least:.2g}",
            )
        return Verdict.NOT_SEEN, ""
    if pairs.direction is Direction.NONE:
        return Verdict.DIFFERENT, ""
    better = tails.up < tails.down
    mean = float(np.nansum(differences.values))
    otherwise = mean != 0 and (mean > 0) != better
    why = "the mean over the pairs points the other way" if otherwise else ""
    return Verdict.BETTER if better else Verdict.WORSE, why


def as_test(pairs: Pairs, tails: Tails) -> PairedTest:
    """Return a test as a member of a family. Across runs the two sides may have one name: they stay two parties."""
    if pairs.direction is Direction.NONE:
        return PairedTest("", "", tails)
    if pairs.system == pairs.baseline:
        return PairedTest(f"{pairs.system}\nsystem", f"{pairs.baseline}\nbaseline", tails)
    return PairedTest(pairs.system, pairs.baseline, tails)


def deciding_tails(all_differences: Sequence[Differences], block: CompareBlock, *, seed: int) -> list[Tails]:
    """Return the one-sided p-values that decide: those of the block's test with the worst in place of the missing."""
    if block.test == "wilcoxon":
        return [d.rank_test() for d in all_differences]
    sums = [d.sums() if d.pairs.direction is Direction.NONE else d.worst_sums() for d in all_differences]
    return sign_flip(sums, seed=seed)


def lead(differences: Differences, block: CompareBlock) -> float:
    """Return a number whose sign says who is ahead by the deciding test: positive for the system."""
    if block.test == "wilcoxon":
        return differences.worst_ranks()[0]
    sums = differences.worst_sums()
    total = float(sums.sum())
    return 0.0 if abs(total) <= 1e-12 * float(abs(sums).sum()) else total

"""The test that decides: the block's own, with the worst in place of what is missing.

Verdicts and ranks rest on it, because it is monotone: putting "missing" in place of any value of a system never
lowers the p-value of a claim for this system, nor raises that of a claim against it. A test over the pairs alone
cannot have this property, because it forgets the sample that was lost. Nor can a mean, unless a lost value counts as
arbitrarily bad: `paired_permutation`, which is about means, lets a missing value outweigh everything in a field without
bounds, while `wilcoxon` gives it the worst rank and stays able to decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from uniavgen_bench.core.comparison import CompareBlock
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.correction import Test
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.pairs import Pairs
from uniavgen_bench.stats.sign_flip import Tails, sign_flip


def as_test(pairs: Pairs, tails: Tails) -> Test:
    """Return a test as a member of a family. Across runs the two sides may have one name: they stay two parties."""
    if pairs.direction is Direction.NONE:
        return Test("", "", tails)
    if pairs.system == pairs.baseline:
        return Test(f"{pairs.system}\nsystem", f"{pairs.baseline}\nbaseline", tails)
    return Test(pairs.system, pairs.baseline, tails)


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

"""Stated error rates and power hold by simulation; `python -m uniavgen_bench.stats.simulate` takes longer runs."""

from __future__ import annotations

import pytest

from uniavgen_bench.core.comparison import CompareBlock
from uniavgen_bench.stats.simulate import LOSSES, SHAPES, Rate, Shape, false_alarms, gate_passes, power

ALPHA = 0.05


def at_most(rate: Rate, bound: float) -> bool:
    """Whether the true share may be `bound` or less: one exact binomial test at .001."""
    from scipy.stats import binomtest

    return float(binomtest(rate.happened, rate.of, bound, alternative="greater").pvalue) > 0.001


def about(rate: Rate, low: float, high: float) -> bool:
    """Whether the true share may lie between two bounds."""
    found = rate.interval()
    return found[1] >= low and found[0] <= high


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("test", ["wilcoxon", "paired_permutation"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_family_of_true_null_hypotheses_is_rejected_no_more_often_than_stated(
    shape: Shape, test: str, missing: float
) -> None:
    block = CompareBlock(test=test, alpha=ALPHA)  # type: ignore[arg-type]
    rate = false_alarms(shape, block, clusters=16, runs=150, seed=11, missing=missing)
    assert at_most(rate, ALPHA)


@pytest.mark.parametrize("test", ["wilcoxon", "paired_permutation"])
@pytest.mark.parametrize("shape", ["normal", "clustered"])
def test_the_detectable_difference_is_seen_with_the_stated_power(shape: Shape, test: str) -> None:
    block = CompareBlock(test=test)  # type: ignore[arg-type]
    rate = power(shape, block, clusters=24, runs=300, seed=12)
    assert about(rate, 0.75, 0.85)


@pytest.mark.parametrize("shape", ["skewed", "heavy", "discrete"])
def test_ranks_see_the_detectable_difference_of_odd_values_at_least_as_often(shape: Shape) -> None:
    rate = power(shape, CompareBlock(test="wilcoxon"), clusters=24, runs=200, seed=12)
    assert about(rate, 0.75, 1.0)


@pytest.mark.parametrize("shape", LOSSES)
def test_the_gate_passes_a_loss_of_the_margin_no_more_often_than_stated(shape: str) -> None:
    rate = gate_passes(shape, loss=1.0, clusters=24, runs=150, seed=13, alpha=ALPHA)
    assert at_most(rate, ALPHA)


def test_the_gate_counts_clusters() -> None:
    rate = gate_passes("normal losses", loss=1.0, clusters=24, runs=150, seed=13, alpha=ALPHA, per_cluster=4)
    assert at_most(rate, ALPHA)


def test_the_gate_lets_equal_systems_pass_when_the_margin_is_wide_enough() -> None:
    rate = gate_passes("normal losses", loss=0.0, clusters=40, runs=150, seed=13, alpha=ALPHA)
    assert about(rate, 0.95, 1.0)

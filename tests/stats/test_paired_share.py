"""A share of a baseline's mean: over the samples that both have, with an interval that covers, or none."""

from __future__ import annotations

import math

import numpy as np
import pytest

from stats.made_up import pair
from uniavgen_bench.stats.bootstrap import Interval, NoInterval
from uniavgen_bench.stats.paired_share import paired_share


def test_a_share_is_over_the_samples_that_both_have() -> None:
    # The baseline's best clips lack a number from the system: they must not stand in its mean alone.
    own = [0.4, 0.4, 0.4, 0.4, math.nan, math.nan]
    base = [0.5, 0.5, 0.5, 0.5, 0.9, 0.9]
    found = paired_share(pair(own, base))
    assert found.share == pytest.approx(0.8) and (found.pairs, found.planned) == (4, 6)
    assert not found.complete and isinstance(found.interval, Interval)
    assert found.interval.low == found.interval.high == pytest.approx(0.8)


def test_an_interval_holds_the_true_share_about_as_often_as_it_says() -> None:
    held = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        base = rng.normal(0.5, 0.1, 24)
        own = 0.8 * base + rng.normal(0, 0.05, 24)
        interval = paired_share(pair(own.tolist(), base.tolist()), seed=seed).interval
        assert isinstance(interval, Interval)
        held += interval.low <= 0.8 <= interval.high
    assert held >= 33


def test_clusters_are_drawn_whole() -> None:
    rng = np.random.default_rng(1)
    base = np.repeat(0.5, 24)
    own = np.repeat(rng.normal(0.4, 0.1, 4), 6)
    names = [f"p{i // 6}" for i in range(24)]
    alone = paired_share(pair(own.tolist(), base.tolist())).interval
    together = paired_share(pair(own.tolist(), base.tolist(), clusters=names)).interval
    assert isinstance(alone, Interval) and isinstance(together, Interval)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_both_means_are_over_the_same_drawn_clusters() -> None:
    # Clips differ much more than the shares do: drawn apart, the means would move against each other.
    rng = np.random.default_rng(2)
    base = rng.normal(0.5, 0.2, 24)
    own = 0.8 * base + rng.normal(0, 0.005, 24)
    interval = paired_share(pair(own.tolist(), base.tolist())).interval
    assert isinstance(interval, Interval) and "BCa" in interval.method
    assert interval.low <= 0.8 <= interval.high and interval.high - interval.low < 0.02


@pytest.mark.parametrize(
    ("own", "base", "said"),
    [
        ([math.nan], [0.5], "no sample"),
        ([0.1, 0.2, 0.3], [-0.5, -0.4, 0.1], "not above 0"),
        ([0.1, 0.2], [0.5, 0.4], "at least 3"),
        ([0.1, 0.2, 0.3, 0.4], [-0.5, 0.4, 0.6, 0.1], "some resamples"),
    ],
)
def test_without_ground_there_is_no_interval_and_it_says_why(
    own: list[float], base: list[float], said: str
) -> None:
    found = paired_share(pair(own, base))
    assert isinstance(found.interval, NoInterval) and said in found.interval.why

"""The smallest effect that a comparison would have seen is a number for every count of clusters."""

from __future__ import annotations

import itertools

import pytest

from uniavgen_bench.stats.effects import _detectable_d


@pytest.mark.parametrize(("alpha", "power"), [*itertools.product((0.05, 0.01, 0.001), (0.6, 0.8, 0.95))])
def test_detectable_effect_is_a_number_and_falls_with_every_cluster(alpha: float, power: float) -> None:
    found = [_detectable_d(float(n), alpha, power) for n in range(3, 60)]
    assert all(d is not None and d > 0 for d in found)
    assert all(a > b for a, b in itertools.pairwise(d for d in found if d is not None))


def test_detectable_effect_is_the_one_that_tables_of_power_give() -> None:
    # Paired t-test, alpha 0.05, power 0.8: n = 34 for d = 0.5, n = 15 for d = 0.8 (Cohen 1988, power tables).
    assert _detectable_d(34.0, 0.05, 0.8) == pytest.approx(0.5, abs=0.01)
    assert _detectable_d(15.0, 0.05, 0.8) == pytest.approx(0.8, abs=0.03)

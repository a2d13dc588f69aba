"""Laws of the statistics behind verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.validity.study_statistics import clustered, clustered_auc, dose_trend, drawn_weights
from uniavgen_bench.validity.sync_statistics import auc

VALUES = st.lists(st.integers(-9, 9), min_size=6, max_size=14)


def names(count: int) -> list[str]:
    return [f"person{i % 6}" for i in range(count)]


def areas(true: list[int], false: list[int]) -> tuple[float, float | None, float | None]:
    found = clustered_auc(true, names(len(true)), false, names(len(false)))
    return found.value, found.low, found.high


@settings(max_examples=40)
@given(VALUES, VALUES)
def test_auc_is_that_of_ranks_and_its_interval_lies_in_0_to_1(true: list[int], false: list[int]) -> None:
    value, low, high = areas(true, false)
    assert value == pytest.approx(auc(np.array(true, float), np.array(false, float)))
    assert low is not None and high is not None and 0 <= low <= high <= 1


@settings(max_examples=40)
@given(VALUES, VALUES)
def test_exchanging_the_sides_mirrors_auc_and_interval(true: list[int], false: list[int]) -> None:
    value, low, high = areas(true, false)
    other, its_low, its_high = areas(false, true)
    assert value == pytest.approx(1 - other)
    assert low is not None and its_high is not None and high is not None and its_low is not None
    assert low == pytest.approx(1 - its_high, abs=1e-9) and high == pytest.approx(1 - its_low, abs=1e-9)


@settings(max_examples=40)
@given(VALUES, VALUES)
def test_a_rising_transform_changes_nothing(true: list[int], false: list[int]) -> None:
    assert areas(true, false) == areas([v**3 + 5 for v in true], [v**3 + 5 for v in false])


@settings(max_examples=25)
@given(VALUES, st.randoms(use_true_random=False))
def test_the_order_of_clips_changes_nothing(values: list[int], random: object) -> None:
    clusters = names(len(values))
    order = list(range(len(values)))
    random.shuffle(order)  # type: ignore[attr-defined]
    one = clustered_auc(values, clusters, [0] * 6, names(6))
    two = clustered_auc([values[i] for i in order], [clusters[i] for i in order], [0] * 6, names(6))
    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))


def test_what_lies_apart_has_no_width_and_few_clusters_have_no_interval() -> None:
    assert areas([6, 7, 8, 9, 10, 11], [0, 1, 2, 3, 4, 5]) == (1.0, 1.0, 1.0)
    assert areas([6, 7, 8, 9, 10], [1, 2, 3, 4, 5]) == (1.0, None, None)


def test_every_resample_draws_as_many_clusters_as_there_are() -> None:
    assert (drawn_weights(7).sum(axis=1) == 7).all()


def test_intervals_of_dependent_clips_are_wider_than_of_free_ones() -> None:
    rng = np.random.default_rng(3)
    true = np.repeat(rng.normal(0.6, 1, 12), 8)
    false = np.repeat(rng.normal(0, 1, 12), 8)
    together = [f"person{i // 8}" for i in range(96)]
    apart = [str(i) for i in range(96)]
    one, two = (clustered_auc(true.tolist(), c, false.tolist(), c) for c in (together, apart))
    assert one.low is not None and two.low is not None and one.high is not None and two.high is not None
    assert one.high - one.low > 1.5 * (two.high - two.low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(120):
        true, false = rng.normal(1, 1, 30).tolist(), rng.normal(0, 1, 30).tolist()
        found = clustered_auc(true, [str(i) for i in range(30)], false, [str(i) for i in range(30)])
        assert found.low is not None and found.high is not None
        covered += found.low <= 0.7602 <= found.high  # Phi(1 / sqrt 2)
    assert 0.88 <= covered / 120 <= 1.0


@settings(max_examples=30)
@given(st.lists(st.floats(-50, 50), min_size=6, max_size=12))
def test_a_mean_lies_in_its_interval_and_equal_values_have_no_width(values: list[float]) -> None:
    found = clustered(values, [str(i) for i in range(len(values))], lambda rows: float(rows.mean()))
    assert found.low is not None and found.high is not None
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
    same = clustered([3.0] * 6, list("abcdef"), lambda rows: float(rows.mean()))
    assert (same.low, same.value, same.high) == (3.0, 3.0, 3.0)


def test_a_trend_counts_each_clip_by_ranks_and_leaves_out_what_has_too_few() -> None:
    values = np.array([[1.0, 2, 9], [9.0, 4, 1], [1.0, np.nan, 2]])
    assert dose_trend([0, 1, 2], values).tolist() == pytest.approx([1.0, -1.0, float("nan")], nan_ok=True)

"""The test behind the gate: what passes, what does not, and why."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from stats.made_up import pair
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.non_inferiority import NonInferiority, non_inferiority
from uniavgen_bench.stats.pairs import Pairs


def lossy(loss: float, size: int = 24, *, spread: float = 0.1, seed: int = 1, **more: object) -> Pairs:
    rng = np.random.default_rng(seed)
    base = rng.normal(size=size)
    noise = rng.normal(size=size)
    return pair(base - loss + spread * (noise - noise.mean()), base, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("loss", "passed"), [(-0.5, True), (0.0, True), (0.15, True), (0.19, False), (0.5, False)]
)
def test_a_loss_passes_when_it_is_shown_to_be_below_the_margin(loss: float, passed: bool) -> None:
    found = non_inferiority(lossy(loss), 0.2)
    assert found.passed is passed
    assert bool(found.why) is not passed
    assert found.loss == pytest.approx(loss)
    assert found.difference == pytest.approx(-loss)
    assert found.bound is not None
    assert (found.bound < 0.2) is passed


def test_p_is_about_that_of_a_t_test_for_normal_differences() -> None:
    pairs = lossy(0.1, 200)
    expected = ttest_1samp(pairs.system_values - pairs.baseline_values, -0.12, alternative="greater").pvalue
    assert non_inferiority(pairs, 0.12).p == pytest.approx(float(expected), abs=0.01)


@pytest.mark.parametrize("direction", [Direction.LOWER, Direction.ZERO])
def test_loss_is_turned_by_direction(direction: Direction) -> None:
    pairs = pair([1.3, 1.2, 1.4, 1.25, 1.35, 1.3, 1.31, 1.2], [1.0] * 8, direction=direction)
    found = non_inferiority(pairs, 0.1)
    assert found.loss == pytest.approx(0.28875)
    assert found.difference == pytest.approx(0.28875)
    assert not found.passed
    assert found.why == "the loss of 0.2888 reaches the margin of 0.1"


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.floats(-3, 3), min_size=6, max_size=30),
    margins=st.tuples(st.floats(0.01, 3), st.floats(0.01, 3)),
)
def test_a_wider_margin_never_fails_what_a_narrower_passes(
    values: list[float], margins: tuple[float, float]
) -> None:
    pairs = pair(values, [0.0] * len(values))
    narrow, wide = (non_inferiority(pairs, margin) for margin in sorted(margins))
    assert narrow.p is not None
    assert wide.p is not None
    assert wide.p <= narrow.p + 1e-9
    assert wide.passed >= narrow.passed


def test_clusters_count_and_not_samples() -> None:
    rng = np.random.default_rng(3)
    values = np.repeat(rng.normal(0, 0.3, size=12), 8)
    clusters = [f"p{i // 8}" for i in range(96)]
    alone = non_inferiority(pair(values, [0.0] * 96), 0.15)
    together = non_inferiority(pair(values, [0.0] * 96, clusters=clusters), 0.15)
    assert alone.passed
    assert not together.passed
    assert together.clusters == 12
    assert "12 samples leave a loss of 0.15 open" in together.why
    assert together.needed is not None
    assert together.needed > 12


@pytest.mark.parametrize(
    ("size", "why"), [(0, "no sample has a number from both"), (4, "4 samples can show nothing at 0.05")]
)
def test_too_few_pairs_fail_and_say_so(size: int, why: str) -> None:
    found = non_inferiority(pair([1.0] * size + [math.nan] * 2, [0.0] * (size + 2)), 0.5)
    assert not found.passed
    assert (found.why, found.p, found.lacking) == (why, None, 2)


def test_equal_runs_pass() -> None:
    found = non_inferiority(pair([0.5] * 8, [0.5] * 8), 0.01)
    assert (found.passed, found.loss, found.bound) == (True, 0.0, 0.0)


@pytest.mark.parametrize("margin", [0.0, -0.1, math.nan, math.inf])
def test_a_margin_must_be_positive(margin: float) -> None:
    with pytest.raises(InputError, match="must be above 0"):
        non_inferiority(lossy(0.0), margin)


def test_a_field_without_a_better_side_cannot_get_worse() -> None:
    with pytest.raises(InputError, match="no better side"):
        non_inferiority(lossy(0.0, direction=Direction.NONE), 0.1)


def test_order_of_samples_changes_nothing() -> None:
    pairs = lossy(0.05, 50)
    order = np.random.default_rng(2).permutation(50)
    mixed = pair(pairs.system_values[order], pairs.baseline_values[order])
    assert non_inferiority(mixed, 0.1).p == pytest.approx(non_inferiority(pairs, 0.1).p)


def test_result_survives_json() -> None:
    found = non_inferiority(lossy(0.0), 0.1)
    assert NonInferiority.model_validate_json(found.model_dump_json()) == found

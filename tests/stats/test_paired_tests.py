"""Permutation, signed ranks and correction give the numbers of scipy and statsmodels where those have them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import permutation_test, wilcoxon
from statsmodels.stats.multitest import multipletests

from stats.made_up import pair
from uniavgen_bench.stats.correction import PairedTest, adjusted, corrected
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.sign_flip import EXACT, MANY, Tails, sign_flip, smallest_p
from uniavgen_bench.stats.signed_rank import signed_rank

# Multiples of an eighth, whose sums are exact: scipy's own tolerance for ties is too small where a sum is near zero.
small = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.integers(-80, 80).map(lambda x: x / 8)),
    min_size=2,
    max_size=10,
)


def test_a_flip_that_changes_nothing_counts_in_spite_of_rounding() -> None:
    # Of the 32 subsets of the values that are not zero, 16 have a sum of at most 0, and 17 of at least 0.
    (tails,) = sign_flip([np.asarray([0.0, 0.0, 0.0, -2.0, 0.906, 5.125, -1.0, -3.0])], seed=1)
    assert (tails.up, tails.down) == (16 / 32, 17 / 32)
    (tails,) = sign_flip([np.asarray([0.1, 0.2, -0.3])], seed=1)
    assert tails.up == tails.down == pytest.approx(5 / 8)


@settings(max_examples=60, deadline=None)
@given(values=small)
def test_exact_flips_are_those_of_scipy(values: list[float]) -> None:
    (tails,) = sign_flip([np.asarray(values)], seed=1)
    for alternative, found in (
        ("greater", tails.up),
        ("less", tails.down),
        ("two-sided", tails.two_sided),
    ):
        expected = permutation_test(
            (np.asarray(values),),
            lambda x, axis: x.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=2**12,
            alternative=alternative,
        )
        assert found == pytest.approx(float(expected.pvalue), abs=1e-12)


def test_half_sums_count_all_flips_of_many_clusters() -> None:
    values = np.random.default_rng(0).normal(0.2, size=18)
    signs = 1 - 2 * ((np.arange(2**18)[:, None] >> np.arange(18)) & 1)
    expected = np.mean(signs @ values >= values.sum() - 1e-12)
    assert sign_flip([values], seed=1)[0].up == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("size", [EXACT + 1, 300, MANY + 1])
def test_drawn_flips_agree_with_scipys_within_chance(size: int) -> None:
    values = np.random.default_rng(3).normal(1.5 / np.sqrt(size), size=size)
    (tails,) = sign_flip([values], seed=1)
    expected = permutation_test(
        (values,),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9_999,
        alternative="greater",
        rng=np.random.default_rng(1),
        batch=500,
    ).pvalue
    assert tails.up == pytest.approx(float(expected), abs=5 * np.sqrt(0.25 * 0.1 / 9_999) * 2)
    assert min(tails.up, tails.down) >= smallest_p(size) / 2 > 0


def test_drawn_flips_do_not_depend_on_the_other_tests() -> None:
    rng = np.random.default_rng(3)
    some = [rng.normal(size=40) for _ in range(5)]
    together = sign_flip(some, seed=1)
    assert [sign_flip([each], seed=1)[0] for each in some] == together


@pytest.mark.parametrize(("clusters", "least"), [(1, 1.0), (5, 0.0625), (6, 0.03125)])
def test_smallest_p_is_reached_when_all_clusters_agree(clusters: int, least: float) -> None:
    assert smallest_p(clusters) == least
    assert sign_flip([np.arange(1.0, clusters + 1)], seed=1)[0].two_sided == least
    assert signed_rank(np.arange(1.0, clusters + 1)[:, None])[1].two_sided == least


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(1, 10_000), min_size=1, max_size=40, unique=True),
    signs=st.lists(st.booleans(), min_size=40, max_size=40),
)
def test_signed_ranks_without_ties_are_those_of_scipy(values: list[int], signs: list[bool]) -> None:
    given_values = [v if s else -v for v, s in zip(values, signs, strict=False)]
    differences = Differences.of(pair(given_values, [0.0] * len(values)))
    statistic, tails = differences.worst_ranks()
    for alternative, found in (
        ("greater", tails.up),
        ("less", tails.down),
        ("two-sided", tails.two_sided),
    ):
        expected = wilcoxon(given_values, alternative=alternative, method="exact")
        assert found == pytest.approx(float(expected.pvalue), abs=1e-9)
    ranks = np.argsort(np.argsort(np.abs(given_values))) + 1
    assert statistic == pytest.approx(float((np.sign(given_values) * ranks).sum()))


def test_many_signed_ranks_are_nearly_those_of_scipy() -> None:
    values = np.random.default_rng(2).normal(0.1, size=400)
    _, tails = Differences.of(pair(values.tolist(), [0.0] * 400)).worst_ranks()
    expected = wilcoxon(values, alternative="greater", method="approx", correction=True).pvalue
    assert tails.up == pytest.approx(float(expected), rel=1e-3)


def test_equal_samples_are_dropped_as_wilcoxon_does() -> None:
    values = [3.0, -1.0, 2.0, 5.0, 4.0, 0.0, 0.0]
    _, tails = Differences.of(pair(values, [0.0] * 7)).worst_ranks()
    expected = wilcoxon(values[:5], alternative="greater", method="exact").pvalue
    assert tails.up == pytest.approx(float(expected))


@pytest.mark.parametrize("rows", range(6, 61))
def test_equal_ranks_keep_the_level(rows: int) -> None:
    # All sizes tied, as for a field of 0 and 1: the exact test is the sign test.
    from scipy.stats import binom

    for alpha in (0.1, 0.05, 0.01, 0.005):
        level = 0.0
        for losses in range(rows + 1):
            orders = np.asarray([-1.0] * losses + [1.0] * (rows - losses))[:, None]
            if signed_rank(orders)[1].up < alpha / 2:
                level = float(binom.cdf(losses, rows, 0.5))
        assert level <= alpha / 2 * 1.25


p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@settings(max_examples=12, deadline=None)  # statsmodels collects garbage in every call
@given(p=p_values)
def test_corrected_values_are_those_of_statsmodels(p: list[float]) -> None:
    for correction, method in (("holm", "holm"), ("bh", "fdr_bh")):
        expected = multipletests(p, method=method)[1]
        assert adjusted(p, correction) == pytest.approx(expected.tolist(), abs=1e-12)  # type: ignore[arg-type]
    assert adjusted(p, "none") == p


families = st.lists(
    st.builds(
        lambda a, b, up, exact: PairedTest(a, b, Tails(up, min(1.0, 1.0 - up + exact))),
        st.sampled_from("ab"),
        st.sampled_from("cd"),
        st.floats(0, 1),
        st.floats(0, 0.1),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(family=families, correction=st.sampled_from(["holm", "bh"]))
def test_correction_by_claim_is_never_below_the_plain_one(family: list[PairedTest], correction: str) -> None:
    plain = adjusted([t.tails.two_sided for t in family], correction)  # type: ignore[arg-type]
    found = corrected(family, correction)  # type: ignore[arg-type]
    assert all(a >= b - 1e-12 for a, b in zip(found, plain, strict=True))


def test_correction_by_claim_is_the_plain_one_when_all_claims_go_one_way() -> None:
    family = [
        PairedTest(s, "base", Tails(p, 1 - p)) for s, p in zip("abcd", (0.001, 0.01, 0.02, 0.3), strict=True)
    ]
    expected = multipletests([t.tails.two_sided for t in family], method="holm")[1]
    assert corrected(family, "holm") == pytest.approx(expected.tolist())

"""Numbers for people: digits follow the uncertainty, and no rounding hides a gap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.stats.numbers import decimals, duration, number, percent


@pytest.mark.parametrize(
    ("spread", "expected"),
    [(0.07, 2), (0.2, 2), (0.0015, 4), (15, 0), (2.5, 1), (40, 0), (0.5, 1), (1e-9, 5)],
)
def test_digits_follow_the_uncertainty(spread: float, expected: int) -> None:
    assert decimals([spread]) == expected


def test_without_uncertainty_three_digits_of_the_size_are_kept() -> None:
    assert decimals([None, 0.0], otherwise=0.5) == 3
    assert decimals([], otherwise=250.0) == 0
    assert decimals([]) == 2


def test_numbers_have_a_true_minus_but_no_negative_zero() -> None:
    assert number(-1.25, 1) == "−1.2"
    assert number(-0.001, 2) == "0.00"
    assert number(12345.6, 0) == "12\u202f346"
    assert number(None, 2) == number(float("nan"), 2) == "–"


@given(st.integers(1, 10**6), st.data())
def test_a_partial_share_never_reads_as_whole_or_nothing(total: int, data: st.DataObject) -> None:
    part = data.draw(st.integers(0, total))
    text = percent(part / total)
    assert (text == "100 %") == (part == total)
    assert (text == "0 %") == (part == 0)


def test_lengths_of_time_read_well() -> None:
    assert [duration(s) for s in (None, 0.4, 75, 1062, 7260)] == [
        "–",
        "0.40 s",
        "75.0 s",
        "17 min 42 s",
        "2 h 1 min",
    ]

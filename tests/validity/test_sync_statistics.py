"""Statistics of the validity study against answers known by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.validity.sync_statistics import (
    ShiftedClip,
    agreement_given_movement,
    agreement_on_driving_speech,
    agreement_with_lse,
    auc,
    auc_confidence,
    bootstrap,
    common_bias,
    partial_spearman,
    share_within,
    source_biases,
    spearman,
    within,
)


def clip(name: str, offset: float, *, source: str = "a", real: bool = True, confidence: float = 0.5, **more):
    return ShiftedClip(
        name=name,
        source=source,
        real=real,
        offset=offset,
        confidence=confidence,
        errors=np.full(21, offset),
        near=confidence,
        swapped_near=np.array([0.1, 0.2]),
        swapped_confidence=more.get("swapped", np.array([0.1, 0.2])),
        published_lse_c=more.get("lse"),
        movement=more.get("movement", 1.0),
        driven_confidence=more.get("driven"),
    )


def test_shares_count_errors_of_exactly_the_limit():
    assert share_within(np.array([-40.0, 40.0, 41.0, 0.0]), 40) == 0.75


def test_one_bias_is_the_median_of_all_estimates():
    assert common_bias([clip("a", -50), clip("b", 10), clip("c", 20)]) == 10


def test_the_bias_of_a_source_never_knows_the_clip_itself():
    clips = [clip("a", -50), clip("b", -30), clip("c", 300, source="z"), clip("d", 0, real=False)]
    biases = source_biases(clips)
    assert biases[:2] == [-30, -50]
    assert biases[2] == biases[3] == common_bias(clips), "a clip alone in its source gets the common bias"


def test_within_takes_each_clips_own_bias_out():
    clips = [clip("a", -50), clip("b", -30)]
    assert within(clips, [-50, -30], 40).value == 1.0
    assert within(clips, [0, 0], 40).value == 0.5


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=20), st.lists(st.integers(0, 9), min_size=1, max_size=20)
)
@settings(max_examples=50)
def test_auc_is_the_share_of_pairs_in_order(true, false):
    pairs = [(t > f) + 0.5 * (t == f) for t in true for f in false]
    assert auc(np.array(true), np.array(false)) == pytest.approx(np.mean(pairs))


def test_partial_correlation_takes_the_common_cause_out():
    rng = np.random.default_rng(0)
    cause = rng.normal(0, 1, 3000)
    x, y = cause + rng.normal(0, 0.5, 3000), cause + rng.normal(0, 0.5, 3000)
    assert spearman(x, y) > 0.7
    assert abs(partial_spearman(x, y, cause)) < 0.05


def test_bootstrap_holds_its_value_and_is_the_same_every_time():
    rng = np.random.default_rng(1)
    clips = [clip(str(i), 0, confidence=float(c)) for i, c in enumerate(rng.uniform(0, 0.5, 40))]
    first, second = auc_confidence(clips), auc_confidence(clips)
    assert first == second
    assert first.low <= first.value <= first.high
    assert first.high - first.low > 0.02
    narrow = bootstrap(clips * 20, lambda drawn: float(np.mean([c.confidence for c in drawn])))
    wide = bootstrap(clips, lambda drawn: float(np.mean([c.confidence for c in drawn])))
    assert narrow.high - narrow.low < wide.high - wide.low


def test_published_zeros_can_be_left_out_and_few_scores_give_none():
    rated = [clip(str(i), 0, confidence=i / 10, lse=float(i), movement=float(i % 3)) for i in range(8)]
    assert agreement_with_lse(rated, zeros=True).clips == 8
    assert agreement_with_lse(rated, zeros=False).clips == 7
    assert agreement_with_lse(rated, zeros=True).value == pytest.approx(1.0)
    assert agreement_given_movement(rated, zeros=True).value == pytest.approx(1.0)
    assert agreement_with_lse(rated[:3], zeros=True) is None
    assert agreement_with_lse([clip("a", 0)], zeros=True) is None


def test_agreement_on_driving_speech_counts_only_clips_that_have_it():
    rated = [
        clip(str(i), 0, confidence=0.5, lse=float(i), driven=-i / 10 if i < 6 else None) for i in range(9)
    ]
    found = agreement_on_driving_speech(rated, zeros=True)
    assert (found.clips, found.value) == (6, pytest.approx(-1.0))
    assert agreement_on_driving_speech([clip("a", 0, lse=1.0)], zeros=True) is None

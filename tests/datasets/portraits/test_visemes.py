"""Laws of co-articulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.datasets.portraits.face_state import CURVES
from uniavgen_bench.datasets.portraits.visemes import (
    MOUTH_CURVES,
    TARGETS,
    VISEMES,
    Sound,
    mouth_curves,
    weights,
)

TIMES = np.arange(300) / 100.0


@st.composite
def utterances(draw: st.DrawFn) -> list[Sound]:
    moment, said = draw(st.floats(0, 0.5)), []
    for _ in range(draw(st.integers(0, 12))):
        length = draw(st.floats(0.04, 0.3))
        said.append(Sound(draw(st.sampled_from(VISEMES)), moment, moment + length))
        moment += length + draw(st.sampled_from([0.0, 0.0, 0.15]))
    return said


@given(utterances())
def test_weights_are_shares_of_one(said: list[Sound]) -> None:
    share = weights(said, TIMES)
    assert share.shape == (len(said) + 1, len(TIMES))
    assert share.min() >= 0
    assert share.sum(axis=0) == pytest.approx(np.ones(len(TIMES)))


@given(utterances())
def test_curves_stay_within_what_the_visemes_aim_at(said: list[Sound]) -> None:
    curves = mouth_curves(said, TIMES)
    for name in MOUTH_CURVES:
        goals = [getattr(TARGETS[sound.viseme], name) for sound in said] + [getattr(TARGETS["sil"], name)]
        assert curves[name].min() >= min(goals) - 0.04
        assert curves[name].max() <= max(goals) + 1e-5


@given(utterances())
def test_mouth_never_jumps(said: list[Sound]) -> None:
    fine = np.arange(0, 3, 0.001)
    for name, curve in mouth_curves(said, fine).items():
        assert np.abs(np.diff(curve)).max() < 0.12, name


@given(utterances(), st.integers(-40, 40))
def test_shifting_the_sounds_shifts_the_mouth(said: list[Sound], frames: int) -> None:
    later = [Sound(s.viseme, s.start + frames / 100, s.end + frames / 100) for s in said]
    now, then = mouth_curves(said, TIMES), mouth_curves(later, TIMES + frames / 100)
    for name in MOUTH_CURVES:
        assert then[name] == pytest.approx(now[name], abs=2e-3)


@given(utterances())
def test_order_of_the_list_does_not_matter(said: list[Sound]) -> None:
    now, then = mouth_curves(said, TIMES), mouth_curves(said[::-1], TIMES)
    for name in MOUTH_CURVES:
        assert then[name] == pytest.approx(now[name], abs=1e-6)


def test_silence_is_a_shut_mouth() -> None:
    for said in ([], [Sound("sil", 0.0, 2.0)], [Sound("aa", 5.0, 5.2)]):
        assert mouth_curves(said, TIMES)["mouth_open"].max() == 0


def test_lips_meet_in_the_middle_of_a_bilabial_between_open_vowels() -> None:
    said = [Sound("aa", 0.1, 0.3), Sound("PP", 0.3, 0.37), Sound("aa", 0.37, 0.6)]
    curves = mouth_curves(said, np.array([0.2, 0.335, 0.5]))
    assert curves["mouth_open"][0] > 0.6 < curves["mouth_open"][2]
    assert curves["mouth_open"][1] < 0.05
    assert curves["lip_press"][1] > 0.6


def test_neighbours_colour_a_consonant() -> None:
    def rounding(vowel: str) -> float:
        said = [Sound("DD", 0.2, 0.26), Sound(vowel, 0.26, 0.45)]  # type: ignore[arg-type]
        return float(mouth_curves(said, np.array([0.23]))["mouth_round"][0])

    assert rounding("ou") > rounding("ih") + 0.1


def test_visemes_differ_from_each_other() -> None:
    assert len(VISEMES) >= 12
    rows = np.array([[getattr(TARGETS[name], curve) for curve in MOUTH_CURVES] for name in VISEMES])
    apart = np.abs(rows[:, None] - rows[None]).sum(axis=2) + np.eye(len(rows))
    assert apart.min() > 0.1


def test_targets_name_curves_of_the_face() -> None:
    assert set(MOUTH_CURVES) <= set(CURVES)


def test_unknown_visemes_and_backward_times_are_refused() -> None:
    with pytest.raises(InputError, match="unknown viseme 'pp'"):
        mouth_curves([Sound("pp", 0, 1)], TIMES)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="ends at"):
        mouth_curves([Sound("aa", 1.0, 1.0)], TIMES)

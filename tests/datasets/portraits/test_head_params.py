"""Identities: the same seed gives the same person, and what they wear agrees with who they are."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.datasets.portraits.anatomy import anatomy_of
from uniavgen_bench.datasets.portraits.bust_volume import BAND, build_volume
from uniavgen_bench.datasets.portraits.exact_math import Draws, cosine, noise2, sine, smooth_min
from uniavgen_bench.datasets.portraits.head_params import (
    AGES,
    GENDERS,
    HAIR_STYLES,
    HeadParams,
    sample_head,
    stylised,
)

CROWD = [sample_head(seed) for seed in range(400)]


@given(st.integers(min_value=0, max_value=2**63))
def test_a_seed_fixes_a_person(seed: int) -> None:
    assert sample_head(seed) == sample_head(seed)


def test_gender_and_age_can_be_asked_for() -> None:
    for gender in GENDERS:
        for age in AGES:
            head = sample_head(9, gender=gender, age=age)
            assert (head.gender, head.age) == (gender, age)


def test_crowd_has_both_genders_all_ages_and_every_hair_style() -> None:
    assert {head.gender for head in CROWD} == set(GENDERS)
    assert {head.age for head in CROWD} == set(AGES)
    assert {head.hair_style for head in CROWD} == set(HAIR_STYLES)


def test_beards_belong_to_grown_men() -> None:
    bearded = [head for head in CROWD if head.beard != "none"]
    assert bearded
    assert all(head.gender == "male" and head.age != "child" for head in bearded)


def test_hair_greys_and_skin_wrinkles_with_age() -> None:
    def mean(age: str, name: str) -> float:
        return float(np.mean([getattr(head, name) for head in CROWD if head.age == age]))

    assert (
        mean("child", "wrinkles")
        == mean("young", "wrinkles")
        == 0
        < mean("adult", "wrinkles")
        < mean("old", "wrinkles")
    )
    spread = {
        age: np.mean([max(head.hair_colour) - min(head.hair_colour) for head in CROWD if head.age == age])
        for age in ("young", "old")
    }
    assert spread["old"] < 0.5 * spread["young"]


def test_men_have_heavier_jaws_and_brows_and_shorter_lashes() -> None:
    def mean(gender: str, name: str) -> float:
        return float(np.mean([getattr(head, name) for head in CROWD if head.gender == gender]))

    for name in ("jaw_width", "jaw_square", "brow_thick", "neck", "shoulders"):
        assert mean("male", name) > mean("female", name)
    for name in ("lashes", "lips_full", "eye_size"):
        assert mean("female", name) > mean("male", name)


def test_colours_are_colours() -> None:
    for head in CROWD:
        for field in fields(HeadParams):
            value = getattr(head, field.name)
            if isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], float):
                assert all(0 <= channel <= 1 for channel in value), field.name


def test_drawn_form_keeps_who_it_is_and_enlarges_the_eyes() -> None:
    for head in CROWD[:40]:
        drawn = stylised(head)
        assert (drawn.seed, drawn.gender, drawn.age, drawn.skin, drawn.hair_style) == (
            head.seed, head.gender, head.age, head.skin, head.hair_style,
        )  # fmt: skip
        assert anatomy_of(drawn, "stylised").eye_half > anatomy_of(head, "plain").eye_half


def test_places_of_the_face_are_in_order_for_everybody() -> None:
    for head in CROWD:
        for domain, params in (("plain", head), ("stylised", stylised(head))):
            at = anatomy_of(params, "plain" if domain == "plain" else "stylised")
            assert at.brow_y > at.eye_y > at.nose_y > at.mouth_y > at.chin_y
            assert at.mouth_y - at.lip_low > at.chin_y + 0.1
            assert at.eye_x - at.eye_half > 0.02


def test_volume_has_unit_normals_that_point_outwards() -> None:
    head = CROWD[0]
    volume = build_volume(head, anatomy_of(head, "plain"))
    normals = volume.nodes[1:, :3].astype(np.float64)
    assert np.sqrt((normals**2).sum(axis=1)) == pytest.approx(np.ones(len(normals)), abs=1e-3)
    # From a point on the forehead, a step along the normal leaves the head.
    point = [np.array([value], np.float32) for value in (0.05, 0.45, 0.74)]
    columns = volume.surface(*point)
    out = [p + np.float32(0.05) * columns[axis] for axis, p in enumerate(point)]
    assert volume.distance(*out)[0] > volume.distance(*point)[0] + 0.03
    assert ((volume.rows > 0) == (np.abs(volume.pairs.real) < np.float32(BAND))).mean() > 0.999


@given(st.floats(-50, 50))
def test_polynomial_sine_and_cosine_agree_with_the_library(angle: float) -> None:
    assert sine(angle) == pytest.approx(np.sin(angle), abs=1e-6)
    assert cosine(angle) == pytest.approx(np.cos(angle), abs=1e-6)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.01, 1))
def test_smooth_minimum_lies_below_both_by_a_quarter_of_its_radius_at_most(
    a: float, b: float, radius: float
) -> None:
    joined = smooth_min(np.float32([a]), np.float32([b]), radius)[0]
    assert min(a, b) - radius / 4 - 1e-5 <= joined <= min(a, b) + 1e-5


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.text(max_size=5))
def test_draws_are_uniform_enough_and_repeat(seed: int, name: str) -> None:
    numbers = [Draws(seed, name).uniform() for _ in range(2)]
    assert numbers[0] == numbers[1]
    stream = Draws(seed, name)
    sample = [stream.uniform() for _ in range(300)]
    assert min(sample) >= 0
    assert max(sample) < 1
    assert 0.4 < np.mean(sample) < 0.6


def test_noise_is_between_zero_and_one_and_continuous_across_its_period() -> None:
    x = np.linspace(-5, 260, 20001).astype(np.float32)
    values = noise2(x, np.full_like(x, 3.3))
    assert values.min() >= 0
    assert values.max() <= 1
    assert np.abs(np.diff(values)).max() < 0.05

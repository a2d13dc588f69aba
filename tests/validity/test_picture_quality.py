"""The studies of BRISQUE and of identity tell a metric that sees from one that does not."""

from __future__ import annotations

import numpy as np
import pytest

from uniavgen_bench.validity.picture_quality import DAMAGES, damage_order, people_apart

CLUSTERS = [f"owner {i}" for i in range(6)]


def natural(seed: int) -> np.ndarray:
    """A picture [96, 128, 3] of edges and grain."""
    rng = np.random.default_rng(seed)
    picture = np.full((96, 128, 3), 110.0)
    for _ in range(25):
        y, x = rng.integers(0, 80), rng.integers(0, 100)
        picture[y : y + 16, x : x + 24] = rng.uniform(20, 235, 3)
    return np.clip(picture + rng.normal(0, 4, picture.shape), 0, 255).astype(np.uint8)


PICTURES = [natural(seed) for seed in range(6)]


def sharpness_lost(picture: np.ndarray) -> float:
    return -float(np.abs(np.diff(picture.astype(float), axis=1)).mean())


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.name)
def test_every_damage_grows_with_its_dose_and_begins_with_none(damage):
    picture = PICTURES[0].astype(float)
    away = [np.abs(damage.apply(PICTURES[0], dose) - picture).mean() for dose in damage.doses]
    assert away[0] == 0 and away == sorted(away) and away[1] < away[-1]


def test_a_score_that_sees_blur_passes_and_one_that_does_not_fails():
    blur = DAMAGES[0]
    seen = damage_order(blur, PICTURES, CLUSTERS, sharpness_lost)
    assert seen.passed and seen.value == pytest.approx(1.0)
    draw = np.random.default_rng(3)
    blind = damage_order(blur, PICTURES, CLUSTERS, lambda picture: float(draw.normal()))
    assert blind.passed is False and blind.low is not None and blind.low < 0
    backwards = damage_order(blur, PICTURES, CLUSTERS, lambda picture: -sharpness_lost(picture))
    assert backwards.passed is False and backwards.value == pytest.approx(-1.0)


def test_what_cannot_be_judged_is_left_out():
    check = damage_order(DAMAGES[0], PICTURES, CLUSTERS, lambda picture: None)
    assert check.passed is None and check.value is None and check.clips == 0
    assert damage_order(DAMAGES[0], [], [], sharpness_lost).passed is None


def people(apart: float, count: int = 8) -> tuple[dict, dict]:
    rng = np.random.default_rng(1)
    looks = rng.normal(0, apart / np.sqrt(2 * 128), (count, 128))
    noise = rng.normal(0, 0.1 / np.sqrt(128), (count, 2, 128))
    halves = {f"clip {i}": (looks[i] + noise[i, 0], looks[i] + noise[i, 1]) for i in range(count)}
    return halves, {name: name for name in halves}


def test_people_who_look_different_are_told_apart_and_twins_are_not():
    told, taken = people_apart(*people(0.8))
    assert told.passed and told.value == 1.0 and taken.value == 0.0
    twins, all_taken = people_apart(*people(0.0))
    assert twins.passed is False and 0.2 < twins.value < 0.8 and all_taken.value == 1.0


def test_clips_of_one_person_are_not_compared_with_each_other():
    halves, who = people(0.0, 4)
    same = dict.fromkeys(who, "one person")
    told, _ = people_apart(halves, same)
    assert told.passed is None and told.value is None

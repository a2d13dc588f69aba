"""What the gate says of its own errors holds: false alarms, lost regressions, suggested margins, by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.gate_noise import SURE, Noise, noise_of, round_up
from uniavgen_bench.stats.non_inferiority import non_inferiority
from uniavgen_bench.stats.pairs import Pairs

TRIES = 150


def pairs(differences: np.ndarray, clusters: np.ndarray) -> Pairs:
    """Pairs whose system is better by `differences`."""
    names = np.asarray([f"s{i:04d}" for i in range(len(differences))], dtype=object)
    zero = np.zeros(len(differences))
    return Pairs(
        metric="toy@1", field="x", unit="", direction=Direction.HIGHER, headline=True, system="new", baseline="old",
        samples=names, clusters=np.asarray([f"c{c}" for c in clusters], dtype=object),
        system_values=differences, baseline_values=zero, system_lacks=zero, baseline_lacks=zero,
    )  # fmt: skip


def share_passed(margin: float, loss: float, size: int, per_cluster: int, skew: bool = False) -> int:
    """How often of `TRIES` a system with this loss passes; differences of unit variance, half of it by cluster."""
    rng = np.random.default_rng([size, per_cluster, round(1000 * margin), round(1000 * loss)])
    clusters = np.repeat(np.arange(size), per_cluster)
    passed = 0
    for _ in range(TRIES):
        if skew:
            noise = 1 - rng.exponential(size=size)[clusters]  # rare large losses
        else:
            own, common = rng.standard_normal(size * per_cluster), rng.standard_normal(size)[clusters]
            noise = (own + common) / np.sqrt(2)
        passed += non_inferiority(pairs(noise - loss, clusters), margin, alpha=0.05).passed
    return passed


def true_noise(size: int, per_cluster: int) -> Noise:
    return Noise(float(np.sqrt((0.5 + 0.5 / per_cluster) / size)), size)


@pytest.mark.parametrize(("size", "per_cluster"), [(12, 1), (15, 4)])
@pytest.mark.parametrize("alarm", [0.5, 0.2])
def test_stated_chance_of_a_false_alarm_is_the_one_that_occurs(
    size: int, per_cluster: int, alarm: float
) -> None:
    noise = true_noise(size, per_cluster)
    margin = noise.margin_for(1 - alarm, 0.05)
    assert noise.false_alarm(margin, 0.05) == pytest.approx(alarm, abs=1e-6)
    failed = TRIES - share_passed(margin, 0.0, size, per_cluster)
    low, high = binom.ppf([0.0005, 0.9995], TRIES, alarm)
    # The gate takes the larger p of two tests, so it may fail a little more often than the t-test alone.
    assert low <= failed <= high + 0.03 * TRIES


@pytest.mark.parametrize(("size", "per_cluster", "skew"), [(12, 1, False), (15, 4, False), (20, 1, True)])
def test_loss_as_large_as_the_margin_passes_no_more_often_than_alpha(
    size: int, per_cluster: int, skew: bool
) -> None:
    assert share_passed(0.5, 0.5, size, per_cluster, skew) <= binom.ppf(0.9995, TRIES, 0.05)


def test_unchanged_system_passes_the_suggested_margin() -> None:
    margin = round_up(true_noise(16, 1).margin_for(SURE, 0.05))
    assert share_passed(margin, 0.0, 16, 1) >= binom.ppf(0.0005, TRIES, SURE - 0.01)


def test_error_of_a_clustered_mean_is_that_of_its_clusters() -> None:
    rng = np.random.default_rng(1)
    common = rng.standard_normal(2000)
    clusters = np.repeat(np.arange(2000), 3)
    found = noise_of(common[clusters], clusters)
    assert found is not None
    assert found.error == pytest.approx(common.std(ddof=1) / np.sqrt(2000), rel=1e-9)
    assert noise_of(np.ones(2), np.arange(2)) is None


def test_without_any_noise_every_margin_will_do() -> None:
    assert Noise(0.0, 10).false_alarm(0.01, 0.05) == 0.0
    assert Noise(0.0, 10).margin_for(0.99, 0.05) == 0.0


@pytest.mark.parametrize(
    ("value", "expected"), [(0.0412, 0.042), (0.042, 0.042), (3.01, 3.1), (999.0, 1000.0), (1e-7, 1e-7)]
)
def test_margins_are_rounded_up(value: float, expected: float) -> None:
    assert round_up(value) == pytest.approx(expected)

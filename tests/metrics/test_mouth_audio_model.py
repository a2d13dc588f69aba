"""Lag curves: signs, peaks, and files that load as they were saved."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.metrics.mouth_audio_model import (
    MAX_LAG,
    MouthAudioMap,
    lag_correlations,
    load_map,
    peak_of,
    save_map,
    with_context,
)


@given(st.integers(-25, 25), st.integers(0, 5))
@settings(max_examples=30)
def test_the_peak_lies_where_the_sound_is(delay, seed):
    rng = np.random.default_rng(seed)
    sound = rng.normal(0, 1, (300 + 2 * MAX_LAG, 3))
    mouth = sound[MAX_LAG + delay : MAX_LAG + delay + 300]
    curve = lag_correlations(mouth, sound, np.ones(300, dtype=bool), np.full(3, 1 / 3), MAX_LAG)
    peak = peak_of(curve)
    assert peak.offset_ms == pytest.approx(delay * 20, abs=5)
    assert peak.height == pytest.approx(1.0, abs=0.02)
    assert peak.confidence > 0.8


def test_steps_that_are_not_valid_do_not_count():
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 1, (300 + 2 * MAX_LAG, 2))
    mouth = sound[MAX_LAG:-MAX_LAG].copy()
    valid = np.arange(300) >= 100
    mouth[~valid] = rng.normal(0, 50, (100, 2))
    weights = np.array([0.5, 0.5])
    assert peak_of(lag_correlations(mouth, sound, valid, weights, MAX_LAG)).height == pytest.approx(
        1.0, abs=0.02
    )


def test_a_still_mouth_gives_a_flat_curve_and_no_nan():
    sound = np.random.default_rng(1).normal(0, 1, (200 + 2 * MAX_LAG, 2))
    curve = lag_correlations(
        np.zeros((200, 2)), sound, np.ones(200, dtype=bool), np.array([0.5, 0.5]), MAX_LAG
    )
    assert np.all(curve == 0)
    assert peak_of(curve).confidence == 0


def test_context_puts_neighbours_side_by_side():
    x = np.arange(5, dtype=float)[:, None]
    np.testing.assert_array_equal(with_context(x, np.array([-1.0, 0.0, 2.0]))[2], [1, 2, 4])
    np.testing.assert_array_equal(with_context(x, np.array([-1.0, 0.0, 2.0]))[0], [0, 0, 2])


def test_a_saved_map_loads_as_it_was(tmp_path):
    rng = np.random.default_rng(2)
    model = MouthAudioMap(**{f.name: rng.normal(0, 1, (3, 2)).round(3) for f in fields(MouthAudioMap)})
    save_map(model, tmp_path / "map.safetensors", {"sources": "none"})
    loaded = load_map((tmp_path / "map.safetensors").read_bytes())
    for f in fields(MouthAudioMap):
        np.testing.assert_allclose(getattr(loaded, f.name), getattr(model, f.name), atol=1e-6)

"""Mel energies: the right band, the right time, and no loudness of the recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.metrics.mouth_sound import BANDS, FLOOR_DB, HIGH, LOW, log_mel, mel_filters, mel_of_hz

CLOCK = np.arange(100) / 50


@pytest.mark.parametrize("hz", [200.0, 500.0, 1000.0, 3000.0, 6000.0])
def test_a_tone_lies_in_its_band(hz):
    samples = np.sin(2 * np.pi * hz * np.arange(32_000) / 16_000).astype(np.float32)
    centres = np.linspace(mel_of_hz(np.array(LOW)), mel_of_hz(np.array(HIGH)), BANDS + 2)[1:-1]
    found = log_mel(samples, CLOCK[5:-5], 0.0).mean(axis=0).argmax()
    assert abs(found - np.abs(centres - mel_of_hz(np.array(hz))).argmin()) <= 1


@given(st.floats(0.1, 1.8), st.floats(-0.5, 0.05))
@settings(max_examples=30)
def test_a_click_is_heard_at_its_time(at, start):
    samples = np.zeros(48_000, dtype=np.float32)
    samples[round((at - start) * 16_000) :][:16] = 0.5
    mel = log_mel(samples, CLOCK, start)
    assert abs(CLOCK[mel.mean(axis=1).argmax()] - at) <= 0.02


def test_gain_does_not_matter():
    samples = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    np.testing.assert_allclose(log_mel(samples, CLOCK, 0.0), log_mel(samples * 0.03, CLOCK, 0.0), atol=1e-3)


def test_what_is_not_there_is_silence():
    samples = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)
    mel = log_mel(samples, CLOCK, 0.0)
    assert np.all(mel[55:] == -FLOOR_DB)
    assert np.all(log_mel(np.zeros(16_000, dtype=np.float32), CLOCK, 0.0) == 0)


def test_every_filter_takes_some_of_the_spectrum():
    np.testing.assert_allclose(mel_filters().sum(axis=1), 1.0)

"""`audio.dnsmos` against the package speechmos: recorded numbers everywhere, the package itself where installed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Speech
from uniavgen_bench.core.result import Measurement, Missing, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.audio_dnsmos import (
    METRIC,
    SPEC,
    WINDOW,
    mel_filters,
    p808_features,
    repeated,
    window_starts,
)
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

RECORDED = json.loads((Path(__file__).parent / "data" / "dnsmos_speechmos.json").read_text())["scores"]
REAL = [name for name in RECORDED if name.endswith(".flac")]
RATE = 16_000
SAME = 1e-3


def decoded(path: Path) -> np.ndarray:
    """A 16 kHz mono file as float32, without any resampling."""
    import av

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.rate == RATE
        frames = [frame.to_ndarray()[0] for frame in container.decode(stream)]
    joined = np.concatenate(frames)
    full_scale = np.iinfo(joined.dtype).max + 1 if joined.dtype.kind == "i" else 1
    return (joined / full_scale).astype(np.float32)


def babble(seconds: float) -> np.ndarray:
    """Something between voice and noise: harmonics under a syllable-like envelope, over noise."""
    t = np.arange(int(seconds * RATE)) / RATE
    voice = sum(np.sin(2 * np.pi * 140 * k * t + k) / k for k in range(1, 20))
    noise = np.random.default_rng(7).normal(0, 0.01, len(t))
    return (0.1 * voice * np.clip(np.sin(2 * np.pi * 3 * t), 0, 1) + noise).astype(np.float32)


def measured(samples: np.ndarray, models: Models, *, start: float = 0.0) -> Measurement:
    speech = Speech(samples, RATE, start, source_rate=RATE, source_channels=1)
    return METRIC.measure(SimpleNamespace(speech=speech), Sample(id="x"), models)


def values(measurement: Measurement) -> dict[str, float]:
    assert not any(isinstance(score, Missing) for score in measurement.scores.values())
    return {name: score.value for name, score in measurement.scores.items()}


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    return Models(weights_home)


@pytest.mark.weights
@pytest.mark.parametrize("seconds", [3.0, 12.5])
def test_equals_the_package_on_a_made_sound(models, seconds):
    assert values(measured(babble(seconds), models)) == pytest.approx(RECORDED[f"babble {seconds}"], abs=SAME)


@pytest.mark.weights
@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_equals_the_package_on_real_speech(models, shared, name):
    found = values(measured(decoded(shared / "clips" / name), models))
    assert found == pytest.approx(RECORDED[name], abs=SAME)
    assert 1 < found["ovrl"] < 5


@pytest.mark.weights
def test_equals_the_installed_package(models):
    dnsmos = pytest.importorskip("speechmos.dnsmos", reason="speechmos is not installed (extra parity)")
    reference = dnsmos.run(babble(5.0), RATE)
    found = values(measured(babble(5.0), models))
    assert found == pytest.approx({name: reference[f"{name}_mos"] for name in found}, abs=SAME)


@pytest.mark.weights
@pytest.mark.shared
def test_hears_all_windows_of_a_long_clip_where_the_package_loses_some(models, shared):
    files = sorted((shared / "clips" / "mochabench" / "speech").glob("*.flac"))[:4]
    measurement = measured(np.concatenate([decoded(f) for f in files]), models, start=0.5)
    curve = next(c for c in measurement.evidence.curves if c.name == "ovrl")
    kept = [y for second, y in enumerate(curve.y) if int((second + 9.01) * RATE) - second * RATE == WINDOW]
    assert len(kept) < len(curve.y)
    assert np.mean(kept) == pytest.approx(RECORDED["four joined"]["ovrl"], abs=SAME)
    assert values(measurement)["ovrl"] == pytest.approx(np.mean(curve.y))
    assert curve.t[0] == pytest.approx(0.5 + 4.505)


@pytest.mark.weights
def test_noise_lowers_every_score(models):
    clean = babble(9.01)
    noisy = clean + np.random.default_rng(1).normal(0, 0.1, len(clean)).astype(np.float32)
    before, after = values(measured(clean, models)), values(measured(noisy, models))
    assert after["bak"] < before["bak"] - 0.3
    assert after["ovrl"] < before["ovrl"]


@pytest.mark.weights
def test_says_in_the_evidence_that_a_short_sound_was_repeated(models):
    evidence = measured(babble(3.0), models).evidence
    assert not evidence.curves
    assert "repeated to 12 s" in evidence.texts["windows"]


def test_too_short_a_sound_has_no_score():
    with pytest.raises(MissingError) as caught:
        measured(babble(0.9), Models(SimpleNamespace()))
    assert caught.value.missing.reason is Reason.TOO_SHORT


def test_absent_networks_are_missing_weights(tmp_path):
    with pytest.raises(MissingError) as caught:
        measured(babble(2.0), Models(WeightLocator(home=tmp_path, folders=())))
    assert caught.value.missing.reason is Reason.WEIGHTS
    assert "uniavgen-bench weights pull dnsmos-p835" in caught.value.missing.detail


@given(st.integers(RATE, 40 * RATE))
@settings(max_examples=60, deadline=None)
def test_windows_lie_inside_the_repeated_sound(length):
    filled = len(repeated(np.zeros(length, np.float32)))
    starts = window_starts(filled)
    assert starts[0] == 0
    assert starts[-1] + WINDOW <= filled
    assert filled - (starts[-1] + WINDOW) < 2 * RATE
    assert filled % length == 0


def test_mel_filters_are_triangles_of_equal_area():
    filters = mel_filters(rate=RATE, fft=16_384, mels=40)
    area = filters.sum(axis=1) * RATE / 16_384
    assert area == pytest.approx(np.ones(40), rel=0.01)
    assert (filters.argmax(axis=1)[1:] > filters.argmax(axis=1)[:-1]).all()


def test_mel_filters_equal_librosa():
    librosa = pytest.importorskip("librosa", reason="librosa is not installed (extra parity)")
    assert np.abs(mel_filters() - librosa.filters.mel(sr=RATE, n_fft=321, n_mels=120)).max() < 1e-7


@given(st.floats(0.1, 1.0))
@settings(max_examples=10, deadline=None)
def test_p808_features_do_not_depend_on_loudness(gain):
    window = babble(9.01)[:WINDOW]
    features = p808_features(window, mel_filters())
    assert features.shape == (900, 120)
    assert features.max() == pytest.approx(1.0, abs=1e-6)
    assert features.min() >= -1.0 - 1e-6
    quieter = p808_features(window * np.float32(gain), mel_filters())
    assert np.abs(quieter - features).max() < 1e-3


def test_spec_names_what_it_needs():
    assert SPEC.name == "audio.dnsmos@1"
    assert SPEC.headline.name == "ovrl"
    assert {f.name for f in SPEC.fields} == {"ovrl", "sig", "bak", "p808"}

"""Metrics against the truth of the portrait world: known mouths, known phones, known lags."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resemblyzer_sounds import vowels as voice_of_vowels
from safetensors.numpy import save_file

from uniavgen_bench.analysis.artefacts import Faces, Frames, Speech, Track, VoiceActivity
from uniavgen_bench.core.registry import METRICS, Registry
from uniavgen_bench.core.result import Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.media.mux import write_wav
from uniavgen_bench.metrics import portraits_emotion, portraits_identity, portraits_mouth, portraits_phones
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_truth import lag_curve
from uniavgen_bench.weights.models import Models

FPS, FRAMES, RATE = 16, 48, 16_000
MODELS = Models(weights=None)  # type: ignore[arg-type]


def true_opening(times: np.ndarray) -> np.ndarray:
    """A mouth that never repeats itself within a clip."""
    return 0.15 * (1 + np.sin(2 * np.pi * (1.2 * times + 0.4 * times**2))) / 2


PHONES = [("SIL", 0.0, 0.3)] + [
    (name, 0.3 + 0.12 * i + 0.04 * (i % 3), 0.3 + 0.12 * (i + 1) + 0.04 * ((i + 1) % 3))
    for i, name in enumerate(
        ["B", "AE", "T", "S", "IY", "OW", "K", "N", "AA", "M", "F", "UW", "S", "T", "EH", "D"]
    )
]


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    end = PHONES[-1][2]
    phones = [{"name": n, "start": a, "end": b} for n, a, b in [*PHONES, ("SIL", end, FRAMES / FPS)]]
    (tmp_path / "truth.json").write_text(json.dumps({"fps": FPS, "phones": phones}))
    opening = true_opening(np.arange(FRAMES) / FPS).astype(np.float32)
    save_file({"opening": opening}, tmp_path / "truth.safetensors")
    return Sample(id="a", facts={"truth": str(tmp_path / "truth.json")})


def face(opening: np.ndarray, fps: float = FPS) -> SimpleNamespace:
    """A clip whose landmarks show a mouth open by `opening` [n] times the distance between the eyes of 40 px."""
    points = np.zeros((len(opening), 468, 3), np.float32)
    for index, x in ((33, -24), (133, -16), (362, 16), (263, 24)):
        points[:, index, 0] = x
    points[:, 14, 1] = 40 * opening
    frames = np.arange(len(opening))
    track = Track(frames, np.zeros((len(opening), 4), np.float32), np.ones(len(opening), np.float32), points,
                  np.ones(len(opening), np.float32))  # fmt: skip
    times = Frames(frames / fps, 128, 128, np.array([[0, len(opening) - 1]]))
    return SimpleNamespace(frames=times, faces=Faces((track,)))


def sound(late: float = 0.0, *, seed: int = 0) -> SimpleNamespace:
    """Noise that is loud in the true vowels, later by `late` s."""
    t = np.arange(round(FRAMES / FPS * RATE)) / RATE - late
    level = np.full(len(t), 0.001)
    for name, start, end in PHONES:
        if name != "SIL":
            level[(t >= start) & (t < end)] = 0.2 if name in ("AE", "IY", "OW", "AA", "UW", "EH") else 0.02
    noise = np.random.default_rng(seed).normal(0, 1, len(t))
    first, last = PHONES[0][2] + late, PHONES[-1][2] + late
    activity = VoiceActivity(np.array([[first, last]]), np.zeros(1, np.float32), 0.03, 0.0)
    return SimpleNamespace(speech=Speech((noise * level).astype(np.float32), RATE, 0.0, RATE, 1),
                           voice_activity=activity)  # fmt: skip


def values(measured: Measurement) -> dict[str, float | Missing]:
    return {name: s.value if isinstance(s, Score) else s for name, s in measured.scores.items()}


@pytest.mark.parametrize(
    "name", ["portraits.mouth", "portraits.phones", "portraits.identity", "portraits.emotion"]
)
def test_metric_is_registered_and_sees_the_facts(name: str) -> None:
    metric = Registry(METRICS, "metric", Metric).load(name)
    assert metric.spec.id == name and "facts" in metric.spec.sample_needs


@pytest.mark.parametrize(
    "metric",
    [portraits_mouth.METRIC, portraits_phones.METRIC, portraits_identity.METRIC, portraits_emotion.METRIC],
)
def test_a_sample_without_truth_has_no_reference(metric: Metric) -> None:
    with pytest.raises(MissingError) as missing:
        clip = SimpleNamespace(**vars(face(np.zeros(48))), **vars(sound()))
        metric.measure(clip, Sample(id="a"), MODELS)
    assert missing.value.missing.reason is Reason.NO_REFERENCE


def test_a_damaged_truth_is_a_failure_not_a_number(sample: Sample) -> None:
    Path(sample.facts["truth"]).write_text("{")
    with pytest.raises(MissingError) as missing:
        portraits_mouth.measure(face(np.zeros(48)), sample, MODELS)
    assert missing.value.missing.reason is Reason.FAILED


@pytest.mark.parametrize("fps", [16, 25])
@pytest.mark.parametrize("late", [-0.12, 0.0, 0.2])
def test_lag_of_the_mouth_is_found_and_costs_correlation(late: float, fps: int, sample: Sample) -> None:
    shown = true_opening(np.arange(3 * fps) / fps - late)
    found = values(portraits_mouth.measure(face(shown, fps), sample, MODELS))
    assert found["offset_ms"] == pytest.approx(1000 * late, abs=20)
    assert (found["correlation"] > 0.98) == (late == 0.0)


def test_true_mouth_has_no_error_and_a_narrow_one_has(sample: Sample) -> None:
    true = true_opening(np.arange(FRAMES) / FPS)
    exact, half = (values(portraits_mouth.measure(face(y), sample, MODELS)) for y in (true, 0.5 * true))
    assert exact["error"] < 0.05 and half["correlation"] == pytest.approx(exact["correlation"])
    assert half["error"] == pytest.approx(50 * true.mean(), rel=0.05)


def test_still_mouth_has_an_error_but_no_correlation(sample: Sample) -> None:
    found = values(portraits_mouth.measure(face(np.full(48, 0.02)), sample, MODELS))
    assert isinstance(found["correlation"], Missing) and found["correlation"].reason is Reason.NOT_MEASURABLE
    assert found["error"] > 1


def test_face_seen_too_shortly_is_too_short(sample: Sample) -> None:
    with pytest.raises(MissingError) as missing:
        portraits_mouth.measure(face(true_opening(np.arange(12) / FPS)), sample, MODELS)
    assert missing.value.missing.reason is Reason.TOO_SHORT


@pytest.mark.parametrize("late", [-0.1, 0.0, 0.15])
def test_lag_of_the_sound_is_found_and_costs_vowels(late: float, sample: Sample) -> None:
    found = values(portraits_phones.measure(sound(late), sample, MODELS))
    assert found["offset_ms"] == pytest.approx(1000 * late, abs=15)
    assert (found["vowel_auc"] > 0.9) == (late == 0.0) == (found["activity"] > 0.98)


def test_steady_noise_knows_nothing_of_vowels(sample: Sample) -> None:
    clip = sound()
    noise = np.random.default_rng(1).normal(0, 0.1, 3 * RATE).astype(np.float32)
    found = values(
        portraits_phones.measure(
            SimpleNamespace(speech=Speech(noise, RATE, 0.0, RATE, 1), voice_activity=clip.voice_activity),
            sample,
            MODELS,
        )
    )
    assert found["vowel_auc"] == pytest.approx(0.5, abs=0.12) and isinstance(found["offset_ms"], Missing)


def test_a_clip_that_stops_early_is_not_taken_for_the_whole(sample: Sample) -> None:
    whole = sound()
    stops = SimpleNamespace(
        speech=Speech(whole.speech.samples[: round(1.1 * RATE)], RATE, 0.0, RATE, 1),
        voice_activity=VoiceActivity(np.array([[PHONES[0][2], 1.1]]), np.zeros(1, np.float32), 0.03, 0.0),
    )
    found = values(portraits_phones.measure(stops, sample, MODELS))
    assert found["vowel_auc"] < 0.9 and found["activity"] < 0.7
    with pytest.raises(MissingError) as missing:
        portraits_mouth.measure(face(true_opening(np.arange(24) / FPS)), sample, MODELS)
    assert missing.value.missing.reason is Reason.TOO_SHORT


def test_a_sound_without_ups_and_downs_has_no_vowels(sample: Sample) -> None:
    samples = np.zeros(4 * RATE, np.float32)
    samples[-RATE // 4 :] = 0.3  # behind the true speech
    none = VoiceActivity(np.zeros((0, 2)), np.zeros(1, np.float32), 0.03, 0.0)
    clip = SimpleNamespace(speech=Speech(samples, RATE, 0.0, RATE, 1), voice_activity=none)
    found = values(portraits_phones.measure(clip, sample, MODELS))
    assert isinstance(found["vowel_auc"], Missing) and found["vowel_auc"].reason is Reason.NOT_MEASURABLE


@settings(max_examples=20, deadline=None)
@given(st.integers(-20, 20), st.integers(0, 1000))
def test_lag_curve_peaks_where_the_later_curve_lies(lag: int, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 1, 300)
    moving, fixed = noise[40 - lag : 240 - lag], noise[40:240]
    assert lag_curve(moving, fixed, 25).argmax() - 25 == lag


@pytest.mark.weights
def test_true_voice_is_nearest_to_itself(sample: Sample, weights_home) -> None:
    import torch

    from uniavgen_bench.analysis.voice_activity import detect_voice

    torch.set_num_threads(1)
    models = Models(weights_home)
    folder = Path(sample.facts["truth"]).parent
    own, other = voice_of_vowels(120.0, 3.0), voice_of_vowels(230.0, 3.0)
    write_wav(folder / "speech.wav", own, RATE)
    found = []
    for samples in (own, other):
        speech = Speech(samples, RATE, 0.0, RATE, 1)
        clip = SimpleNamespace(speech=speech, voice_activity=detect_voice(speech, models))
        found.append(values(portraits_identity.measure(clip, sample, models))["voice"])
    assert found[0] > 0.999 and found[1] < found[0] - 0.1

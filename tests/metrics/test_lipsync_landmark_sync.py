"""`lipsync.landmark_sync` on faces and sounds whose sync is known, and on a real clip whose sound is delayed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mouth_world import resting_face, talking_clip

from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.landmark_sync_model import (
    MODEL_FILE,
    MODEL_SHA256,
    LandmarkSyncModel,
    cosine_curve,
    embeddings,
    lag_curve,
    load_model,
    load_shipped_model,
    mouth_inputs,
    save_model,
    sound_inputs,
    sync_streams,
)
from uniavgen_bench.metrics.lipsync_landmark_sync import METRIC, MIN_CONFIDENCE
from uniavgen_bench.metrics.mouth_audio_model import MAX_LAG, mouth_stream, peak_of
from uniavgen_bench.metrics.mouth_shape import UPPER_FACE
from uniavgen_bench.validity.landmark_sync_training import Lesson, TrainSettings, train
from uniavgen_bench.weights.models import Models

SAMPLE = Sample(id="a")
TEMPLATE = resting_face()[list(UPPER_FACE)]


GOLDEN = (0.00956, 0.02778, 0.40533, -0.04653, 0.07647)
"""Mean cosines at lags -600, -300, 0, 300 and 600 ms of the shipped network."""


class TrainedModels(Models):
    """Gives the metric a model that was trained on the test's own world."""

    def __init__(self, model: LandmarkSyncModel) -> None:
        super().__init__(weights=None)
        self.model = model

    def get(self, key, load):
        assert key == "landmark-sync-v1"
        return self.model


def streams_of(clip: SimpleNamespace, template: np.ndarray = TEMPLATE, **more):
    mouth = mouth_stream(clip.frames.times, clip.faces.tracks[0].landmarks, template)
    return sync_streams(mouth, clip.speech.samples, clip.speech.start, **more)


@pytest.fixture(scope="module")
def models():
    lessons = [Lesson(f"{s}", streams_of(talking_clip(seconds=4.0, seed=s))) for s in range(100, 124)]
    return TrainedModels(train(lessons, [], TEMPLATE, TrainSettings(steps=60, batch=12)))


@pytest.fixture(scope="module")
def shipped() -> LandmarkSyncModel:
    return load_shipped_model()


def measured(clip, models) -> dict[str, float]:
    scores = METRIC.measure(clip, SAMPLE, models).scores
    return {name: score.value if isinstance(score, Score) else score for name, score in scores.items()}


@pytest.mark.parametrize(("delay", "fps"), [(-0.32, 16), (-0.08, 30), (0.0, 25), (0.12, 16), (0.4, 25)])
def test_offset_is_negative_when_the_sound_is_ahead(delay, fps, models):
    found = measured(talking_clip(seed=3, delay=delay, fps=fps), models)
    assert found["offset_ms"] == pytest.approx(1000 * delay, abs=25)
    assert found["confidence"] > 0.4


@given(shift_ms=st.integers(-350, 350), seed=st.integers(0, 50))
@settings(max_examples=12)
def test_shifting_the_sound_moves_the_offset_by_as_much(models, shift_ms, seed):
    still, moved = (
        peak_of(lag_curve(models.model, streams_of(talking_clip(4.0, seed, delay=d)))).offset_ms
        for d in (0.0, shift_ms / 1000)
    )
    assert moved - still == pytest.approx(shift_ms, abs=15)


def test_sound_of_another_clip_gets_little_confidence(models):
    own = measured(talking_clip(seed=5), models)
    other = measured(talking_clip(seed=5, sound=talking_clip(seed=40).speech.samples), models)
    assert other["confidence"] < 0.6 * own["confidence"]
    assert other["in_place"] < own["in_place"] - 0.3


def test_in_place_falls_with_a_shift_while_confidence_stays(models):
    straight, shifted = (measured(talking_clip(seed=7, delay=d), models) for d in (0.0, 0.3))
    assert shifted["in_place"] < straight["in_place"] - 0.3
    assert shifted["confidence"] == pytest.approx(straight["confidence"], abs=0.1)


def test_weak_evidence_has_a_confidence_but_no_offset(models):
    noise = np.random.default_rng(0).normal(0, 0.1, 96_000).astype(np.float32)
    still = talking_clip(seed=6, sound=noise)
    track = still.faces.tracks[0]
    resting = np.tile(track.landmarks[:1], (len(track.frames), 1, 1))
    still.faces = replace(still.faces, tracks=(replace(track, landmarks=resting),))
    scores = METRIC.measure(still, SAMPLE, models).scores
    assert isinstance(scores["confidence"], Score)
    assert scores["confidence"].value < MIN_CONFIDENCE
    assert isinstance(scores["offset_ms"], Missing)
    assert scores["offset_ms"].reason is Reason.NOT_MEASURABLE


def test_every_declared_field_is_answered_with_curves_over_time_and_lag(models):
    result = METRIC.measure(talking_clip(seed=8), SAMPLE, models)
    assert set(result.scores) == {f.name for f in METRIC.spec.fields}
    opening, energy, lags = result.evidence.curves
    assert opening.t == energy.t
    assert len(lags.t) == 61 and lags.t[0] == -0.6 and lags.t[-1] == 0.6
    again = METRIC.measure(talking_clip(seed=8), SAMPLE, models)
    assert again == result, "the same clip twice must give the same numbers"


def test_a_clip_gets_the_same_embeddings_alone_in_a_batch_and_in_pieces(shipped):
    import torch

    from uniavgen_bench.metrics.landmark_sync_network import REACH

    clips = [streams_of(talking_clip(4.0, seed), shipped.template) for seed in (1, 2, 3)]
    inputs = torch.stack([torch.from_numpy(mouth_inputs(c.mouth, shipped.basis)) for c in clips])
    heard = torch.stack([torch.from_numpy(sound_inputs(c.mel, c.heard)) for c in clips])
    with torch.inference_mode():
        mouths, sounds = shipped.network(inputs, heard)
        part = shipped.network.mouth(inputs[:1, 40 - REACH : 90 + REACH])[0, REACH:-REACH]
    alone = [embeddings(shipped, c) for c in clips]
    for i, (mouth, sound) in enumerate(alone):
        np.testing.assert_allclose(mouths[i].numpy(), mouth, atol=2e-6)
        np.testing.assert_allclose(sounds[i].numpy(), sound, atol=2e-6)
    np.testing.assert_allclose(part.numpy(), alone[0][0][40:90], atol=2e-6)


def test_what_is_not_heard_or_not_seen_does_not_count():
    rng = np.random.default_rng(3)
    mouth, sound = rng.normal(size=(80, 4)), rng.normal(size=(80 + 2 * MAX_LAG, 4))
    seen, heard = np.ones(80, bool), np.ones(len(sound), bool)
    seen[10:30], heard[:50] = False, False
    spoilt_mouth, spoilt_sound = mouth.copy(), sound.copy()
    spoilt_mouth[10:30], spoilt_sound[:50] = 9.0, -9.0
    np.testing.assert_array_equal(
        cosine_curve(mouth, sound, seen, heard), cosine_curve(spoilt_mouth, spoilt_sound, seen, heard)
    )


def test_the_shipped_network_gives_a_known_clip_its_known_curve(shipped):
    curve = lag_curve(shipped, streams_of(talking_clip(4.0, 2), shipped.template))
    np.testing.assert_allclose(curve[[0, 15, 30, 45, 60]], GOLDEN, atol=2e-3)
    assert peak_of(curve).offset_ms == pytest.approx(-10, abs=5)
    assert peak_of(curve).confidence == pytest.approx(0.3177, abs=2e-3)


def test_loudness_does_not_matter(shipped):
    clip = talking_clip(4.0, 2)
    quiet = talking_clip(4.0, 2, sound=clip.speech.samples * 0.05)
    np.testing.assert_allclose(
        lag_curve(shipped, streams_of(clip, shipped.template)),
        lag_curve(shipped, streams_of(quiet, shipped.template)),
        atol=1e-3,
    )


def test_too_little_face_or_speech_gives_its_reason(models):
    with pytest.raises(MissingError) as short:
        METRIC.measure(talking_clip(seconds=1.5), SAMPLE, models)
    assert short.value.missing.reason is Reason.TOO_SHORT
    quiet = talking_clip()
    quiet.voice_activity = replace(quiet.voice_activity, segments=np.array([[0.0, 0.5]]))
    with pytest.raises(MissingError) as unheard:
        METRIC.measure(quiet, SAMPLE, models)
    assert unheard.value.missing.reason is Reason.NO_SPEECH


@pytest.mark.parametrize("reason", [Reason.NO_FACE, Reason.SEVERAL_SPEAKERS, Reason.NO_AUDIO])
def test_reasons_of_artefacts_pass_through(models, reason):
    class Lacking(SimpleNamespace):
        @property
        def speaker(self):
            raise MissingError(reason)

    clip = talking_clip()
    with pytest.raises(MissingError) as raised:
        METRIC.measure(Lacking(frames=clip.frames, faces=clip.faces), SAMPLE, models)
    assert raised.value.missing.reason is reason


def test_the_shipped_weights_are_the_released_ones_and_small():
    assert sha256_file(MODEL_FILE) == MODEL_SHA256
    assert MODEL_FILE.stat().st_size < 2_000_000
    assert dict(METRIC.params)["model"] == MODEL_SHA256


def test_changed_weights_do_not_load(tmp_path, monkeypatch):
    changed = tmp_path / MODEL_FILE.name
    changed.write_bytes(MODEL_FILE.read_bytes() + b"x")
    monkeypatch.setattr("uniavgen_bench.metrics.landmark_sync_model.MODEL_FILE", changed)
    with pytest.raises(MissingError) as raised:
        load_shipped_model()
    assert raised.value.missing.reason is Reason.WEIGHTS
    changed.unlink()
    with pytest.raises(MissingError):
        load_shipped_model()


def test_weights_are_written_as_the_same_bytes_and_read_back(models, tmp_path):
    for name in "ab":
        save_model(models.model, tmp_path / name, {"settings": "x"})
    data = (tmp_path / "a").read_bytes()
    assert data == (tmp_path / "b").read_bytes()
    both = streams_of(talking_clip(4.0, 9))
    np.testing.assert_allclose(lag_curve(load_model(data), both), lag_curve(models.model, both), atol=1e-5)


@pytest.mark.shared
@pytest.mark.weights
def test_delaying_the_sound_of_a_real_clip_moves_its_offset_by_as_much(shared, weights_home, tmp_path):
    from uniavgen_bench.analysis.clip import AnalysedClip
    from uniavgen_bench.core.store import Store

    path = shared / "clips" / "grid_lipnet" / "evaluation_samples_GRID_brbk7n.mpg"
    real = Models(weights_home)
    clip = AnalysedClip(path, SAMPLE, Store(tmp_path), real)
    result = METRIC.measure(clip, SAMPLE, real).scores
    assert -120 <= result["offset_ms"].value <= 40
    model = load_shipped_model()
    mouth = mouth_stream(clip.frames.times, clip.faces.tracks[0].landmarks, model.template)
    late = peak_of(lag_curve(model, sync_streams(mouth, clip.speech.samples, clip.speech.start + 0.2)))
    assert late.offset_ms - result["offset_ms"].value == pytest.approx(200, abs=15)

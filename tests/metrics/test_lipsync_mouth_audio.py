"""`lipsync.mouth_audio` on faces and sounds whose sync is known, and on a real clip whose sound is delayed."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from mouth_world import talking_clip

from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.lipsync_mouth_audio import (
    METRIC,
    MODEL_FILE,
    MODEL_SHA256,
    curve_of,
    load_shipped_map,
    seconds_spoken,
)
from uniavgen_bench.metrics.mouth_audio_model import mouth_stream, streams
from uniavgen_bench.metrics.mouth_shape import UPPER_FACE
from uniavgen_bench.validity.cca_fit import fit_map
from uniavgen_bench.weights.models import Models

SAMPLE = Sample(id="a")


class FittedModels(Models):
    """Gives the metric a map that was fitted on the test's own world."""

    def __init__(self, model) -> None:
        super().__init__(weights=None)
        self.model = model

    def get(self, key, load):
        assert key == "mouth-audio-v1"
        return self.model


def streams_of(clip: SimpleNamespace, template: np.ndarray):
    mouth = mouth_stream(clip.frames.times, clip.faces.tracks[0].landmarks, template)
    return streams(mouth, clip.speech.samples, clip.speech.start)


@pytest.fixture(scope="module")
def models():
    from mouth_world import resting_face

    template = resting_face()[list(UPPER_FACE)]
    return FittedModels(
        fit_map([streams_of(talking_clip(seed=s), template) for s in range(100, 116)], template).model
    )


def measured(clip, models) -> dict[str, float]:
    scores = METRIC.measure(clip, SAMPLE, models).scores
    return {name: score.value if isinstance(score, Score) else score for name, score in scores.items()}


@pytest.mark.parametrize("delay", [-0.32, -0.08, 0.0, 0.12, 0.4])
@pytest.mark.parametrize("fps", [16, 25, 30])
def test_offset_is_negative_when_the_sound_is_ahead(delay, fps, models):
    found = measured(talking_clip(seed=3, delay=delay, fps=fps), models)
    assert found["offset_ms"] == pytest.approx(1000 * delay, abs=20)
    assert found["confidence"] > 0.5


def test_sound_of_another_clip_gets_little_confidence_and_no_offset(models):
    own = measured(talking_clip(seed=5), models)
    other = measured(talking_clip(seed=5, sound=talking_clip(seed=40).speech.samples), models)
    assert other["confidence"] < 0.6 * own["confidence"]
    assert other["in_place"] < own["in_place"] - 0.3


def test_weak_evidence_has_a_confidence_but_no_offset(models):
    noise = np.random.default_rng(0).normal(0, 0.1, 96_000).astype(np.float32)
    scores = METRIC.measure(talking_clip(seed=6, sound=noise), SAMPLE, models).scores
    assert isinstance(scores["confidence"], Score)
    assert isinstance(scores["offset_ms"], Missing)
    assert scores["offset_ms"].reason is Reason.NOT_MEASURABLE


def test_in_place_falls_with_a_shift_while_confidence_stays(models):
    straight, shifted = (measured(talking_clip(seed=7, delay=d), models) for d in (0.0, 0.3))
    assert shifted["in_place"] < straight["in_place"] - 0.3
    assert shifted["confidence"] == pytest.approx(straight["confidence"], abs=0.1)


def test_every_declared_field_is_answered_with_curves_over_time_and_lag(models):
    result = METRIC.measure(talking_clip(seed=8), SAMPLE, models)
    assert set(result.scores) == {f.name for f in METRIC.spec.fields}
    opening, energy, lags = result.evidence.curves
    assert opening.t == energy.t
    assert len(lags.t) == 61 and lags.t[0] == -0.6 and lags.t[-1] == 0.6
    again = METRIC.measure(talking_clip(seed=8), SAMPLE, models)
    assert again == result, "the same clip twice must give the same numbers"


def test_too_little_face_or_speech_gives_its_reason(models):
    with pytest.raises(MissingError) as short:
        METRIC.measure(talking_clip(seconds=1.5), SAMPLE, models)
    assert short.value.missing.reason is Reason.TOO_SHORT
    quiet = talking_clip()
    quiet.voice_activity = replace(quiet.voice_activity, segments=np.array([[0.0, 0.5]]))
    with pytest.raises(MissingError) as unheard:
        METRIC.measure(quiet, SAMPLE, models)
    assert unheard.value.missing.reason is Reason.NO_SPEECH


def test_reasons_of_artefacts_pass_through(models):
    class NoSpeaker(SimpleNamespace):
        @property
        def speaker(self):
            raise MissingError(Reason.SEVERAL_SPEAKERS)

    clip = talking_clip()
    with pytest.raises(MissingError) as raised:
        METRIC.measure(NoSpeaker(frames=clip.frames, faces=clip.faces), SAMPLE, models)
    assert raised.value.missing.reason is Reason.SEVERAL_SPEAKERS


def test_speech_is_counted_only_while_the_face_is_seen():
    segments = np.array([[0.0, 1.0], [2.0, 4.0], [9.0, 10.0]])
    assert seconds_spoken(segments, 0.5, 3.0) == pytest.approx(1.5)
    assert seconds_spoken(np.zeros((0, 2)), 0.5, 3.0) == 0.0


def test_the_shipped_map_is_the_released_one_and_small():
    assert sha256_file(MODEL_FILE) == MODEL_SHA256
    assert MODEL_FILE.stat().st_size < 300_000
    assert dict(METRIC.params)["model"] == MODEL_SHA256
    model = load_shipped_map()
    assert np.all((model.correlations > 0) & (model.correlations < 1))
    assert model.weights.sum() == pytest.approx(1.0)


def test_a_changed_map_does_not_load(tmp_path, monkeypatch):
    changed = tmp_path / MODEL_FILE.name
    changed.write_bytes(MODEL_FILE.read_bytes() + b"x")
    monkeypatch.setattr("uniavgen_bench.metrics.lipsync_mouth_audio.MODEL_FILE", changed)
    with pytest.raises(MissingError) as raised:
        load_shipped_map()
    assert raised.value.missing.reason is Reason.WEIGHTS
    changed.unlink()
    with pytest.raises(MissingError):
        load_shipped_map()


@pytest.mark.shared
@pytest.mark.weights
def test_delaying_the_sound_of_a_real_clip_moves_its_offset_by_as_much(shared, weights_home, tmp_path):
    from uniavgen_bench.analysis.clip import AnalysedClip
    from uniavgen_bench.core.store import Store
    from uniavgen_bench.metrics.mouth_audio_model import peak_of

    path = shared / "clips" / "grid_lipnet" / "evaluation_samples_GRID_brbk7n.mpg"
    real = Models(weights_home)
    clip = AnalysedClip(path, SAMPLE, Store(tmp_path), real)
    result = METRIC.measure(clip, SAMPLE, real).scores
    assert -120 <= result["offset_ms"].value <= 40
    model = load_shipped_map()
    mouth = mouth_stream(clip.frames.times, clip.faces.tracks[0].landmarks, model.template)
    late = peak_of(curve_of(model, streams(mouth, clip.speech.samples, clip.speech.start + 0.2)))
    assert late.offset_ms - result["offset_ms"].value == pytest.approx(200, abs=10)

"""`emotion.voice`: pitch, the norm, arousal by rule; wav2vec2-IEMOCAP on random weights of its shapes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.analysis.artefacts import Speech, VoiceActivity
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.metrics import emotion_voice, emotion_voice_iemocap
from uniavgen_bench.metrics.voice_arousal import (
    ArousalNorm,
    arousal_features,
    load_norm,
    save_norm,
)
from uniavgen_bench.metrics.voice_pitch import WEIGHT, VoiceFrames, voice_frames
from uniavgen_bench.runner.score_clip import score_clip
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

RATE = 16_000


def sample(emotion: str | None = None) -> Sample:
    return Sample(id="a", facts={} if emotion is None else {"emotion": emotion})


def speech(samples: np.ndarray) -> Speech:
    return Speech(samples.astype(np.float32), RATE, 0.0, RATE, 1)


def tone(hertz: np.ndarray, harmonics: int = 20, fall: float = 1.0) -> np.ndarray:
    """A sound with the pitch `hertz` [N] whose harmonics fall with 1 / k ** fall."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    voice = sum(np.sin(k * phase) / k**fall for k in range(1, harmonics + 1))
    return 0.1 * np.asarray(voice)


def frames_of(octaves: np.ndarray, tilt: float = -5.0) -> VoiceFrames:
    n = len(octaves)
    return VoiceFrames(
        np.arange(n) * 0.016, octaves, np.ones(n, np.bool_), np.full(n, -20.0), np.full(n, tilt)
    )


NORM = ArousalNorm(
    by_male=np.array([7.7, -0.8]),
    middle=np.array([0.0, 0.25, 2.0, -5.0]),
    width=np.array([0.3, 0.1, 1.0, 5.0]),
    rule=np.array([0.0, 0.6]),
)


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    ready = weights_home.require([WEIGHT], quiet=True)
    if ready.unavailable:
        pytest.skip(f"weights cannot be had: {next(iter(ready.unavailable.values()))}")
    return Models(weights_home)


@pytest.mark.weights
@pytest.mark.parametrize("hertz", [90.0, 130.0, 210.0, 320.0])
def test_the_network_hears_the_pitch_of_a_tone(models: Models, hertz: float) -> None:
    found = voice_frames(tone(np.full(2 * RATE, hertz)).astype(np.float32), models)
    assert found.voiced.mean() > 0.9
    assert np.median(2.0 ** found.octaves[found.voiced]) == pytest.approx(hertz, rel=0.02)
    assert len(found.times) == len(found.level) == 2 * RATE // 256


@pytest.mark.weights
def test_silence_and_noise_have_no_voice(models: Models) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 2 * RATE).astype(np.float32)
    for sound in (np.zeros(2 * RATE, np.float32), noise, np.zeros(0, np.float32)):
        with pytest.raises(MissingError) as error:
            arousal_features(voice_frames(sound, models))
        assert error.value.missing.reason is Reason.NO_SPEECH


@pytest.mark.weights
def test_long_sounds_are_read_in_pieces_without_a_seam(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = tone(150 + 60 * np.sin(np.arange(4 * RATE) / RATE * 3)).astype(np.float32)
    whole = voice_frames(sound, models)
    monkeypatch.setattr("uniavgen_bench.metrics.voice_pitch.PIECE", 100)
    parts = voice_frames(sound, models)
    both = whole.voiced & parts.voiced
    assert both.mean() > 0.8
    assert np.abs(whole.octaves - parts.octaves)[both].max() < 0.02


@pytest.mark.weights
def test_a_lively_bright_high_voice_is_more_aroused_than_a_flat_dull_one(models: Models) -> None:
    seconds = np.arange(3 * RATE) / RATE
    flat = tone(120 + 3 * np.sin(2 * np.pi * seconds), fall=2.0)
    lively = tone(170 * 2.0 ** (0.4 * np.sin(2 * np.pi * 2 * seconds)), fall=0.7)
    norm = emotion_voice.load_shipped_norm()
    calm, aroused = (
        arousal_features(voice_frames(sound.astype(np.float32), models)) for sound in (flat, lively)
    )
    assert (aroused > calm).all()
    assert norm.arousal(calm, 1.0) < 0.3 < 0.9 < norm.arousal(aroused, 1.0)
    assert norm.above(aroused, calm) > 1.0


@given(
    st.floats(5.5, 9.0), st.floats(0.0, 0.6), st.floats(0.0, 6.0), st.floats(-30, 10), st.floats(0, 1),
    st.integers(0, 3), st.floats(0.01, 2.0),
)  # fmt: skip
def test_more_of_any_feature_is_never_less_arousal(
    pitch: float, spread: float, movement: float, tilt: float, male: float, which: int, more: float
) -> None:
    features = np.array([pitch, spread, movement, tilt])
    raised = features.copy()
    raised[which] += more
    assert 0.0 <= NORM.arousal(features, male) <= NORM.arousal(raised, male) <= 1.0


def test_the_usual_voice_has_half_the_arousal_whoever_speaks() -> None:
    for male in (0.0, 0.3, 1.0):
        usual = NORM.middle + np.array([NORM.by_male[0] + NORM.by_male[1] * male, 0, 0, 0])
        assert NORM.arousal(usual, male) == pytest.approx(0.5)


def test_the_same_voice_is_not_above_itself() -> None:
    features = np.array([7.0, 0.2, 2.0, -3.0])
    assert NORM.above(features, features) == 0.0


def test_octave_errors_and_jumps_do_not_count() -> None:
    steady = np.full(100, 7.0)
    wrong = steady.copy()
    wrong[::10] += 1.0
    assert arousal_features(frames_of(wrong)) == pytest.approx(arousal_features(frames_of(steady)))


@pytest.mark.parametrize(
    ("asked", "arousal", "fits"), [("angry", 0.9, 0.9), ("sad", 0.9, 0.1), ("calm", 0.2, 0.8)]
)
def test_arousal_is_judged_by_the_emotion_asked_for(asked: str, arousal: float, fits: float) -> None:
    assert emotion_voice.fit_to_asked(arousal, sample(asked)) == pytest.approx(fits)


@pytest.mark.parametrize("asked", [None, "disgusted", "mocking"])
def test_an_emotion_without_known_arousal_has_no_fit(asked: str | None) -> None:
    with pytest.raises(MissingError) as error:
        emotion_voice.fit_to_asked(0.5, sample(asked))
    assert error.value.missing.reason is Reason.NO_REFERENCE


def test_a_norm_is_kept_and_another_file_does_not_load(tmp_path: Path) -> None:
    from uniavgen_bench.core.hashing import sha256_file

    path = tmp_path / "norm.safetensors"
    save_norm(NORM, path, {"voices": "2"})
    again = load_norm(path, sha256_file(path))
    assert again.width == pytest.approx(NORM.width)
    for bad in (path, tmp_path / "absent.safetensors"):
        with pytest.raises(MissingError) as error:
            load_norm(bad, "0" * 64)
        assert error.value.missing.reason is Reason.WEIGHTS


def test_the_shipped_norm_is_small_and_whole() -> None:
    norm = emotion_voice.load_shipped_norm()
    assert emotion_voice.NORM_FILE.stat().st_size < 300_000
    assert (norm.width > 0).all() and norm.rule[1] > 0
    assert 90 < 2.0 ** norm.by_male.sum() < 150 < 2.0 ** norm.by_male[0] < 260


def voiced_clip(samples: np.ndarray, segments: int = 1) -> Any:
    return SimpleNamespace(
        speech=speech(samples),
        voice_activity=VoiceActivity(np.array([[0.0, 1.0]] * segments).reshape(-1, 2), np.ones(4), 0.25, 0.0),
    )


def test_metrics_name_all_their_fields() -> None:
    names = {f.name for f in emotion_voice.SPEC.fields}
    assert names == {"asked", "arousal", "above_reference", "pitch", "pitch_spread", "tilt"}


@pytest.mark.weights
def test_without_reference_and_emotion_only_their_fields_are_missing(weights_home: WeightLocator) -> None:
    ready = weights_home.require([WEIGHT, "resemblyzer"], quiet=True)
    if ready.unavailable:
        pytest.skip(f"weights cannot be had: {next(iter(ready.unavailable.values()))}")
    seconds = np.arange(3 * RATE) / RATE
    sound = tone(150 * 2.0 ** (0.2 * np.sin(9 * seconds))) * (1 + 0.5 * np.sin(20 * seconds))
    clip = voiced_clip(sound)
    try:
        found = emotion_voice.measure(clip, sample(), Models(weights_home)).scores
    except MissingError as error:  # the encoder's own voice detector may take a made sound for no voice
        assert error.missing.reason in (Reason.TOO_SHORT, Reason.NO_SPEECH)
        pytest.skip("the made sound counts as no voice")
    missing = {name for name, value in found.items() if isinstance(value, Missing)}
    assert missing == {"asked", "above_reference"}
    assert found["pitch"].value == pytest.approx(150, rel=0.15)  # type: ignore[union-attr]


def test_the_reference_is_read_as_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = np.arange(2 * RATE) / RATE
    given_, clip = tmp_path / "given.mp4", tmp_path / "clip.mp4"
    picture = [np.full((48, 64, 3), 90, np.uint8)] * 20
    for path, pitch in ((given_, 110.0), (clip, 150.0)):
        write_clip(path, picture, 10, tone(np.full(len(seconds), pitch)).astype(np.float32), RATE)

    def frames_by_length(samples: np.ndarray, models: Models) -> VoiceFrames:
        return frames_of(np.linspace(7.0, 7.2, len(samples) // 256))

    features = arousal_features(frames_of(np.linspace(7.4, 7.8, 100)))
    reading = emotion_voice.VoiceReading(frames_of(np.full(100, 7.4)), features, 1.0, 0.8)
    monkeypatch.setattr(emotion_voice, "voice_frames", frames_by_length)
    monkeypatch.setattr(emotion_voice, "read_voice", lambda clip, models: reading)
    store, models = Store(tmp_path / "store"), Models(WeightLocator(home=tmp_path, folders=()))
    for reference, kind in (({"reference_audio": given_}, Score), ({"condition_audio": given_}, Missing)):
        asked = Sample(id="a", facts={"emotion": "angry"}, **reference)
        found = score_clip(
            emotion_voice.METRIC, AnalysedClip(clip, asked, store, models), asked, models, store
        ).scores
        assert found["asked"] == Score(0.8)
        assert isinstance(found["above_reference"], kind), found["above_reference"]


# wav2vec2-IEMOCAP


def write_released(folder: Path, config: Any = None) -> int:
    """Write random weights under the names of the released checkpoints; return the encoder's size in bytes."""
    import torch

    from uniavgen_bench.metrics.iemocap_network import IemocapClassifier

    torch.manual_seed(3)
    network = IemocapClassifier(config)
    state = {}
    for name, tensor in network.encoder.state_dict().items():
        # The release is older than torch's parametrisations: weight norm is stored as weight_g and weight_v.
        old = name.replace("parametrizations.weight.original0", "weight_g")
        state[f"model.{old.replace('parametrizations.weight.original1', 'weight_v')}"] = tensor
    assert any(name.endswith("weight_g") for name in state)
    torch.save(state, folder / "wav2vec2.ckpt")
    torch.save({"0.w.weight": network.head.weight.detach()}, folder / "model.ckpt")
    return 4 * sum(tensor.numel() for tensor in state.values())


@pytest.fixture(scope="module")
def iemocap_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a smaller width, to stay fast."""
    pytest.importorskip("transformers", reason="the extra full is not installed")
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("iemocap")
    write_released(folder, small_config())
    return folder


def small_config() -> Any:
    from transformers import Wav2Vec2Config

    return Wav2Vec2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        conv_dim=(16,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2,
    )  # fmt: skip


def test_released_names_load_strictly_and_give_a_distribution(iemocap_weights: Path) -> None:
    import torch

    from uniavgen_bench.metrics.iemocap_network import load_iemocap

    network = load_iemocap(iemocap_weights, "cpu", small_config())
    sound = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    found = emotion_voice_iemocap.classify(network, sound, "cpu")
    assert found.shape == (4,) and found.sum() == pytest.approx(1.0, abs=1e-6)
    louder = emotion_voice_iemocap.classify(network, 5 * sound, "cpu")
    assert louder == pytest.approx(found, abs=1e-4)  # the wave is normalised first
    assert np.array_equal(found, emotion_voice_iemocap.classify(network, sound, "cpu"))
    with torch.inference_mode():
        wave = torch.from_numpy(sound)
        hidden = network.encoder(((wave - wave.mean()) / (wave.var(unbiased=False) + 1e-5).sqrt())[None])
        hidden = hidden.last_hidden_state[0]
        hidden = (hidden - hidden.mean()) / (hidden.var(unbiased=False) + 1e-5).sqrt()
        by_hand = torch.softmax(hidden.mean(0) @ network.head.weight.T, -1).numpy()
    assert found == pytest.approx(by_hand, abs=1e-5)


def test_weights_of_the_true_shapes_load_and_have_the_size_of_the_released_files(tmp_path: Path) -> None:
    pytest.importorskip("transformers", reason="the extra full is not installed")
    from uniavgen_bench.metrics.iemocap_network import load_iemocap

    assert write_released(tmp_path) == pytest.approx(378e6, rel=0.005)  # 378 MB on the hub
    assert 4 * 4 * 768 < (tmp_path / "model.ckpt").stat().st_size < 16_000  # 13.2 kB on the hub
    network = load_iemocap(tmp_path, "cpu")
    sound = np.random.default_rng(0).normal(0, 0.1, RATE // 2).astype(np.float32)
    found = emotion_voice_iemocap.classify(network, sound, "cpu")
    assert found.shape == (4,) and found.sum() == pytest.approx(1.0, abs=1e-6)


def test_long_sounds_are_averaged_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(emotion_voice_iemocap, "PIECE_SECONDS", 1)
    seen = []

    def network(samples: Any) -> Any:
        seen.append(len(samples))
        return torch.tensor([1.0, 0, 0, 0]) if len(seen) == 1 else torch.tensor([0, 1.0, 0, 0])

    found = emotion_voice_iemocap.classify(network, np.zeros(RATE + RATE // 2, np.float32), "cpu")  # type: ignore[arg-type]
    assert seen == [RATE * 3 // 4] * 2
    assert found == pytest.approx([0.5, 0.5, 0, 0])


@pytest.mark.parametrize("damage", ["garbage", "other names", "other shape"])
def test_checkpoints_that_do_not_fit_are_told(iemocap_weights: Path, tmp_path: Path, damage: str) -> None:
    import shutil

    import torch

    from uniavgen_bench.metrics.iemocap_network import load_iemocap

    shutil.copytree(iemocap_weights, tmp_path, dirs_exist_ok=True)
    if damage == "garbage":
        (tmp_path / "wav2vec2.ckpt").write_bytes(b"no checkpoint")
    elif damage == "other names":
        torch.save({"weight": torch.zeros(4, 32)}, tmp_path / "model.ckpt")
    else:
        torch.save({"0.w.weight": torch.zeros(5, 32)}, tmp_path / "model.ckpt")
    with pytest.raises(ValueError, match=r"wav2vec2\.ckpt|model\.ckpt"):
        load_iemocap(tmp_path, "cpu", small_config())


def test_absent_files_say_where_they_belong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path))
    monkeypatch.delenv("UNIAVGEN_BENCH_WEIGHTS_PATH", raising=False)
    monkeypatch.setattr(emotion_voice_iemocap, "find_spec", lambda name: object())
    assert emotion_voice_iemocap.settings() == (("weights", "absent"),)
    with pytest.raises(MissingError) as error:
        emotion_voice_iemocap.load_classifier("cpu")
    assert error.value.missing.reason is Reason.WEIGHTS
    assert "speechbrain-iemocap" in error.value.missing.detail


def test_what_was_given_is_part_of_the_address(
    iemocap_weights: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import shutil

    folder = tmp_path / "weights" / "speechbrain-iemocap"
    shutil.copytree(iemocap_weights, folder)
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path))
    first = emotion_voice_iemocap.METRIC.parameters
    (folder / "model.ckpt").write_bytes(b"another file")
    assert first != emotion_voice_iemocap.METRIC.parameters
    assert dict(first)["weights"] != "absent"


def test_without_transformers_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emotion_voice_iemocap, "find_spec", lambda name: None)
    with pytest.raises(MissingError) as error:
        emotion_voice_iemocap.load_classifier("cpu")
    assert error.value.missing.reason is Reason.NOT_INSTALLED
    assert "uniavgen-bench[full]" in error.value.missing.detail


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        (voiced_clip(np.zeros(RATE), segments=0), Reason.NO_SPEECH),
        (voiced_clip(np.zeros(RATE // 4)), Reason.TOO_SHORT),
    ],
)
def test_no_speech_and_too_little_sound_have_no_score(clip: Any, reason: Reason) -> None:
    with pytest.raises(MissingError) as error:
        emotion_voice_iemocap.measure(clip, sample(), None)  # type: ignore[arg-type]
    assert error.value.missing.reason is reason

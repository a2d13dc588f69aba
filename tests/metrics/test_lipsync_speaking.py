"""Light-ASD's layers against the original, and what is made of its scores."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sync_world import LocalWeights, clip_of, levels, sound_of, track_of

from uniavgen_bench.analysis.artefacts import VoiceActivity
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics import light_asd_network, lipsync_speaking
from uniavgen_bench.metrics.lipsync_speaking import METRIC, score_tracks, speaking_scores, spoken_frames
from uniavgen_bench.weights.manifest import load_manifest
from uniavgen_bench.weights.models import Models

RECORDED = Path(__file__).parent / "data" / "light_asd.json"
SAMPLE = Sample(id="a")


def torch_of_one_thread():
    import torch

    torch.set_num_threads(1)
    return torch


def random_file(folder: Path) -> Path:
    torch = torch_of_one_thread()
    torch.manual_seed(4)
    torch.save(light_asd_network.LightAsd().state_dict(), folder / "light.model")
    return folder / "light.model"


def test_the_network_has_the_released_size_and_accepts_only_the_released_names(tmp_path):
    torch = torch_of_one_thread()
    net = light_asd_network.LightAsd()
    assert sum(p.numel() for p in net.parameters()) == 1_021_636
    assert sum(v.numel() for v in net.state_dict().values()) == 1_026_146
    state = net.state_dict()
    state.pop("model.visualEncoder.block1.s_3.weight")
    torch.save(state, tmp_path / "part.model")
    with pytest.raises(RuntimeError, match=r"block1\.s_3\.weight"):
        light_asd_network.load_light_asd(tmp_path / "part.model", "cpu")


@pytest.mark.shared
def test_the_released_weights_give_the_originals_numbers(shared):
    torch = torch_of_one_thread()
    file = shared / "weights/pretrain_AVA_CVPR.model"
    if not file.is_file():
        pytest.skip("pretrain_AVA_CVPR.model is not here")
    assert load_manifest()["light-asd"].files[0].bytes == file.stat().st_size
    net = light_asd_network.load_light_asd(file, "cpu")
    rng = np.random.default_rng(20230618)
    pictures = torch.from_numpy(rng.integers(0, 256, (1, 12, 112, 112)).astype(np.float32))
    mfcc = torch.from_numpy(rng.normal(0, 5, (1, 48, 13)).astype(np.float32))
    with torch.inference_mode():
        ours = net(pictures, mfcc)[0].numpy()
    np.testing.assert_allclose(ours, json.loads(RECORDED.read_text())["scores"], atol=1e-3)


def test_every_frame_has_a_score_and_long_tracks_go_in_pieces(tmp_path, monkeypatch):
    torch_of_one_thread()
    net = light_asd_network.load_light_asd(random_file(tmp_path), "cpu")
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (13, 112, 112)).astype(np.uint8)
    coefficients = rng.normal(0, 5, (52, 13)).astype(np.float32)
    whole = speaking_scores(net, pictures, coefficients, "cpu")
    assert whole.shape == (13,) and np.ptp(whole) > 1e-4
    monkeypatch.setattr(lipsync_speaking, "PIECE", 8)
    pieces = speaking_scores(net, pictures, coefficients, "cpu")
    assert pieces.shape == (13,)
    first = speaking_scores(net, pictures[:8], coefficients[:32], "cpu")
    np.testing.assert_allclose(pieces[:8], first, atol=1e-5)


def test_a_frame_is_spoken_where_its_middle_lies_in_speech():
    segments = np.array([[0.1, 0.2], [1.0, 1.1]])
    spoken = spoken_frames(segments, 0.04, 30)
    middles = 0.04 + (np.arange(30) + 0.5) / 25
    expected = ((middles >= 0.1) & (middles < 0.2)) | ((middles >= 1.0) & (middles < 1.1))
    np.testing.assert_array_equal(spoken, expected)
    assert not spoken_frames(np.zeros((0, 2)), 0.0, 5).any()


class Agreement:
    """Above 0 where the middle of the face is as bright as the sound is loud."""

    def __call__(self, pictures, mfcc):
        from sync_world import LOUDEST_ENERGY, NATS

        bright = (pictures.mean(dim=(2, 3)) - 40) / 170
        energy = mfcc[..., 0].reshape(bright.shape[0], -1, 4).mean(dim=2)
        return 1 - 5 * (bright - (energy - LOUDEST_ENERGY + NATS) / NATS).abs()


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setattr(light_asd_network, "load_light_asd", lambda path, device: Agreement())
    return Models(LocalWeights(tmp_path / "not read", "light-asd"))


def world(tracks, seconds_spoken=((0.4, 1.6),), n=60):
    voice = VoiceActivity(np.array(seconds_spoken).reshape(-1, 2), np.zeros(1, np.float32), 0.03, 0.0)
    clip = clip_of(tracks, sound_of(levels(n)))
    return SimpleNamespace(**vars(clip), voice_activity=voice)


def test_the_face_that_speaks_is_taken_and_only_while_speech_is_heard(models):
    speaker, listener = levels(60), np.full(60, 0.1)
    speaker[45:] = 1.0 - speaker[45:].round()  # wrong, but nobody is heard there
    clip = world([(track_of(np.arange(60)), listener), (track_of(np.arange(60)), speaker)])
    measured = METRIC.measure(clip, SAMPLE, models)
    got = {name: score.value for name, score in measured.scores.items()}
    assert got["score"] > 0.5 and got["share"] == 1.0 and got["tracks"] == 2
    assert set(measured.evidence.texts) == {"track 0", "track 1"}
    alone = METRIC.measure(world([(track_of(np.arange(60)), listener)]), SAMPLE, models)
    assert alone.scores["score"].value < 0 and alone.scores["share"].value < 0.5


@pytest.mark.parametrize(
    ("frames", "spoken", "reason"),
    [
        (24, ((0.0, 2.0),), Reason.TOO_SHORT),
        (60, (), Reason.NO_SPEECH),
        (60, ((0.0, 0.3),), Reason.NO_SPEECH),
    ],
)
def test_what_cannot_be_scored_says_why(frames, spoken, reason, models):
    clip = world([(track_of(np.arange(frames)), levels(60))], spoken)
    with pytest.raises(MissingError) as raised:
        METRIC.measure(clip, SAMPLE, models)
    assert raised.value.missing.reason is reason


def test_sound_that_starts_late_is_not_heard_before_it_starts(models):
    clip = world([(track_of(np.arange(60)), levels(60))])
    (track,) = score_tracks(clip, Agreement(), "cpu")
    late = SimpleNamespace(**{**vars(clip), "speech": replace(clip.speech, start=0.4)})
    (other,) = score_tracks(late, Agreement(), "cpu")
    assert other.mean < track.mean - 0.5
    assert len(track.scores) == 59, "python_speech_features leaves the last frame without its four steps"


def test_without_weights_the_answer_is_missing_weights():
    with pytest.raises(MissingError) as raised:
        METRIC.measure(
            world([(track_of(np.arange(60)), levels(60))]), SAMPLE, Models(LocalWeights(None, "light-asd"))
        )
    assert raised.value.missing.reason is Reason.WEIGHTS


def test_real_layers_score_a_clip(tmp_path):
    torch_of_one_thread()
    clip = world([(track_of(np.arange(26)), levels(60))], ((0.0, 1.0),))
    measured = METRIC.measure(clip, SAMPLE, Models(LocalWeights(random_file(tmp_path), "light-asd")))
    assert set(measured.scores) == {f.name for f in METRIC.spec.fields}


def test_the_spec_says_that_it_is_not_sync():
    assert any("lip sync" in line for line in METRIC.spec.not_for)
    assert METRIC.spec.weights == ("light-asd",)

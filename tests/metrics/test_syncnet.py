"""SyncNet's code path against the package `syncnet-python`, and the protocol's rules.

The weights cannot be had everywhere: all numbers here come from seeded random weights of the true shapes.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from syncnet_random import random_state

from uniavgen_bench.analysis.artefacts import Crops, Faces, Frames, Speech, Track
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics import syncnet_features
from uniavgen_bench.metrics.lipsync_lse import METRIC
from uniavgen_bench.metrics.syncnet_tracks import embed, score_tracks
from uniavgen_bench.weights.models import Models

REGRESSION = Path(__file__).parent / "data" / "syncnet_random_weights.json"
T = 32


def talking_pictures() -> np.ndarray:
    """Smooth moving pictures, 224 px, BGR."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:224, 0:224] / 224
    fields = [np.sin(2 * np.pi * (rng.integers(1, 6) * x + rng.integers(1, 6) * y + k / 3)) for k in range(6)]
    mix = np.cumsum(rng.normal(0, 0.5, (T, 3, 6)), axis=0)
    return np.clip(128 + 40 * np.einsum("tck,kyx->tyxc", mix, np.stack(fields)), 0, 255).astype(np.uint8)


def speech_like() -> np.ndarray:
    rng = np.random.default_rng(8)
    n = T * 640
    level = np.repeat(rng.uniform(0, 1, T), 640)
    return (0.2 * level * rng.normal(0, 1, n)).clip(-0.9, 0.9).astype(np.float32)


@pytest.fixture(scope="module")
def net():
    import torch

    from uniavgen_bench.metrics.syncnet_network import SyncNet

    torch.set_num_threads(1)
    network = SyncNet()
    network.load_state_dict(random_state())
    return network.eval()


@pytest.fixture(scope="module")
def embedded(net):
    return embed(net, talking_pictures(), syncnet_features.mfcc(speech_like()), "cpu")


def package_module(name: str):
    """Load one file of the package by path: its `__init__` wants ffmpeg and scenedetect, which these do not."""
    found = importlib.util.find_spec("syncnet_python")
    if found is None or not found.submodule_search_locations:
        pytest.skip(
            "the package syncnet-python is not installed (pip install --no-deps syncnet-python==0.2.3)"
        )
    spec = importlib.util.spec_from_file_location(
        f"_package_{name}", Path(found.submodule_search_locations[0]) / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_network_has_the_released_size_and_accepts_only_the_released_names(tmp_path):
    import torch

    from uniavgen_bench.metrics.syncnet_network import SyncNet, load_syncnet

    assert sum(p.numel() for p in SyncNet().parameters()) == 13_631_616
    state = random_state()
    torch.save(state, tmp_path / "whole.model")
    assert load_syncnet(tmp_path / "whole.model", "cpu").training is False
    state.pop("netfcaud.0.weight")
    torch.save(state, tmp_path / "part.model")
    with pytest.raises(RuntimeError, match=r"netfcaud\.0\.weight"):
        load_syncnet(tmp_path / "part.model", "cpu")


def test_weights_that_carry_code_are_refused(tmp_path):
    import torch

    from uniavgen_bench.metrics.syncnet_network import load_syncnet

    torch.save({"netcnnaud.0.weight": Path("/")}, tmp_path / "code.model")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        load_syncnet(tmp_path / "code.model", "cpu")


def test_names_and_shapes_are_those_of_the_package(net):
    theirs = package_module("SyncNetModel").S()
    theirs.load_state_dict(net.state_dict(), strict=True)


def test_numbers_equal_those_of_the_package(net, embedded, tmp_path):
    import cv2
    from scipy.io import wavfile

    model = package_module("SyncNetModel").S()
    model.load_state_dict(net.state_dict(), strict=True)
    instance = package_module("SyncNetInstance")
    seen = talking_pictures()
    for i, picture in enumerate(seen):
        # The package reads *.jpg by content; a PNG inside keeps the pixels.
        (tmp_path / f"{i:06d}.jpg").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    integers = np.round(speech_like() * 32768).astype(np.int16)
    wavfile.write(tmp_path / "audio.wav", 16_000, integers)
    options = SimpleNamespace(tmp_dir=str(tmp_path), batch_size=20, vshift=15)
    offset, confidence, distance = instance.SyncNetInstance(net=model, device="cpu").evaluate(options)

    ours = syncnet_features.lse_of(syncnet_features.shifted_distances(*embedded))
    assert confidence > 0.05 and abs(offset) < 15, "random weights that separate nothing would prove nothing"
    assert ours.offset == offset
    assert abs(ours.confidence - confidence) < 1e-3
    assert abs(ours.distance - distance) < 1e-3

    import torch

    with torch.no_grad():
        clip = torch.from_numpy(seen.astype(np.float32)).permute(3, 0, 1, 2)[None]
        lips = model.forward_lip(torch.cat([clip[:, :, i : i + 5] for i in (0, 3, T - 6)])).numpy()
        coefficients = torch.from_numpy(syncnet_features.mfcc(speech_like()))[None, None]
        sound = model.forward_aud(
            torch.cat([coefficients[..., 4 * i : 4 * i + 20] for i in (0, 3, T - 6)])
        ).numpy()
    assert np.abs(lips - embedded[0][[0, 3, T - 6]]).max() < 1e-3
    assert np.abs(sound - embedded[1][[0, 3, T - 6]]).max() < 1e-3
    theirs = torch.stack(
        instance.calc_pdist(torch.from_numpy(embedded[0]), torch.from_numpy(embedded[1]), vshift=15)
    ).numpy()
    assert np.abs(syncnet_features.shifted_distances(*embedded) - theirs).max() < 1e-3


def test_numbers_equal_the_stored_run(embedded):
    """Stored when `test_numbers_equal_those_of_the_package` held, for machines without the package."""
    stored = json.loads(REGRESSION.read_text())
    ours = syncnet_features.lse_of(syncnet_features.shifted_distances(*embedded))
    assert ours.offset == stored["offset"]
    assert abs(ours.confidence - stored["confidence"]) < 1e-3
    assert abs(ours.distance - stored["distance"]) < 1e-3
    np.testing.assert_allclose(ours.curve, stored["curve"], atol=1e-3)
    np.testing.assert_allclose(syncnet_features.mfcc(speech_like())[:, 10], stored["mfcc_10"], atol=1e-3)
    np.testing.assert_allclose(embedded[0][5, :8], stored["lips_5"], atol=1e-3)
    np.testing.assert_allclose(embedded[1][5, :8], stored["sound_5"], atol=1e-3)


@given(st.integers(-10, 10))
def test_sound_delayed_by_d_frames_gives_offset_minus_d(delay):
    rng = np.random.default_rng(abs(delay))
    lips = rng.normal(0, 1, (60, 16)).astype(np.float32)
    heard = np.roll(lips, delay, axis=0)
    lse = syncnet_features.lse_of(syncnet_features.shifted_distances(lips, heard))
    assert lse.offset == -delay
    assert lse.confidence > 1


def test_median_is_the_lower_of_two():
    assert syncnet_features.lower_median(np.array([4.0, 1.0, 3.0, 2.0], dtype=np.float32)) == 2.0


@pytest.mark.parametrize(("fps", "expected"), [(25, 50), (16, 49), (30, 50), (50, 50), (23.976, 50)])
def test_tracks_are_resampled_by_timestamp(fps, expected):
    times = np.arange(int(np.ceil(2 * fps))) / fps
    grid = syncnet_features.frame_grid(times)
    assert abs(len(grid.index) - expected) <= 1
    error = np.abs(times[grid.index] - (grid.first + np.arange(len(grid.index))) / 25)
    assert error.max() <= max(0.5 / fps, 0.02) + 1e-9


def test_crop_is_the_protocols_rectangle():
    boxes = np.tile(np.array([[100, 200, 200, 320]], dtype=np.float32), (30, 1))
    squares = syncnet_features.crop_squares(boxes)
    # Half side 60, centre (150, 260): 84 to either side, 60 above, 108 below.
    np.testing.assert_array_equal(squares[15], [66, 200, 234, 368])


def test_crops_show_the_part_of_the_picture_that_the_rectangle_names():
    import cv2

    y, x = np.mgrid[0:480, 0:480]
    picture = np.stack([x / 2, y / 2, np.full_like(x, 60)], axis=2).astype(np.uint8)
    region = np.array([[240.0, 240.0, 400.0]], dtype=np.float32)
    stored = cv2.resize(picture[40:440, 40:440], (320, 320), interpolation=cv2.INTER_AREA)
    crops = Crops(side=320, jpegs=((cv2.imencode(".jpg", stored)[1].tobytes(),),), regions=(region,))
    out = syncnet_features.face_crops(crops, 0, np.array([0]), np.array([[100.0, 120.0, 268.0, 288.0]]))
    direct = cv2.resize(picture[120:288, 100:268], (224, 224))
    assert np.abs(out[0].astype(int) - direct.astype(int)).mean() < 2
    beyond = syncnet_features.face_crops(crops, 0, np.array([0]), np.array([[-200.0, 0.0, 200.0, 400.0]]))
    assert np.abs(beyond[0, :, :50].astype(int) - 110).max() == 0


@given(st.floats(-1, 4), st.floats(0, 2))
def test_sound_between_has_the_asked_length_and_place(start, length):
    speech = speech_of(2.0, start=0.25)
    out = syncnet_features.sound_between(speech, start, start + length)
    assert abs(len(out) - length * 16_000) <= 1
    if start >= 0.25 and start + length <= 2.25:
        first = round((start - 0.25) * 16_000)
        np.testing.assert_array_equal(out, speech.samples[first : first + len(out)])


def track_of(n: int, side: float = 150.0) -> Track:
    box = np.array([[100, 100, 100 + side, 100 + side]], dtype=np.float32)
    return Track(
        frames=np.arange(n),
        boxes=np.tile(box, (n, 1)),
        scores=np.ones(n, dtype=np.float32),
        landmarks=np.zeros((n, 468, 3), dtype=np.float32),
        presence=np.ones(n, dtype=np.float32),
    )


def speech_of(seconds: float, start: float = 0.0) -> Speech:
    samples = np.random.default_rng(3).normal(0, 0.1, round(seconds * 16_000)).astype(np.float32)
    return Speech(samples=samples, rate=16_000, start=start, source_rate=16_000, source_channels=1)


def clip_of(tracks: tuple[Track, ...], seconds: float) -> SimpleNamespace:
    import cv2

    n = round(seconds * 25)
    pictures = np.random.default_rng(5).integers(0, 255, (n, 64, 64, 3)).astype(np.uint8)
    jpegs = tuple(cv2.imencode(".jpg", p)[1].tobytes() for p in pictures)
    region = np.tile(np.array([[175.0, 175.0, 600.0]], dtype=np.float32), (n, 1))
    return SimpleNamespace(
        frames=Frames(times=np.arange(n) / 25, width=640, height=480, shots=np.array([[0, n - 1]])),
        faces=Faces(tracks=tracks),
        crops=Crops(
            side=64,
            jpegs=tuple(jpegs[: len(t.frames)] for t in tracks),
            regions=tuple(region[: len(t.frames)] for t in tracks),
        ),
        speech=speech_of(seconds),
    )


class LocalWeights:
    def __init__(self, path: Path | None) -> None:
        self.file = path

    def path(self, name: str) -> Path:
        assert name == "syncnet-v2"
        if self.file is None:
            raise MissingError(Reason.WEIGHTS, name)
        return self.file


def test_without_weights_the_answer_is_missing_weights():
    with pytest.raises(MissingError) as raised:
        METRIC.measure(clip_of((track_of(60),), 3.0), Sample(id="a"), Models(LocalWeights(None)))
    assert raised.value.missing.reason is Reason.WEIGHTS


@pytest.mark.parametrize(
    ("tracks", "reason"),
    [
        ((track_of(50),), Reason.TOO_SHORT),
        ((track_of(60, side=100),), Reason.TOO_SMALL),
        ((track_of(60, side=60), track_of(20)), Reason.TOO_SMALL),
    ],
)
def test_rules_of_the_protocol_give_their_reason(tracks, reason, net):
    with pytest.raises(MissingError) as raised:
        clip = clip_of(tracks, 3.0)
        score_tracks(clip, clip.speech, net, "cpu")
    assert raised.value.missing.reason is reason


def test_every_declared_field_is_scored_and_tracks_are_listed(tmp_path):
    import torch

    torch.save(random_state(), tmp_path / "syncnet_v2.model")
    clip = clip_of((track_of(54), track_of(52, side=50)), 2.2)
    result = METRIC.measure(clip, Sample(id="a"), Models(LocalWeights(tmp_path / "syncnet_v2.model")))
    assert set(result.scores) == {f.name for f in METRIC.spec.fields}
    assert result.scores["tracks"].value == 1
    assert result.scores["offset_ms"].value == -40 * result.scores["offset_frames"].value
    assert list(result.evidence.texts) == ["track 0"]
    assert len(result.evidence.curves[1].t) == 31

"""dlib's network against dlib itself, the cut of a face, and what is made of descriptors."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from picture_clips import texture
from seeded_weights import seeded_input
from sync_world import LocalWeights

from uniavgen_bench.analysis.artefacts import Crops, Faces, Frames, Track
from uniavgen_bench.core.result import Missing, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.dlib_face_network import DlibFace, DlibFile, load_dlib_face
from uniavgen_bench.metrics.video_identity import (
    CORNERS,
    CORNERS_IN_FACE,
    METRIC,
    WEIGHTS,
    chosen,
    clip_descriptors,
    drift,
    face_chip,
    similarity,
    spread,
)
from uniavgen_bench.weights.models import Models

torch.set_num_threads(1)
RECORDED = json.loads((Path(__file__).parent / "data" / "dlib_face.json").read_text())["descriptors"]
SAMPLE = Sample(id="a")


@pytest.fixture(scope="session")
def dlib_net(weights_home) -> DlibFace:
    if weights_home.require([WEIGHTS], quiet=True).unavailable:
        pytest.skip("dlib's network cannot be had")
    return load_dlib_face(weights_home.path(WEIGHTS), "cpu")


@pytest.mark.weights
@pytest.mark.parametrize("name", RECORDED)
def test_descriptors_are_those_of_dlib(dlib_net, name):
    import cv2

    face = seeded_input("face", (150, 150, 3), 255.0).astype(np.uint8)
    face = cv2.GaussianBlur(face, (0, 0), 4) if name == "smooth" else face
    with torch.inference_mode():
        found = dlib_net(torch.from_numpy(face).permute(2, 0, 1)[None].float())[0].numpy()
    np.testing.assert_allclose(found, RECORDED[name], atol=2e-4 if name == "smooth" else 1e-5)


def test_numbers_and_tensors_are_read_as_dlib_writes_them():
    values = np.array([1.5, -2.0, 3.25], "<f4")
    data = b"rest\x01\x05con_4\x01\x02\x01\x03\x01\x01\x01\x01\x01\x01" + values.tobytes() + b"\x02\x00\x01"
    file = DlibFile(data)
    file.skip_to("con_4")
    np.testing.assert_array_equal(file.tensor(), values)
    assert file.integer() == 256
    with pytest.raises(ValueError, match="lacking"):
        file.integer()


@pytest.mark.parametrize(
    "content", [b"", b"no network", b"\x01\x05con_4\x01\x02\x01\x03", b"\x01\x05con_4\xff"]
)
def test_another_file_is_not_the_network(tmp_path, content):
    (tmp_path / "net.dat").write_bytes(content)
    with pytest.raises(MissingError) as raised:
        load_dlib_face(tmp_path / "net.dat", "cpu")
    assert raised.value.missing.reason is Reason.WEIGHTS


def face_points(turn: float, scale: float, at: tuple[float, float]) -> np.ndarray:
    """Landmarks [468, 3] whose five points stand as in an upright face that was turned, scaled and moved."""
    points = np.zeros((468, 3), np.float32)
    c, s = np.cos(turn), np.sin(turn)
    points[list(CORNERS), :2] = CORNERS_IN_FACE @ np.array([[c, s], [-s, c]]) * scale + np.array(at)
    return points


@pytest.mark.parametrize(
    "turn, scale, at", [(0.0, 100, (30, 20)), (0.4, 80, (60, 30)), (-0.2, 260, (40, 40))]
)
def test_a_face_is_turned_upright_and_brought_to_size(turn, scale, at):
    points = face_points(turn, scale, at)
    picture = np.zeros((400, 400, 3), np.uint8)
    for number, corner in enumerate(CORNERS):
        x, y = np.rint(points[corner, :2]).astype(int)
        picture[y - 2 : y + 3, x - 2 : x + 3] = 100 + 30 * number
    chip = face_chip(picture, points)
    assert chip.shape == (150, 150, 3)
    wanted = (CORNERS_IN_FACE + 0.25) / 1.5 * 150
    for number, (x, y) in enumerate(np.rint(wanted).astype(int)):
        assert chip[y - 1 : y + 2, x - 1 : x + 2].max() > 0.8 * (100 + 30 * number)


def test_the_similarity_brings_points_back():
    source = face_points(0.7, 55.0, (12.0, 90.0))[list(CORNERS), :2].astype(np.float64)
    matrix = similarity(source, CORNERS_IN_FACE)
    np.testing.assert_allclose(source @ matrix[:, :2].T + matrix[:, 2], CORNERS_IN_FACE, atol=1e-6)


def test_drift_compares_the_ends_and_spread_all_pairs():
    line = np.zeros((9, 128))
    line[:, 0] = np.arange(9)
    times = np.arange(9) / 4
    assert drift(times, line, times).value == pytest.approx(6.0)
    assert spread(line[:3]) == pytest.approx((1 + 1 + 2) / 3)
    still = np.tile(line[:1], (9, 1))
    assert drift(times, still, times).value == spread(still) == 0.0


@pytest.mark.parametrize(
    "begin, end, told",
    [(0, 4, "the last third"), (5, 9, "the first third"), (3.5, 5.5, "the first and the last third")],
)
def test_drift_is_of_the_clips_thirds_and_missing_where_one_shows_nobody(begin, end, told):
    times = np.arange(begin, end, 0.25)
    line = np.tile(times[:, None], (1, 128))
    missing = drift(times, line, np.arange(0, 9, 0.04))
    assert isinstance(missing, Missing) and missing.reason is Reason.NO_FACE and missing.detail.endswith(told)
    seen = np.concatenate([[0.0], times, [8.9]])
    assert drift(seen, np.tile(seen[:, None], (1, 128)), np.arange(0, 9, 0.04)).value > 4


def world(n: int = 25, scale: float = 60.0, presence: float = 1.0):
    from types import SimpleNamespace

    import cv2

    points = np.stack([face_points(0.0, scale, (50.0, 50.0))] * n)
    track = Track(
        frames=np.arange(n),
        boxes=np.tile(np.array([[50, 50, 110, 110]], np.float32), (n, 1)),
        scores=np.ones(n, np.float32),
        landmarks=points,
        presence=np.full(n, presence, np.float32),
    )
    encoded = cv2.imencode(".jpg", texture(256, 256))[1].tobytes()
    regions = np.tile(np.array([[80.0, 80.0, 128.0]], np.float32), (n, 1))
    times = np.arange(n) / 25
    return SimpleNamespace(
        frames=Frames(times=times, width=200, height=200, shots=np.array([[0, n - 1]])),
        faces=Faces((track,)),
        crops=Crops(256, ((encoded,) * n,), (regions,)),
    )


class Means(torch.nn.Module):
    """Stands for dlib's network: mean colours of the halves of a face."""

    def forward(self, faces: torch.Tensor) -> torch.Tensor:
        return torch.cat([faces[..., :75].mean(dim=(2, 3)), faces[..., 75:].mean(dim=(2, 3))], dim=1) / 255


def with_net(tmp_path, net: object) -> Models:
    (tmp_path / "net.dat").touch()
    models = Models(LocalWeights(tmp_path / "net.dat", WEIGHTS))
    models.get(WEIGHTS, lambda: net)
    return models


def test_four_clear_faces_a_second_are_looked_at():
    track = world(50).faces.tracks[0]
    assert chosen(track, np.arange(50) / 25).tolist() == [0, 7, 13, 19, 25, 32, 38, 44]
    assert len(chosen(world(50, presence=0.2).faces.tracks[0], np.arange(50) / 25)) == 0


def test_one_face_does_not_drift_and_a_sample_without_picture_has_no_reference(tmp_path):
    found = METRIC.measure(world(), SAMPLE, with_net(tmp_path, Means()))
    assert found.scores["drift"].value == pytest.approx(0.0, abs=1e-6)
    assert found.scores["spread"].value == pytest.approx(0.0, abs=1e-6)
    missing = found.scores["reference"]
    assert isinstance(missing, Missing) and missing.reason is Reason.NO_REFERENCE


@pytest.mark.parametrize(
    "clip, reason",
    [
        (world(1), Reason.TOO_SHORT),
        (world(presence=0.1), Reason.TOO_SHORT),
        (world(scale=15.0), Reason.TOO_SMALL),
    ],
)
def test_bad_input_has_a_reason(tmp_path, clip, reason):
    with pytest.raises(MissingError) as raised:
        METRIC.measure(clip, SAMPLE, with_net(tmp_path, Means()))
    assert raised.value.missing.reason is reason


def two_faces(second_from: int, scale: float = 60.0, first_from: int = 0):
    """Return 50 frames: a face in 25 of them, and another from a frame on, for 20 frames."""
    from types import SimpleNamespace

    import cv2

    one, other = world(25), world(20, scale=scale)
    first, later = one.faces.tracks[0], other.faces.tracks[0]
    dark = cv2.imencode(".jpg", texture(256, 256) // 2)[1].tobytes()
    return SimpleNamespace(
        frames=Frames(times=np.arange(50) / 25, width=200, height=200, shots=np.array([[0, 24], [25, 49]])),
        faces=Faces(
            (
                replace(first, frames=first.frames + first_from),
                replace(later, frames=later.frames + second_from),
            )
        ),
        crops=Crops(256, (one.crops.jpegs[0], (dark,) * 20), (one.crops.regions[0], other.crops.regions[0])),
    )


def test_whoever_is_seen_after_a_cut_counts_and_whoever_stands_beside_does_not(tmp_path):
    models = with_net(tmp_path, Means())
    after = METRIC.measure(two_faces(second_from=28), SAMPLE, models)
    assert after.scores["drift"].value > 0.1
    beside = METRIC.measure(two_faces(second_from=5), SAMPLE, models)
    assert beside.scores["spread"].value == pytest.approx(0.0, abs=1e-6)
    missing = beside.scores["drift"]
    assert isinstance(missing, Missing) and missing.reason is Reason.NO_FACE
    assert missing.detail == "nobody is seen clearly in the last third"


@pytest.mark.parametrize("overlap", [1, 3, 5])
def test_a_face_that_is_there_before_a_longer_one_ends_counts_from_then_on(tmp_path, overlap):
    models = with_net(tmp_path, Means())
    times, found = clip_descriptors(two_faces(second_from=25 - overlap), Means(), "cpu")
    whose = np.abs(found - found[0]).max(axis=1) > 0.05
    assert whose.any() and not (whose & (times < 1.0 - 1e-6)).any() and whose[times >= 1.0 - 1e-6].all()
    assert METRIC.measure(two_faces(second_from=25 - overlap), SAMPLE, models).scores["drift"].value > 0.1


def test_a_face_that_is_left_alone_for_less_than_three_looks_does_not_count():
    times, _ = clip_descriptors(two_faces(second_from=15), Means(), "cpu")
    assert times.max() < 1.0


def test_moments_are_in_the_order_of_time_not_of_length(tmp_path):
    early = two_faces(second_from=0, first_from=25)
    times, found = clip_descriptors(early, Means(), "cpu")
    assert np.all(np.diff(times) > 0)
    whose = np.abs(found - found[-1]).max(axis=1) > 0.05
    assert (whose == (times < 0.9)).all() and whose.any()
    curve = METRIC.measure(early, SAMPLE, with_net(tmp_path, Means())).evidence.curves[0]
    assert list(curve.t) == sorted(curve.t) and curve.y[0] == 0.0 < curve.y[-1]


def test_a_small_face_after_a_cut_is_left_out_and_covers_nobody(tmp_path):
    small = two_faces(second_from=28, scale=15.0)
    found = METRIC.measure(small, SAMPLE, with_net(tmp_path, Means()))
    assert found.scores["spread"].value == pytest.approx(0.0, abs=1e-6)
    assert isinstance(found.scores["drift"], Missing)
    clear = two_faces(second_from=29)
    small.faces = Faces((*small.faces.tracks, clear.faces.tracks[1]))
    small.crops = Crops(
        256,
        (*small.crops.jpegs, clear.crops.jpegs[1]),
        (*small.crops.regions, clear.crops.regions[1]),
    )
    assert METRIC.measure(small, SAMPLE, with_net(tmp_path, Means())).scores["drift"].value > 0.1

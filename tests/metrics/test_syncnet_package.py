"""Five real clips through the pipeline of the package `syncnet-python` itself, and its crops through ours.

Needs `pip install --no-deps syncnet-python==0.2.3 "scenedetect<0.7" ffmpeg-python future` and `ffmpeg` on PATH. The
weights are random, of the true shapes; in place of S3FD, whose weights cannot be had, stand the suite's face boxes.
Compared are crops, MFCC, embeddings, distances, and what comes of them: LSE-C, LSE-D and the offset.
"""

from __future__ import annotations

import importlib
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from syncnet_random import random_state

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics import syncnet_features
from uniavgen_bench.metrics.lipsync_lse import SPEC
from uniavgen_bench.metrics.syncnet_tracks import embed
from uniavgen_bench.validity.lse_step_media import cut
from uniavgen_bench.weights.models import Models

CLIPS = (
    "grid_lipnet/evaluation_samples_GRID_bbaf2n.mpg",
    "grid_lipnet/evaluation_samples_GRID_lwbsza.mpg",
    "latentsync/assets_demo1_video.mp4",
    "mochabench/1p_closeup_facingcamera_10_woman_doctor.mp4",
    "mochabench/1p_protrait_15_man_butcher_thumbs_up.mp4",
)
SECONDS = 2.2

pytestmark = [pytest.mark.shared, pytest.mark.weights]


class OurBoxes:
    """Stands where the package asks its face detector: the boxes of our longest track, frame by frame at 25 fps."""

    def __init__(self, clip: AnalysedClip) -> None:
        track = clip.faces.tracks[0]
        grid = syncnet_features.frame_grid(clip.frames.times[track.frames])
        self.first, self.boxes, self.asked = grid.first, track.boxes[grid.index], -1

    def detect_faces(self, picture, conf_th, scales):
        self.asked += 1
        at = self.asked - self.first
        return np.array([[*self.boxes[at], 0.99]]) if 0 <= at < len(self.boxes) else np.empty((0, 5))

    @property
    def given(self) -> np.ndarray:
        """The boxes [n, 4] that were given out."""
        return self.boxes[: max(0, self.asked - self.first + 1)]


@pytest.fixture(scope="module")
def package():
    pytest.importorskip("syncnet_python", reason="the package syncnet-python is not installed")
    if shutil.which("ffmpeg") is None:
        pytest.skip("the package needs ffmpeg on PATH")
    return importlib.import_module("syncnet_python.syncnet_pipeline")


@pytest.fixture(scope="module")
def net():
    import torch

    from uniavgen_bench.metrics.syncnet_network import SyncNet

    torch.set_num_threads(1)
    network = SyncNet()
    network.load_state_dict(random_state())
    return network.eval()


@pytest.fixture
def written(package, monkeypatch):
    """The crops that the package writes, before its codecs touch them."""
    pictures: list[np.ndarray] = []
    real = package.cv2.VideoWriter

    class Recorder:
        def __init__(self, *given):
            self.writer = real(*given)

        def write(self, picture):
            pictures.append(picture.copy())
            self.writer.write(picture)

        def release(self):
            self.writer.release()

    monkeypatch.setattr(package.cv2, "VideoWriter", Recorder)
    return pictures


@pytest.mark.parametrize("name", CLIPS)
def test_the_packages_own_crops_give_its_own_numbers(
    name, package, net, shared, weights_home, tmp_path, capfd, written
):
    import cv2
    import torch
    from scipy.io import wavfile

    source = tmp_path / f"short{Path(name).suffix}"
    cutting = ["ffmpeg", "-v", "error", "-i", str(shared / "clips" / name), "-t", str(SECONDS)]
    subprocess.run([*cutting, "-c", "copy", str(source)], check=True)
    clip = AnalysedClip(source, Sample(id="a"), Store(tmp_path / "store"), Models(weights_home))
    clip.ensure(SPEC.needs)

    model = importlib.import_module("syncnet_python.SyncNetModel").S()
    model.load_state_dict(net.state_dict(), strict=True)
    pipeline = object.__new__(package.SyncNetPipeline)
    pipeline.cfg, pipeline.device, pipeline.s3fd = package.PipelineConfig(), "cpu", OurBoxes(clip)
    pipeline.syncnet = package.SyncNetInstance(net=model, device="cpu")
    offsets, confidences, distances, *_ = pipeline.inference(str(source), cache_dir=str(tmp_path / "work"))
    assert len(offsets) == 1

    # The same boxes on the same pictures are cut to the same crops, pixel for pixel.
    squares = syncnet_features.crop_squares(pipeline.s3fd.given)
    shown = sorted((tmp_path / "work/frames").glob("*.jpg"))[pipeline.s3fd.first :][: len(written)]
    assert len(written) == len(squares) == len(shown) > 50
    for picture, square, path in zip(written, squares, shown, strict=True):
        np.testing.assert_array_equal(cut(cv2.imread(str(path)), square), picture)

    folder = tmp_path / "work/cropped/crop_00000"
    crops = np.stack([cv2.imread(str(p)) for p in sorted(folder.glob("*.jpg"))])
    sound = wavfile.read(folder / "audio.wav")[1].astype(np.float32) / 32768
    heard = min(len(crops), len(sound) // 640)
    lips, heard_as = embed(net, crops[:heard], syncnet_features.mfcc(sound), "cpu")
    distances_over_shifts = syncnet_features.shifted_distances(lips, heard_as)
    ours = syncnet_features.lse_of(distances_over_shifts)
    assert ours.offset == offsets[0]
    assert abs(ours.confidence - confidences[0]) < 1e-3
    assert abs(ours.distance - distances[0]) < 1e-3

    instance = importlib.import_module("syncnet_python.SyncNetInstance")
    integers = wavfile.read(folder / "audio.wav")[1]
    coefficients = np.stack(instance.python_speech_features.mfcc(integers, 16_000))
    np.testing.assert_allclose(syncnet_features.mfcc(sound), coefficients.T, atol=1e-4)
    window = slice(7, 12)
    with torch.inference_mode():
        pictures = torch.from_numpy(crops[window].astype(np.float32)).permute(3, 0, 1, 2)[None]
        seven = torch.from_numpy(coefficients.T[:, 28:48].astype(np.float32))[None, None]
        assert np.abs(model.forward_lip(pictures).numpy() - lips[7]).max() < 1e-4
        assert np.abs(model.forward_aud(seven).numpy() - heard_as[7]).max() < 1e-4
        theirs = instance.calc_pdist(torch.from_numpy(lips), torch.from_numpy(heard_as), vshift=15)
    np.testing.assert_allclose(distances_over_shifts, torch.stack(theirs).numpy(), atol=1e-4)

    own = syncnet_features.face_crops(
        clip.crops, 0, *_our_squares(clip, len(crops))
    )  # same boxes, but without the package's JPEGs and MPEG-4
    difference = np.abs(own.astype(int) - crops[: len(own)]).mean()
    with capfd.disabled():
        print(
            f"\n{name}: |LSE-C| {abs(ours.confidence - confidences[0]):.1e}, |LSE-D| "
            f"{abs(ours.distance - distances[0]):.1e}; crops differ by {difference:.2f} of 255"
        )
    assert difference < 8, "the package cut something else"


def _our_squares(clip: AnalysedClip, limit: int):
    track = clip.faces.tracks[0]
    grid = syncnet_features.frame_grid(clip.frames.times[track.frames])
    squares = syncnet_features.crop_squares(track.boxes[grid.index])
    return grid.index[:limit], squares[:limit]

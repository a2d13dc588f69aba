"""Five real clips through the pipeline of the package `syncnet-python` itself, and its crops through ours.

Needs `pip install --no-deps syncnet-python==0.2.3 "scenedetect<0.7" ffmpeg-python future` and `ffmpeg` on PATH. The
weights are random, of the true shapes; in place of S3FD, whose weights cannot be had, stand the suite's face boxes.
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


@pytest.mark.parametrize("name", CLIPS)
def test_the_packages_own_crops_give_its_own_numbers(
    name, package, net, shared, weights_home, tmp_path, capfd
):
    import cv2
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

    folder = tmp_path / "work/cropped/crop_00000"
    crops = np.stack([cv2.imread(str(p)) for p in sorted(folder.glob("*.jpg"))])
    sound = wavfile.read(folder / "audio.wav")[1].astype(np.float32) / 32768
    heard = min(len(crops), len(sound) // 640)
    lips, heard_as = embed(net, crops[:heard], syncnet_features.mfcc(sound), "cpu")
    ours = syncnet_features.lse_of(syncnet_features.shifted_distances(lips, heard_as))
    assert ours.offset == offsets[0]
    assert abs(ours.confidence - confidences[0]) < 1e-3
    assert abs(ours.distance - distances[0]) < 1e-3

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

"""Seconds per 5 s clip of the lip-sync and motion metrics once artefacts are there. One thread, weights loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics import lipsync_mouth_audio, video_motion
from uniavgen_bench.metrics.lipsync_speaking import speaking_scores
from uniavgen_bench.metrics.syncnet_tracks import embed
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

pytestmark = [pytest.mark.shared, pytest.mark.weights]
SAMPLE = Sample(id="clip")


@pytest.fixture(scope="module")
def models(weights_home: WeightLocator) -> Models:
    import torch

    torch.set_num_threads(1)
    return Models(weights_home)


@pytest.fixture(scope="module")
def clip(shared: Path, models: Models, tmp_path_factory: pytest.TempPathFactory) -> AnalysedClip:
    path = shared / "clips/uniavgen_page/task4_t4_2_.mp4"
    analysed = AnalysedClip(path, SAMPLE, Store(tmp_path_factory.mktemp("store")), models)
    analysed.ensure(lipsync_mouth_audio.SPEC.needs + video_motion.SPEC.needs)
    return analysed


def test_mouth_audio(benchmark: BenchmarkFixture, clip: AnalysedClip, models: Models) -> None:
    result = benchmark(lipsync_mouth_audio.measure, clip, SAMPLE, models)
    assert result.scores


def test_motion(benchmark: BenchmarkFixture, clip: AnalysedClip, models: Models) -> None:
    result = benchmark(video_motion.measure, clip, SAMPLE, models)
    assert result.scores


def test_syncnet_on_35_frames_with_random_weights(benchmark: BenchmarkFixture) -> None:
    from uniavgen_bench.metrics.syncnet_network import SyncNet

    rng = np.random.default_rng(0)
    crops = rng.integers(0, 255, (35, 224, 224, 3)).astype(np.uint8)
    coefficients = rng.normal(0, 1, (13, 139)).astype(np.float32)
    lips, sound = benchmark.pedantic(embed, (SyncNet().eval(), crops, coefficients, "cpu"), rounds=1)
    assert lips.shape == sound.shape == (30, 1024)


def test_speaking_of_126_frames_with_random_weights(benchmark: BenchmarkFixture) -> None:
    from uniavgen_bench.metrics.light_asd_network import LightAsd

    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (126, 112, 112)).astype(np.uint8)
    coefficients = rng.normal(0, 1, (504, 13)).astype(np.float32)
    given = (LightAsd().eval(), pictures, coefficients, "cpu")
    scores = benchmark.pedantic(speaking_scores, given, rounds=1)
    assert scores.shape == (126,)

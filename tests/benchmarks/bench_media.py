"""Speed of decoding: five seconds of 720p with sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from uniavgen_bench.media.decode import audio, frame_times, video_frames
from uniavgen_bench.media.mux import replace_audio, write_clip
from uniavgen_bench.media.probe import probe

SECONDS, FPS = 5, 25


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip with texture that moves, at a bit rate like that of a real one."""
    path = tmp_path_factory.mktemp("bench") / "clip.mp4"
    rng = np.random.default_rng(0)
    texture = np.kron(rng.integers(0, 255, (125, 200, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    frames = (texture[2 * i : 2 * i + 720, 2 * i : 2 * i + 1280] for i in range(SECONDS * FPS))
    sound = rng.normal(0, 0.1, (2, 48_000 * SECONDS)).astype(np.float32)
    write_clip(path, frames, Fraction(FPS), sound, 48_000)
    return path


def test_decode_without_pixels(benchmark: BenchmarkFixture, clip: Path) -> None:
    assert len(benchmark.pedantic(frame_times, args=(clip,), rounds=3)) == SECONDS * FPS


def test_decode_to_rgb(benchmark: BenchmarkFixture, clip: Path) -> None:
    def images() -> int:
        return sum(1 for frame in video_frames(clip) if frame.image.shape == (720, 1280, 3))

    assert benchmark.pedantic(images, rounds=3) == SECONDS * FPS


def test_decode_sound_at_16_khz(benchmark: BenchmarkFixture, clip: Path) -> None:
    sound = benchmark.pedantic(audio, args=(clip,), kwargs={"rate": 16_000}, rounds=3)
    assert sound.samples.shape == (16_000 * SECONDS,)


def test_probe(benchmark: BenchmarkFixture, clip: Path) -> None:
    assert benchmark.pedantic(probe, args=(clip,), rounds=3).problems == ()


def test_exchange_of_sound(benchmark: BenchmarkFixture, clip: Path, tmp_path: Path) -> None:
    sound = np.zeros(16_000 * SECONDS, np.float32)
    benchmark.pedantic(replace_audio, args=(clip, sound, 16_000, 0.0, tmp_path / "out.mp4"), rounds=3)
    assert probe(tmp_path / "out.mp4").video_sha256 == probe(clip).video_sha256

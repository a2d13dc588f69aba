"""Motion against pictures whose speed is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from uniavgen_bench.analysis.artefacts import Frames, Thumbnails
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.video_motion import METRIC, STATIC_BELOW

RATE = 8.0


def texture(height: int, width: int) -> np.ndarray:
    import cv2

    noise = np.random.default_rng(4).normal(0, 1, (height, width)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    return np.clip(128 + 45 * smooth / smooth.std(), 0, 255).astype(np.uint8)


def clip_of(pictures: list[np.ndarray], *, quality: int = 90, rate: float = RATE, cuts: tuple[int, ...] = ()):
    import cv2

    n = len(pictures)
    starts = [0, *cuts]
    shots = np.array([[a, b - 1] for a, b in zip(starts, [*starts[1:], n], strict=True)])
    jpegs = tuple(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes() for p in pictures)
    times = np.arange(n) / rate
    return SimpleNamespace(
        frames=Frames(times=times, width=pictures[0].shape[1], height=pictures[0].shape[0], shots=shots),
        thumbnails=Thumbnails(frames=np.arange(n), times=times, jpegs=jpegs),
    )


def scores(clip) -> dict[str, float]:
    return {k: v.value for k, v in METRIC.measure(clip, Sample(id="a"), None).scores.items()}


def pan(pixels: float, n: int = 9, height: int = 144, width: int = 256) -> list[np.ndarray]:
    import cv2

    world = texture(height, width + 200)
    matrices = [np.array([[1, 0, -pixels * i], [0, 1, 0]], dtype=np.float64) for i in range(n)]
    return [cv2.warpAffine(world, m, (width + 200, height))[:, : width - 0] for m in matrices]


@pytest.mark.parametrize("pixels", [0.5, 2.0, 5.0])
def test_pan_of_known_speed_is_measured_within_five_percent(pixels):
    found = scores(clip_of(pan(pixels)))
    assert found["motion"] == pytest.approx(pixels / 144 * 100 * RATE, rel=0.05)
    assert found["static"] == 0.0


def test_speed_depends_on_time_and_size_not_on_pictures_per_second():
    assert scores(clip_of(pan(4.0), rate=4.0))["motion"] == pytest.approx(
        scores(clip_of(pan(2.0)))["motion"], rel=0.05
    )


def test_still_clip_is_static():
    found = scores(clip_of([texture(144, 256)] * 8))
    assert found["motion"] < 0.05
    assert found["static"] == 1.0


def test_coding_noise_alone_does_not_make_a_clip_move():
    rng = np.random.default_rng(1)
    still = texture(144, 256).astype(float)
    pictures = [np.clip(still + rng.normal(0, 2, still.shape), 0, 255).astype(np.uint8) for _ in range(8)]
    found = scores(clip_of(pictures, quality=60))
    assert found["peak"] < STATIC_BELOW
    assert found["static"] == 1.0


def test_a_small_moving_part_is_not_static():
    pictures = []
    for i in range(10):
        picture = texture(144, 256)
        patch = texture(60, 80)
        top = 40 + round(3 * np.sin(i * 1.5))
        picture[top : top + 60, 90:170] = patch
        pictures.append(picture)
    found = scores(clip_of(pictures))
    assert found["static"] == 0.0
    assert found["motion"] < found["peak"]


def test_a_cut_is_not_motion():
    first, second = texture(144, 256), texture(144, 256)[::-1].copy()
    with_cut = scores(clip_of([first] * 5 + [second] * 5, cuts=(5,)))
    assert with_cut["static"] == 1.0
    assert scores(clip_of([first] * 5 + [second] * 5))["peak"] > with_cut["peak"] + 1


def test_too_few_pictures_give_too_short():
    with pytest.raises(MissingError) as raised:
        METRIC.measure(clip_of([texture(144, 256)] * 3), Sample(id="a"), None)
    assert raised.value.missing.reason is Reason.TOO_SHORT

"""Frames a second of the portrait renderer at 128 px, one thread; wanted: 60 on two cores, so 33 ms a frame on one."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from uniavgen_bench.datasets.portraits.anatomy import anatomy_of
from uniavgen_bench.datasets.portraits.bust_volume import build_volume
from uniavgen_bench.datasets.portraits.head_params import DOMAINS, Domain, sample_head
from uniavgen_bench.datasets.portraits.idle_motion import frame_times, talking
from uniavgen_bench.datasets.portraits.render import HeadRenderer
from uniavgen_bench.datasets.portraits.visemes import Sound

FRAMES = 8
SAID = [Sound("aa", 0.0, 0.15), Sound("PP", 0.15, 0.25), Sound("ou", 0.25, 0.5)]


def test_build_one_identity(benchmark: BenchmarkFixture) -> None:
    head = sample_head(4)
    volume = benchmark.pedantic(build_volume, args=(head, anatomy_of(head, "plain")), rounds=3)
    assert volume.nodes.shape[0] > 10_000


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("size", [64, 128, 256])
def test_eight_frames(benchmark: BenchmarkFixture, domain: Domain, size: int) -> None:
    renderer = HeadRenderer.build(sample_head(4), size, domain)
    states = talking(4, SAID, frame_times(FRAMES, 16.0))
    rendered = benchmark.pedantic(renderer.draw, args=(states,), rounds=3, warmup_rounds=1)
    assert len(rendered.pictures) == FRAMES

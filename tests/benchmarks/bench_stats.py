"""Summaries of a large run: 6 systems x 12 metrics x 10,000 samples."""

from __future__ import annotations

from pytest_benchmark.fixture import BenchmarkFixture
from report.fake_run import fake_scores

from uniavgen_bench.stats.summary import summarise


def test_ten_thousand_samples_of_six_systems(benchmark: BenchmarkFixture) -> None:
    frame, specs, clips = fake_scores(10_000, systems=6, metrics=12)
    found = benchmark.pedantic(summarise, args=(frame, specs, clips), rounds=3, warmup_rounds=1)
    assert len(found) == 72

"""Summaries and verdicts of a large run: 6 systems x 12 metrics x 10,000 samples."""

from __future__ import annotations

import resource
from typing import Literal

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from report.fake_run import fake_scores

from uniavgen_bench.core.comparison import CompareBlock, RunStats
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.stats.comparison import compare_run
from uniavgen_bench.stats.grid import score_grid
from uniavgen_bench.stats.summary import Summary, summarise, summarise_grid

SYSTEMS = tuple(SystemInfo(id=f"sys{i}", use="made-up") for i in range(6))


def test_ten_thousand_samples_of_six_systems(benchmark: BenchmarkFixture) -> None:
    frame, specs, clips = fake_scores(10_000, systems=6, metrics=12)
    found = benchmark.pedantic(summarise, args=(frame, specs, clips), rounds=3, warmup_rounds=1)
    assert len(found) == 72


@pytest.mark.parametrize("test", ["wilcoxon", "paired_permutation"])
@pytest.mark.parametrize("baseline", ["sys0", None])
def test_verdicts_and_summaries_of_ten_thousand_samples_in_a_minute(
    benchmark: BenchmarkFixture, baseline: str | None, test: Literal["wilcoxon", "paired_permutation"]
) -> None:
    frame, specs, clips = fake_scores(10_000, systems=6, metrics=12)
    block = CompareBlock(baseline=baseline, test=test)

    def all_of_it() -> tuple[tuple[Summary, ...], RunStats]:
        grid = score_grid(frame, specs, clips)
        summaries = summarise_grid(grid, clips, systems=SYSTEMS)
        return summaries, compare_run(grid, clips, SYSTEMS, block, seed=2025)

    summaries, stats = benchmark.pedantic(all_of_it, rounds=1)
    assert len(summaries) == 72
    assert len(stats.paired) == 12 * (5 if baseline else 15)
    assert benchmark.stats is not None
    seconds = benchmark.stats.stats.max
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\n{test}, baseline {baseline}: {seconds:.1f} s, peak memory {gigabytes:.2f} GiB")
    assert seconds < 60
    assert gigabytes < 2

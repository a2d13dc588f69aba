"""What scoring costs: all six metrics on one clip of 5 s at 720p, once models are loaded, by metric and in all.

Times are of one process with one thread; a run uses a process per processor. Target: 2 x real time on two.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.api import DEFAULT_METRICS
from uniavgen_bench.core.registry import METRICS, Registry
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.score_clip import score_clip
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

pytestmark = [pytest.mark.shared, pytest.mark.weights]


@pytest.fixture(scope="module")
def measure(
    shared: Path, weights_home: WeightLocator, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[tuple[str, ...]], None]:
    """Score a real clip of 5 s, 1280 x 736, at 16 frames/s, with a fresh store each time."""
    path = shared / "clips" / "uniavgen_page" / "task3_t3_1_.mp4"
    reference = shared / "clips" / "uniavgen_page" / "task3_t3_2_.mp4"
    sample = Sample(id="a", speech="this is what somebody says in the clip", reference_audio=reference)
    models = Models(weights_home, threads=1)
    registry = Registry(METRICS, "metric", Metric)
    folder, number = tmp_path_factory.mktemp("stores"), itertools.count()

    def score(names: tuple[str, ...]) -> None:
        store = Store(folder / str(next(number)))
        clip = AnalysedClip(path, sample, store, models)
        metrics = [registry.load(name) for name in names]
        clip.ensure([artefact for metric in metrics for artefact in metric.spec.needs])
        for metric in metrics:
            score_clip(metric, clip, sample, models, store)

    return score


@pytest.mark.parametrize(
    "names", [DEFAULT_METRICS, *[(n,) for n in DEFAULT_METRICS]], ids=lambda n: n[0] if len(n) == 1 else "all"
)
def test_seconds_for_a_clip_of_five_seconds(
    benchmark: BenchmarkFixture, measure: Callable[[tuple[str, ...]], None], names: tuple[str, ...]
) -> None:
    benchmark.pedantic(measure, args=(names,), rounds=3, warmup_rounds=1)

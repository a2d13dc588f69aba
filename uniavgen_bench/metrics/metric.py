"""A metric: declared facts beside a pure function of artefacts.

A package adds a metric by an entry point in the group `uniavgen_bench.metrics` that names a `Metric` object; the
name of the entry point is the name used in suites, normally the metric's id. The module must import fast: heavy
packages are imported inside `measure` or in a loader that it gives to `Models.get`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.core.result import Measurement
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.weights.models import Models


@dataclass(frozen=True)
class Metric:
    """The facts and the function of a metric.

    `measure(clip, sample, models)` gives a `Score` or `Missing` for every declared field, or raises
    `MissingError` when no field can have one. It must not depend on other clips, on order, or on time.
    `code`: bump it when a repair changes numbers without changing what is measured; it is part of the cache key.
    `settings` gives parameters that are known only when a run starts (which judge is asked); it must be cheap and give
    no secret, because what it gives stands in the run's lock beside `params`.
    """

    spec: MetricSpec
    measure: Callable[[ClipArtefacts, Sample, Models], Measurement]
    params: tuple[tuple[str, Any], ...] = ()
    code: int = 1
    settings: Callable[[], tuple[tuple[str, Any], ...]] | None = None

    @property
    def parameters(self) -> tuple[tuple[str, Any], ...]:
        """All that the numbers depend on beside code and weights: `params`, then what `settings` gives now."""
        return (*self.params, *(self.settings() if self.settings is not None else ()))

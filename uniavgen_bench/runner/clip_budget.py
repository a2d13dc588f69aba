"""How long the metrics of a clip may take that is tried metric by metric."""

from __future__ import annotations

from dataclasses import dataclass

from uniavgen_bench.core.result import Missing, Reason

ONE = 0.5
"""Share of the time of a clip that one metric may take."""
ALL = 2.0
"""Share of the time of a clip that all its metrics may take together."""
CLIP_LATE = Missing(Reason.TIMEOUT, "the clip took longer than allowed")
METRIC_LATE = Missing(Reason.TIMEOUT, "its share of the clip's time, metric by metric, was up")


@dataclass
class ClipBudget:
    """The time of one clip's metrics; each that hangs costs its share. `timeout`: s that a clip may take as a whole."""

    timeout: float
    spent: float = 0.0

    @property
    def left(self) -> float:
        """Seconds that the next metric may take; 0 when all time is spent."""
        return max(0.0, min(ONE * self.timeout, ALL * self.timeout - self.spent))

    def spend(self, seconds: float) -> None:
        """Take away what a metric took."""
        self.spent += seconds

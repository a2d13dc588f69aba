"""Which clips of a stage are handed out, tried again, scored metric by metric, or given up."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.core.sample import ClipKey
from uniavgen_bench.runner.clip_budget import CLIP_LATE, METRIC_LATE, ClipBudget
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.worker import failed_outcome, merge, parts_of

TRIES = 3
"""How often a clip, and then each of its metrics, is handed out when the worker that has it is lost."""


@dataclass(frozen=True)
class Attempt:
    """A clip that a worker has, or one metric of it; `whole` is the clip as it was planned."""

    work: ClipWork
    whole: ClipWork
    number: int = 1


class Attempts:
    """The clips of one stage; each comes back exactly once.

    A clip whose worker is lost is tried again as it is, because the machine may have been at fault; then metric by
    metric, so that only a metric that ends its worker every time has no score. A clip that takes too long is not
    tried again as a whole. `timeout`: s that a clip may take; its metrics have a budget (see `ClipBudget`).
    """

    def __init__(self, config: WorkerConfig, works: Sequence[ClipWork], timeout: float = math.inf) -> None:
        self._config, self._timeout = config, timeout
        self._budgets: dict[ClipKey, ClipBudget] = {}
        self._first = deque(Attempt(work, work) for work in works)
        self._again: deque[Attempt] = deque()
        self._parts: dict[ClipKey, list[ClipOutcome]] = {}
        self._left = len(works)

    @property
    def open(self) -> bool:
        """Whether a clip has not come back yet."""
        return self._left > 0

    def next(self) -> Attempt | None:
        """Return what to hand out next, what was lost first; None when all is handed out."""
        for queue in (self._again, self._first):
            if queue:
                return queue.popleft()
        return None

    def limit(self, attempt: Attempt) -> float:
        """Return the seconds that an attempt may take; 0 when the clip has none left."""
        return self._budget(attempt).left if attempt.work.part else self._timeout

    def spend(self, attempt: Attempt, seconds: float) -> None:
        """Take the seconds that an attempt took, before what came of it."""
        if attempt.work.part:
            self._budget(attempt).spend(seconds)

    def finished(self, attempt: Attempt, outcome: ClipOutcome) -> ClipOutcome | None:
        """Take an outcome; return that of the whole clip once it is complete."""
        if attempt.work is attempt.whole:
            self._left -= 1
            return outcome
        key = attempt.whole.key
        parts = self._parts.setdefault(key, [])
        parts.append(outcome)
        names = self._metrics(attempt.whole)
        if len(parts) < len(names):
            return None
        self._left -= 1
        del self._parts[key]
        self._budgets.pop(key, None)
        return merge(self._config, parts)

    def lost(self, attempt: Attempt, missing: Missing) -> ClipOutcome | None:
        """Take the reason why there is no outcome; return that of the whole clip when it is given up."""
        if missing.reason is not Reason.TIMEOUT and attempt.number < TRIES:
            self._again.append(replace(attempt, number=attempt.number + 1))
            return None
        names = self._metrics(attempt.whole)
        if attempt.work is attempt.whole and len(names) > 1:
            self._again.extend(Attempt(part, attempt.whole) for part in parts_of(self._config, attempt.whole))
            return None
        return self.finished(attempt, failed_outcome(self._config, attempt.work, missing))

    def late(self, attempt: Attempt) -> ClipOutcome | None:
        """Take that an attempt took too long, or has no time left to begin; return as `lost` does."""
        return self.lost(attempt, METRIC_LATE if attempt.work.part else CLIP_LATE)

    def _budget(self, attempt: Attempt) -> ClipBudget:
        return self._budgets.setdefault(attempt.whole.key, ClipBudget(self._timeout))

    def _metrics(self, work: ClipWork) -> tuple[str, ...]:
        return work.only_metrics or self._config.metrics

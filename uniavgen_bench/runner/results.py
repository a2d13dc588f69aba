"""What a run keeps of its clips until it ends, with one copy of what repeats from clip to clip."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from sys import intern

import numpy as np
import pandas as pd

from uniavgen_bench.core.result import Evidence, Missing, Score
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord
from uniavgen_bench.core.sample import ClipKey
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork
from uniavgen_bench.runner.score_clip import Scored

NO_EVIDENCE = Evidence()


class Results:
    """The outcomes of clips by their keys, and the seconds that each stage took over all of them.

    A worker's answer brings copies of its sample and of every name; kept as they come, ten thousand clips with fifteen
    metrics fill a gigabyte.
    """

    def __init__(self) -> None:
        self.timings: Counter[str] = Counter()
        self._outcomes: dict[ClipKey, ClipOutcome] = {}
        self._missing: dict[Missing, Missing] = {}

    def add(self, work: ClipWork, outcome: ClipOutcome) -> None:
        """Keep what the end of the run needs of a clip."""
        self.timings.update(outcome.timings)
        record = outcome.record
        if record.sample == work.sample:
            record = record.model_copy(update={"sample": work.sample, "system": work.key.system})
        scored = tuple(
            Scored(intern(s.metric), self._shared(s.scores), NO_EVIDENCE, s.seconds, s.cached)
            for s in outcome.scored
        )
        self._outcomes[work.key] = replace(
            outcome, record=record, scored=scored, timings={}, entries=(), notes=()
        )

    def ordered(self, keys: Sequence[ClipKey]) -> list[ClipOutcome]:
        """Return the outcomes in the order of keys."""
        return [self._outcomes[key] for key in keys]

    def _shared(self, scores: Mapping[str, Score | Missing]) -> dict[str, Score | Missing]:
        return {
            intern(name): self._missing.setdefault(score, score) if isinstance(score, Missing) else score
            for name, score in scores.items()
        }


def records_of(ordered: Sequence[ClipOutcome]) -> list[ClipRecord]:
    """Return what clips.jsonl says of each."""
    return [outcome.record for outcome in ordered]


def problems_of(ordered: Sequence[ClipOutcome]) -> tuple[str, ...]:
    """Return the lines of problems.log."""
    return tuple(f"{o.record.system}/{o.record.sample.id}: {p}" for o in ordered for p in o.problems)


def scores_table(ordered: Sequence[ClipOutcome], metrics: Sequence[str]) -> pd.DataFrame:
    """Return the rows of scores.parquet in the order of the plan, metrics in the order of the suite."""
    rows = []
    for outcome in ordered:
        record = outcome.record
        by_metric = {s.metric: s for s in outcome.scored}
        for metric in metrics:
            scored = by_metric[metric]
            for name, score in scored.scores.items():
                missing = isinstance(score, Missing)
                value = np.nan if isinstance(score, Missing) else score.value
                reason = str(score) if missing else ""
                rows.append((record.system, record.sample.id, record.repeat, metric, name, value, reason,
                             record.sha256 or "", round(scored.seconds, 4)))  # fmt: skip
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype({"value": "float64", "repeat": "int64"})

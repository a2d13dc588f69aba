"""The rows of entries as the statistics take them: what a run's report says of them is said again, by the same code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from uniavgen_bench.core.entry_files import EntryAggregate, EntryBody, EntrySystem
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord
from uniavgen_bench.core.sample import Sample, SystemInfo
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.summary import Summary, summarise


def info_of(system: EntrySystem, name: str | None = None) -> SystemInfo:
    """Return a system as a run knows it, under another name where one is given."""
    return SystemInfo(id=name or system.id, use=system.use, role=system.role, label=system.label)


def scores_of(
    parts: Mapping[str, tuple[EntryBody, EntrySystem]], metrics: Sequence[MetricSpec]
) -> tuple[pd.DataFrame, list[ClipRecord]]:
    """Return scores.parquet and clips.jsonl of systems of one or several entries, by the name that each shall have.

    Metrics are taken by their versioned name from each entry's own order.
    """
    rows: list[tuple[object, ...]] = []
    records: list[ClipRecord] = []
    wanted = {metric.name for metric in metrics}
    for name, (body, system) in parts.items():
        columns = [(m.name, f.name) for m in body.metrics for f in m.fields]
        kept = [i for i, (metric, _) in enumerate(columns) if metric in wanted]
        for clip in system.clips:
            sample = body.samples[clip.sample]
            facts = {body.cluster: sample.cluster} if body.cluster and sample.cluster else {}
            kept_sample = Sample(id=sample.id, facts=facts)
            records.append(
                ClipRecord(system=name, sample=kept_sample, repeat=clip.repeat, source="", sha256=clip.sha256)
            )
            for i in kept:
                score = clip.scores[i]
                number = isinstance(score, float)
                rows.append(
                    (name, sample.id, clip.repeat, *columns[i], score if number else float("nan"),
                     "" if number else str(score), clip.sha256 or "", 0.0)
                )  # fmt: skip
    table = pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype({"value": "float64", "repeat": "int64"})
    return table, records


def summaries_of(body: EntryBody) -> tuple[Summary, ...]:
    """Summarise the system and the controls of an entry from its rows alone."""
    scores, records = scores_of({system.id: (body, system) for system in body.systems}, body.metrics)
    infos = [info_of(system) for system in body.systems]
    return summarise(scores, body.metrics, records, systems=infos, cluster=body.cluster)


def aggregates_of(summaries: Sequence[Summary]) -> tuple[EntryAggregate, ...]:
    """Return summaries as an entry holds them."""
    found = []
    for s in summaries:
        interval = s.interval if isinstance(s.interval, Interval) else None
        found.append(
            EntryAggregate(
                system=s.system,
                metric=s.metric,
                field=s.field,
                attempted=s.attempted,
                scored=s.scored,
                mean=s.mean,
                median=s.median,
                sd=s.sd,
                low=interval.low if interval else None,
                high=interval.high if interval else None,
                level=interval.level if interval else None,
                method=interval.method
                if interval
                else s.interval.why
                if not isinstance(s.interval, Interval)
                else "",
            )
        )
    return tuple(found)

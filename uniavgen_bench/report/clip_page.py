"""The page of one clip: player, scores and their place, evidence, transcript, facts, and every missing reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import numpy as np

from uniavgen_bench.core.sample import Role
from uniavgen_bench.report.clip_details import container_facts, evidence_of, notes, sample_facts, transcripts
from uniavgen_bench.report.curves import drawable
from uniavgen_bench.report.delivered import clip_logs, delivered_facts
from uniavgen_bench.report.links import file_name, relative_url, without_paths
from uniavgen_bench.report.overview import anchor
from uniavgen_bench.report.place import Distribution, Place, distribution, place
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.grid import reason_sentence
from uniavgen_bench.stats.numbers import number, unit_text
from uniavgen_bench.stats.table import ARROWS, DIRECTION_TEXT, ROLE_TEXT


@dataclass(frozen=True)
class ScoreLine:
    """One field of the clip: a number with its place, or the reason why there is none."""

    field: str
    unit: str
    arrow: str
    direction: str
    sign: str
    value: str
    place: Place | None
    reason: str
    sentence: str
    detail: str


@dataclass(frozen=True)
class MetricScores:
    """The fields of one metric for the clip."""

    name: str
    anchor: str
    title: str
    lines: tuple[ScoreLine, ...]


@dataclass(frozen=True)
class Link:
    """A link to another clip's page."""

    page: str
    name: str
    value: str = ""


class ClipPages:
    """Makes the context of each clip's page; what all share is computed once."""

    def __init__(self, run: RunData) -> None:
        self.run = run
        grid = run.grid
        self.distributions: list[Distribution] = [
            distribution(grid.values[run.pool, i], column.field.direction)
            for i, column in enumerate(grid.columns)
        ]
        self.by_sample: dict[str, list[int]] = {}
        for clip, sample in enumerate(grid.sample):
            self.by_sample.setdefault(str(sample), []).append(clip)

    def context(self, clip: int) -> dict[str, Any]:
        """Return the context of one clip's page."""
        run = self.run
        record = run.record(clip)
        evidence, problem = evidence_of(run.directory, record)
        system = run.systems[run.system_number[clip]]
        metrics = self._metrics(clip)
        return {
            "manifest": run.manifest,
            "title": run.title,
            "sample": str(run.grid.sample[clip]),
            "repeat": int(run.grid.repeat[clip]),
            "system": system.label or system.id,
            "role_text": ROLE_TEXT[system.role],
            "is_control": system.role is not Role.SYSTEM,
            "record": record,
            "media": relative_url(record.media, up=2) if record else None,
            "poster": relative_url(record.poster, up=2) if record else None,
            "source": file_name(record.source) if record else "",
            "metrics": metrics,
            "missing_count": int(np.count_nonzero(np.isnan(run.grid.values[clip]))),
            "previous": self._neighbour(clip, -1),
            "following": self._neighbour(clip, 1),
            "siblings": self._siblings(clip),
            "beside": self._beside(clip),
            "pool_size": int(np.count_nonzero(run.pool)),
            "curves": drawable(evidence),
            "duration": record.duration if record else None,
            "transcripts": transcripts(evidence),
            "texts": notes(evidence),
            "evidence_problem": problem,
            "facts": sample_facts(record),
            "container": container_facts(record),
            "delivered": delivered_facts(run, clip),
            "logs": clip_logs(run, clip, up=2),
        }

    def _metrics(self, clip: int) -> list[MetricScores]:
        run = self.run
        return [
            MetricScores(
                name=name,
                anchor=anchor(name),
                title=run.column(columns[0]).spec.title,
                lines=_folded([self._line(clip, column) for column in columns]),
            )
            for name, columns in run.metric_columns.items()
        ]

    def _line(self, clip: int, column: int) -> ScoreLine:
        run = self.run
        field = run.column(column).field
        value = float(run.grid.values[clip, column])
        reason = detail = ""
        where = None
        if value != value:
            reason, detail = run.reason(clip, column)
        else:
            where = place(value, self.distributions[column], member=bool(run.pool[clip]))
        return ScoreLine(
            field=field.name,
            unit=unit_text(field.unit),
            arrow=ARROWS[field.direction],
            direction=DIRECTION_TEXT[field.direction],
            sign=field.sign,
            value=number(value, run.clip_digits[column]) if not reason else "",
            place=where,
            reason=reason,
            sentence=reason_sentence(reason) if reason else "",
            detail=without_paths(detail),
        )

    def _neighbour(self, clip: int, step: int) -> Link | None:
        other = clip + step
        grid = self.run.grid
        if not 0 <= other < len(grid.system) or grid.system[other] != grid.system[clip]:
            return None
        return Link(self.run.page_names[other], str(grid.sample[other]))

    def _beside(self, clip: int) -> str:
        """Return the address of the player with this clip, and beside it the baseline or the next system."""
        run = self.run
        mine, baseline = str(run.grid.system[clip]), run.stats.block.baseline if run.stats else None
        others = [str(run.grid.system[c]) for c in self.by_sample[str(run.grid.sample[clip])]]
        others = [name for name in dict.fromkeys(others) if name != mine]
        other = baseline if baseline in others else next(iter(others), None)
        asked = [("sample", str(run.grid.sample[clip])), ("system", mine)] + (
            [("system", other)] if other else []
        )
        asked += [("repeat", str(run.grid.repeat[clip]))] if run.grid.repeat[clip] else []
        return f"compare.html#{urlencode(asked)}"

    def _siblings(self, clip: int) -> list[Link]:
        """Return the same sample's other clips, in the order of the systems, with their first headline score."""
        run = self.run
        others = [c for c in self.by_sample[str(run.grid.sample[clip])] if c != clip]
        others.sort(key=lambda c: (int(run.system_number[c]), int(run.grid.repeat[c])))
        links = []
        for other in others:
            repeat = int(run.grid.repeat[other])
            links.append(
                Link(run.page_names[other], run.label(other) + (f" · repeat {repeat}" if repeat else ""))
            )
        return links


def _folded(lines: list[ScoreLine]) -> tuple[ScoreLine, ...]:
    """Say once what is missing from all fields for one and the same reason."""
    first = lines[0]
    if (
        len(lines) > 1
        and first.reason
        and all((x.reason, x.detail) == (first.reason, first.detail) for x in lines)
    ):
        return (replace(first, field=f"all {len(lines)} fields", unit="", arrow="", direction="", sign=""),)
    return tuple(lines)

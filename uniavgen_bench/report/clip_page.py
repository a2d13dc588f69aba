"""The page of one clip: player, scores and their place, evidence, transcript, facts, and every missing reason."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import ValidationError

from uniavgen_bench.core.run_files import ClipRecord, EvidenceData
from uniavgen_bench.core.sample import Role
from uniavgen_bench.report.curves import drawable
from uniavgen_bench.report.links import file_name, is_path, relative_url, without_paths
from uniavgen_bench.report.overview import anchor
from uniavgen_bench.report.place import Distribution, Place, distribution, place
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.transcript import Piece, compare
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


@dataclass(frozen=True)
class Transcript:
    """What a metric heard, beside what should be heard."""

    metric: str
    pieces: tuple[Piece, ...]


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
        evidence, problem = self._evidence(record)
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
            "pool_size": int(np.count_nonzero(run.pool)),
            "curves": drawable(evidence),
            "duration": record.duration if record else None,
            "transcripts": _transcripts(evidence),
            "texts": _texts(evidence),
            "evidence_problem": problem,
            "facts": _facts(record),
            "container": _container(record),
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

    def _evidence(self, record: ClipRecord | None) -> tuple[list[EvidenceData], str]:
        if record is None:
            return [], ""
        try:
            return self.run.directory.evidence(record), ""
        except FileNotFoundError:
            return [], "the evidence file is gone"
        except (OSError, json.JSONDecodeError, UnicodeDecodeError, ValidationError, TypeError):
            return [], "the evidence file is damaged"


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


COMPARED = (
    ("asked for, normalised", "heard, normalised"),
    ("asked for", "heard"),
    ("reference", "hypothesis"),
)
"""Names of texts that are compared word by word, the pair that a score was made of first."""


def _pair(item: EvidenceData) -> tuple[str, str] | None:
    return next((pair for pair in COMPARED if item.texts.keys() >= set(pair)), None)


def _transcripts(evidence: list[EvidenceData]) -> list[Transcript]:
    pairs = ((item, _pair(item)) for item in evidence)
    return [
        Transcript(item.metric, tuple(compare(item.texts[pair[0]], item.texts[pair[1]])))
        for item, pair in pairs
        if pair
    ]


def _texts(evidence: list[EvidenceData]) -> list[tuple[str, str, str]]:
    return [
        (item.metric, name, text)
        for item in evidence
        for name, text in item.texts.items()
        if name not in (_pair(item) or ())
    ]


def _facts(record: ClipRecord | None) -> list[tuple[str, str]]:
    if record is None:
        return []
    sample = record.sample
    rows = [(name, value) for name, value in sample.facts.items() if not is_path(value)]
    if sample.task:
        rows.insert(0, ("task", sample.task.value.replace("_", " ")))
    rows.append(("language", sample.language))
    rows += [
        (name, path.name)
        for name, path in (
            ("reference image", sample.image),
            ("reference audio", sample.reference_audio),
            ("condition audio", sample.condition_audio),
            ("condition video", sample.condition_video),
        )
        if path
    ]
    return rows


def _container(record: ClipRecord | None) -> list[tuple[str, str]]:
    if record is None:
        return []
    rows = [("file", file_name(record.source))]
    if record.duration is not None:
        rows.append(("length", f"{record.duration:.2f} s"))
    if record.width and record.height:
        rows.append(("picture", f"{record.width} × {record.height}"))
    if record.fps:
        rows.append(("frame rate", f"{record.fps:.3f}".rstrip("0").rstrip(".") + " fps"))
    if record.audio_rate:
        rows.append(("sound", f"{record.audio_rate / 1000:g} kHz"))
    if record.sha256:
        rows.append(("sha256", record.sha256))
    return rows

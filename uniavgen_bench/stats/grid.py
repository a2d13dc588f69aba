"""Scores as a dense table of clips by fields: each cell is a number, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import REASON_TEXT, Reason
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord
from uniavgen_bench.core.spec import FieldSpec, MetricSpec

ABSENT = "absent"
"""The reason of a score that a run should hold and does not: nobody measured it and nobody said why."""

KEY = ["system", "sample", "repeat"]


def reason_of(text: str) -> str:
    """Return the reason of `reason: detail`."""
    return text.split(":", 1)[0].strip()


def reason_sentence(reason: str) -> str:
    """Return the sentence that explains a reason to a reader."""
    if reason == ABSENT:
        return "the run holds no row for it: it did not finish"
    try:
        return REASON_TEXT[Reason(reason)]
    except ValueError:
        return "a reason that this version does not know"


@dataclass(frozen=True)
class Column:
    """One field of one metric."""

    spec: MetricSpec
    field: FieldSpec

    @property
    def metric(self) -> str:
        """The versioned name of the metric."""
        return self.spec.name

    @property
    def headline(self) -> bool:
        """Whether it is the field that stands in the summary table."""
        return self.field.name == self.spec.headline.name


@dataclass(frozen=True)
class ScoreGrid:
    """All scores of a run, clips [N] by columns [F], sorted by system, sample and repeat.

    `system` and `sample` [N] hold names, `repeat` [N] numbers, `record` [N] the position of the clip in the list of
    records or -1. `values` [N, F] is NaN where `reasons` [N, F] points into `reason_texts` (-1 beside a number).
    """

    system: NDArray[np.object_]
    sample: NDArray[np.object_]
    repeat: NDArray[np.int64]
    record: NDArray[np.int64]
    columns: tuple[Column, ...]
    values: NDArray[np.float64]
    reasons: NDArray[np.int32]
    reason_texts: tuple[str, ...]

    def rows_of(self, system: str) -> NDArray[np.int64]:
        """Return the rows of a system."""
        # A plain str would become a NumPy string, which loses NULs at its end.
        return np.flatnonzero(self.system == np.asarray(system, dtype=object))

    def count_reasons(self, rows: NDArray[np.int64], column: int) -> dict[str, int]:
        """Count the reasons of the missing values among some rows, most frequent first, then by name."""
        codes = self.reasons[rows, column]
        numbers, counts = np.unique(codes[codes >= 0], return_counts=True)
        found: dict[str, int] = {}
        for code, count in zip(numbers, counts, strict=True):
            name = reason_of(self.reason_texts[code])
            found[name] = found.get(name, 0) + int(count)
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def score_grid(scores: pd.DataFrame, specs: Sequence[MetricSpec], clips: Sequence[ClipRecord]) -> ScoreGrid:
    """Arrange the rows of scores.parquet into a grid; metrics that are not among `specs` are left out.

    A clip without a row for a declared field is missing by its own `problem`, else `absent`: every clip counts as
    attempted, whatever became of it.

    Raises:
        InputError: a column is absent, a clip or a row is there twice, or a value is neither number nor reason.
    """
    lacking = [name for name in SCORE_COLUMNS[:7] if name not in scores.columns]
    if lacking:
        raise InputError(f"the scores lack the column {lacking[0]!r}")
    for name in ("value", "repeat"):
        if len(scores) and not pd.api.types.is_numeric_dtype(scores[name]):
            raise InputError(f"the column {name!r} of the scores does not hold numbers")
    columns = tuple(Column(spec, field) for spec in specs for field in spec.fields)
    place = {(column.metric, column.field.name): i for i, column in enumerate(columns)}

    metric_codes, metrics = pd.factorize(scores["metric"])
    field_codes, fields = pd.factorize(scores["field"])
    lookup = np.full((len(metrics), len(fields)), -1, dtype=np.int64)
    for (metric, field), i in place.items():
        where = np.flatnonzero(np.asarray(metrics, dtype=object) == metric)
        here = np.flatnonzero(np.asarray(fields, dtype=object) == field)
        if where.size and here.size:
            lookup[where[0], here[0]] = i
    column = lookup[metric_codes, field_codes] if len(scores) else np.zeros(0, dtype=np.int64)
    known = column >= 0

    recorded = pd.DataFrame(
        {
            "system": [c.system for c in clips],
            "sample": [c.sample.id for c in clips],
            "repeat": [c.repeat for c in clips],
        },
        columns=KEY,
    )
    _refuse_twice(recorded, "the clip")
    scored = scores.loc[known]
    keys, row = _rows(recorded, scored[KEY])
    at = column[known]
    doubled = pd.Series(row * max(len(columns), 1) + at).duplicated().to_numpy()
    if doubled.any():
        raise InputError(f"the scores hold two rows for {_name(scored, doubled)}")

    given = scored["value"].to_numpy(dtype=float, na_value=np.nan)
    if np.isinf(given).any():
        raise InputError(f"the score of {_name(scored, np.isinf(given))} is infinite")
    texts = scored["reason"].fillna("").astype(str)
    both = ~np.isnan(given) & (texts != "").to_numpy()
    if both.any():
        raise InputError(f"{_name(scored, both)} has a number and a reason for having none")
    text_codes, unique_texts = pd.factorize(texts)
    reason_texts = [str(text) for text in unique_texts]
    record = _positions(keys, recorded)

    values = np.full((len(keys), len(columns)), np.nan)
    values[row, at] = given
    reasons = np.full(values.shape, -1, dtype=np.int32)
    reasons[row, at] = np.where(texts == "", -1, text_codes)
    unexplained = np.isnan(values) & (reasons < 0)
    for clip in np.flatnonzero(unexplained.any(axis=1)):
        text = (clips[record[clip]].problem if record[clip] >= 0 else "") or ABSENT
        if text not in reason_texts:
            reason_texts.append(text)
        reasons[clip, unexplained[clip]] = reason_texts.index(text)
    return ScoreGrid(
        system=keys["system"].to_numpy(dtype=object),
        sample=keys["sample"].to_numpy(dtype=object),
        repeat=keys["repeat"].to_numpy(dtype=np.int64),
        record=record,
        columns=columns,
        values=values,
        reasons=reasons,
        reason_texts=tuple(reason_texts),
    )


def _rows(recorded: pd.DataFrame, scored: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return all clips, sorted, and for each scored row the position of its clip."""
    both = pd.concat([recorded, scored], ignore_index=True) if len(scored) else recorded
    flat = np.zeros(len(both), dtype=np.int64)
    for name in KEY:
        code, unique = pd.factorize(both[name], sort=True)
        flat = flat * max(len(unique), 1) + code
    _, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    return both.iloc[list(first)].reset_index(drop=True), np.asarray(inverse[len(recorded) :], dtype=np.int64)


def _positions(keys: pd.DataFrame, recorded: pd.DataFrame) -> NDArray[np.int64]:
    """Return for each clip its position in the list of records, or -1."""
    known = {key: i for i, key in enumerate(_tuples(recorded))}
    return np.asarray([known.get(key, -1) for key in _tuples(keys)], dtype=np.int64)


def _tuples(frame: pd.DataFrame) -> Iterable[tuple[object, ...]]:
    return zip(*(frame[name].tolist() for name in KEY), strict=True)


def _name(scored: pd.DataFrame, chosen: NDArray[np.bool_]) -> str:
    row = scored.iloc[int(np.flatnonzero(chosen)[0])]
    return f"{row['metric']} {row['field']} of {row['sample']!r} by {row['system']!r}, repeat {row['repeat']}"


def _refuse_twice(frame: pd.DataFrame, what: str) -> None:
    twice = frame.duplicated()
    if twice.any():
        row = frame.iloc[int(np.flatnonzero(twice.to_numpy())[0])]
        raise InputError(
            f"{what} {row['sample']!r} by {row['system']!r}, repeat {row['repeat']}, is recorded twice"
        )

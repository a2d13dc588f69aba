"""Limits that a specification admits, units of changes, and computations that broke, in the verdicts of `validate`."""

from __future__ import annotations

import pandas as pd
import pytest

from uniavgen_bench.core.registry import METRICS, Registry
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.validity import study
from uniavgen_bench.validity.expect import (
    MetricExpectations,
    Separates,
    Unmoved,
    expectations_for,
    families,
    on_clips,
)
from uniavgen_bench.validity.verdict import admitted, checks_of, why_missing
from uniavgen_bench.validity.verdict_checks import StudyCheck, unmoved
from uniavgen_bench.validity.verdict_table import MetricTable


def admissions(expected: MetricExpectations) -> list[str]:
    kinds = ("separates", "follows", "falls", "unmoved", "answers")
    return [asked.admits for kind in kinds for asked in getattr(expected, kind) if asked.admits]


def test_what_admits_a_failure_stands_in_the_specification_of_a_metric_that_it_is_expected_of() -> None:
    registry = Registry(METRICS, "metric", Metric)
    declared = families()
    found: dict[tuple[str, str], bool] = {}
    for name in registry.names():
        spec = registry.load(name).spec
        expected = expectations_for(spec, name, declared)
        for words in admissions(expected) if expected is not None else ():
            said = bool(admitted(spec, StudyCheck(name="x", admits=words)))
            entry = (expected.name, words)  # type: ignore[union-attr]
            found[entry] = found.get(entry, False) or said
    assert found and not [entry for entry, said in found.items() if not said]


def test_a_limit_of_drawn_heads_excuses_nothing_on_real_clips() -> None:
    asked = [
        Separates(field="v", control="swapped-sound", admits="drawn heads", admits_on="portrait world"),
        Separates(field="v", control="still", admits="short clips"),
    ]
    expected = MetricExpectations(name="m", claims="x", separates=tuple(asked))
    assert admissions(on_clips(expected, "portrait world")) == ["drawn heads", "short clips"]
    assert admissions(on_clips(expected, "clips")) == ["short clips"]


def value_and_reason(said: float | str) -> tuple[float, str]:
    return (float("nan"), said) if isinstance(said, str) else (said, "")


def a_table(**columns: list[float | str]) -> MetricTable:
    """A table of one field `v`, each clip of its own cluster; a column is a change, a text why a value is missing."""
    field = FieldSpec(name="v", unit="", direction=Direction.HIGHER, meaning="a value")
    spec = MetricSpec(
        id="toy.v", version=1, title="v", summary="v", fields=(field,), needs=(Artefact.SPEECH,), tier=Tier.EMBEDDED,
        licence="none", source="a test",
    )  # fmt: skip
    rows = [
        (str(i), str(i), change.replace("_", "-"), spec.name, "v", *value_and_reason(v), 0.0)
        for change, values in columns.items()
        for i, v in enumerate(values)
    ]
    return MetricTable(spec, pd.DataFrame(rows, columns=list(study.COLUMNS)))


def test_changes_of_what_is_the_same_for_every_true_clip_are_measured_by_a_control() -> None:
    table = a_table(
        clean=[1.0] * 6, silence=[0.95, 0.96, 0.94] * 2, swapped_voice=[0.5, 0.6, 0.4, 0.5, 0.5, 0.5]
    )
    [check] = unmoved(table, Unmoved(by=("silence",), against="swapped-voice", within=0.25))
    assert check.passed and check.value == pytest.approx(0.1) and check.unit == "of the way to swapped-voice"
    [moved] = unmoved(table, Unmoved(by=("swapped-voice",), against="swapped-voice", within=0.25))
    assert moved.passed is False and moved.value == pytest.approx(1.0)
    assert unmoved(table, Unmoved(by=("silence",), against="still")) == []


def test_a_computation_that_broke_is_told_in_its_own_words() -> None:
    lost = a_table(clean=["failed: ZeroDivisionError: division by zero"] * 3 + ["silent: below -60 dBFS"])
    assert why_missing(lost) == (
        "making or scoring the clip failed: ZeroDivisionError: division by zero; the audio is silent"
    )
    half = a_table(clean=[1.0] * 4, still=["failed: ValueError: no", 1.0, "no_face", 1.0])
    [check] = [c for c in checks_of(MetricExpectations(name="m", claims="x"), half, (), "clips") if c.kind]
    assert check.passed is False and check.value == pytest.approx(7 / 8)
    assert "still: failed: ValueError: no" in check.detail
    assert checks_of(MetricExpectations(name="m", claims="x"), a_table(clean=[1.0] * 4), (), "clips") == ()

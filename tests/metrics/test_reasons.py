"""The reasons that a metric is said to be missing for are those that its code raises, and no others."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import ModuleType

import pytest

from uniavgen_bench.core.result import Measurement, Missing, MissingError, Reason
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.docs import built_in
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.reasons import OF_ARTEFACTS, raised, reasons_of

SOUND = {Reason.NO_AUDIO, Reason.BAD_AUDIO, Reason.SILENT}


@pytest.fixture(scope="module")
def metrics() -> dict[str, Metric]:
    """The metrics of the package."""
    return built_in()


def too_short() -> None:
    raise MissingError(Reason.TOO_SHORT, "by a function that is used")


def too_small() -> None:
    raise MissingError(Reason.TOO_SMALL, "by a function that is not used")


class Kept:
    """Say something of its own."""

    def weak(self) -> Missing:
        return Missing(Reason.NOT_MEASURABLE)


def measure(clip: object, sample: object, models: object) -> Measurement:
    try:
        too_short()
    except MissingError as error:
        if error.missing.reason is Reason.LANGUAGE:
            raise
    return Measurement({"likeness": Kept().weak()})


def test_what_functions_in_use_raise_is_found_and_what_they_ask_about_or_leave_alone_is_not() -> None:
    assert raised(measure) == {Reason.TOO_SHORT, Reason.NOT_MEASURABLE}
    assert raised(too_small) == {Reason.TOO_SMALL}


def test_reasons_follow_from_what_is_read_too() -> None:
    field = FieldSpec(name="likeness", unit="", direction=Direction.HIGHER, meaning="none")
    spec = MetricSpec(
        id="timbre.fake", version=1, title="Fake", summary="A fake.", fields=(field,), needs=(Artefact.SPEECH,),
        tier=Tier.EMBEDDED, licence="none", source="a test", extra="judge",
    )  # fmt: skip
    assert reasons_of(Metric(spec, measure)) == [
        Reason.NO_AUDIO, Reason.BAD_AUDIO, Reason.SILENT, Reason.TOO_SHORT, Reason.NOT_MEASURABLE, Reason.NOT_INSTALLED,
    ]  # fmt: skip
    assert set(OF_ARTEFACTS) == set(Artefact)


@pytest.mark.parametrize(
    "name, there, absent",
    [
        ("lipsync.lse.whole-frame", {Reason.TOO_SHORT, Reason.NO_VIDEO}, {Reason.NO_FACE, Reason.TOO_SMALL}),
        ("lipsync.lse.verse-bench", {Reason.NOT_MEASURABLE, Reason.TOO_SHORT}, {Reason.TOO_SMALL}),
        ("lipsync.lse", {Reason.TOO_SMALL, Reason.TOO_SHORT}, {Reason.NOT_MEASURABLE}),
        ("lipsync.landmark_sync", {Reason.NOT_MEASURABLE, Reason.WEIGHTS}, {Reason.TOO_SMALL}),
        ("video.motion", {Reason.TOO_SHORT, Reason.NO_VIDEO}, {Reason.NO_FACE, Reason.WEIGHTS}),
        ("video.brisque", {Reason.TOO_SMALL, Reason.NOT_MEASURABLE}, {Reason.TOO_SHORT}),
        ("audio.dnsmos", {Reason.TOO_SHORT, *SOUND}, {Reason.NO_SPEECH, Reason.NO_VIDEO}),
        ("video.identity", {Reason.TOO_SHORT, Reason.TOO_SMALL, Reason.NO_FACE, Reason.NO_REFERENCE}, SOUND),
        ("judge.timbre", {Reason.NO_JUDGE, Reason.FAILED, Reason.NO_SPEECH}, {Reason.TOO_SMALL}),
        ("timbre.reference", {Reason.NO_REFERENCE, Reason.NO_SPEECH}, {Reason.NO_VIDEO}),
        ("speech.cer.large-v3", {Reason.NO_SPEECH, Reason.LANGUAGE, Reason.NOT_INSTALLED}, {Reason.NO_VIDEO}),
        ("lipsync.lse.mochabench", {Reason.NO_REFERENCE}, {Reason.NOT_MEASURABLE}),
    ],
)
def test_lists_of_real_metrics_are_what_their_code_raises(
    metrics: dict[str, Metric], name: str, there: set[Reason], absent: set[Reason]
) -> None:
    found = set(reasons_of(metrics[name]))
    assert there <= found and not absent & found


def spelled(module: ModuleType) -> set[Reason]:
    """Return every reason that a module makes a missing value of, used or not."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    calls = [c for c in ast.walk(tree) if isinstance(c, ast.Call)]
    inside = [p for c in calls if ast.unparse(c.func) in ("Missing", "MissingError") for p in ast.walk(c)]
    return {
        Reason[p.attr] for p in inside if isinstance(p, ast.Attribute) and ast.unparse(p.value) == "Reason"
    }


def test_every_reason_that_a_metrics_own_module_spells_is_listed(metrics: dict[str, Metric]) -> None:
    for name, metric in metrics.items():
        module = sys.modules[metric.measure.__module__]
        assert spelled(module) <= set(reasons_of(metric)), name

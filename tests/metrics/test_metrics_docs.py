"""docs/metrics.md says what the metrics say."""

from __future__ import annotations

from pathlib import Path

import pytest

from uniavgen_bench.core.result import REASON_TEXT, Reason
from uniavgen_bench.core.run_files import MetricComputed
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.core.validity_files import MetricValidity, RunValidity, ValidityCheck, packaged_validity
from uniavgen_bench.metrics.docs import built_in, current, main, text_of
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.manifest import load_manifest

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.fixture(scope="module")
def metrics() -> dict[str, Metric]:
    """The metrics of the package."""
    return built_in()


def a_metric(code: int = 1) -> Metric:
    """Return a metric that nobody measures with."""
    field = FieldSpec(name="likeness", unit="", direction=Direction.HIGHER, meaning="a | b")
    spec = MetricSpec(
        id="timbre.fake", version=1, title="Fake", summary="A fake.", fields=(field,), needs=(Artefact.SPEECH,),
        tier=Tier.EMBEDDED, licence="none", source="a test", not_for=("anything",),
    )  # fmt: skip
    return Metric(spec, lambda clip, sample, models: pytest.fail("not measured"), code=code)


def results_of(code: int) -> RunValidity:
    """Return tests of the fake metric with some code."""
    check = ValidityCheck(name="own against others", passed=True, value=0.9, low=0.8, high=0.97, clips=24)
    found = MetricValidity(
        metric="timbre.fake@1", standing="valid", verdict="Measures likeness.", checks=(check,),
        computed=MetricComputed(code=code),
    )  # fmt: skip
    return RunValidity(version="0.1", made="2026-01-01", command="validate", metrics=(found,))


def test_the_document_is_up_to_date(metrics: dict[str, Metric]) -> None:
    wanted = text_of(metrics, load_manifest(), packaged_validity())
    assert DOCUMENT.read_text(encoding="utf-8") == wanted, (
        "run: python -m uniavgen_bench.metrics.docs docs/metrics.md"
    )


def test_every_metric_field_reason_and_weight_is_in_it(metrics: dict[str, Metric]) -> None:
    text = text_of(metrics, load_manifest(), None)
    assert all(f"| `{reason.value}` | {REASON_TEXT[reason]} |" in text for reason in Reason)
    for metric in metrics.values():
        assert f"### `{metric.spec.name}`" in text
        assert all(f"| `{field.name}` |" in text for field in metric.spec.fields)
        assert all(f"`{load_manifest()[name].sha256}`" in text for name in metric.spec.weights)


def test_a_metric_says_what_it_is_not_valid_for_and_how_it_was_tested() -> None:
    text = text_of({"timbre.fake": a_metric()}, load_manifest(), results_of(code=1))
    assert "Not valid for:\n\n- anything\n" in text
    assert "| own against others | held | 0.9 [0.8, 0.97], 24 clips |" in text
    assert "a \\| b" in text


def test_tests_of_other_code_are_not_shown() -> None:
    found, why = current(a_metric(code=2), results_of(code=1))
    assert found is None and why.startswith("outdated")
    assert "own against others" not in text_of(
        {"timbre.fake": a_metric(2)}, load_manifest(), results_of(code=1)
    )


def test_it_is_written_to_a_file(tmp_path: Path) -> None:
    assert main([str(tmp_path / "metrics.md")]) == 0
    assert (tmp_path / "metrics.md").read_text(encoding="utf-8").startswith("# Metrics\n")

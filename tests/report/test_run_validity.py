"""A report shows the tests of its metrics only while they are about its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.fake_run import FakeRun, write_run
from uniavgen_bench.core import validity_files
from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.validity_files import RunValidity
from uniavgen_bench.report import run_validity
from uniavgen_bench.report.run_data import RunData, read_run
from uniavgen_bench.report.validity_view import badge, validity_rows
from uniavgen_bench.runner.show import show_report


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run without validity.json, of metrics with code 2."""
    root = write_run(tmp_path / "run", FakeRun(samples=3, media=False, hostile=False))
    names = [spec.name for spec in read_run(root).manifest.metrics]
    computed = "".join(f"  {name!r}: {{code: 2, params: {{}}}}\n" for name in names)
    (root / "suite.lock.yaml").write_text(f"computed:\n{computed}", encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def nothing_packaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the results of the package out."""
    monkeypatch.setattr(run_validity, "packaged_validity", lambda: None)


def results(metric: str, code: int, **more: object) -> dict[str, object]:
    """Return validity.json with one test of a metric."""
    found = {
        "metric": metric, "standing": "valid", "verdict": "Measures it.", "computed": {"code": code, "params": {}},
        "checks": [{"name": "swapped", "passed": True, "value": 0.9}], **more,
    }  # fmt: skip
    return {
        "schema_version": 1, "version": "9.9", "command": "uniavgen-bench validate", "made": "2026-01-02T03:04:05",
        "clips": {"portrait world": "24 clips"}, "metrics": [found],
    }  # fmt: skip


def first(data: RunData) -> str:
    """Return the name of the first metric of a run."""
    return data.manifest.metrics[0].name


@pytest.mark.parametrize(
    ("standing", "passed", "text", "kind"),
    [
        ("undecided", [True, True, None], "undecided: 2 held, 1 open", "open"),
        ("undecided", [True, False, None], "undecided: 1 held, 1 failed, 1 open", "failed"),
        ("undecided", [True, True], "undecided: 2 of 2 checks held", "open"),
        ("undecided", [None, None], "undecided", "open"),
        ("valid", [True, None], "valid: 1 held, 1 open", "held"),
        ("valid", [True, True], "valid: 2 of 2 checks held", "held"),
        ("untested", [], "untested", "failed"),
    ],
)
def test_what_is_undecided_is_counted_and_looks_neither_good_nor_bad(
    run: Path, standing: str, passed: list[bool | None], text: str, kind: str
) -> None:
    name = first(read_run(run))
    checks: list[dict[str, object]] = [
        {"name": f"check {n}", "passed": one, "expected": "at least 1"} for n, one in enumerate(passed)
    ]
    checks.append({"name": "told", "value": 0.1})
    write_json(run / "validity.json", results(name, 2, standing=standing, checks=checks))
    data = read_run(run)
    shown = badge(data, name)
    assert shown is not None and (shown.text, shown.kind) == (text, kind)
    outcomes = [row.outcome for row in validity_rows(data.validity.of(name) if data.validity else None)]
    assert outcomes.count("open") == passed.count(None) and outcomes[-1] == "reported"


def test_a_run_without_tests_says_nothing(run: Path) -> None:
    assert read_run(run).validity is None


def test_tests_of_the_same_code_stand_beside_the_numbers(run: Path) -> None:
    name = first(read_run(run))
    write_json(run / "validity.json", results(name, 2))
    data = read_run(run)
    shown = badge(data, name)
    assert shown is not None and shown.text == "valid: 1 of 1 check held" and not shown.failed
    found = data.validity.of(name) if data.validity else None
    assert found is not None
    assert found.about == "Tested on 24 clips with uniavgen-bench 9.9 on 2026-01-02: uniavgen-bench validate"


@pytest.mark.parametrize("stale", [{"code": 1}, {"code": 2, "weights": {"w": "0"}}])
def test_outdated_tests_are_not_shown(run: Path, stale: dict[str, object]) -> None:
    data = read_run(run)
    name = first(data)
    used = {used.name: used.sha256 for used in data.manifest.weights}
    if "weights" in stale:
        stale = {**stale, "weights": dict.fromkeys(used, "0")}
    write_json(run / "validity.json", results(name, **stale))  # type: ignore[arg-type]
    data = read_run(run)
    shown = badge(data, name)
    assert shown is not None and shown.text == "outdated" and shown.failed
    found = data.validity.of(name) if data.validity else None
    assert found is not None and not found.checks


def test_tests_of_another_version_of_a_metric_are_not_its_own(run: Path) -> None:
    name = first(read_run(run))
    write_json(run / "validity.json", results(name.replace("@1", "@7"), 2))
    assert badge(read_run(run), name) is None


def test_results_of_the_package_stand_in_where_the_run_has_none(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = first(read_run(run))
    packaged = RunValidity.model_validate(results(name, 2))
    monkeypatch.setattr(run_validity, "packaged_validity", lambda: packaged)
    shown = badge(read_run(run), name)
    assert shown is not None and shown.text.startswith("valid")


def test_results_of_the_package_do_not_stand_beside_numbers_of_unknown_code(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = first(read_run(run))
    packaged = RunValidity.model_validate(results(name, 2))
    monkeypatch.setattr(run_validity, "packaged_validity", lambda: packaged)
    (run / "suite.lock.yaml").unlink()
    assert badge(read_run(run), name) is None


@pytest.mark.parametrize("content", ["{", '{"metrics": 7}', "\0"])
def test_a_damaged_file_costs_one_line_and_no_report(
    run: Path, content: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = RunValidity.model_validate(results(first(read_run(run)), 2))
    monkeypatch.setattr(run_validity, "packaged_validity", lambda: packaged)
    (run / "validity.json").write_text(content, encoding="utf-8")
    show_report(run, json=False)
    told = capsys.readouterr()
    assert "report/index.html" in told.out.replace("\n", "")
    [line] = told.err.strip().splitlines()
    assert line.startswith(f"note  {run / 'validity.json'} is damaged: ")
    assert line.endswith(f"the report goes on without it (uniavgen-bench validate --out {run} makes it anew)")
    page = (run / "report" / "method.html").read_text(encoding="utf-8")
    assert "validity.json is damaged" in page and str(run) not in page
    data = read_run(run)
    shown = badge(data, first(data))
    assert shown is not None and shown.text.startswith("valid"), "that of this version stands in"


def test_the_results_of_the_package_can_be_read() -> None:
    found = validity_files.packaged_validity()
    assert found is None or found.version

"""`validate` tells metrics of known worth apart, in the terminal, in validity.json, and in a run's report."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner
from validity.validate_world import beeping_clips, install, study_clips

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.registry import METRICS, Registry
from uniavgen_bench.core.validity_files import PACKAGED, ValidityCheck, read_validity
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.pool import PoolOptions
from uniavgen_bench.runner.worker import process_clip
from uniavgen_bench.validity import study
from uniavgen_bench.validity.expect import (
    MetricExpectations,
    changes_of,
    expectations_for,
    families,
    read_family,
)
from uniavgen_bench.validity.own_study import own_checks, own_study
from uniavgen_bench.validity.perturb_list import expanded
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet, folder_clips
from uniavgen_bench.validity.validate import (
    StudyResult,
    Validated,
    studied_metrics,
    validate_metrics,
    write_study,
)
from uniavgen_bench.validity.validate_show import Asked, clip_sets
from uniavgen_bench.validity.verdict import Standing, StudiedValidity, verdict_on

FAKES = ("fake.valid", "fake.blind", "fake.noisy", "fake.honest", "fake.new")
CLIPS = 6


@pytest.fixture(scope="module")
def fakes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A package of fake metrics, installed."""
    folder = install(tmp_path_factory.mktemp("fakes"))
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def beeping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of clips that beep."""
    folder = tmp_path_factory.mktemp("beeping")
    beeping_clips(folder, CLIPS)
    return folder


def in_this_process(
    config: WorkerConfig, stages: Sequence[Sequence[ClipWork]], options: PoolOptions
) -> Iterator[tuple[ClipWork, ClipOutcome]]:
    """Score as the pool does, without processes."""
    for works in stages:
        for work in works:
            yield work, process_clip(config, work)


@pytest.fixture(scope="module")
def studied(fakes: Path, beeping: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Validated]:
    """A study of the fake metrics."""
    root = tmp_path_factory.mktemp("study")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study, "outcomes", in_this_process)
        patch.setenv("UNIAVGEN_BENCH_HOME", str(root))
        clips = ClipSet("beeps", "6 clips", study_clips(sorted(beeping.glob("*/clip.mp4"))))
        yield validate_metrics(studied_metrics(FAKES), [clips], StudyOptions(), command="a test")


def verdict(studied: Validated, name: str) -> StudiedValidity:
    """Return what was found of a fake metric."""
    found = studied.result.of(f"fake.{name}@1")
    assert isinstance(found, StudiedValidity)
    return found


def test_a_metric_that_measures_what_it_says_is_valid(studied: Validated) -> None:
    found = verdict(studied, "valid")
    assert found.standing is Standing.VALID, found.verdict
    by_name = {check.name: check for check in found.checks}
    assert by_name["beeps: in_place against sound+240ms"].value == 1.0
    assert by_name["beeps: offset_ms follows shifts of -400 … 400 ms"].passed
    assert by_name["beeps: refuses silence"].passed
    assert by_name["beeps: the same clip again, nothing kept"].value == 0.0


@pytest.mark.parametrize("name", ["blind", "noisy"])
def test_a_metric_that_does_not_contradicts_its_specification(studied: Validated, name: str) -> None:
    found = verdict(studied, name)
    assert found.standing is Standing.CONTRADICTED
    assert "its specification does not say so" in found.verdict


def test_noise_shows_as_movement_by_changes_that_should_not_matter(studied: Validated) -> None:
    moved = [check for check in verdict(studied, "noisy").checks if check.kind == "unmoved"]
    assert moved and not moved[0].passed
    assert all(check.passed for check in verdict(studied, "blind").checks if check.kind == "unmoved")


def test_a_blind_metric_that_says_so_is_not_valid_for_that(studied: Validated) -> None:
    found = verdict(studied, "honest")
    assert found.standing is Standing.NOT_VALID
    assert "it looks at the picture only" in found.verdict


def test_a_metric_without_expectations_is_untested(studied: Validated) -> None:
    found = verdict(studied, "new")
    assert found.standing is Standing.UNTESTED
    assert found.verdict.startswith("UNTESTED")


def test_what_is_written_is_read_by_the_report(studied: Validated, tmp_path: Path) -> None:
    path = write_study(studied, tmp_path / "out")
    read = read_validity(path)
    assert read is not None and read.command == "a test"
    found = read.of("fake.valid@1")
    assert found is not None and found.standing == "valid" and found.computed is not None
    assert found.held == verdict(studied, "valid").held > 5


def test_the_command_scores_by_processes_and_goes_on_from_the_store(
    fakes: Path, beeping: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from uniavgen_bench.cli import _with_weights

    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "home"))
    asked = ["validate", "--dataset", "none", "--clips", str(beeping), "--metrics", "fake.valid,fake.blind",
             "--workers", "1", "--no-repeats", "--out", str(tmp_path / "out")]  # fmt: skip
    app, runner = _with_weights(), CliRunner()
    done = runner.invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "contradicts" in done.output and "1 valid" in done.output
    monkeypatch.setattr(study, "outcomes", in_this_process)
    again = runner.invoke(app, [*asked, "--json"])
    assert again.exit_code == 0, again.output
    data = json.loads(again.stdout)
    assert {m["metric"]: m["standing"] for m in data["metrics"]} == {
        "fake.valid@1": "valid",
        "fake.blind@1": "contradicts its specification",
    }


def test_finished_clips_have_a_limit_of_their_own(beeping: Path) -> None:
    asked = Asked((), "none", (), beeping, 1, Path(), 1, "cpu", 60.0, False, True, "a test")
    assert len(clip_sets(asked)[0].clips) == 1
    assert len(clip_sets(replace(asked, clips_limit=2))[0].clips) == 2
    with pytest.raises(InputError, match="no clips to limit"):
        clip_sets(replace(asked, clips=None, clips_limit=2))


def test_bad_input_is_one_error(tmp_path: Path, fakes: Path) -> None:
    with pytest.raises(InputError, match=r"did you mean 'fake\.valid'"):
        studied_metrics(["fake.vald"])
    with pytest.raises(InputError, match="no such file or folder"):
        folder_clips(tmp_path / "absent", None)
    with pytest.raises(InputError, match="did you mean '@noises'"):
        expanded(["@noise"])
    with pytest.raises(InputError, match=r"metric.0.separates.0.auc"):
        read_family(
            'family="x"\n[[metric]]\nname="a"\nclaims="b"\nseparates=[{field="f",control="c",auc=7}]', "x"
        )


def two_checks(clips: ClipSet, options: StudyOptions) -> tuple[ValidityCheck, ...]:
    """A study of a family's own."""
    return (ValidityCheck(name="of its own", passed=True, clips=len(clips.clips)), ValidityCheck(name="told"))


def test_a_family_adds_a_study_of_its_own() -> None:
    here = f"{__name__}:two_checks"
    expected = MetricExpectations(name="fake.valid", claims="beeps", own=here)
    found = own_checks(expected, ClipSet("beeps", "none", ()), StudyOptions())
    assert [(check.name, check.kind) for check in found] == [
        ("beeps: of its own", "own"),
        ("beeps: told", "own"),
    ]
    with pytest.raises(InputError, match="cannot be loaded"):
        own_checks(
            expected.model_copy(update={"own": "no.such.module:study"}), ClipSet("x", "", ()), StudyOptions()
        )


def test_packaged_verdicts_follow_from_the_checks_and_the_specifications_of_today() -> None:
    if not PACKAGED.is_file():
        pytest.skip("this version comes without results")
    result = StudyResult.model_validate_json(PACKAGED.read_bytes())
    registry = Registry(METRICS, "metric", Metric)
    declared = families()
    names = {registry.load(name).spec.name: name for name in registry.names() if not name.startswith("fake.")}
    for found in result.metrics:
        if found.metric not in names or found.standing is Standing.NO_NUMBERS:
            continue
        metric = registry.load(names[found.metric])
        if found.computed is not None and found.computed.code != metric.code:
            continue
        expected = expectations_for(metric.spec, names[found.metric], declared)
        now = verdict_on(metric.spec, expected, found.checks)
        assert now.standing is not Standing.CONTRADICTED, now.verdict
        assert now.standing == found.standing, f"validate again: {now.verdict}"


def test_declared_expectations_name_fields_and_changes_that_are_there() -> None:
    registry = Registry(METRICS, "metric", Metric)
    declared = families()
    for name in registry.names():
        if name.startswith("fake."):
            continue
        spec = registry.load(name).spec
        expected = expectations_for(spec, name, declared)
        if expected is None:
            continue
        expanded(changes_of(expected))
        assert all(callable(own_study(place)) for place in (expected.own, expected.taught) if place)
        fields = {f.name for f in spec.fields}
        asked = {
            e.field for kind in ("separates", "follows", "falls", "agrees") for e in getattr(expected, kind)
        }
        asked |= {f for kind in ("unmoved", "answers") for e in getattr(expected, kind) for f in e.fields}
        assert asked <= fields, f"{name}: expectations name {sorted(asked - fields)}, it has {sorted(fields)}"


def test_every_metric_of_the_package_has_expectations() -> None:
    registry = Registry(METRICS, "metric", Metric)
    declared = families()
    names = [n for n in registry.names() if registry.points()[n][0].value.startswith("uniavgen_bench.")]
    untested = [n for n in names if expectations_for(registry.load(n).spec, n, declared) is None]
    assert not untested, f"declare in uniavgen_bench/validity/expectations what is expected of {untested}"

"""`validate` as a command: what it refuses before any work, its exit statuses, and what a stopped one leaves."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import numpy as np
import pandas as pd
import pytest
from report.fake_run import FakeRun, write_run
from typer.testing import CliRunner, Result
from validity.test_validate import in_this_process
from validity.validate_world import RATE, beeping_clips, install, study_clips

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.media.mux import write_clip
from uniavgen_bench.report.build import build_report
from uniavgen_bench.report.run_data import read_run
from uniavgen_bench.report.validity_view import validity_rows
from uniavgen_bench.validity import study, validate_show
from uniavgen_bench.validity.study import Progress, StudiedMetric, StudyOptions, planned_changes
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.validate import StudyResult, Validated, studied_metrics, validate_metrics
from uniavgen_bench.validity.verdict import Standing, StudiedValidity
from uniavgen_bench.validity.verdict_checks import StudyCheck
from uniavgen_bench.weights.locate import WeightLocator


@pytest.fixture
def fakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the fake metrics installed, an empty home, and clips scored in this process."""
    (tmp_path / "fakes").mkdir()
    monkeypatch.setattr(sys, "path", [str(install(tmp_path / "fakes")), *sys.path])
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(study, "outcomes", in_this_process)
    return tmp_path


def validated(clips: Path, out: Path, *more: str, metrics: str = "fake.valid") -> Result:
    """Run the command on finished clips, without repeats."""
    from uniavgen_bench.cli import _with_weights

    asked = ["validate", "--dataset", "none", "--clips", str(clips), "--metrics", metrics, "--out", str(out)]
    return CliRunner().invoke(_with_weights(), [*asked, "--workers", "1", "--no-repeats", *more])


def test_a_file_is_no_folder_of_clips_and_nothing_is_fetched_for_it(
    fakes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched(*args: object, **kwargs: object) -> None:
        raise AssertionError("weights were asked for")

    monkeypatch.setattr(WeightLocator, "require", fetched)
    table = fakes / "clips.csv"
    table.write_text("clip\n", encoding="utf-8")
    refused = validated(table, fakes / "out")
    assert isinstance(refused.exception, InputError)
    assert "clips.csv: is a file (name the folder" in str(refused.exception)
    assert not (fakes / "out").exists()


@pytest.mark.parametrize("names", ["", " ", ", ,"])
def test_metrics_without_a_name_are_not_all_metrics(fakes: Path, names: str) -> None:
    refused = validated(fakes, fakes / "out", metrics=names)
    assert isinstance(refused.exception, InputError)
    assert "--metrics names no metric" in str(refused.exception)


def test_a_study_without_any_number_ends_with_one_and_says_why(fakes: Path) -> None:
    clip = fakes / "clips" / "quiet.mp4"
    clip.parent.mkdir()
    frames = [np.full((48, 64, 3), i, np.uint8) for i in range(20)]
    write_clip(clip, frames, 8, np.zeros(round(2.5 * RATE), np.float32), RATE)
    done = validated(clip.parent, fakes / "out")
    assert done.exit_code == 1, done.output
    assert "1 metric: 1 no numbers here" in done.output
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("nothing tested  no metric gave a number on any clip; Not tested here")
    assert last.endswith("(exit status 1)")
    assert (fakes / "out" / "validity.json").is_file()


def test_a_study_that_is_stopped_says_how_to_go_on_and_leaves_no_folder(
    fakes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*args: object, **kwargs: object) -> Sequence[object]:
        raise KeyboardInterrupt

    beeping_clips(fakes / "clips", 1)
    monkeypatch.setattr(validate_show, "validate_metrics", stopped)
    (fakes / "there").mkdir()
    done = validated(fakes / "clips", fakes / "deep" / "out")
    assert done.exit_code == 130
    assert done.stderr.splitlines()[-1] == (
        "stopped: what was scored is kept; the same command goes on from here"
    )
    assert not (fakes / "deep").exists()
    assert validated(fakes / "clips", fakes / "there").exit_code == 130
    assert (fakes / "there").is_dir()


def test_the_report_of_a_complete_run_is_written_again_with_the_verdicts(
    fakes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a run that goes on nothing is written but the verdicts."""
    root = write_run(fakes / "run", FakeRun(samples=2, media=False, hostile=False))
    name = read_run(root).manifest.metrics[0].name
    build_report(root)
    assert "0 of 1 check held" not in (root / "report" / "index.html").read_text(encoding="utf-8")
    result = StudyResult(
        metrics=(
            StudiedValidity(
                metric=name, standing=Standing.LIMITED, checks=(StudyCheck(name="x", passed=False),)
            ),
        )
    )
    found = Validated(result, pd.DataFrame({"value": [1.0]}))
    monkeypatch.setattr(validate_show, "validate_metrics", lambda *args, **kwargs: found)
    beeping_clips(fakes / "clips", 1)
    done = validated(fakes / "clips", root)
    assert done.exit_code == 0, done.output
    assert f"report    {root / 'report' / 'index.html'}, written again with these verdicts" in done.stdout
    assert "valid with limits: 0 of 1 check held" in (root / "report" / "index.html").read_text(
        encoding="utf-8"
    )
    manifest = json.loads((root / "manifest.json").read_text(encoding="utf-8"))
    write_json(root / "manifest.json", {**manifest, "status": "running"})
    rmtree(root / "report")
    assert validated(fakes / "clips", root, "--json").exit_code == 0
    assert not (root / "report").exists()


def of_person_0() -> frozenset[str]:
    """Whose clips the weights of a metric would have been fitted on."""
    return frozenset({"person0"})


def of_all() -> frozenset[str]:
    """Everybody who has a clip here."""
    return frozenset({"person0", "person1"})


def test_clips_that_a_metric_learned_from_are_named_before_the_work_and_cost_none(fakes: Path) -> None:
    clips = ClipSet("clips", "2 clips", study_clips(beeping_clips(fakes / "clips", 2)))
    [valid, blind] = studied_metrics(["fake.valid", "fake.blind"])
    told: list[str] = []
    hear = Progress(begin=lambda s, n: told.append(f"{s}: {n}"), step=told.append, note=told.append)
    found = validate_metrics(
        [taught_by(valid, "of_person_0"), taught_by(blind, "of_all")], [clips], StudyOptions(), progress=hear
    )
    assert told[:3] == [
        "fake.valid: 1 of 2 clips left out, its weights learned from clips of person0",
        "fake.blind: 2 of 2 clips left out, its weights learned from clips of person0, person1",
        f"changing clips: {len(planned_changes([valid]))}",
    ]
    assert not any(text.startswith("person0") for text in told)
    assert set(found.scores["metric"]) == {"fake.valid@1"}
    assert set(found.scores["sample"]) == {"person1"}
    one, other = found.result.metrics
    assert [row.measured for row in validity_rows(one) if "left out" in row.name] == ["1 clip"]
    assert [row.measured for row in validity_rows(other) if "left out" in row.name] == ["2 clips"]
    assert other.standing is Standing.NO_NUMBERS
    assert "all 2 clips were left out, its weights learned from clips of their owners" in other.verdict
    assert "there are no clips" not in other.verdict


def taught_by(metric: StudiedMetric, owners: str) -> StudiedMetric:
    """Return a metric whose weights were fitted on clips of the owners that a function here names."""
    assert metric.expected is not None
    return replace(metric, expected=metric.expected.model_copy(update={"taught": f"{__name__}:{owners}"}))


def test_where_nothing_is_left_nothing_is_begun(fakes: Path) -> None:
    clips = ClipSet("clips", "2 clips", study_clips(beeping_clips(fakes / "clips", 2)))
    told: list[str] = []
    hear = Progress(begin=lambda s, n: told.append(s), step=told.append)
    metrics = [taught_by(found, "of_all") for found in studied_metrics(["fake.valid"])]
    found = validate_metrics(metrics, [clips], StudyOptions(), progress=hear)
    assert not told and found.scores.empty

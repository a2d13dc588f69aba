"""The executor of a run is on record, and tells nothing apart that is equal without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from runner.conftest import make_clip

from report.board_world import write_run as write_board_run
from report.gate_runs import noisy, write
from uniavgen_bench import api
from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.gate_files import write_baseline
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.report.compare import compare_runs
from uniavgen_bench.report.gate_baseline import baseline_of, read_gate_run
from uniavgen_bench.report.gate_judge import GateRequest, judge
from uniavgen_bench.report.leaderboard.add import Submitter, body_of
from uniavgen_bench.report.leaderboard.source_run import read_source
from uniavgen_bench.runner.executors.executor import RayOptions
from uniavgen_bench.runner.run import RunOptions

SUITE = """
schema: 1
name: small
dataset: {name: folder, path: clips}
systems: [precomputed]
metrics: [video.motion]
"""


def made_by(root: Path, executor: str | None) -> Path:
    """Write an executor into a manifest; None takes the field out, as older versions had none."""
    path = RunDirectory(root).manifest_path
    manifest = json.loads(path.read_bytes()) | {"executor": executor, "workers": 7}
    if executor is None:
        del manifest["executor"]
    write_json(path, manifest)
    return root


def test_a_manifest_that_is_older_than_the_field_says_nothing(tmp_path: Path) -> None:
    assert RunDirectory(made_by(write(tmp_path / "old", noisy(0)), None)).manifest().executor is None
    assert RunDirectory(made_by(write(tmp_path / "new", noisy(0)), "ray")).manifest().executor == "ray"


def test_gate_and_comparison_take_no_notice_of_it(tmp_path: Path) -> None:
    kinds = ("local", "ray", None, "local")
    runs = [made_by(write(tmp_path / str(i) / "run", noisy(0)), kind) for i, kind in enumerate(kinds)]
    baselines = [baseline_of(read_gate_run(run), "talker") for run in runs]
    assert baselines[0] == baselines[1] == baselines[2]
    write_baseline(tmp_path / "base.json", baselines[0])
    results = [
        judge(GateRequest(run, baseline=tmp_path / "base.json", margins=("lipsync.toy.in_place=10%",)))
        for run in runs
    ]
    assert all(result.passed for result in results)
    judged = [[f.model_copy(update={"seconds": 0.0}) for f in result.fields] for result in results]
    assert judged[0] == judged[1] == judged[2]
    alike = compare_runs([runs[0], runs[3]])
    assert set(compare_runs(runs[:3]).notes) == set(alike.notes), "the same as where the executor is the same"


def test_entries_of_a_leaderboard_take_no_notice_of_it(tmp_path: Path) -> None:
    run = write_board_run(tmp_path / "run")
    bodies = []
    for kind in ("local", "ray", None):
        source = read_source(made_by(run, kind))
        bodies.append(body_of(source, source.systems[0], Submitter("A Lab")).model_dump_json())
    assert bodies[0] == bodies[1] == bodies[2]


def test_the_api_takes_executor_and_store_as_the_command_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class SeenError(Exception):
        pass

    def refuse(resolved: Any, options: RunOptions, hooks: Any) -> None:
        raise SeenError(options)

    monkeypatch.setattr(api, "run_suite", refuse)
    make_clip(tmp_path / "clips" / "a.mp4")
    suite = tmp_path / "suite.yaml"
    suite.write_text(SUITE)
    ray = RayOptions(address="10.0.0.5:6379", gpus=0.5)
    with pytest.raises(SeenError) as seen:
        api.run(suite, workers=3, executor="ray", ray=ray, store="s3://me:letmein@bucket/x")
    options = seen.value.args[0]
    assert (options.executor, options.ray, options.workers) == ("ray", ray, 3)
    assert options.store == "s3://me:letmein@bucket/x" and "letmein" not in repr(options)
    with pytest.raises(SeenError) as seen:
        api.score(tmp_path / "clips", executor="ray", ray=ray)
    assert (seen.value.args[0].spread.kind, seen.value.args[0].store) == ("ray", None)

"""The workflow of docs/examples: it is YAML that GitHub reads, and its shell lines do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from runner.conftest import Bench, make_clip

WORKFLOW = Path(__file__).parent.parent.parent / "docs" / "examples" / "github_actions.yml"
SUITE = """schema: 1
name: ci
dataset: {name: folder, path: ../clips}
systems: [precomputed]
metrics: [video.motion]
gate: {margins: {video.motion.static: 0.3}}
"""


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    return yaml.safe_load(WORKFLOW.read_text())


def steps(workflow: dict[Any, Any]) -> dict[str, dict[str, Any]]:
    found = workflow["jobs"]["gate"]["steps"]
    return {step.get("name", step.get("uses")): step for step in found}


def test_workflow_has_what_github_asks_for(workflow: dict[Any, Any]) -> None:
    # YAML 1.1 reads the key `on` as a truth value; GitHub reads YAML 1.2.
    assert set(workflow) - {True, "on"} == {"name", "permissions", "concurrency", "env", "jobs"}
    assert set(workflow.get(True) or workflow["on"]) == {"pull_request", "push", "workflow_dispatch"}
    assert workflow["permissions"] == {"contents": "read"}
    job = workflow["jobs"]["gate"]
    assert job["runs-on"] and job["timeout-minutes"] and all("uses" in s or "run" in s for s in job["steps"])
    assert all("@" in s["uses"] for s in job["steps"] if "uses" in s)
    named = steps(workflow)
    assert list(named).index("Score") < list(named).index("Gate") < list(named).index("Summary")
    assert named["Summary"]["if"] == "always()" == named["actions/upload-artifact@v4"]["if"]
    assert "if" not in named["Gate"] and "continue-on-error" not in named["Gate"]


def shell(
    folder: Path, bench: Bench, workflow: dict[Any, Any], name: str
) -> subprocess.CompletedProcess[str]:
    """Run the lines of a step as GitHub does: bash -e -o pipefail, with the workflow's environment."""
    bin_folder = folder / "bin"
    bin_folder.mkdir(exist_ok=True)
    command = bin_folder / "uniavgen-bench"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m uniavgen_bench.cli "$@"\n')
    command.chmod(0o755)
    given = {k: str(v) for k, v in workflow["env"].items() if k != "UNIAVGEN_BENCH_HOME"}
    path = os.pathsep.join([str(bin_folder), os.environ["PATH"]])
    environment = {
        **bench.environment,
        **given,
        "PATH": path,
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    lines = steps(workflow)[name]["run"]
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines],
        cwd=folder, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_shell_lines_pass_the_same_clips_and_stop_clips_that_stand_still(
    bench: Bench, tmp_path: Path, workflow: dict[Any, Any]
) -> None:
    for i in range(6):
        moving(tmp_path / "clips" / f"{i}.mp4", speed=3 + i)
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites" / "ci.yaml").write_text(SUITE)
    first = shell(tmp_path, bench, workflow, "Score")
    assert first.returncode == 0, first.stderr
    made = bench("gate", "update", "runs/ci", "--to", workflow["env"]["BASELINE"])
    assert made.returncode == 0, made.stderr
    gate = shell(tmp_path, bench, workflow, "Gate")
    assert gate.returncode == 0, gate.stdout + gate.stderr

    for i in range(6):
        moving(tmp_path / "clips" / f"{i}.mp4", speed=0)
    assert shell(tmp_path, bench, workflow, "Score").returncode == 0
    gate = shell(tmp_path, bench, workflow, "Gate")
    assert gate.returncode == 1, gate.stdout + gate.stderr
    assert shell(tmp_path, bench, workflow, "Summary").returncode == 0
    assert "video.motion" in (tmp_path / "summary.md").read_text()
    for name in ("gate.xml", "gate.md", "runs/ci/gate.json", "runs/ci/report/index.html"):
        assert (tmp_path / name).exists(), name


def moving(path: Path, speed: int) -> None:
    """Write a clip whose stripes move by some pixels a picture."""
    import numpy as np

    from uniavgen_bench.media.mux import write_clip

    make_clip(path)
    row = 127 + 100 * np.sin(np.arange(640) / 3.0)
    frames = []
    for i in range(12):
        shifted = row[speed * i : speed * i + 96]
        frames.append(np.repeat(np.tile(shifted, (64, 1))[:, :, None], 3, axis=2).astype(np.uint8))
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(16000) / 16000)
    write_clip(path, frames, 12, tone.astype(np.float32), 16000)

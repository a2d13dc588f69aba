"""A clock that jumps back and forth changes neither scores nor the course of a run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from faults.kills import rows
from runner.conftest import Bench

JUMPING = """
import itertools, time
real, calls = time.time, itertools.count()
time.time = lambda: real() + (-1) ** (next(calls) // 7) * 40 * 3600
"""
"""Every seventh call the time of day jumps by eighty hours, in the driver and in each worker."""


@pytest.fixture
def jumping(bench: Bench, tmp_path: Path) -> Bench:
    """A command line in whose processes the clock jumps."""
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(JUMPING)
    for path in bench.plugins.iterdir():
        (tmp_path / "clock" / path.name).symlink_to(path)
    return replace(bench, plugins=tmp_path / "clock", home=tmp_path / "clock-home")


def test_jumping_clock_changes_no_score_and_times_nothing_out(
    bench: Bench, jumping: Bench, clips: Path
) -> None:
    check = [*jumping.command()[:1], "-c", "import time; print(time.time.__name__)"]
    patched = subprocess.run(check, env=jumping.environment, capture_output=True, text=True, check=True)
    assert patched.stdout == "<lambda>\n", "the clock of the processes is not the patched one"
    metrics = ["toy.loudness", "toy.slow"]
    run = jumping.score(clips, metrics, "--timeout", 60, out="jumping")
    expected = rows(bench.score(clips, metrics, out="plain"))
    pd.testing.assert_frame_equal(rows(run), expected)
    status = json.loads(jumping("status", run, "--json").stdout)
    assert status["state"] == "complete" and status["problems"] == []
    assert 0 <= status["elapsed"] < 120
    manifest = json.loads((run / "manifest.json").read_text())
    assert 0 <= manifest["seconds"] < 120

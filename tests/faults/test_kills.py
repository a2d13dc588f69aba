"""Killed workers and drivers lose no row and double none."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
from faults.kills import METRICS, many_clips, rows, run_under_kills
from runner.conftest import Bench

MOMENTS = 4
"""In the ordinary tests; `python -m tests.faults.kills --moments 50` does more."""


def test_kills_at_random_moments_lose_no_row_and_double_none(bench: Bench, tmp_path: Path) -> None:
    clips = many_clips(tmp_path / "clips", clips=5)
    arguments = ["score", clips, "--metrics", METRICS, "--workers", 2, "--controls", "none"]
    told = run_under_kills(bench, [*arguments, "--out", "killed"], MOMENTS, random.Random(9))
    assert len(told.hit) == MOMENTS
    plain = Bench(bench.plugins, tmp_path / "other-home", tmp_path)
    done = plain(*arguments, "--out", "plain")
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(rows(tmp_path / "killed"), rows(tmp_path / "plain"))

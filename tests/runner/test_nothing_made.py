"""A run in which a system made nothing: its exit status, and what the terminal says of failures."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from runner.conftest import Bench

from uniavgen_bench.core.result import MAKING_TEXT, Reason
from uniavgen_bench.core.run_files import RunDirectory


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    """A suite of two systems: every process of `mine` fails, `still` shows the picture."""
    cv2.imwrite(str(tmp_path / "anna.png"), np.full((64, 64, 3), 120, np.uint8))
    rows = [
        {"sample": f"s{i}", "task": "joint", "image": "anna.png", "caption": "A", "speech": "B"}
        for i in range(3)
    ]
    (tmp_path / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    program = [str(sys.executable), "-c", "import sys; print('no such model'); sys.exit(3)", "{out}"]
    options = {"root": str(tmp_path), "command": program, "launcher": ["env"], "give_up": 0}
    suite = {
        "schema": 1, "name": "failing", "dataset": {"name": "manifest", "path": "samples.jsonl"},
        "systems": [{"id": "mine", "use": "command", "options": options}], "metrics": ["video.motion"],
    }  # fmt: skip
    (tmp_path / "failing.yaml").write_text(yaml.safe_dump(suite))
    return tmp_path / "failing.yaml"


def test_a_run_in_which_a_system_made_nothing_says_so_and_ends_with_one(bench: Bench, failing: Path) -> None:
    done = bench("run", failing, "--out", "out", "--workers", 1)
    assert done.returncode == 1, done.stderr
    assert "mine: no clip of 3 is there (exit status 1)" in done.stderr.splitlines()[-1]
    assert (bench.folder / "out" / "report" / "index.html").is_file()


def test_without_any_score_the_status_is_one_too(bench: Bench, clips: Path) -> None:
    arguments = ["score", clips, "--metrics", "toy.raise", "--controls", "none", "--limit", 1]
    done = bench(*arguments, "--out", "out")
    assert done.returncode == 1 and "no score of 1 clip is there" in done.stderr
    some = bench("score", clips, "--metrics", "toy.raise,toy.loudness", "--controls", "none", "--limit", 1)
    assert some.returncode == 0, some.stderr


def test_equal_failures_are_printed_once_with_their_count(bench: Bench, failing: Path) -> None:
    done = bench("run", failing, "--out", "out", "--workers", 1)
    told = [line for line in done.stderr.splitlines() if "no such model" in line]
    assert len(told) == 2, done.stderr
    assert "mine/s0: crashed" in told[0] and "log: jobs/mine/0000/log.txt" in told[0]
    assert "mine: no clip for 3 samples: crashed" in told[1]
    assert "skip" not in done.stderr


def test_what_no_process_was_started_for_is_not_called_crashed_and_making_is_named(
    bench: Bench, failing: Path
) -> None:
    done = bench("run", failing, "--out", "out", "--workers", 1, "--set", "systems.0.options.give_up=1")
    assert done.returncode == 1, done.stderr
    reasons = RunDirectory(bench.folder / "out").scores().groupby("sample").reason.first()
    assert reasons["s0"].startswith("crashed")
    assert all(reasons[name].startswith("not_generated: not tried: ") for name in ("s1", "s2"))
    for page in ("index.html", "failures.html"):
        text = (bench.folder / "out" / "report" / page).read_text()
        assert MAKING_TEXT[Reason.CRASHED] in text and "or scored" not in text


def test_an_error_before_the_start_names_the_systems_id_and_its_line(bench: Bench, failing: Path) -> None:
    suite = yaml.safe_load(failing.read_text())
    two = {"id": "two", "use": "command", "options": {**suite["systems"][0]["options"], "root": "mien"}}
    suite["systems"].append(two)
    failing.write_text(yaml.safe_dump(suite))
    line = next(i for i, text in enumerate(failing.read_text().splitlines(), 1) if "mien" in text)
    done = bench("run", failing, "--out", "out")
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert said.startswith(f"error: {failing}:{line}: systems.1.options.root: two: there is no folder "), said


def test_given_files_lie_in_the_run_and_those_of_a_killed_one_are_cleared(
    bench: Bench, failing: Path
) -> None:
    suite = yaml.safe_load(failing.read_text())
    tell = "import sys; print('given', sys.argv[1]); sys.exit(3)"
    suite["systems"][0]["options"]["command"] = [sys.executable, "-c", tell, "{image}", "{out}"]
    failing.write_text(yaml.safe_dump(suite))
    left = bench.folder / "out" / "given" / "uniavgen-bench-given-old" / "image.png"
    for _ in range(2):
        assert bench("run", failing, "--out", "out", "--workers", 1, "--limit", 1).returncode == 1
        assert not (bench.folder / "out" / "given").exists()
        left.parent.mkdir(parents=True)
        left.write_bytes(b"left by a killed run")

"""A run that was killed goes on, and ends with the same rows as one that was not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest
from runner.conftest import Bench, make_clip

from uniavgen_bench.core.run_files import RunDirectory


def values(run: Path) -> pd.DataFrame:
    return RunDirectory(run).scores().drop(columns="seconds")


def gone(group: int, seconds: float = 30) -> bool:
    """Wait until no process of a group is left; a worker that is just starting needs a moment to notice."""
    for _ in range(int(seconds / 0.2)):
        command = ["pgrep", "-g", str(group)]
        if not subprocess.run(command, capture_output=True, text=True, check=False).stdout.split():
            return True
        time.sleep(0.2)
    return False


@pytest.mark.parametrize("attempt", range(5))
def test_killed_at_a_random_moment_and_started_again_gives_equal_rows(
    bench: Bench, clips: Path, attempt: int
) -> None:
    for i in range(4):
        make_clip(clips / "C" / f"{i}.mp4", hertz=700 + i)
    metrics = ["toy.slow", "toy.loudness", "toy.brightness"]
    arguments = ["score", clips, "--metrics", ",".join(metrics), "--workers", "2", "--out", "killed"]
    process = subprocess.Popen(
        bench.command(*arguments), cwd=bench.folder, env=bench.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(1.5 + random.Random(attempt).random() * 4)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert gone(process.pid), "workers outlive their parent"
    done = bench(*arguments)
    assert done.returncode == 0, done.stderr
    undisturbed = Bench(bench.plugins, bench.folder / "other-home", bench.folder)
    plain = undisturbed(*[a if a != "killed" else "plain" for a in arguments])
    assert plain.returncode == 0, plain.stderr
    pd.testing.assert_frame_equal(values(bench.folder / "killed"), values(bench.folder / "plain"))


def test_number_of_workers_changes_nothing(bench: Bench, clips: Path) -> None:
    one = values(bench.score(clips, ["toy.loudness"], "--workers", 1, out="one"))
    other = Bench(bench.plugins, bench.folder / "other", bench.folder)
    pd.testing.assert_frame_equal(
        one, values(other.score(clips, ["toy.loudness"], "--workers", 2, out="two"))
    )


def test_full_disk_is_one_line_and_what_was_scored_is_kept(bench: Bench, clips: Path) -> None:
    small = bench.folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        full = Bench(bench.plugins, small, bench.folder)
        for i in range(6):
            make_clip(clips / "D" / f"{i}.mp4", hertz=100 + i, seconds=2)
        done = full("score", clips, "--metrics", "toy.brightness", "--controls", "none", "--out", "out")
        assert done.returncode == 2 and "No space left" in done.stderr and "Traceback" not in done.stderr
    finally:
        subprocess.run(["umount", small], check=False)
    assert bench.score(clips, ["toy.brightness"]) == bench.folder / "out"


def test_two_processes_do_not_write_one_run(bench: Bench, clips: Path) -> None:
    arguments = ["score", clips, "--metrics", "toy.slow", "--controls", "none", "--out", "out"]
    first = subprocess.Popen(
        bench.command(*arguments), cwd=bench.folder, env=bench.environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while first.poll() is None and not (bench.folder / "out" / "manifest.json").exists():
        time.sleep(0.02)
    assert first.poll() is None
    os.kill(first.pid, signal.SIGSTOP)  # it goes on when the second has tried, however busy the machine is
    try:
        second = bench(*arguments)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert (second.returncode, second.stdout) == (2, "")
    assert "is being written by another process" in " ".join(second.stderr.split())
    assert first.wait() == 0

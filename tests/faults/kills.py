"""Kills the driver or the workers of a run with SIGKILL at random moments, and goes on until it is complete.

    python -m tests.faults.kills --moments 50 --seed 1

from the root of the repository prints what was hit and ends with 1 when a row was lost, came twice or differs.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pandas as pd
from runner.conftest import PACKAGE, Bench, make_clip

from uniavgen_bench.core.run_files import RunDirectory

METRICS = "toy.slow,toy.loudness,toy.brightness"
KEY = ["system", "sample", "repeat", "metric", "field"]
PATIENCE = 180.0
"""Seconds after which a run that does not end counts as hanging."""


@dataclass
class Killed:
    """What was done to a run until it was complete."""

    driver: int = 0
    workers: int = 0
    sessions: int = 0
    hit: list[str] = field(default_factory=list)


def rows(run: Path) -> pd.DataFrame:
    """Return the scores without what a machine's load changes; fails when a row came twice."""
    table = RunDirectory(run).scores()
    assert not table.duplicated(KEY).any(), "a row came twice"
    return table.drop(columns="seconds")


def children(parent: int) -> list[int]:
    """Return the worker processes of a driver, not the tracker of its resources."""
    listed = subprocess.run(
        ["pgrep", "-P", str(parent), "-f", "spawn_main"], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


def gone(group: int, seconds: float = 60) -> bool:
    """Wait until no process of a group is left."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if subprocess.run(["pgrep", "-g", str(group)], capture_output=True, check=False).returncode != 0:
            return True
        time.sleep(0.2)
    return False


def run_under_kills(
    bench: Bench,
    arguments: Sequence[object],
    moments: int,
    rng: random.Random,
    aim: Sequence[Literal["driver", "workers"]] = ("driver", "workers"),
    span: float = 6.0,
) -> Killed:
    """Start a run, kill at `moments` random moments, start again what was killed, and let it end undisturbed."""
    told, process = Killed(), _start(bench, arguments)
    told.sessions = 1
    while len(told.hit) < moments:
        target = rng.choice(list(aim))
        _sleep(process, 0.2 + rng.random() * span)
        if process.poll() is not None:  # done before the moment came: from the beginning, with an empty store
            assert process.returncode == 0, "the run ended with an error"
            _forget(bench, arguments)
            process, told.sessions = _start(bench, arguments), told.sessions + 1
            continue
        workers = children(process.pid)
        if target == "workers":
            if not workers:
                continue
            _kill(rng.choice(workers))
            told.workers += 1
        else:
            _kill(process.pid)
            process.wait()
            assert gone(process.pid), "workers outlive their driver"
            told.driver += 1
            process, told.sessions = _start(bench, arguments), told.sessions + 1
        told.hit.append(f"{target} of {len(workers)}")
    assert process.wait(timeout=PATIENCE) == 0, "the run did not end well after the last kill"
    return told


def _start(bench: Bench, arguments: Sequence[object]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        bench.command(*arguments), cwd=bench.folder, env=bench.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _forget(bench: Bench, arguments: Sequence[object]) -> None:
    shutil.rmtree(bench.home / "store", ignore_errors=True)
    out = list(arguments)[list(arguments).index("--out") + 1]
    shutil.rmtree(bench.folder / str(out), ignore_errors=True)


def _sleep(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def many_clips(folder: Path, systems: int = 2, clips: int = 8) -> Path:
    """Write a folder of small clips."""
    for s in range(systems):
        for i in range(clips):
            make_clip(folder / f"S{s}" / f"{i}.mp4", hertz=200 + 20 * i + 300 * s, shade=10 * i)
    return folder


def main() -> int:
    """Run the trial and print what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--clips", type=int, default=12, help="clips of each of two systems")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plugins = folder / "plugins"
        install = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
        ]
        shutil.copytree(PACKAGE, folder / "toy")
        subprocess.run([*install, "--target", plugins, folder / "toy"], check=True)
        clips = many_clips(folder / "clips", clips=options.clips)
        common = ["score", clips, "--metrics", METRICS, "--workers", 2]
        plain = Bench(plugins, folder / "home-plain", folder)
        done = plain(*common, "--out", "plain", timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        expected = rows(folder / "plain")
        bench = Bench(plugins, folder / "home", folder)
        started = time.monotonic()
        told = run_under_kills(bench, [*common, "--out", "out"], options.moments, random.Random(options.seed))
        found = rows(folder / "out")
        equal = found.equals(expected)
        print(
            f"{len(told.hit)} kills ({told.driver} driver, {told.workers} workers), {told.sessions} starts,"
            f" {time.monotonic() - started:.0f} s: {len(found)} of {len(expected)} rows,"
            f" {'equal' if equal else 'NOT EQUAL'} to the undisturbed run"
        )
        if not equal:
            both = expected.merge(found, how="outer", indicator=True)
            print(both[both["_merge"] != "both"].to_string())
        return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())

"""A worker ends with its run, also while a metric keeps every other Python thread of it from running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux ends such a process")

DRIVER = """
import os, re, sys, time
from pathlib import Path
from uniavgen_bench.runner.executors.start import start_worker
from uniavgen_bench.runner.isolated_workers import IsolatedWorkers

def holds(place):
    Path(place).write_text(str(os.getpid()))
    re.match(r"(a+)+$", "a" * 60 + "b")

def idles(place):
    Path(place).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    pool = IsolatedWorkers(1, start_worker, (1, os.getpid(), None))
    how, place = sys.argv[1:]
    pool.schedule({"holds": holds, "idles": idles}[how], (place,))
    time.sleep(600)
"""
SPAWNED = """
import multiprocessing, os, threading, time
from uniavgen_bench.runner.executors.start import start_worker

def child(parent):
    start_worker(1, parent)
    time.sleep(600)

if __name__ == "__main__":
    started = []
    def start():
        process = multiprocessing.get_context("spawn").Process(target=child, args=(os.getpid(),))
        process.start()
        started.append(process)
    thread = threading.Thread(target=start)
    thread.start()
    thread.join()
    time.sleep(5)
    print(started[0].is_alive(), flush=True)
    started[0].kill()
"""


def written(folder: Path, code: str) -> Path:
    path = folder / "driver.py"
    path.write_text(code)
    return path


def gone(pid: int, seconds: float) -> bool:
    """Tell whether a process ends within a time; one that nobody has waited for has ended too."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("how", ["holds", "idles"])
def test_a_worker_ends_with_a_killed_driver(tmp_path: Path, how: str) -> None:
    place = tmp_path / "pid"
    driver = subprocess.Popen([sys.executable, str(written(tmp_path, DRIVER)), how, str(place)])
    try:
        until = time.monotonic() + 60
        while not (place.is_file() and place.read_text()):
            assert time.monotonic() < until and driver.poll() is None
            time.sleep(0.1)
        time.sleep(1)
    finally:
        driver.kill()
        driver.wait()
    worker = int(place.read_text())
    try:
        assert gone(worker, 10), "the worker outlives its driver"
    finally:
        if not gone(worker, 0.1):
            os.kill(worker, 9)


def test_a_worker_does_not_end_with_the_thread_that_started_it(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(written(tmp_path, SPAWNED))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["True"], done.stderr

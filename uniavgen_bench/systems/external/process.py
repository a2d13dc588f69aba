"""One process of an external system: its log is streamed to a file, and it is ended with all that it started."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.redaction import Redaction, environment_of_tools
from uniavgen_bench.systems.external.gpu_memory import GpuWatch
from uniavgen_bench.systems.external.supervisor import MARK, end_all, marked

POLL = 0.25
"""Seconds between two looks at a running process."""
LOOK = 2.0
"""Seconds between two looks for new clips."""


class StoppedError(Exception):
    """The process was ended because the run is to stop; what it said of its clips does not count."""


@dataclass(frozen=True)
class Ended:
    """How a process ended: `status` (None: it was ended from outside), `stalled`: nothing new came for too long."""

    status: int | None
    stalled: bool
    seconds: float
    gpu: Mapping[str, int]


def run_process(
    arguments: Sequence[str],
    cwd: Path,
    environment: Mapping[str, str],
    log: Path,
    progress: Callable[[Mapping[str, int]], bool],
    patience: float,
    devices: Sequence[int] = (),
    hidden: Redaction | None = None,
    stop: threading.Event | None = None,
) -> Ended:
    """Run a program to its end, or until `progress` has said False for `patience` s.

    `progress` is told of the GPU and asked every two seconds whether there is something new. The program ends with
    all that it started when this process does, also when that is killed; and when its supervisor is killed. What is
    `hidden` (by default: what has the shape of a token) never reaches the log.

    Raises:
        StoppedError: `stop` was set, from another thread; all that was started has ended.
    """
    started = time.monotonic()
    mark = secrets.token_hex(8)
    job = {
        "arguments": list(arguments), "cwd": str(cwd), "environment": {**environment, MARK: mark}, "log": str(log),
        "hidden": (hidden or Redaction()).rules,
    }  # fmt: skip
    supervisor = Path(__file__).with_name("supervisor.py")
    child = subprocess.Popen(
        [sys.executable, "-I", "-S", str(supervisor)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
        env=environment_of_tools(),
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    stalled = stopped = False
    watch = GpuWatch(devices)
    try:
        child.stdin.write(json.dumps(job) + "\n")
        child.stdin.flush()
        last = looked = time.monotonic()
        while child.poll() is None:
            time.sleep(POLL)
            watch.look()
            if stop is not None and stop.is_set():
                stopped = True
                break
            now = time.monotonic()
            if now - looked >= min(LOOK, patience / 2):
                looked = now
                if progress(watch.facts()):
                    last = now
                elif now - last > patience:
                    stalled = True
                    break
    finally:
        child.stdin.close()
        said = child.stdout.read().split()
        child.stdout.close()
        child.wait()
        if not said:  # the supervisor was killed, and what it kept together is on its own
            end_all(lambda: marked(mark))
    if stopped:
        raise StoppedError
    status = int(said[-1]) if said else None
    return Ended(None if stalled else status, stalled, round(time.monotonic() - started, 3), watch.facts())

"""How a worker process begins: its threads, its GPU, and its end when the run is gone.

Nothing heavy is imported here: libraries read the number of threads once, when they are loaded.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import filelock

if sys.platform == "linux":
    import fcntl

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
"""Variables by which libraries are told how many threads they may use."""
GPUS = "CUDA_VISIBLE_DEVICES"
PATIENCE = 20.0
"""Seconds that a new process waits for the place of one that was just ended."""


@dataclass(frozen=True)
class GpuPlaces:
    """One place per worker process, the GPUs dealt out to them in turn.

    A place is a lock on a file in `folder`: the system frees it however its process ends.
    """

    folder: Path
    gpus: tuple[str, ...]
    workers: int

    def take(self) -> tuple[str, filelock.FileLock | None]:
        """Return the GPU of a free place and the lock that keeps it; without a lock when no place gets free."""
        until = time.monotonic() + PATIENCE
        while True:
            for place in range(self.workers):
                lock = filelock.FileLock(self.folder / f"{place}.lock")
                try:
                    lock.acquire(timeout=0)
                except filelock.Timeout:
                    continue
                return self.gpus[place % len(self.gpus)], lock
            if time.monotonic() > until:
                return self.gpus[os.getpid() % len(self.gpus)], None
            time.sleep(0.1)


def start_worker(threads: int, parent: int, places: GpuPlaces | None = None) -> None:
    """Prepare a worker process: a fixed number of threads, one GPU at most, and an end when its parent is gone."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    held: list[filelock.FileLock | None] = []
    if places is not None:
        os.environ[GPUS], lock = places.take()
        held.append(lock)

    def watch(held: list[filelock.FileLock | None]) -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, args=(held,), daemon=True).start()
    end_with_parent()


def end_with_parent() -> None:
    """Let the kernel end this process when the process that started it is gone, also while no Python code can run.

    A process that was spawned has the reading end of a pipe of which only its parent has the other one, and nothing
    more comes through it: the only event is that the parent has ended. Unlike `PR_SET_PDEATHSIG`, this does not look at
    the thread of the parent. Linux only; elsewhere there is the thread that looks every half second.
    """
    parent = multiprocessing.parent_process()
    if parent is None or sys.platform != "linux":
        return
    pipe = parent.sentinel
    with contextlib.suppress(OSError):
        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)

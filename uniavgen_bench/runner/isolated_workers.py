"""Worker processes that share nothing: when one is killed, whatever it was doing, the others do not notice."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from typing import Any, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from uniavgen_bench.runner.clip_budget import ClipBudget

START = 600.0
"""Seconds that a process may take to start and to take up its first task."""
TICK = 0.2
"""Seconds between two looks at the clock while a task runs."""
TRIES = 3
"""How often a task is begun whose process was killed from outside (out of memory, by hand) or could not start."""

P = ParamSpec("P")
T = TypeVar("T")


class RecordedProcesses(SpawnContext):
    """Starts processes, and knows them all: a pool that is stopped while one starts forgets that one."""

    def __init__(self) -> None:
        self._begun: list[BaseProcess] = []

    def Process(self, *arguments: Any, **named: Any) -> BaseProcess:  # type: ignore[override]  # noqa: N802
        """Return a process to be started, as the context of `multiprocessing` does."""
        process = SpawnProcess(*arguments, **named)
        self._begun.append(process)
        return process

    def kill(self) -> None:
        """End what still lives."""
        for process in self._begun:
            with suppress(ValueError, AttributeError):  # closed, or never started
                process.kill()


class IsolatedWorkers:
    """A pool of processes, each with pipes of its own.

    A pool whose processes share one pipe and its locks breaks, or stops for ever, when a process is killed while it
    starts, waits or sends. Here such a process is replaced, and its task begun anew. Times are taken from a clock
    that never jumps.
    """

    def __init__(self, workers: int, initializer: Callable[..., None], initargs: tuple[Any, ...]) -> None:
        self._initializer, self._initargs = initializer, initargs
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
        self._own = threading.local()
        self._ended = threading.Event()
        self._pools: set[ProcessPool] = set()
        self._processes: dict[ProcessPool, RecordedProcesses] = {}

    def schedule(
        self,
        function: Callable[..., T],
        args: tuple[Any, ...] = (),
        timeout: float | None = None,
        budget: ClipBudget | None = None,
    ) -> Future[T]:
        """Queue a task; its future raises what the function raised, `TimeoutError` or `pebble.ProcessExpired`.

        `timeout`: s that it may take, or what is left of a `budget`, from which is taken what it took.
        """
        return self._threads.submit(self._run, function, args, timeout, budget)

    def close(self) -> None:
        """Take no more tasks."""
        self._threads.shutdown(wait=False)

    def stop(self) -> None:
        """Take no more tasks and give up those that run."""
        self._ended.set()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def join(self) -> None:
        """Wait for the tasks, then end the processes."""
        self._threads.shutdown(wait=True)
        for pool in tuple(self._pools):
            pool.stop()  # type: ignore[no-untyped-call]
        for pool in tuple(self._pools):
            pool.join()
            self._processes.pop(pool).kill()
        self._pools.clear()

    def _run(
        self,
        function: Callable[..., T],
        args: tuple[Any, ...],
        timeout: float | None,
        budget: ClipBudget | None,
    ) -> T:
        for attempt in range(1, TRIES + 1):
            if budget is not None and budget.left <= 0:
                raise TimeoutError
            pool = self._pool()
            try:
                return self._wait(pool, function, args, timeout, budget)
            except (ProcessExpired, BrokenProcessPool) as error:
                self._abandon(pool)
                killed = isinstance(error, BrokenProcessPool) or error.exitcode == -signal.SIGKILL
                if not killed or attempt == TRIES:
                    raise ended(error) from error
            except (TimeoutError, CancelledError):
                self._abandon(pool)
                raise
        raise AssertionError("there is at least one attempt")

    def _wait(
        self,
        pool: ProcessPool,
        function: Callable[..., T],
        args: tuple[Any, ...],
        timeout: float | None,
        budget: ClipBudget | None,
    ) -> T:
        try:
            future = pool.schedule(function, args=args)
        except RuntimeError as error:
            raise BrokenProcessPool(str(error)) from error
        if budget is not None:
            timeout = budget.left
        begun: float | None = None
        until = time.monotonic() + START
        try:
            while not wait([future], timeout=TICK).done:
                if self._ended.is_set():
                    raise CancelledError
                if not pool.active and not future.done():  # it broke with the task still in its queue
                    raise BrokenProcessPool("the process ended before it began")
                if begun is None and future.running():
                    begun = time.monotonic()
                    until = math.inf if timeout is None else begun + timeout
                if time.monotonic() > until:
                    raise (
                        TimeoutError if begun is not None else BrokenProcessPool("the process does not start")
                    )
        finally:
            if begun is not None and budget is not None:
                budget.spend(time.monotonic() - begun)
        return future.result()

    def _pool(self) -> ProcessPool:
        pool: ProcessPool | None = getattr(self._own, "pool", None)
        if pool is None:
            processes = RecordedProcesses()
            pool = ProcessPool(
                max_workers=1,
                context=processes,
                initializer=self._initializer,
                initargs=self._initargs,
            )
            self._own.pool = pool
            self._processes[pool] = processes
            self._pools.add(pool)
        return pool

    def _abandon(self, pool: ProcessPool) -> None:
        """End a process and leave its pipes alone: half a message may be in them, and who reads it waits for ever."""
        self._own.pool = None
        self._pools.discard(pool)
        processes = self._processes.pop(pool)

        def end() -> None:
            with suppress(RuntimeError, OSError):
                pool.stop()  # type: ignore[no-untyped-call]
                pool.join()
            processes.kill()

        threading.Thread(target=end, daemon=True).start()


def ended(error: ProcessExpired | BrokenProcessPool) -> ProcessExpired:
    """Return the error of a process that ended, also where it never began with its task."""
    if isinstance(error, ProcessExpired):
        return error
    said = f"the process could not be started: {error}"
    return ProcessExpired(said, code=-signal.SIGKILL)  # type: ignore[no-untyped-call]

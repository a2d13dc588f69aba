"""A worker process that is killed, ends or hangs costs at most its own task, whatever the clock says."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, TimeoutError

import pytest
from pebble import ProcessExpired

from uniavgen_bench.runner.isolated_workers import IsolatedWorkers


def echo(value: int, seconds: float = 0.05) -> int:
    time.sleep(seconds)
    return value


def abort(value: int) -> int:
    os.abort()


def ready() -> None:
    """The initializer of a worker that needs nothing."""


def kill_one(workers: list[multiprocessing.process.BaseProcess]) -> None:
    pid = workers[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def wait_for_processes(before: set[int | None]) -> list[multiprocessing.process.BaseProcess]:
    until = time.monotonic() + 30
    while time.monotonic() < until:
        found = [p for p in multiprocessing.active_children() if p.pid not in before]
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("no worker started")


@pytest.fixture
def pool() -> Iterator[IsolatedWorkers]:
    """One worker process."""
    made = IsolatedWorkers(1, ready, ())
    yield made
    made.stop()
    made.join()


def test_worker_killed_while_it_starts_is_replaced(pool: IsolatedWorkers) -> None:
    before = {p.pid for p in multiprocessing.active_children()}
    futures: list[Future[int]] = [pool.schedule(echo, (i,)) for i in range(3)]
    kill_one(wait_for_processes(before))
    assert [f.result(timeout=60) for f in futures] == [0, 1, 2]


def test_worker_killed_while_it_waits_is_replaced(pool: IsolatedWorkers) -> None:
    before = {p.pid for p in multiprocessing.active_children()}
    assert pool.schedule(echo, (1,)).result(timeout=60) == 1
    kill_one(wait_for_processes(before))
    assert pool.schedule(echo, (2,)).result(timeout=60) == 2


def test_task_whose_worker_is_killed_is_done_again(pool: IsolatedWorkers) -> None:
    before = {p.pid for p in multiprocessing.active_children()}
    pool.schedule(echo, (0,)).result(timeout=60)
    future = pool.schedule(echo, (1, 2.0))
    time.sleep(0.5)
    kill_one(wait_for_processes(before))
    assert future.result(timeout=60) == 1


def test_task_that_ends_its_process_is_at_fault_and_not_done_again(pool: IsolatedWorkers) -> None:
    with pytest.raises(ProcessExpired) as raised:
        pool.schedule(abort, (1,)).result(timeout=60)
    assert raised.value.exitcode == -signal.SIGABRT
    assert pool.schedule(echo, (1,)).result(timeout=60) == 1


def test_task_that_hangs_is_ended_and_the_next_goes_on(pool: IsolatedWorkers) -> None:
    hanging = pool.schedule(echo, (1, 600.0), timeout=1.0)
    after = pool.schedule(echo, (2,))
    with pytest.raises(TimeoutError):
        hanging.result(timeout=60)
    assert after.result(timeout=60) == 2


@pytest.mark.parametrize("hours", [-30, 30])
def test_jump_of_the_clock_neither_ends_nor_prolongs_a_task(
    pool: IsolatedWorkers, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    pool.schedule(echo, (0,)).result(timeout=60)
    running = pool.schedule(echo, (1, 1.5), timeout=20.0)
    hanging = pool.schedule(echo, (2, 600.0), timeout=1.0)
    time.sleep(0.5)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)
    assert running.result(timeout=60) == 1
    with pytest.raises(TimeoutError):
        hanging.result(timeout=60)


def test_stopping_ends_what_runs_at_once() -> None:
    pool = IsolatedWorkers(1, ready, ())
    before = {p.pid for p in multiprocessing.active_children()}
    running, waiting = pool.schedule(echo, (1, 600.0)), pool.schedule(echo, (2,))
    processes = wait_for_processes(before)
    started = time.monotonic()
    pool.stop()
    pool.join()
    assert running.done() and waiting.cancelled()
    processes[0].join(timeout=120)
    assert not processes[0].is_alive() and time.monotonic() - started < 120


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.1, 0.3])
def test_a_process_that_is_just_starting_ends_with_its_pool(seconds: float) -> None:
    pool = IsolatedWorkers(1, ready, ())
    before = {p.pid for p in multiprocessing.active_children()}
    pool.schedule(echo, (1, 600.0))
    time.sleep(seconds)
    pool.stop()
    pool.join()
    until = time.monotonic() + 20
    while left := [p for p in multiprocessing.active_children() if p.pid not in before]:
        assert time.monotonic() < until, left
        time.sleep(0.05)

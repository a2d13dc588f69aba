"""A local pool of processes in which a clip may crash or hang without harming the run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from dataclasses import dataclass

from pebble import ProcessExpired

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.runner.clip_budget import CLIP_LATE, METRIC_LATE, ClipBudget
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.disk_errors import StorageFullError
from uniavgen_bench.runner.executors.start import GpuPlaces, start_worker
from uniavgen_bench.runner.isolated_workers import IsolatedWorkers
from uniavgen_bench.runner.worker import failed_outcome, merge, parts_of, process_clip

AHEAD = 4
"""Clips handed to the pool per worker, so that the queue does not grow with the run."""


@dataclass(frozen=True)
class PoolOptions:
    """`workers` processes with `threads` each; a clip may take `timeout` s before its process is ended.

    `places`: which GPU a process uses; None leaves it to the environment.
    """

    workers: int
    threads: int
    timeout: float = 1800.0
    places: GpuPlaces | None = None


def outcomes(
    config: WorkerConfig, stages: Sequence[Sequence[ClipWork]], options: PoolOptions
) -> Iterator[tuple[ClipWork, ClipOutcome]]:
    """Yield every clip with its outcome as they finish, in no fixed order within a stage.

    A stage begins when the one before is done, because its clips may be derived from those.

    A clip whose process dies or hangs is tried again metric by metric: what can be scored is, and the metric at
    fault answers `Missing(crashed)` or `Missing(timeout)`. Its metrics have a budget then (`ClipBudget`).

    Raises:
        StorageFullError: from a worker; the pool is stopped first.
    """
    pool = IsolatedWorkers(options.workers, start_worker, (options.threads, os.getpid(), options.places))
    try:
        for works in stages:
            yield from _drive(pool, config, works, options)
        pool.close()
    except BaseException:
        pool.stop()
        raise
    finally:
        pool.join()


def _drive(
    pool: IsolatedWorkers, config: WorkerConfig, works: Sequence[ClipWork], options: PoolOptions
) -> Iterator[tuple[ClipWork, ClipOutcome]]:
    waiting = iter(works)
    running: dict[Future[ClipOutcome], ClipWork] = {}

    def submit(work: ClipWork) -> None:
        future = pool.schedule(process_clip, args=(config, work), timeout=options.timeout)
        running[future] = work

    def fill() -> None:
        while len(running) < options.workers * AHEAD and (work := next(waiting, None)) is not None:
            submit(work)

    fill()
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            work = running.pop(future)
            outcome, failure = _result(future, config, work)
            if failure and len(work.only_metrics or config.metrics) > 1:
                outcome = _one_by_one(pool, config, work, options)
            yield work, outcome
        fill()


def _result(future: Future[ClipOutcome], config: WorkerConfig, work: ClipWork) -> tuple[ClipOutcome, bool]:
    try:
        return future.result(), False
    except TimeoutError:
        missing = METRIC_LATE if work.part else CLIP_LATE
    except ProcessExpired as error:
        missing = Missing(Reason.CRASHED, f"its process ended with status {error.exitcode}")
    except StorageFullError:
        raise
    except Exception as error:  # noqa: BLE001 - one clip must not stop a run, whatever its file does to us
        missing = Missing(Reason.FAILED, f"{type(error).__name__}: {error}")
        return failed_outcome(config, work, missing), False
    return failed_outcome(config, work, missing), True


def _one_by_one(
    pool: IsolatedWorkers, config: WorkerConfig, work: ClipWork, options: PoolOptions
) -> ClipOutcome:
    parts, budget = [], ClipBudget(options.timeout)
    for part in parts_of(config, work):
        future = pool.schedule(process_clip, args=(config, part), budget=budget)
        parts.append(_result(future, config, part)[0])
    return merge(config, parts)

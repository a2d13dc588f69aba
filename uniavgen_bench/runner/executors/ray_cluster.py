"""The executor `ray`: actors on the nodes of a cluster, each with one clip at a time; Ray says where they run."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError, RayTaskError

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.core.store import home
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.disk_errors import StorageFullError
from uniavgen_bench.runner.executors.attempts import Attempt, Attempts
from uniavgen_bench.runner.executors.executor import THREADS, ExecutorOptions
from uniavgen_bench.runner.executors.ray_connection import first_line, needs, request
from uniavgen_bench.runner.executors.ray_worker import (
    ClipWorker,
    Failure,
    Surroundings,
    difference,
    mark_store,
    surroundings,
)
from uniavgen_bench.runner.executors.start import THREAD_VARIABLES
from uniavgen_bench.runner.worker import failed_outcome
from uniavgen_bench.weights.search import SEARCH_VARIABLE

TICK = 1.0
"""Seconds between two looks at the clock while clips are worked on."""
PATIENCE = 300.0
"""Seconds without a single worker after which a run is given up."""
STARTS = 3
"""How often in a row, per worker, a worker may die before it is ready."""


@dataclass
class _Worker:
    """An actor; `reference` is what it is to answer: first that it is ready, then an outcome."""

    actor: Any
    reference: Any
    ready: bool = False
    attempt: Attempt | None = None
    since: float = 0.0
    until: float = math.inf


class RayExecutor:
    """Hands clips to actors, one each at a time: what waits, waits here, and a dead actor takes one clip along."""

    def __init__(self, options: ExecutorOptions, workers: int, note: Callable[[str], None]) -> None:
        self._options, self._note = options, note
        self._number = workers

    @property
    def workers(self) -> int:
        """How many actors there are when all have found room."""
        return self._number

    @property
    def threads(self) -> int:
        """How many threads an actor uses."""
        return THREADS

    def outcomes(
        self, config: WorkerConfig, stages: Sequence[Sequence[ClipWork]]
    ) -> Iterator[tuple[ClipWork, ClipOutcome]]:
        """Yield every clip once with its outcome (see `Executor`).

        Raises:
            InputError: a node differs from this machine in what could change a number.
            BenchError: workers die at their start, or no node is left; what was scored is kept.
        """
        crew = _Crew(self._options, self._number, config, self._note)
        try:
            for works in stages:
                yield from crew.work_on(works)
        finally:
            crew.stop()


class _Crew:
    """The actors of one call of `outcomes`."""

    def __init__(
        self, options: ExecutorOptions, number: int, config: WorkerConfig, note: Callable[[str], None]
    ) -> None:
        self._options, self._config, self._note = options, config, note
        mark_store(config)
        self._here = surroundings(config)
        self._shared = ray.put(config)
        self._dead_starts, self._alone_since, self._told = 0, time.monotonic(), False
        self._apart: set[str] = set()
        self._workers = [self._new() for _ in range(number)]

    def stop(self) -> None:
        """End all actors."""
        for worker in self._workers:
            ray.kill(worker.actor, no_restart=True)
        self._workers = []

    def work_on(self, works: Sequence[ClipWork]) -> Iterator[tuple[ClipWork, ClipOutcome]]:
        """Yield the clips of a stage as they finish."""
        attempts = Attempts(self._config, works, self._options.timeout)
        while attempts.open:
            for worker in self._workers:
                while worker.ready and worker.attempt is None and (attempt := attempts.next()) is not None:
                    limit = attempts.limit(attempt)
                    if limit > 0:
                        self._give(worker, attempt, limit)
                    elif (outcome := attempts.late(attempt)) is not None:
                        yield attempt.whole, outcome
            for worker in self._answering():
                given = worker.attempt
                outcome = self._answer(worker, attempts)
                if given is not None and outcome is not None:
                    yield given.whole, outcome
            self._check_alone()

    def _new(self) -> _Worker:
        asked = request(self._options)
        passed = dict.fromkeys(THREAD_VARIABLES, str(THREADS))
        passed["UNIAVGEN_BENCH_HOME"] = str(home().absolute())
        if SEARCH_VARIABLE in os.environ:
            passed[SEARCH_VARIABLE] = os.environ[SEARCH_VARIABLE]
        actor = (
            ray.remote(ClipWorker)
            .options(
                num_cpus=asked.get("CPU", 0),
                num_gpus=asked.get("GPU", 0),
                memory=int(asked["memory"]) if "memory" in asked else None,
                max_restarts=0,
                scheduling_strategy="SPREAD",
                runtime_env={"env_vars": passed},
            )
            .remote(str(Path.cwd()))
        )
        return _Worker(actor, actor.ready.remote(self._shared))

    def _give(self, worker: _Worker, attempt: Attempt, limit: float) -> None:
        worker.attempt = attempt
        worker.reference = worker.actor.score.remote(self._shared, attempt.work)
        worker.since = time.monotonic()
        worker.until = worker.since + limit

    def _answering(self) -> list[_Worker]:
        """Return the workers that have answered, died, or worked for too long; wait for one, a moment at most."""
        busy = {worker.reference: worker for worker in self._workers if worker.reference is not None}
        done, _ = ray.wait(list(busy), num_returns=1, timeout=TICK)
        now = time.monotonic()
        late = [w for reference, w in busy.items() if reference not in done and now > w.until]
        return [busy[reference] for reference in done] + late

    def _answer(self, worker: _Worker, attempts: Attempts) -> ClipOutcome | None:
        attempt = worker.attempt
        if attempt is not None:
            attempts.spend(attempt, time.monotonic() - worker.since)
        if time.monotonic() > worker.until and attempt is not None and not _is_there(worker.reference):
            self._replace(worker)
            return attempts.late(attempt)
        try:
            answer = ray.get(worker.reference)
        except RayTaskError as error:
            answer = Failure(first_line(error))
        except RayError as error:
            if attempt is None:
                self._start_failed(error)
            self._replace(worker)
            missing = Missing(Reason.CRASHED, f"its worker died: {first_line(error)}")
            return attempts.lost(attempt, missing) if attempt is not None else None
        if attempt is None:
            self._welcome(worker, answer)
            return None
        worker.reference, worker.attempt, worker.until = None, None, math.inf
        if isinstance(answer, StorageFullError):
            raise answer
        if isinstance(answer, Failure):
            missing = Missing(Reason.FAILED, answer.text)
            answer = failed_outcome(self._config, attempt.work, missing)
        return attempts.finished(attempt, answer)

    def _welcome(self, worker: _Worker, answer: Surroundings | BenchError | Failure) -> None:
        if isinstance(answer, Failure):
            raise BenchError(f"a worker of the cluster cannot start: {answer.text}")
        if isinstance(answer, BenchError):
            raise InputError(f"a node of the cluster cannot be used: {answer}")
        if self._config.remote is not None and answer.store != self._here.store:
            # Results by content address are right wherever they lie: this costs time, and no run ends for it.
            self._note_alone(answer.node)
            answer = replace(answer, store=self._here.store)
        wrong = difference(self._here, answer)
        if wrong is not None:
            raise InputError(f"node {answer.node} {wrong[0]}", way_out=wrong[1])
        worker.ready, worker.reference = True, None
        self._dead_starts = 0

    def _note_alone(self, node: str) -> None:
        if node not in self._apart:
            self._note(f"node {node} does not see the shared store: what it computes stays there")
        self._apart.add(node)

    def _replace(self, worker: _Worker) -> None:
        ray.kill(worker.actor, no_restart=True)
        self._workers[self._workers.index(worker)] = self._new()

    def _start_failed(self, error: RayError) -> None:
        self._dead_starts += 1
        if self._dead_starts >= STARTS * len(self._workers):
            raise BenchError(
                f"workers die on the cluster before they are ready (what was scored is kept): {first_line(error)}"
            ) from None

    def _check_alone(self) -> None:
        """Give the run up when there has been no worker for long, and say so before."""
        now = time.monotonic()
        if any(worker.ready for worker in self._workers):
            self._alone_since, self._told = now, False
        elif now > self._alone_since + PATIENCE:
            raise BenchError(
                f"no node of the cluster gave room for a worker in {PATIENCE:.0f} s: {needs(self._options)} "
                f"(what was scored is kept: the same command goes on)"
            )
        elif now > self._alone_since + PATIENCE / 10 and not self._told:
            self._note(f"waiting for the cluster to start a worker ({needs(self._options)})")
            self._told = True


def _is_there(reference: Any) -> bool:
    return bool(ray.wait([reference], timeout=0)[0])

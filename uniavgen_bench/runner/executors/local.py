"""Processes of this machine: one per worker, with one thread and, with CUDA, one GPU each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.executors.executor import THREADS, ExecutorOptions
from uniavgen_bench.runner.executors.start import GPUS, GpuPlaces
from uniavgen_bench.runner.pool import PoolOptions, outcomes


@dataclass(frozen=True)
class LocalExecutor:
    """The executor `local`: `pool.outcomes` with fixed options."""

    pool: PoolOptions

    @property
    def workers(self) -> int:
        """How many processes there are."""
        return self.pool.workers

    @property
    def threads(self) -> int:
        """How many threads each of them may use."""
        return self.pool.threads

    def outcomes(
        self, config: WorkerConfig, stages: Sequence[Sequence[ClipWork]]
    ) -> Iterator[tuple[ClipWork, ClipOutcome]]:
        """Yield every clip once with its outcome (see `Executor`)."""
        return outcomes(config, stages, self.pool)


@contextmanager
def local_executor(options: ExecutorOptions) -> Iterator[LocalExecutor]:
    """Give the executor; processes start with its first clip."""
    workers = options.workers or default_workers()
    pool = PoolOptions(workers, THREADS, options.timeout)
    gpus = cuda_devices(os.environ) if options.device == "cuda" else ()
    if not gpus:
        yield LocalExecutor(pool)
        return
    with tempfile.TemporaryDirectory(prefix="uniavgen-bench-gpus-") as folder:
        places = GpuPlaces(Path(folder), gpus, workers)
        yield LocalExecutor(PoolOptions(workers, THREADS, options.timeout, places))


def processors() -> set[int]:
    """Return the processors that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def default_workers() -> int:
    """Return one process per processor that this process may use."""
    return max(1, len(processors()))


def cuda_devices(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them."""
    given = environment.get(GPUS)
    if given is not None:
        return tuple(name.strip() for name in given.split(",") if name.strip())
    import torch

    return tuple(str(number) for number in range(torch.cuda.device_count()))

"""Where the clips of a run are made and scored: by processes of this machine, or by the nodes of a Ray cluster."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from uniavgen_bench.core.errors import InputError, NotInstalledError, unknown_name
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig

EXECUTORS = ("local", "ray")
THREADS = 1
"""Threads of a worker, on every executor: networks on a processor give other last digits with another number of
threads, and a score must not depend on how many workers there were. Processors are used by having a worker on each."""


@dataclass(frozen=True)
class RayOptions:
    """What a run takes of a Ray cluster.

    `address` is that of a running cluster, `host:port` or `auto`; None means `RAY_ADDRESS`, and without it a cluster
    on this machine for the time of the run. Each worker takes `cpus` processors, `gpus` GPUs (0.5 for two workers on
    one; None: one with device cuda, else none) and `memory` GiB (None: not counted).
    """

    address: str | None = None
    cpus: float = 1.0
    gpus: float | None = None
    memory: float | None = None


@dataclass(frozen=True)
class ExecutorOptions:
    """How clips are spread over processes; nothing here changes a score.

    `workers`: None for as many as there is room for. `timeout`: seconds that a clip may take before its worker is
    ended.
    """

    kind: str = "local"
    workers: int | None = None
    device: str = "cpu"
    timeout: float = 1800.0
    ray: RayOptions = field(default_factory=RayOptions)


class Executor(Protocol):
    """Workers, `workers` of them with `threads` each, to which the clips of a run are handed."""

    @property
    def workers(self) -> int:
        """How many clips are worked on at a time."""

    @property
    def threads(self) -> int:
        """How many threads a worker may use."""

    def outcomes(
        self, config: WorkerConfig, stages: Sequence[Sequence[ClipWork]]
    ) -> Iterator[tuple[ClipWork, ClipOutcome]]:
        """Yield every clip once with its outcome as they finish, in no fixed order within a stage.

        A stage begins when the one before is done, because its clips may be derived from those. A clip whose worker
        dies or hangs is tried again; in the end what could be scored is, and what could not answers `Missing`.

        Raises:
            StorageFullError: nothing can be written any more; what was scored is kept.
        """


def check_executor(options: ExecutorOptions) -> None:
    """Make sure that an executor can be used, before anything is computed.

    Raises:
        InputError: its name is unknown, or options are given that it does not have.
        NotInstalledError: it needs an optional package.
    """
    if options.kind not in EXECUTORS:
        raise unknown_name("executor", options.kind, EXECUTORS)
    if options.kind == "local":
        if options.ray != RayOptions():
            raise InputError("--ray-… are options of another executor", way_out="add --executor ray")
        return
    asked = options.ray
    if asked.cpus <= 0 or min(asked.gpus or 0.0, asked.memory or 0.0) < 0:
        raise InputError("a Ray worker needs processors, and no resource can be less than nothing")
    address = asked.address or ""
    if address.startswith("ray://"):
        raise InputError(
            f"--ray-address {address}: a client outside of the cluster is not supported",
            way_out="start the run on a node of the cluster, with --ray-address host:port or auto",
        )
    if not address and "RAY_ADDRESS" not in os.environ:
        _own_cluster()
    try:
        import ray  # noqa: F401
    except ImportError:
        raise NotInstalledError("--executor ray: Ray", extra="ray") from None


def _own_cluster() -> None:
    """Set what Ray reads when it is imported: no statistics are sent, and this process alone may use its cluster.

    Without a token here Ray would write one into the home of the user, for all clusters to come.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "ray" not in sys.modules and "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"], os.environ["RAY_AUTH_TOKEN"] = "token", secrets.token_hex(32)


@contextmanager
def open_executor(options: ExecutorOptions, note: Callable[[str], None]) -> Iterator[Executor]:
    """Give the executor that the options ask for, and end all that it started.

    `note` hears what a user should know, for example that a run waits for nodes.

    Raises:
        InputError: no cluster answers, or it lacks what a worker needs.
    """
    if options.kind == "ray":
        from uniavgen_bench.runner.executors.ray_cluster import RayExecutor
        from uniavgen_bench.runner.executors.ray_connection import connected

        with connected(options, note) as workers:
            yield RayExecutor(options, workers, note)
        return
    from uniavgen_bench.runner.executors.local import local_executor

    with local_executor(options) as executor:
        yield executor

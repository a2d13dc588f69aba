"""A connection to a Ray cluster, or a cluster of this machine, and how many workers it has room for."""

from __future__ import annotations

import math
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray.exceptions import RayError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.runner.executors.executor import ExecutorOptions
from uniavgen_bench.runner.executors.local import default_workers

KNOCK = 20.0
"""Seconds in which a cluster must take a connection."""
OBJECTS = 128 * 2**20
"""Bytes of Ray's object store on a cluster of our own: outcomes are small, media go to the run directory."""
GIB = 2**30


@contextmanager
def connected(options: ExecutorOptions, note: Callable[[str], None]) -> Iterator[int]:
    """Connect to a cluster, or start one on this machine, and give the number of workers; end it afterwards.

    A connection that the caller has already made is used and left alone.

    Raises:
        InputError: no cluster answers, or none of its nodes has what a worker needs.
    """
    address = options.ray.address or os.environ.get("RAY_ADDRESS")
    ours = not ray.is_initialized()
    if ours:
        _connect(options, address)
    try:
        room = sum(_room(node["Resources"], options) for node in ray.nodes() if node["Alive"])
        if not room:
            if address is None:
                raise InputError(f"this machine does not have what a worker needs: {needs(options)}")
            note(f"no node of the cluster has room for a worker yet ({needs(options)})")
        yield options.workers or max(1, room)
    finally:
        if ours:
            ray.shutdown()


def _connect(options: ExecutorOptions, address: str | None) -> None:
    quiet: dict[str, Any] = {"logging_level": "ERROR", "log_to_driver": False}
    if address is not None:
        try:
            _knock(address)
            ray.init(address=address, **quiet)
        except (RayError, RuntimeError, ValueError, OSError) as error:
            raise InputError(
                f"no Ray cluster answers at {address}: {first_line(error)}",
                way_out="is it running, and does it ask for a token (RAY_AUTH_MODE=token)? see docs/executors.md",
            ) from None
        return
    workers = options.workers or default_workers()
    try:
        ray.init(
            address="local",
            num_cpus=max(1, math.ceil(workers * options.ray.cpus)),
            num_gpus=None if options.device == "cuda" else 0,
            include_dashboard=False,
            object_store_memory=OBJECTS,
            **quiet,
        )
    except Exception as error:  # noqa: BLE001 - on a busy machine Ray gives up with a bare Exception
        ray.shutdown()
        raise InputError(
            f"Ray could not be started on this machine: {first_line(error)}",
            way_out="start again when the machine is less busy, or leave --executor out",
        ) from None


def _knock(address: str) -> None:
    """Open a connection to a cluster and close it: Ray asks for minutes where nobody listens.

    Raises:
        ValueError: it is no address.
        OSError: nobody listens there.
    """
    if address in ("auto", "local"):
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("an address is host:port or auto")
    with socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK):
        pass


def request(options: ExecutorOptions) -> dict[str, float]:
    """Return what one worker takes of a node, by Ray's names; memory in bytes."""
    gpus = options.ray.gpus if options.ray.gpus is not None else float(options.device == "cuda")
    asked = {"CPU": options.ray.cpus, "GPU": gpus, "memory": (options.ray.memory or 0.0) * GIB}
    return {name: amount for name, amount in asked.items() if amount}


def needs(options: ExecutorOptions) -> str:
    """Return what a worker asks for, as a user reads it."""
    asked = request(options)
    shown = [f"{asked[name]:g} {name}" for name in ("CPU", "GPU") if name in asked]
    if "memory" in asked:
        shown.append(f"{asked['memory'] / GIB:g} GiB memory")
    return ", ".join(shown)


def _room(resources: dict[str, float], options: ExecutorOptions) -> int:
    """Return how many workers a node with these resources has room for."""
    asked = request(options)
    return min(int(resources.get(name, 0.0) / amount + 1e-9) for name, amount in asked.items())


def first_line(error: Exception) -> str:
    """Return the first line of what Ray says; what follows are addresses and places of logs."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__

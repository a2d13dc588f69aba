"""One process of a system made ready: its inputs written, its command line and environment known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uniavgen_bench.core.result import MissingError
from uniavgen_bench.systems.external.batch import AnyBatch, Batch, Item, Launch
from uniavgen_bench.systems.external.checkout import command_line, free_port, process_environment
from uniavgen_bench.systems.external.external import External, ExternalOptions


@dataclass
class Prepared:
    """A process that could be started: its batch, launch, command line and environment."""

    batch: AnyBatch
    launch: Launch
    command: list[str]
    environment: dict[str, str]
    given: dict[str, str] = field(default_factory=dict)


def prepare(
    external: External,
    options: ExternalOptions,
    root: Path,
    folder: Path,
    items: Sequence[Item],
    port: Callable[[], int] = free_port,
) -> Prepared | AnyBatch:
    """Write the inputs of a process; the batch alone comes back when none of its items can be prepared.

    `port` gives a port that nobody listens on, for programs of several processes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unusable = {item.name: missing for item in items if (missing := item.unusable())}
    items = [item for item in items if item.name not in unusable]
    batch: AnyBatch = Batch(root, folder, options, tuple(items), refused=unusable)
    if not items:
        return batch
    try:
        launch = external.prepare(batch)
    except MissingError as error:
        batch.refused |= {item.name: error.missing for item in items if item.name not in batch.refused}
        return batch
    if all(item.name in batch.refused for item in items):
        return batch
    command = command_line(launch.arguments, root, options, external.name)
    meeting = port() if launch.arguments[0] == "torchrun" else None
    temporary = folder / "tmp"
    temporary.mkdir(exist_ok=True)
    environment = process_environment(options, launch.environment, temporary, port=meeting)
    chosen = {"CUDA_VISIBLE_DEVICES": environment["CUDA_VISIBLE_DEVICES"]} if options.devices else {}
    return Prepared(batch, launch, command, environment, {**chosen, **launch.environment, **options.env})

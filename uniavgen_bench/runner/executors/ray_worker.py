"""A worker on a node of a Ray cluster: an actor that keeps its networks loaded and scores one clip at a time.

Nothing heavy is imported here: the class must load where a library is missing, so that it can say so.
"""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uniavgen_bench.core.errors import BenchError
    from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
    from uniavgen_bench.runner.disk_errors import StorageFullError


@dataclass(frozen=True)
class Surroundings:
    """What must be the same where a run was started and on every node, so that the numbers are the same.

    `packages`: versions of Python and of all packages that can change a number. `manifest`: hash of the run's
    manifest as it is seen here. `store`: mark of the store as it is seen here. `asked`: names of the variables
    that set up a judge.
    """

    node: str
    folder: str
    code: str
    packages: dict[str, str]
    manifest: str
    store: str
    asked: tuple[str, ...]


@dataclass(frozen=True)
class Failure:
    """A clip that could not be worked on for a reason that the worker did not foresee."""

    text: str


class ClipWorker:
    """Scores clips, one at a time."""

    def __init__(self, folder: str) -> None:
        """Go to the folder that the run was started in, where this node has it: paths may be relative to it."""
        if Path(folder).is_dir():
            os.chdir(folder)

    def ready(self, config: WorkerConfig) -> Surroundings | BenchError:
        """Load plug-ins, look for the device, and tell what this node is like, or what is wrong with it."""
        from uniavgen_bench.core.errors import BenchError
        from uniavgen_bench.runner.worker import load_plugins

        try:
            load_plugins(config)
            check_cuda(config.device)
            return surroundings(config)
        except BenchError as error:
            return error

    def score(self, config: WorkerConfig, work: ClipWork) -> ClipOutcome | StorageFullError | Failure:
        """Make and score a clip (see `runner.worker.process_clip`); errors are returned, not raised."""
        from uniavgen_bench.runner.disk_errors import StorageFullError
        from uniavgen_bench.runner.worker import process_clip

        try:
            return process_clip(config, work)
        except StorageFullError as error:
            return error
        except Exception as error:  # noqa: BLE001 - one clip must not stop a run, whatever its file does to us
            return Failure(f"{type(error).__name__}: {error}")


def check_cuda(device: str) -> None:
    """Make sure that this process sees a GPU when it needs one.

    Raises:
        InputError: torch sees none.
    """
    if device != "cuda":
        return
    import torch

    from uniavgen_bench.core.errors import InputError

    if not torch.cuda.is_available():
        raise InputError("torch sees no CUDA device", way_out="give its workers a GPU with --ray-gpus")


def surroundings(config: WorkerConfig) -> Surroundings:
    """Tell what this process is surrounded by."""
    from uniavgen_bench.core.hashing import sha256_file
    from uniavgen_bench.judges.settings import PREFIX
    from uniavgen_bench.runner.provenance import code_sha256, environment

    manifest = config.run / "manifest.json"
    return Surroundings(
        node=socket.gethostname(),
        folder=str(Path.cwd()),
        code=code_sha256(),
        packages={name: found for name, found in environment().items() if name != "platform"},
        manifest=sha256_file(manifest) if manifest.is_file() else "absent",
        store=_mark(config),
        asked=tuple(sorted(name for name in os.environ if name.startswith(PREFIX))),
    )


def _mark(config: WorkerConfig) -> str:
    """Return what is kept under a fixed address of a store: two folders are one store when it is the same."""
    from uniavgen_bench.core.hashing import sha256_json
    from uniavgen_bench.core.remote_store import open_store

    with _shared_store(config) as root:
        mark = open_store(root, config.remote).get(sha256_json(["store mark"])) or b"absent"
        return mark.decode(errors="replace")


def mark_store(config: WorkerConfig) -> None:
    """Put a mark into a store that has none, by which it can be told from another."""
    import secrets

    from uniavgen_bench.core.hashing import sha256_json
    from uniavgen_bench.core.remote_store import open_store

    if _mark(config) == "absent":
        with _shared_store(config) as root:
            open_store(root, config.remote).put(sha256_json(["store mark"]), secrets.token_hex(16).encode())


@contextmanager
def _shared_store(config: WorkerConfig) -> Iterator[Path]:
    """Give the folder of the store; an empty one in front of an address, so that only what lies there is found."""
    if config.remote is None:
        yield config.store
        return
    with tempfile.TemporaryDirectory(prefix="uniavgen-bench-") as folder:
        yield Path(folder)


def difference(here: Surroundings, there: Surroundings) -> tuple[str, str] | None:
    """Return what is wrong with a node and the way out, or None when numbers made there are as good as those here."""
    if there.folder != here.folder:
        return f"does not have the folder {here.folder}", "start the run in a folder that all nodes share"
    if there.manifest != here.manifest:
        return "does not see the run directory", "name a folder that all nodes share with --out"
    if there.store != here.store:
        return "does not see the store", "name a folder that all nodes share with UNIAVGEN_BENCH_HOME"
    if there.code != here.code:
        return "has another version of uniavgen-bench", "install the same one on all nodes"
    names = sorted(here.packages.keys() | there.packages.keys())
    for name in names:
        mine, other = here.packages.get(name, "absent"), there.packages.get(name, "absent")
        if mine != other:
            return f"has {name} {other}, here it is {mine}", "install the same versions on all nodes"
    lacking = sorted(set(here.asked) - set(there.asked))
    if lacking:
        return f"lacks {', '.join(lacking)}", "set it before `ray start`: keys are not sent to nodes"
    return None

"""A checkout of another project: where it is, its commit, its interpreter, and the environment of its processes."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.systems.external.checkout_state import changes_of, commit_sha
from uniavgen_bench.systems.external.external import External, ExternalOptions

CHECKOUTS = "UNIAVGEN_BENCH_CHECKOUTS"
"""Variable that names a folder in which checkouts lie under the names of their systems."""

PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TERM", "LD_LIBRARY_PATH",
    "CUDA_HOME", "CUDA_PATH", "CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES",
    "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "TRANSFORMERS_CACHE", "TORCH_HOME", "XDG_CACHE_HOME",
    "OMP_NUM_THREADS", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
)  # fmt: skip
"""Variables that every process gets; all others stay behind unless `pass_env` names them, secrets above all."""


@dataclass(frozen=True)
class Commit:
    """The commit of a checkout: None where it is no git repository or git is not here; `changed`: code differs."""

    sha: str | None
    changed: bool = False

    def __str__(self) -> str:
        """Render for people."""
        return (
            "not a git checkout" if self.sha is None else self.sha[:7] + (", changed" if self.changed else "")
        )


def default_root(name: str) -> Path | None:
    """Return the checkout of a system in the folder of checkouts, or None."""
    folder = os.environ.get(CHECKOUTS)
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_dir() else None


def root_of(external: External, options: ExternalOptions) -> Path:
    """Return the absolute path of the checkout.

    Raises:
        InputError: it is not set, not there, or not a checkout of this system.
    """
    root = options.root or default_root(external.name) or (None if external.home else Path.cwd())
    name = external.name
    if root is None:
        raise InputError(
            f"{name}: its checkout is not named",
            way_out=f"clone github.com/{external.home} and set options.root, or {CHECKOUTS}",
        )
    if not root.is_dir():
        way_out = (
            f"clone github.com/{external.home} there, or correct options.root" if external.home else None
        )
        raise InputError(f"{name}: there is no folder {root}", way_out=way_out or "correct options.root")
    if external.entry and not (root / external.entry).is_file():
        raise InputError(
            f"{name}: {root} is no checkout of {external.home}: it has no {external.entry}",
            way_out="correct options.root",
        )
    return root.resolve()


def commit_of(root: Path) -> Commit:
    """Return the commit of a checkout."""
    sha = commit_sha(root)
    return Commit(sha, sha is not None and bool(changes_of(root)))


def interpreter(root: Path, options: ExternalOptions, name: str) -> str:
    """Return the interpreter of the system's environment.

    Raises:
        InputError: none is named or it is not there.
    """
    if options.python is None:
        own = root / ".venv" / "bin" / "python"
        if own.is_file():
            return str(own)
        raise InputError(
            f"{name}: the Python of its environment is not named",
            way_out="set options.python (or options.launcher)",
        )
    given = options.python
    if "/" in given:
        path = Path(given).expanduser()
        path = path if path.is_absolute() else root / path
        if not path.is_file():
            raise InputError(f"{name}: there is no interpreter {path}", way_out="correct options.python")
        return str(path)
    found = shutil.which(given)
    if found is None:
        raise InputError(f"{name}: {given!r} is not on the PATH", way_out="correct options.python")
    return found


def command_line(arguments: Sequence[str], root: Path, options: ExternalOptions, name: str) -> list[str]:
    """Return arguments whose first word is a program of the system's environment, made absolute.

    Raises:
        InputError: as `interpreter`.
    """
    program, *rest = [*arguments, *options.arguments]
    if options.launcher:
        return [*options.launcher, program, *rest]
    if program not in ("python", "torchrun") and options.python is None:
        return [program, *rest]
    python = interpreter(root, options, name)
    if program == "python":
        return [python, *rest]
    beside = Path(python).with_name(program)
    if beside.is_file():
        return [str(beside), *rest]
    if program == "torchrun":
        return [python, "-m", "torch.distributed.run", *rest]
    return [program, *rest]


def process_environment(
    options: ExternalOptions, own: Mapping[str, str], scratch: Path, *, port: int | None = None
) -> dict[str, str]:
    """Return the whole environment of a process: passed on purpose, asked for by the system, set by the user."""
    kept = {name: os.environ[name] for name in (*PASSED, *options.pass_env) if name in os.environ}
    kept |= {"PYTHONUNBUFFERED": "1", "TMPDIR": str(scratch)}
    if port is not None:
        kept["PET_MASTER_PORT"] = str(port)
    if options.devices:
        kept["CUDA_VISIBLE_DEVICES"] = ",".join(str(d) for d in options.devices)
    return {**kept, **own, **options.env}


def free_port() -> int:
    """Return a port that nobody listens on, so that two jobs of torchrun do not meet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])

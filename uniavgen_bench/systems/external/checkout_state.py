"""What of a checkout makes its clips: its commit, edits, code that git does not know, and the files of its weights."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from uniavgen_bench.core.hashing import sha256_bytes, sha256_file, sha256_json
from uniavgen_bench.core.redaction import environment_of_tools

CODE = frozenset(
    {".py", ".so", ".sh", ".yaml", ".yml", ".toml", ".json", ".cfg", ".ini", ".c", ".cpp", ".h", ".cu", ".cuh", ".js",
     ".jl", ".rs", ".go", ".lua", ".pl", ".rb"}
)  # fmt: skip
"""Endings of files that can change what a program does; so can an executable file without an ending."""
NOT_CODE = frozenset(
    {"__pycache__", "node_modules", "venv", "env", "outputs", "output", "results", "temp", "tmp", "logs", "runs",
     "wandb", "demo_out", "save_audio"}
)  # fmt: skip
"""Folders into which systems write while they run, or that hold an environment; hidden folders are none either."""
RUN = "suite.lock.yaml"
"""A folder with this file is a run of this package: its results are not the code of the system that made them."""
MOST_FILES, MOST_SEEN, LARGEST = 5_000, 100_000, 1 << 20
"""Files that are looked at, and names that are read to find them, at most; bytes of a file that is read."""
SHOWN = 12


def state_of(root: Path) -> str:
    """Return the state of a checkout: another text after every edit, the same as long as its code is the same.

    A git checkout: its commit, and a hash of `git diff HEAD` with code that git does not know. Any other folder: a
    hash of its code files. The first 5,000 files count.
    """
    sha = commit_sha(root)
    if sha is None:
        return f"not a git checkout, code {_digest(root, _code_below(root))}"
    changes = changes_of(root)
    return sha + (f", changed {changes}" if changes else "")


def commit_sha(root: Path) -> str | None:
    """Return the commit of a git checkout; None for a folder inside another repository, or without git."""
    top = _git(root, "rev-parse", "--show-toplevel")
    if top is None or Path(os.fsdecode(top).strip()).resolve() != root.resolve():
        return None
    sha = _git(root, "rev-parse", "HEAD")
    return sha.decode().strip() if sha is not None else None


def changes_of(root: Path) -> str:
    """Return a hash of what differs from the commit, with code files that git does not know; empty if nothing does."""
    options = ("--no-ext-diff", "--no-textconv", "--no-color", "--binary", "--submodule=diff")
    diff = _git(root, "diff", "HEAD", *options)
    if diff is None:
        return _digest(root, _code_below(root))
    listed = _git(root, "ls-files", "--others", "--exclude-standard", "-z") or b""
    unknown = (root / os.fsdecode(name) for name in sorted(listed.split(b"\0")) if name)
    untracked = [p for p in unknown if _is_code(p) and not _left_out(p, root)][:MOST_FILES]
    if not diff and not untracked:
        return ""
    return sha256_json([sha256_bytes(diff), _digest(root, untracked)])[:SHOWN]


def files_state(root: Path, paths: Iterable[str]) -> str:
    """Return a hash of names, sizes and times of files and folders, such as weights, below `root` or absolute."""
    rows: list[list[object]] = []
    for given in paths:
        path = root / given
        for file in [path] if path.is_file() else islice(_walk(path), MOST_FILES):
            try:
                facts = file.stat()
            except OSError:
                continue
            rows.append([given, str(file.relative_to(path)), facts.st_size, facts.st_mtime_ns])
    return sha256_json(rows)[:SHOWN] if rows else ""


def given_state(path: Path) -> str:
    """Return a hash of a file's bytes, or of a folder's names, sizes and times."""
    try:
        return sha256_file(path)[:SHOWN] if path.is_file() else files_state(path, ["."])
    except OSError:
        return "unreadable"


def _digest(root: Path, files: Iterable[Path]) -> str:
    rows: list[list[object]] = []
    for path in files:
        try:
            facts = path.stat()
            small = facts.st_size <= LARGEST
            seen: object = sha256_file(path) if small else [facts.st_size, facts.st_mtime_ns]
        except OSError:
            continue
        rows.append([path.relative_to(root).as_posix(), seen])
    return sha256_json(rows)[:SHOWN]


def _code_below(root: Path) -> Iterator[Path]:
    return islice((path for path in _walk(root) if _is_code(path)), MOST_FILES)


def _walk(root: Path) -> Iterator[Path]:
    seen = 0
    for folder, inner, names in os.walk(root):
        inner[:] = sorted(name for name in inner if not _is_left_out(name))
        if RUN in names:
            inner.clear()
            continue
        for name in sorted(names):
            seen += 1
            if seen > MOST_SEEN:
                return
            yield Path(folder, name)


def _is_code(path: Path) -> bool:
    return path.suffix.lower() in CODE or (not path.suffix and os.access(path, os.X_OK))


def _is_left_out(folder: str) -> bool:
    return folder in NOT_CODE or folder.startswith(".")


def _left_out(path: Path, root: Path) -> bool:
    folders = path.relative_to(root).parts[:-1]
    runs = (root.joinpath(*folders[: i + 1]) / RUN for i in range(len(folders)))
    return any(_is_left_out(name) for name in folders) or any(run.is_file() for run in runs)


def _git(root: Path, *arguments: str) -> bytes | None:
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(root), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=60, check=False, env=environment_of_tools()
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

"""One case: a seed copied into a folder of its own, mutated, read, and everything checked that must hold."""

from __future__ import annotations

import hashlib
import os
import random
import re
import resource
import shutil
import stat
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import mutations, odd_files
from .checks import one_line
from .hostile import CANARY
from .targets import Target, targets

CORPUS = Path(__file__).with_name("corpus")
MEMORY = 12 << 30
"""Bytes of address space that a worker may take: an allocation that a header asks for must not take the machine."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
CHANGES = frozenset(
    {
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.rmdir",
        "os.symlink",
        "os.link",
        "os.chmod",
        "os.truncate",
        "shutil.rmtree",
    }
)
STARTS = frozenset(
    {
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "socket.connect",
        "ctypes.dlopen",
        "pickle.find_class",
    }
)


@dataclass(frozen=True)
class Outcome:
    """What came of a case. `finding` is empty, or one line that is the same for the same defect."""

    target: str
    number: int
    seconds: float = 0.0
    accepted: bool = False
    finding: str = ""
    trace: str = ""


@dataclass
class Watch:
    """What the interpreter's audit events say that a case opened, changed, started."""

    folder: Path | None = None
    roams: bool = False
    seen: list[str] = field(default_factory=list)

    def hear(self, event: str, args: tuple[Any, ...]) -> None:
        """Note what leads out of the case's folder; never raises."""
        if self.folder is None:
            return
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100 - links are looked at apart
            writes = bool(args[2] & WRITES) if isinstance(args[2], int) else False
            outside = path.startswith(str(self.folder / "outside"))
            if writes and not self._inside(path):
                self.seen.append(f"wrote outside: {self._shown(path)}")
            elif (
                outside or path.startswith(("/etc/passwd", "/proc/self/environ", "/dev/zero"))
            ) and not self.roams:
                self.seen.append(f"read outside: {self._shown(path)}")
        elif event in CHANGES and not self._inside(os.path.abspath(os.fsdecode(args[0]))):  # noqa: PTH100
            self.seen.append(f"{event} outside: {self._shown(os.fsdecode(args[0]))}")
        elif event in STARTS:
            self.seen.append(f"{event}: {str(args[0])[:80]}")

    def _inside(self, path: str) -> bool:
        assert self.folder is not None
        real = os.path.realpath(path)
        allowed = (self.folder / "given", self.folder / "out")
        return real == "/dev/null" or any(
            real.startswith(f"{os.path.realpath(a)}/") or real == str(a) for a in allowed
        )

    def _shown(self, path: str) -> str:
        return path.replace(str(self.folder), "CASE")


class Reader:
    """Runs cases in this process. A worker has one; what it does to the process is the worker's loss."""

    def __init__(self, scratch: Path, names: tuple[str, ...], *, limit_memory: bool = True) -> None:
        self.scratch, self.watch = scratch, Watch()
        self.targets = {target.name: target for target in targets() if target.name in names}
        os.environ["UNIAVGEN_BENCH_HOME"] = str(scratch / "home")
        (scratch / "home").mkdir(parents=True, exist_ok=True)
        for target in self.targets.values():  # what is imported late would count as a case's time and doing
            self._warm(target)
        if limit_memory:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        sys.addaudithook(self.watch.hear)

    def _warm(self, target: Target) -> None:
        for seed in seeds(target.name):
            folder = self._laid(target.name, seed, "warm")
            try:
                target.read(folder / "given")
            except Exception as error:  # a seed must be good: `test_the_seeds_are_taken` says which is not
                if os.environ.get("FUZZ_WARM"):
                    print(target.name, seed.name, repr(error)[:300], file=sys.stderr)

    def _laid(self, target: str, seed: Path, name: str) -> Path:
        folder = self.scratch / name
        if folder.exists():
            _removed(folder)
        shutil.copytree(seed, folder / "given")
        (folder / "outside").mkdir()
        (folder / "outside" / "secret.txt").write_text(f"{CANARY}\n" * 3)
        (folder / "out").mkdir()
        (folder / "seed").write_text(seed.name)
        return folder

    def prepared(self, target: Target, number: int, seed: int) -> Path:
        """Lay a case; the same three give the same bytes."""
        rng = random.Random(hashlib.sha256(f"{seed}/{target.name}/{number}".encode()).digest())
        known = seeds(target.name)
        folder = self._laid(target.name, known[rng.randrange(len(known))], "case")
        given = folder / "given"
        files = [
            (p, kind) for pattern, kind in target.files for p in sorted(given.glob(pattern)) if p.is_file()
        ]
        odd_files.traps(given)
        path, kind = files[rng.randrange(len(files))]
        if rng.random() < 0.04:
            odd_files.odd_file(rng, sorted(p for p in given.rglob("*") if stat.S_ISREG(p.lstat().st_mode)))
        else:
            path.write_bytes(mutations.mutated(rng, path.read_bytes(), kind))
        return folder

    def run(self, name: str, number: int, seed: int) -> Outcome:
        """Read a case and say what came of it."""
        target = self.targets[name]
        folder = self.prepared(target, number, seed)
        accepted, finding, trace = False, "", ""
        started = time.perf_counter()
        with self._watched(folder, target):
            try:
                handed = target.read(folder / "given")
                accepted = True
            except Exception as error:
                finding, trace = judged(error, target)
            except BaseException as error:  # the process must go on to tell of it
                finding, trace = f"{type(error).__name__} escaped", traceback.format_exc()
        seconds = time.perf_counter() - started
        if accepted and not target.roams:
            lost = [
                p
                for p in handed or ()
                if p is not None and not os.path.realpath(p).startswith(f"{folder / 'given'}/")
            ]
            finding = f"a path outside was handed on: {lost[0]}".replace(str(folder), "CASE") if lost else ""
        if self.watch.seen:
            finding = finding or self.watch.seen[0]
        left = {p.name for p in folder.iterdir()} - {"given", "outside", "out", "seed"}
        finding = finding or (f"left beside the folder: {sorted(left)[0]}" if left else "")
        return Outcome(name, number, seconds, accepted, finding, trace)

    @contextmanager
    def _watched(self, folder: Path, target: Target) -> Iterator[None]:
        self.watch.seen.clear()
        self.watch.folder, self.watch.roams = folder, target.roams
        try:
            yield
        finally:
            self.watch.folder = None


def judged(error: Exception, target: Target) -> tuple[str, str]:
    """Return finding and trace of an error; nothing where it is one that the target documents, in one line."""
    from uniavgen_bench.core.errors import BenchError

    trace = "".join(traceback.format_exception(error))
    if not isinstance(error, (BenchError, *target.errors)):
        return f"{type(error).__name__} at {_place(error)}", trace
    if isinstance(error, RecursionError | MemoryError):
        return f"{type(error).__name__} at {_place(error)}", trace
    if isinstance(error, BenchError) and error.exit_code != 2:
        return f"exit code {error.exit_code}", trace
    text = str(error)
    if CANARY in text:
        return f"tells what lies outside: {text[:200]}", trace
    if isinstance(error, BenchError):
        try:
            one_line(text)
        except AssertionError as wrong:
            return re.sub(r"\d+", "N", str(wrong))[:60] + f" at {_place(error)}", trace
    return "", ""


def _place(error: BaseException) -> str:
    """Return the innermost line of ours."""
    ours = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if "/uniavgen_bench/" in f.filename or "/reference_model/" in f.filename
    ]
    frames = ours or traceback.extract_tb(error.__traceback__)
    if not frames:
        return "an unknown place"
    last = frames[-1]
    return f"{Path(last.filename).parent.name}/{Path(last.filename).name}:{last.lineno} {last.name}"


def seeds(target: str) -> list[Path]:
    """Return the seeds of a target."""
    return sorted(p for p in (CORPUS / target).iterdir() if p.is_dir())


def _removed(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        raise RuntimeError(f"{folder} cannot be removed")

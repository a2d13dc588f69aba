"""Runs one program, and ends it with all that it started when the driver says so or is gone.

Standard library only: it is started as a file, without the packages of the suite. Its first line of input is a JSON
object with `arguments`, `cwd`, `environment`, `log` and `hidden`: what the log must not tell, as regular expressions
with what stands there instead. The end of its input means that the driver is gone, however it
ended. It prints the exit status of the program as its last line.

A process group is not enough: the workers of torchrun have groups and sessions of their own. On Linux the supervisor
adopts what its descendants leave behind (PR_SET_CHILD_SUBREAPER), so that a walk of /proc finds every one of them, and
the program dies with it (PR_SET_PDEATHSIG). Elsewhere only the group is ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence

MARK = "UNIAVGEN_BENCH_JOB"
"""Variable in the environment of a job by whose value its processes are known when their supervisor was killed."""
GRACE = 5.0
"""Seconds between asking processes to end and killing them."""
LAST = 10.0
"""Seconds in which killed processes must be gone; one that hangs in a driver of the system may stay."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def descendants(parent: int) -> set[int]:
    """Return the living processes below one, from /proc; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    dead = set()
    for pid in _processes():
        try:
            with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - started without the package
                state, above = file.read().rsplit(b")", 1)[1].split()[:2]
        except (OSError, IndexError):
            continue
        children.setdefault(int(above), []).append(pid)
        if state in (b"Z", b"X"):
            dead.add(pid)
    found: set[int] = set()
    waiting = [parent]
    while waiting:
        below = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
        found.update(below)
        waiting.extend(below)
    return found - dead


def marked(mark: str) -> set[int]:
    """Return the living processes whose environment has `MARK` with a value, from /proc."""
    wanted = f"{MARK}={mark}".encode()
    found = set()
    for pid in _processes():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            if wanted in file.read().split(b"\0"):  # of a dead one it is empty
                found.add(pid)
    return found - {os.getpid()}


def end_all(living: Callable[[], set[int]], group: int | None = None) -> set[int]:
    """Ask processes (and a group) to end, then kill what is left; return what would not even be killed."""
    left: set[int] = set()
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, LAST)):
        asked: set[int] = set()
        until = time.monotonic() + patience
        if group is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        while True:
            left = living()
            # Once asked is enough, but what is started meanwhile is to be asked too.
            _send(left - asked if number == signal.SIGTERM else left, number)
            asked |= left
            if not left and not _lives(group):
                return left
            if time.monotonic() >= until:
                break
            time.sleep(0.05)
    return left


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208
    except OSError:
        return []


def _send(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _lives(group: int | None) -> bool:
    """Tell whether a group has a process; one whose dead leader nobody asked after yet counts where /proc is absent."""
    if group is None or os.path.isdir("/proc/self"):  # noqa: PTH112 - with /proc the walk has seen the group
        return False
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class Log:
    """Writes what a program says to a file, line by line, so that nothing hidden is cut in two and so escapes."""

    LONGEST, OVERLAP = 1 << 16, 1 << 12

    def __init__(self, path: str, hidden: Sequence[tuple[str, str]]) -> None:
        self._file = open(path, "ab", buffering=0)  # noqa: PTH123, SIM115 - it stays open to the end
        self._rules = [(re.compile(pattern.encode()), shown.encode()) for pattern, shown in hidden]
        self._held = b""

    def take(self, said: bytes) -> None:
        """Take output; whole lines are written at once, a line without end when it grows too long."""
        self._held += said
        end = max(self._held.rfind(b"\n"), self._held.rfind(b"\r")) + 1
        if end or len(self._held) > self.LONGEST:
            self._held = self._clean(self._held)
            end = max(self._held.rfind(b"\n"), self._held.rfind(b"\r")) + 1
            self._write(end or max(0, len(self._held) - self.OVERLAP))

    def tell(self, line: str) -> None:
        """Write a line of the supervisor's own."""
        self.take(f"{line}\n".encode(errors="replace"))

    def end(self) -> None:
        """Write what is held back."""
        self._held = self._clean(self._held)
        self._write(len(self._held))

    def _clean(self, text: bytes) -> bytes:
        for pattern, shown in self._rules:
            text = pattern.sub(lambda _, shown=shown: shown, text)  # type: ignore[misc]
        return text

    def _write(self, count: int) -> None:
        with contextlib.suppress(OSError):  # a full disk must not keep the program from being waited for
            self._file.write(self._held[:count])
        self._held = self._held[count:]


def _control() -> Callable[[int, int], object]:
    """Return prctl, or what does nothing where there is none."""
    if not sys.platform.startswith("linux"):
        return lambda option, value: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda option, value: prctl(option, value, 0, 0, 0)


def main() -> None:
    """Start the program, and wait for it or for the driver."""
    job = json.loads(sys.stdin.readline())
    control = _control()
    control(PR_SET_CHILD_SUBREAPER, 1)
    log = Log(job["log"], job["hidden"])
    try:
        # The one thread there is starts it, so nothing can be held that the forked copy waits for.
        child = subprocess.Popen(
            job["arguments"], cwd=job["cwd"], env=job["environment"], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=lambda: control(PR_SET_PDEATHSIG, signal.SIGKILL),
        )  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        log.tell(f"cannot be started: {error}")
        sys.stdout.write("127\n")
        return
    assert child.stdout is not None
    heard = child.stdout.fileno()
    ending = threading.Lock()
    stuck: set[int] = set()

    def listen() -> None:
        while said := os.read(heard, 1 << 16):
            log.take(said)

    def end() -> None:
        with ending:
            stuck.update(end_all(lambda: descendants(os.getpid()), child.pid))

    def watch() -> None:
        sys.stdin.readline()
        end()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    end()
    listener.join(GRACE)  # only what could not be ended holds the other end of its pipe
    for pid in stuck:
        log.tell(f"process {pid} could not be ended")
    log.end()
    sys.stdout.write(f"{status}\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

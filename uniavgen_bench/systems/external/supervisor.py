"""Runs one program in a process group of its own, and ends the group when the driver says so or is gone.

Standard library only: it is started as a file, without the packages of the suite. Its first line of input is a JSON
object with `arguments`, `cwd`, `environment` and `log`; the end of its input means that the driver is gone, however it
ended. It prints the exit status of the program as its last line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time

GRACE = 5.0
"""Seconds between asking a group to end and killing it."""


def end_group(group: int) -> None:
    """Ask every process of a group to end, then kill what is left."""
    for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, 2.0)):
        try:
            os.killpg(group, number)
        except ProcessLookupError:
            return
        except PermissionError:
            return
        until = time.monotonic() + patience
        while time.monotonic() < until:
            try:
                os.killpg(group, 0)
            except (ProcessLookupError, PermissionError):
                return
            time.sleep(0.05)


def main() -> None:
    """Start the program, and wait for it or for the driver."""
    job = json.loads(sys.stdin.readline())
    with open(job["log"], "ab", buffering=0) as log:  # noqa: PTH123 - started without the package
        try:
            child = subprocess.Popen(
                job["arguments"], cwd=job["cwd"], env=job["environment"], stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            log.write(f"cannot be started: {error}\n".encode())
            sys.stdout.write("127\n")
            return

    def watch() -> None:
        sys.stdin.readline()
        end_group(child.pid)

    threading.Thread(target=watch, daemon=True).start()
    status = child.wait()
    end_group(child.pid)
    sys.stdout.write(f"{status}\n")
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

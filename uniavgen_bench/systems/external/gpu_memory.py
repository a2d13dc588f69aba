"""GPU memory during a job, as `nvidia-smi` tells it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence

from uniavgen_bench.core.redaction import environment_of_tools

EVERY = 3.0
"""Seconds between two questions."""


class GpuWatch:
    """Remembers the highest use of each device's memory; without `nvidia-smi` it remembers nothing.

    It counts all processes on a device: containers hide whose memory it is. `before` tells what was in use already.
    """

    def __init__(self, devices: Sequence[int]) -> None:
        self._devices = tuple(devices)
        self._program = shutil.which("nvidia-smi")
        self._before = self._peak = self._used()
        self._asked = time.monotonic()

    def look(self) -> None:
        """Ask again, if it is time."""
        if self._peak is None or time.monotonic() - self._asked < EVERY:
            return
        self._asked = time.monotonic()
        used = self._used()
        if used is not None:
            self._peak = max(self._peak, used)

    def facts(self) -> Mapping[str, int]:
        """Return `peak_gpu_mib` and `gpu_mib_before`, or nothing."""
        if self._peak is None or self._before is None:
            return {}
        return {"peak_gpu_mib": self._peak, "gpu_mib_before": self._before}

    def _used(self) -> int | None:
        rows = gpu_rows("memory.used", self._devices, self._program)
        return max((int(row[0]) for row in rows if row[0].isdecimal()), default=None)


def gpu_rows(
    fields: str, devices: Sequence[int] = (), program: str | None = None
) -> tuple[tuple[str, ...], ...]:
    """Return the answer of `nvidia-smi --query-gpu` for each device; empty when there is none."""
    program = program or shutil.which("nvidia-smi")
    if program is None:
        return ()
    command = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    if devices:
        command.append(f"--id={','.join(str(d) for d in devices)}")
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=20, check=False, env=environment_of_tools()
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    if done.returncode != 0:
        return ()
    return tuple(tuple(cell.strip() for cell in line.split(",")) for line in done.stdout.splitlines() if line)

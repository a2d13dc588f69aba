"""Looks at delivered files in a process of its own: a decoder that dies takes that process along, and not the run."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import TimeoutError, wait
from pathlib import Path
from typing import TYPE_CHECKING

from uniavgen_bench.core.result import Missing, Reason
from uniavgen_bench.systems.external.collect import Examined, examined
from uniavgen_bench.systems.external.external import Result
from uniavgen_bench.systems.external.process import POLL, StoppedError

if TYPE_CHECKING:
    from pebble import ProcessPool

LONGEST = 600.0
"""Seconds that looking at one file may take: minutes of film are decoded in that time."""


class Examiner:
    """Examines files one by one; its process begins with the first and ends with `close`.

    It waits for no file any more once `stop` is set, from another thread.
    """

    def __init__(self, stop: threading.Event | None = None) -> None:
        self._stop = stop
        self._pool: ProcessPool | None = None

    def look(self, path: Path, result: Result) -> Examined | Missing:
        """Return what is known of a file that counts, or the reason why it does not (see `collect.examined`).

        Raises:
            StoppedError: `stop` was set.
        """
        from pebble import ProcessExpired, ProcessPool

        if self._pool is None:
            self._pool = ProcessPool(max_workers=1, context=multiprocessing.get_context("spawn"))
        future = self._pool.schedule(examined, args=(path, result), timeout=LONGEST)
        while self._stop is not None and not wait([future], POLL).done:
            if self._stop.is_set():
                raise StoppedError
        try:
            seen: Examined | Missing = future.result()
        except TimeoutError:
            return Missing(Reason.UNREADABLE, f"{path.name}: decoding it took longer than {LONGEST:g} s")
        except ProcessExpired as error:
            return Missing(
                Reason.UNREADABLE, f"{path.name}: the decoder died of it (status {error.exitcode})"
            )
        return seen

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None

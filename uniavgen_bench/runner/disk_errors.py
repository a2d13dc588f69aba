"""A disk that is full or read-only: the one error that ends a run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.media.errors import MediaWriteError
from uniavgen_bench.runner.score_clip import DISK_ERRORS


class StorageFullError(BenchError):
    """The disk is full or read-only; what was scored before is kept."""


@contextlib.contextmanager
def disk_errors() -> Iterator[None]:
    """Turn an error after which nothing can be written into `StorageFullError`."""
    try:
        yield
    except (OSError, MediaWriteError) as raised:
        error = raised if isinstance(raised, OSError) else raised.__cause__
        if isinstance(error, OSError) and error.errno in DISK_ERRORS:
            where = error.filename or "the store"
            raise StorageFullError(
                f"{where}: {error.strerror} (free some space and start again: scores are kept)"
            ) from error
        raise

"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import re
import secrets
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from uniavgen_bench.core.regular_file import open_regular

PART = re.compile(r"\..+\.[0-9a-f]{12}")
"""Names of the files that `write_atomic` writes into; one that stays belongs to a process that was killed."""


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old or the new content, never a part; parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not a temporary file of the library: those are closed to everybody else, and runs are shared.
    part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}")
    try:
        with part.open("xb") as stream:
            _hold(stream)
            stream.write(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: UTF-8, indented, NaN refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, (text + "\n").encode())


def _hold(stream: IO[bytes]) -> None:
    """Lock a file until it is closed or this process ends, however it ends; without locks, its age must do."""
    with suppress(ImportError, OSError):
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def held(path: Path) -> bool | None:
    """Tell whether a living process holds the lock of a file; None where that cannot be told.

    Asking takes a shared lock for an instant.
    """
    try:
        import fcntl

        with open_regular(path) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except (ImportError, OSError):
        return None
    return False

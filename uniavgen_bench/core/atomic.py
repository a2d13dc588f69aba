"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old or the new content, never a part; parents are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not a temporary file of the library: those are closed to everybody else, and runs are shared.
    part = path.with_name(f".{path.name[:40]}.{secrets.token_hex(6)}")
    try:
        with part.open("xb") as stream:
            stream.write(data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: UTF-8, indented, NaN refused."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomic(path, (text + "\n").encode())

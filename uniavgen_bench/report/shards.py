"""Data in script files: pages that are opened from disk may load a script beside them, and nothing else."""

from __future__ import annotations

import json
import math
from typing import Any


def shard(name: str, value: Any) -> bytes:
    """Return a script that hands `value` to the page as JSON under `name`.

    The JSON travels as a string, which browsers read several times faster than an object of the language.
    Numbers that are not finite become null.
    """
    text = plain_json(value)
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("<", "\\x3c")
    return f"Shards.receive({json.dumps(name)},'{quoted}');\n".encode()


def plain_json(value: Any) -> str:
    """Return compact JSON in ASCII, with null in the place of each number that is not finite."""
    encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
    try:
        return encode(value)
    except ValueError:  # a number that is not finite: rare, and a walk through all data is slow
        return encode(finite(value))


def finite(value: Any) -> Any:
    """Return plain data with null in the place of each number that is not finite."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def read_shard(script: bytes) -> tuple[str, Any]:
    """Return name and value of a script that `shard` made."""
    head, _, body = script.decode().partition(",'")
    name = json.loads(head.removeprefix("Shards.receive("))
    quoted = body.rstrip().removesuffix("');")
    return name, json.loads(quoted.replace("\\x3c", "<").replace("\\'", "'").replace("\\\\", "\\"))

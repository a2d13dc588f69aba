"""Names that are safe as file names, and stay distinct."""

from __future__ import annotations

import re
import unicodedata

from uniavgen_bench.core.hashing import sha256_bytes

MAX_SLUG = 60


def slug(text: str) -> str:
    """Turn any text into a distinct, portable file name of letters, digits, `-`, `_` and `.`.

    A text that had to be changed gets eight hexadecimal digits of its hash, so that two texts never share a
    name, on case-insensitive file systems either.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip("-._")[:MAX_SLUG].rstrip("-._")
    if safe == text and safe not in {"con", "prn", "aux", "nul"}:
        return safe
    return f"{safe or 'x'}-{sha256_bytes(text.encode())[:8]}"

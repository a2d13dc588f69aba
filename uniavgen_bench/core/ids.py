"""Names that are safe as file names, and stay distinct."""

from __future__ import annotations

import re
import unicodedata

from uniavgen_bench.core.hashing import sha256_bytes

MAX_SLUG = 60
HASHED = re.compile(r"-[0-9a-f]{8}$")
"""How the name of a changed text ends."""


def slug(text: str) -> str:
    """Turn any text into a distinct, portable file name of letters, digits, `-`, `_` and `.`.

    A text that had to be changed gets eight hexadecimal digits of its hash, and so does one that already ends like
    that: two texts share a name only where their hashes do, on case-insensitive file systems too.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    safe = re.sub(r"[^a-z0-9._-]+", "-", plain.lower()).strip("-._")[:MAX_SLUG].rstrip("-._")
    if safe == text and safe not in {"con", "prn", "aux", "nul"} and not HASHED.search(safe):
        return safe
    return f"{safe or 'x'}-{sha256_bytes(text.encode(errors='surrogatepass'))[:8]}"

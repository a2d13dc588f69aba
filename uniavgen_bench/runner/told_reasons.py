"""Reasons that a run tells of: the first clip of each is named, the others are counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from uniavgen_bench.core.result import Missing

LOG = re.compile(r";? *log: \S+")
"""Where a reason names the log of its own clip: the same reason of another clip names another."""


class ToldReasons:
    """Counts by system the reasons of missing clips."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def first(self, system: str, missing: Missing | str) -> bool:
        """Count a reason; return whether it is the first of its kind."""
        key = system, LOG.sub("", str(missing))
        self._counts[key] += 1
        return self._counts[key] == 1

    def repeated(self) -> Iterator[tuple[str, str, int]]:
        """Yield system, reason and count of all that came more than once."""
        for (system, reason), count in self._counts.items():
            if count > 1:
                yield system, reason, count

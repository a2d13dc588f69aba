"""What can be wrong with an entry, in kinds and in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Check(StrEnum):
    """What a problem is about."""

    FORMAT = "format"
    NAME = "name"
    CHAIN = "chain"
    SIGNATURE = "signature"
    KEY = "key"
    HISTORY = "history"
    COVERAGE = "coverage"
    AGGREGATES = "aggregates"
    PROTOCOL = "protocol"
    METRICS = "metrics"
    WEIGHTS = "weights"
    CLIPS = "clips"
    SCORES = "scores"


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with an entry, as a sentence without its file's name."""

    check: Check
    text: str

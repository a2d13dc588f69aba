"""Rubrics: what a judge is told, word for word, as files of the package known by their hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.hashing import sha256_bytes

RUBRICS = Path(__file__).parent / "rubrics"


@dataclass(frozen=True)
class Rubric:
    """The text that is sent, and its hash. A changed text is another metric: give the file a new number."""

    name: str
    text: str
    sha256: str


def load_rubric(name: str) -> Rubric:
    """Read a rubric of the package, for example `timbre_v1`."""
    data = (RUBRICS / f"{name}.md").read_bytes()
    return Rubric(name, data.decode(), sha256_bytes(data))

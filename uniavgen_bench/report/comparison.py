"""Runs beside each other: what `compare` finds, as compare.json holds it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from uniavgen_bench.core.comparison import CompareBlock, PairedResult
from uniavgen_bench.core.spec import Direction, Frozen


class RunRef(Frozen):
    """A run that took part. `name` is the end of its path that tells it from the others."""

    name: str
    suite: str
    started: str
    version: str
    code_sha256: str
    plan_sha256: str
    device: str
    seed: int | None
    clips: int


class LeftOut(Frozen):
    """What of a run could not be compared with the first one, and why."""

    run: str
    what: str
    why: str


class ComparedPair(Frozen):
    """One field of a system of `run` (`result.system`) beside that of the first run (`result.baseline`)."""

    run: str
    system: str
    baseline: str
    result: PairedResult


class Mover(Frozen):
    """A sample whose score changed much. `gain` is positive for better; for direction `none`: for larger.

    `before` and `after` are means over the repeats; the pages are relative to the folder of the comparison, or None.
    """

    run: str
    system: str
    baseline: str
    metric: str
    field: str
    unit: str
    direction: Direction
    sample: str
    before: float
    after: float
    gain: float
    page_before: str | None = None
    page_after: str | None = None


class Lost(Frozen):
    """A sample that one of the two runs has no score for; `reason` says why. `lost`: the later run is the one."""

    run: str
    system: str
    baseline: str
    metric: str
    field: str
    sample: str
    lost: bool
    reason: str
    page_before: str | None = None
    page_after: str | None = None


class Unchanged(Frozen):
    """A system of which every clip and every score of `run` is that of the first run: there is nothing to test."""

    run: str
    system: str
    baseline: str
    clips: int


class Comparison(Frozen):
    """compare.json: the first run is the baseline of the others.

    `family`: the tests of systems, over which p-values are corrected; controls are a family of their own.
    """

    schema_version: Literal[1] = 1
    version: str
    runs: list[RunRef]
    block: CompareBlock
    seed: int
    family: int
    compared: list[ComparedPair] = Field(default_factory=list)
    unchanged: list[Unchanged] = Field(default_factory=list)
    left_out: list[LeftOut] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    movers: list[Mover] = Field(default_factory=list)
    lost: list[Lost] = Field(default_factory=list)

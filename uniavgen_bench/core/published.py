"""Numbers that a paper gave for what a suite repeats, and whether their order is found again."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from uniavgen_bench.core.comparison import Number, PairedResult
from uniavgen_bench.core.spec import Frozen


class PublishedTable(Frozen):
    """One measure of the paper: its number for each system of the suite that stands for one of the paper's.

    `beside`: the field, `metric.field`, that is nearest to it here. It is another measure in another unit: numbers are
    shown side by side, and only orders are compared. `least`: values that lie less than this apart, in the paper's
    unit, count as equal; two equal values are no step of an order.
    """

    measure: str = Field(min_length=1)
    beside: str
    better: Literal["higher", "lower"] = "higher"
    values: dict[str, Number] = Field(min_length=2)
    least: float = Field(default=0.0, ge=0, allow_inf_nan=False)

    def equal(self, a: str, b: str) -> bool:
        """Whether the numbers of two systems count as equal."""
        # Rounded: a gap of exactly `least` is a step, whatever the last bits of the difference are.
        gap = round(abs(float(self.values[a]) - float(self.values[b])), 12)
        return gap == 0 or gap < self.least


class PublishedBlock(Frozen):
    """The `published:` block of a suite. `source`: the paper and its table; `note`: what a reader has to know of it.

    `steps`: pairs of systems whose order is tested; empty: of the pairs whose numbers do not count as equal, all that
    no chain of others implies, so that an order that holds in its steps holds as a whole.
    `trainings`: how many trainings of each variant the run compares, where the systems are variants that were trained.
    """

    source: str = Field(min_length=1)
    note: str = ""
    tables: tuple[PublishedTable, ...] = Field(min_length=1)
    steps: tuple[tuple[str, str], ...] = ()
    trainings: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _measures_differ(self) -> Self:
        names = [table.measure for table in self.tables]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two tables are called {twice[0]!r}")
        return self


class PublishedStep(Frozen):
    """Two systems that the paper puts in an order; `result` is `above` beside `below`, by sample.

    `found`: `agrees` or `opposes` when a difference was seen, `open` when none was, `absent` without enough pairs. Of a
    system that the run does not hold nothing was attempted, and `result.why` names it.
    """

    below: str
    above: str
    found: Literal["agrees", "opposes", "open", "absent"]
    result: PairedResult


class PublishedOrder(Frozen):
    """One table with our means beside it. `verdict`: `holds` when every step agrees, `reversed` when one opposes.

    `equal`: pairs of systems, as steps, whose numbers count as equal in the paper: they are not judged. `left_out`:
    pairs that the paper puts in an order, and that the block's own `steps` neither test nor imply.
    """

    table: PublishedTable
    metric: str
    unit: str
    means: dict[str, float | None]
    steps: list[PublishedStep]
    equal: list[tuple[str, str]] = Field(default_factory=list)
    left_out: list[tuple[str, str]] = Field(default_factory=list)
    verdict: Literal["holds", "reversed", "open", "absent"]


class PublishedResult(Frozen):
    """published.json: what was published beside what the run measured."""

    schema_version: Literal[1] = 1
    block: PublishedBlock
    orders: list[PublishedOrder] = Field(default_factory=list)
    family: int = 0
    notes: list[str] = Field(default_factory=list)

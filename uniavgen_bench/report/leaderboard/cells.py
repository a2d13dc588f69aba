"""What a table shows of one summary: mean, interval, coverage, and where they lie on the table's scale."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from uniavgen_bench.core.sample import Role
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.numbers import number
from uniavgen_bench.stats.summary import Summary

WIDTH = 100.0
"""Width of a glyph in its own units."""


@dataclass(frozen=True)
class Mark:
    """A reference line of a glyph, `floor` or `ceiling`, at 0 … `WIDTH`."""

    kind: str
    at: float


@dataclass(frozen=True)
class Glyph:
    """Where mean and interval lie on the table's common scale, 0 … `WIDTH`, and the controls' means as marks."""

    at: float
    low: float | None
    high: float | None
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Cell:
    """Texts as they are shown, the value to sort by, and the glyph where the table has a scale."""

    mean: str
    interval: str
    value: float | None
    scored: int
    attempted: int
    glyph: Glyph | None = None

    @property
    def coverage(self) -> float:
        """The scored share, 0 … 1."""
        return self.scored / self.attempted if self.attempted else 0.0


@dataclass(frozen=True)
class Scale:
    """The common scale of a table's glyphs, over all means and intervals; without extent there are no glyphs."""

    low: float
    high: float
    marks: tuple[Mark, ...] = ()

    @classmethod
    def of(cls, summaries: Sequence[Summary], floors: Collection[str]) -> Scale:
        """Return the scale of some summaries; `floors` are systems whose mean is marked as a floor."""
        means = {s.system: s.mean for s in summaries if s.mean is not None}
        ends = list(means.values())
        for summary in summaries:
            if isinstance(summary.interval, Interval):
                ends += [summary.interval.low, summary.interval.high]
        if not ends or min(ends) == max(ends):
            return cls(0.0, 0.0)
        bare = cls(min(ends), max(ends))
        ceilings = [s.system for s in summaries if s.role is Role.UPPER_CONTROL]
        marks = [Mark("floor", bare.at(means[name])) for name in floors if name in means]
        marks += [Mark("ceiling", bare.at(means[name])) for name in ceilings if name in means]
        return cls(bare.low, bare.high, tuple(marks))

    def at(self, value: float) -> float:
        """Return where a value lies, 0 … `WIDTH`."""
        return round(WIDTH * (value - self.low) / (self.high - self.low), 2)


def cell_of(summary: Summary, digits: int, scale: Scale | None = None) -> Cell:
    """Return the cell of a summary, with a glyph where there is a scale."""
    bounds = summary.interval if isinstance(summary.interval, Interval) else None
    glyph = None
    if scale is not None and summary.mean is not None and scale.low < scale.high:
        low, high = (scale.at(bounds.low), scale.at(bounds.high)) if bounds else (None, None)
        glyph = Glyph(scale.at(summary.mean), low, high, scale.marks)
    return Cell(
        mean=number(summary.mean, digits),
        interval=f"{number(bounds.low, digits)} to {number(bounds.high, digits)}" if bounds else "",
        value=summary.mean,
        scored=summary.scored,
        attempted=summary.attempted,
        glyph=glyph,
    )

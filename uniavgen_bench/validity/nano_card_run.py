"""A finished suite as the model card of nano reads it: summaries, verdicts, and pairs of two systems."""

from __future__ import annotations

from dataclasses import dataclass

from uniavgen_bench.core.comparison import PairedResult, RunStats
from uniavgen_bench.core.published import PublishedResult
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.stats.bootstrap import Interval
from uniavgen_bench.stats.grid import ScoreGrid
from uniavgen_bench.stats.missing_text import lacking_text
from uniavgen_bench.stats.numbers import number
from uniavgen_bench.stats.pairs import Alignment, Pairs, sample_table
from uniavgen_bench.stats.summary import Summary

SYSTEM = "uniavgen-nano"
MOUTH, JOINT, WER = "portraits.mouth.correlation", "lipsync.mouth_audio.in_place", "speech.grid.wer"
VOWELS = "portraits.phones.vowel_auc"


@dataclass(frozen=True)
class TaskRun:
    """A finished suite: its name, the command that repeats it, its summaries and verdicts, its scores by clip."""

    name: str
    command: str
    summaries: tuple[Summary, ...]
    stats: RunStats | None
    published: PublishedResult | None = None
    grid: ScoreGrid | None = None
    clips: tuple[ClipRecord, ...] = ()

    def mean(self, system: str, field: str) -> Summary | None:
        """Return the summary of a system's field, `metric.field` without version; None where it was not measured."""
        for s in self.summaries:
            if s.system == system and f"{plain(s.metric)}.{s.field}" == field:
                return s
        return None

    def beside_nano(self, field: str) -> dict[str, PairedResult]:
        """Return what was tested beside nano in a field, by system; nothing where another system is the baseline."""
        paired = self.stats.paired if self.stats else []
        found = [r for r in paired if is_field(r, field) and r.baseline == SYSTEM]
        return {r.system: r for r in found if r.difference is not None and r.pairs}

    def pairs(self, system: str, baseline: str, field: str) -> Pairs | None:
        """Pair two systems in a field; None where the run lacks either or the field."""
        grid = self.grid
        if grid is None or not {system, baseline} <= {str(name) for name in grid.system}:
            return None
        for column in grid.columns:
            if f"{plain(column.metric)}.{column.field.name}" == field:
                cluster = self.stats.block.cluster if self.stats else "identity"
                own, other = (
                    sample_table(grid, self.clips, name, cluster=cluster) for name in (system, baseline)
                )
                return Alignment.of(own, other, cluster).pairs((column.metric, column.field.name))
        return None


def plain(metric: str) -> str:
    """Return a metric's name without protocol and version."""
    return metric.split("@")[0].split("[")[0]


def is_field(result: PairedResult, field: str) -> bool:
    """Whether a result is of the field `metric.field`."""
    return f"{plain(result.metric)}.{result.field}" == field


def shown(summary: Summary | None, digits: int = 2) -> str:
    """Render `0.62 [0.55, 0.70]`; where clips are missing with coverage and the most frequent reason."""
    if summary is None:
        return "–"
    if summary.mean is None:
        return f"–{_mostly(summary)}"
    text = number(summary.mean, digits)
    if isinstance(summary.interval, Interval):
        text += f" [{number(summary.interval.low, digits)}, {number(summary.interval.high, digits)}]"
    return text if summary.complete else f"{text}, {summary.scored} of {summary.attempted}{_mostly(summary)}"


def _mostly(summary: Summary) -> str:
    if not summary.missing:
        return ""
    first = summary.missing[0]
    lacking = summary.attempted - summary.scored
    return f" ({first.sentence}{f': {first.count} of {lacking}' if len(summary.missing) > 1 else ''})"


def p_of(result: PairedResult) -> str:
    """Render the corrected p of a paired test, and which missing clips stand in it as the worst."""
    lacking = lacking_text(result, "clips")
    return p_shown(result.p_adjusted) + (f" ({lacking})" if lacking else "")


def p_shown(p: float | None) -> str:
    """Render `p = 0.012`."""
    return "p –" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"

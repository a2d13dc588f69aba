"""What the numbers say, in plain words, and no more than they say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.render import plural
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.stats.bootstrap import FEW, Interval
from uniavgen_bench.stats.numbers import number, percent
from uniavgen_bench.stats.summary import Summary
from uniavgen_bench.stats.table import MissingLine

UNLIKE_LENGTH = 1.05
"""Medians of lengths further apart than this factor are told of."""


@dataclass(frozen=True)
class Finding:
    """One sentence; `caution` marks what limits the reading of the numbers. `link`: (address, text) put after it."""

    text: str
    caution: bool = False
    link: tuple[str, str] | None = None


def findings(run: RunData, lines: Sequence[MissingLine]) -> list[Finding]:
    """Return the sentences at the top of the report."""
    grid, columns = run.grid, run.headline_columns()
    roles = [system.role for system in run.systems]
    systems, controls = roles.count(Role.SYSTEM), len(roles) - roles.count(Role.SYSTEM)
    made = f"{plural(systems, 'system')}" + (f" and {plural(controls, 'control')}" if controls else "")
    clips, samples = len(grid.system), len(set(grid.sample.tolist()))
    if not clips:
        return [Finding("The run holds no clips, so there is nothing to report.", caution=True)]
    found = [
        Finding(
            f"{plural(clips, 'clip')} of {made}, on {plural(samples, 'sample')}, "
            f"measured with {plural(len(columns), 'metric')}."
        )
    ]
    if run.manifest.status != "complete":
        found.append(
            Finding("The run has not finished: what is not there yet counts as missing.", caution=True)
        )
    asked = clips * len(columns)
    scored = int(np.count_nonzero(~np.isnan(grid.values[:, columns])))
    if asked and scored == asked:
        count = f"{asked:,}".replace(",", "\u202f")
        found.append(Finding(f"All {count} scores are there: one for each metric and clip."))
    elif asked:
        found.append(
            Finding(
                f"{scored} of {plural(asked, 'score')} are there ({percent(scored / asked)}). "
                f"{asked - scored} are missing, each with its reason.",
                caution=True,
            )
        )
    for name, members in run.metric_columns.items():
        if clips and np.isnan(grid.values[:, members]).all():
            worst = next((line for line in lines if line.metric == name), None)
            why = f": {worst.sentence}" if worst else ""
            found.append(Finding(f"{name} has no score for any clip{why}.", caution=True))
    if not same_samples(run):
        found.append(
            Finding(
                "The systems were not scored on the same samples: their means describe different material, "
                "and are no ranking.",
                caution=True,
            )
        )
    unlike = _unlike(run)
    if unlike:
        found.append(
            Finding(f"{unlike}:", caution=True, link=("method.html#delivered", "what was delivered"))
        )
    largest = max((s.clusters for s in run.summaries if isinstance(s.interval, Interval)), default=0)
    if 0 < largest < FEW:
        found.append(
            Finding(
                f"No system has more than {plural(largest, 'independent clip')}: intervals from so few "
                "tend to be too narrow.",
                caution=True,
            )
        )
    return found


def _unlike(run: RunData) -> str:
    """Say in what the clips of the systems proper differ that can move a number: frame rate and length."""
    clips = {
        s.id: [r for r in run.records if r.system == s.id and r.sha256]
        for s in run.systems
        if s.role is Role.SYSTEM
    }
    rates = {frozenset(round(r.fps, 2) for r in own if r.fps) for own in clips.values() if own} - {
        frozenset()
    }
    lengths = [
        float(np.median(known))
        for own in clips.values()
        if (known := [r.duration for r in own if r.duration])
    ]
    parts = []
    if len(rates) > 1:
        parts.append(f"frame rate ({', '.join(f'{r:g}' for r in sorted(frozenset().union(*rates)))} fps)")
    if lengths and max(lengths) > UNLIKE_LENGTH * min(lengths):
        parts.append(f"length (medians of {min(lengths):.1f} to {max(lengths):.1f} s)")
    return f"The clips of the systems differ in {' and '.join(parts)}" if parts else ""


def same_samples(run: RunData) -> bool:
    """Whether all systems proper were given the same samples."""
    sets = {
        frozenset(run.grid.sample[run.grid.rows_of(system.id)].tolist())
        for system in run.systems
        if system.role is Role.SYSTEM
    }
    return len(sets) < 2


def lead(
    run: RunData,
    summaries: Sequence[Summary],
    digits: int,
    tested: frozenset[frozenset[str]] = frozenset(),
) -> list[str]:
    """Say which system leads a field and whose interval overlaps, and who overlaps a floor.

    Silent where the field has no better way, where fewer than two systems have an interval, where systems were
    scored on different samples, and on pairs of systems that were `tested`: a paired test sees more than two intervals.
    """
    direction = summaries[0].direction if summaries else Direction.NONE
    if direction is Direction.NONE:
        return []
    bounded = [(s, s.interval) for s in summaries if isinstance(s.interval, Interval) and s.mean is not None]
    systems = [(s, i) for s, i in bounded if s.role is Role.SYSTEM]
    sentences = []
    if len(systems) > 1 and same_samples(run) and not tested:
        best, bounds = min(systems, key=lambda pair: _badness(pair[0]))
        rivals = [s.label for s, i in systems if s is not best and _overlap(i, bounds)]
        mean = number(best.mean, digits)
        if rivals:
            sentences.append(
                f"Best mean: {best.label} ({mean}). Its interval overlaps that of {_list(rivals)}, "
                "so this run does not settle their order."
            )
        else:
            sentences.append(
                f"Best mean: {best.label} ({mean}), with an interval apart from all other systems."
            )
        partial = [s.label for s, _ in systems if not s.complete]
        if partial:
            sentences.append(f"Not all clips are scored for {_list(partial)}.")
    for floor, bounds in bounded:
        if floor.floor:
            near = [
                s.label
                for s, i in systems
                if _overlap(i, bounds) and frozenset((s.system, floor.system)) not in tested
            ]
            if near:
                sentences.append(f"Not told apart from the floor {floor.label}: {_list(near)}.")
    return sentences


def _badness(summary: Summary) -> float:
    mean = summary.mean or 0.0
    if summary.direction is Direction.HIGHER:
        return -mean
    return mean if summary.direction is Direction.LOWER else abs(mean)


def _overlap(one: Interval, other: Interval) -> bool:
    return one.low <= other.high and other.low <= one.high


def _list(names: Sequence[str], most: int = 4) -> str:
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"

"""What every system delivered, what it departed from and what was done to it: a table, and rows for each clip."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import Role
from uniavgen_bench.report.links import relative_url, without_paths
from uniavgen_bench.report.run_data import RunData
from uniavgen_bench.report.sidecars import Sidecar

KINDS = 3
LISTED = 4
UNKNOWN = "not recorded"
SECONDS = re.compile(r"\d+\.\d{3} s\b")
KEPT = "nothing was resampled, cut or padded"


@dataclass(frozen=True)
class Log:
    """A log of a job: its path in the run, and its address from the page, None where that would lead elsewhere."""

    path: str
    link: str | None


@dataclass(frozen=True)
class DeliveredRow:
    """One system: how many clips are there, what they are like, and what was found and done.

    `departed`: how many of `compared` clips departed from what was asked; None where that was not looked at.
    """

    system: str
    there: int
    attempted: int
    fps: str
    size: str
    video_codec: str
    length: str
    audio_rate: str
    audio_codec: str
    level: str
    departed: int | None
    compared: int
    departures: tuple[str, ...]
    handling: tuple[str, ...]


def delivered_rows(run: RunData) -> list[DeliveredRow]:
    """Return a row for each system that is no control."""
    clips: dict[str, list[tuple[ClipRecord, Sidecar | None]]] = defaultdict(list)
    for record in run.records:
        key = (record.system, record.sample.id, record.repeat)
        clips[record.system].append((record, run.sidecars.made.get(key)))
    return [
        _row(run, system.id, system.label or system.id, clips[system.id])
        for system in run.systems
        if system.role is Role.SYSTEM and clips[system.id]
    ]


def _row(
    run: RunData, system: str, label: str, clips: list[tuple[ClipRecord, Sidecar | None]]
) -> DeliveredRow:
    there = [(record, beside) for record, beside in clips if record.sha256 is not None]
    made = [beside for _, beside in there if beside]
    facts = [beside.delivered for beside in made if beside.delivered]
    levels = [f.level_db for f in facts if f.level_db is not None]
    silent = sum(f.level_db is None and bool(f.audio_seconds) for f in facts)
    level = _span(levels, 1, "dB")
    if silent:
        level = f"{level}, {silent} silent" if levels else f"{silent} silent"
    return DeliveredRow(
        system=label,
        there=len(there),
        attempted=len(clips),
        fps=kinds(f"{r.fps:.3f}".rstrip("0").rstrip(".") for r, _ in there if r.fps),
        size=kinds(f"{r.width} × {r.height}" for r, _ in there if r.width and r.height),
        video_codec=kinds(f.video_codec for f in facts) if facts else f"codec {UNKNOWN}",
        length=_span([r.duration for r, _ in there if r.duration is not None], 2, "s"),
        audio_rate=kinds(f"{r.audio_rate / 1000:g} kHz" for r, _ in there if r.audio_rate),
        audio_codec=kinds(f.audio_codec for f in facts) if facts else f"codec {UNKNOWN}",
        level=level if facts else f"level {UNKNOWN}",
        departed=sum(bool(beside.departures) for beside in made) if made else None,
        compared=len(made),
        departures=summed(text for beside in made for text in beside.departures),
        handling=_handling(run, system, there),
    )


def _handling(run: RunData, system: str, there: list[tuple[ClipRecord, Sidecar | None]]) -> tuple[str, ...]:
    """Say what was done with the clips and with the inputs; only a file with the hash of the delivered one was kept."""
    made = [(record, beside) for record, beside in there if beside]
    if not made:
        said = run.manifest.media.get(system, "").partition("; ")[2]
        return (without_paths(said),) if said and there else ()
    kept = sum(record.sha256 == beside.sha256 for record, beside in made)
    lines = [f"{KEPT}: scored as delivered" if kept == len(made) else f"{kept} of {len(made)} clips: {KEPT}"]
    if kept < len(made):
        lines.append(f"{len(made) - kept} scored clips are not the file that was delivered")
    if len(made) < len(there):
        lines.append(f"of {len(there) - len(made)} clips it is not recorded")
    return (
        *lines,
        *(f"input: {text}" for text in summed(n for _, beside in made for n in beside.done_to_inputs)),
    )


def kinds(values: Iterable[str | None]) -> str:
    """Return the different values, the most frequent first, three at most; the rest is counted."""
    found = Counter(value for value in values if value)
    ordered = sorted(found, key=lambda value: (-found[value], value))
    more = f" and {len(ordered) - KINDS} more" if len(ordered) > KINDS else ""
    return " / ".join(ordered[:KINDS]) + more or "none"


def summed(texts: Iterable[str]) -> tuple[str, ...]:
    """Return different sentences with their counts; those that differ in seconds only are one, with their range."""
    found: dict[str, list[list[float]]] = defaultdict(list)
    for text in texts:
        plain = without_paths(text)
        found[SECONDS.sub("\0", plain)].append([float(m.group()[:-2]) for m in SECONDS.finditer(plain)])
    ordered = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    lines = [f"{_with_ranges(pattern, numbers)} ({len(numbers)})" for pattern, numbers in ordered[:LISTED]]
    return (*lines, *([f"and {len(ordered) - LISTED} other kinds"] if len(ordered) > LISTED else []))


def _with_ranges(pattern: str, numbers: list[list[float]]) -> str:
    parts = pattern.split("\0")
    spans = [_span(column, 3, "s") for column in zip(*numbers, strict=True)]
    return "".join(text + span for text, span in zip(parts, [*spans, ""], strict=True))


def _span(values: Iterable[float], digits: int, unit: str) -> str:
    known = list(values)
    if not known:
        return "none"
    low, high = f"{min(known):.{digits}f}", f"{max(known):.{digits}f}"
    return f"{low} {unit}" if low == high else f"{low} to {high} {unit}"


def delivered_facts(run: RunData, clip: int) -> list[tuple[str, str]]:
    """Return the rows on what was delivered as one clip; empty where nothing is recorded."""
    record = run.record(clip)
    if record is None:
        return []
    beside = run.sidecars.made.get((record.system, record.sample.id, record.repeat))
    if record.sha256 is None or beside is None or beside.delivered is None:
        return [("recorded", without_paths(record.delivered))] if record.delivered else []
    facts = beside.delivered
    rows = []
    if facts.video_seconds:
        size = f"{facts.width} × {facts.height}, " if facts.width and facts.height else ""
        rate = f", {facts.fps:g} fps" if facts.fps else ""
        rows.append(
            ("picture", f"{size}{facts.video_codec or 'codec unknown'}{rate}, {facts.video_seconds:.3f} s")
        )
    if facts.audio_seconds:
        rate = f" {facts.audio_rate} Hz" if facts.audio_rate else ""
        rows.append(("sound", f"{facts.audio_codec or 'codec unknown'}{rate}, {facts.audio_seconds:.3f} s"))
        level = "silent" if facts.level_db is None else f"{facts.level_db:.1f} dB of full scale (RMS)"
        rows.append(("sound level", level))
    departs = "; ".join(without_paths(text) for text in beside.departures)
    rows.append(("departs from what was asked", departs or "nothing found"))
    same = record.sha256 == beside.sha256
    rows.append(("done to the clip", KEPT if same else "the scored file is not the one that was delivered"))
    rows += [("done to an input", without_paths(text)) for text in beside.done_to_inputs]
    return rows


def clip_logs(run: RunData, clip: int, *, up: int) -> tuple[Log, ...]:
    """Return the logs of a clip's jobs with their addresses from a page `up` folders below the run."""
    record = run.record(clip)
    if record is None:
        return ()
    logs = run.sidecars.logs((record.system, record.sample.id, record.repeat), record.problem)
    return tuple(Log(path, relative_url(path, up=up)) for path in logs)

"""Verification of entries: what a reader may rely on without the clips, one clear line for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from uniavgen_bench.core.entry_files import Entry, EntryAggregate, EntryBody
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.spec import MetricSpec
from uniavgen_bench.report.leaderboard.board import Board, Stored, file_name
from uniavgen_bench.report.leaderboard.chain import WHAT, broken_link
from uniavgen_bench.report.leaderboard.keys import signature_holds
from uniavgen_bench.report.leaderboard.problems import Check as Check
from uniavgen_bench.report.leaderboard.problems import Problem as Problem
from uniavgen_bench.report.leaderboard.rows import aggregates_of, summaries_of
from uniavgen_bench.report.leaderboard.verify_declared import (
    metric_problems,
    protocol_problems,
    weight_problems,
)

EXACT = 1e-9
"""Relative tolerance of means, medians and deviations: the order of a sum may differ between machines."""

OF_WIDTH = 0.05
"""Tolerance of interval bounds as a share of the interval's width: another library may draw other resamples."""


@dataclass(frozen=True)
class Verdict:
    """What verification says of one file. `notes` are what could not be checked, and why."""

    path: Path
    stored: Stored | None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def expired_only(self) -> bool:
        """Whether an expired protocol is all that is wrong."""
        return bool(self.problems) and all(p.check is Check.PROTOCOL for p in self.problems)


@dataclass(frozen=True)
class Declared:
    """What the installed version declares: hashes of weights and specifications of metrics, by their names."""

    weights: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, MetricSpec] = field(default_factory=dict)


def verify_board(board: Board, paths: Sequence[Path] = (), declared: Declared | None = None) -> list[Verdict]:
    """Verify some entries, or all of a board, against what the installed version declares.

    Raises:
        InputError: no such board or file, or a bad key or policy of the board.
    """
    board.must_exist()
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such entry")
    declared = declared or Declared()
    asked = list(paths) or board.paths()
    known = board.readable(asked)
    heads = {stored.head: stored for stored in known}
    followers: dict[tuple[object, ...], list[Stored]] = {}
    for stored in known:
        followers.setdefault((*stored.history, stored.entry.body.previous), []).append(stored)
    verdicts = []
    for path in asked:
        try:
            stored = board.read(path)
        except InputError as error:
            text = str(error).removeprefix(f"{path}").lstrip(": ")
            verdicts.append(Verdict(path, None, (Problem(Check.FORMAT, text),)))
            continue
        problems = seal_problems(stored, board)
        notes: list[str] = []
        if not problems:
            notes += same_clips(stored.entry.body)
            problems = [
                *history_problems(stored, heads, followers),
                *coverage_problems(stored.entry.body),
                *aggregate_problems(stored.entry.body),
                *protocol_problems(stored, board),
            ]
            for wrong, unchecked in (
                metric_problems(stored.entry.body, declared.metrics),
                weight_problems(stored.entry.body, board, declared.weights),
            ):
                problems += wrong
                notes += unchecked
        verdicts.append(Verdict(path, stored, tuple(problems), tuple(notes)))
    return verdicts


def seal_problems(stored: Stored, board: Board) -> list[Problem]:
    """Check chain, signature, key and name; the first thing that is wrong, for what follows would follow from it."""
    entry = stored.entry
    link, signature = broken_link(entry), entry.signature
    if link is not None:
        more = "; ".join(p.text for p in coverage_problems(entry.body)) if link == "clips" else ""
        text = f"edited after it was signed: {WHAT[link]} do not fit the hash chain"
        return [Problem(Check.CHAIN, f"{text} ({more})" if more else text)]
    if not signature_holds(entry.chain, signature):
        return [
            Problem(
                Check.SIGNATURE, f"the signature is not by the key {signature.public[:12]}… over this entry"
            )
        ]
    known = board.keys.get(signature.key)
    if known != signature.public:
        what = "which the board does not know" if known is None else "but not with the key of that name"
        return [Problem(Check.KEY, f"signed by an unknown key: as {signature.key!r}, {what}")]
    expected = file_name(entry)
    if stored.path.name != expected:
        return [Problem(Check.NAME, f"renamed: the file of this entry is called {expected}")]
    return []


def history_problems(
    stored: Stored, heads: Mapping[str, Stored], followers: Mapping[tuple[object, ...], Sequence[Stored]]
) -> list[Problem]:
    """Check that the entry before is there, is of the same system, samples and key, and has one follower."""
    previous = stored.entry.body.previous
    found = []
    if previous is not None:
        before = heads.get(previous)
        if before is None:
            return [Problem(Check.HISTORY, f"the entry before it, {previous[:16]}, is gone")]
        if before.history != stored.history:
            text = "it continues an entry of another system, key or set of samples"
            return [Problem(Check.HISTORY, f"{text}: {before.path.name}")]
        if before.entry.body.date > stored.entry.body.date:
            found.append(Problem(Check.HISTORY, f"it is older than the entry before it, {before.path.name}"))
    others = [s for s in followers[(*stored.history, previous)] if s.head != stored.head]
    if others:
        what = "follow the same entry" if previous else "begin the same history"
        found.append(
            Problem(Check.HISTORY, f"it and {others[0].path.name} {what}: one of them must be added again")
        )
    return found


def coverage_problems(body: EntryBody) -> list[Problem]:
    """Check that the system has a row for every sample and repeat that the entry itself says were planned."""
    precomputed = body.system.use == "precomputed"
    held = {(clip.sample, clip.repeat) for clip in body.system.clips}
    planned = {
        (i, r) for i in range(len(body.samples)) for r in range(1 if precomputed else body.suite.repeats)
    }
    found = []
    lacking = sorted(planned - held)
    if lacking:
        first = body.samples[lacking[0][0]].id
        text = f"rows are removed: {len(lacking)} of {len(planned)} planned clips, first {first!r}"
        found.append(Problem(Check.COVERAGE, text))
    declared = body.dataset.facts.get("samples", "")
    if declared.isdecimal() and int(declared) != len(body.samples):
        text = f"rows are removed: the dataset has {declared} samples, the entry {len(body.samples)}"
        found.append(Problem(Check.COVERAGE, text))
    if not any(clip.sha256 for clip in body.system.clips):
        found.append(Problem(Check.COVERAGE, "it holds no clip"))
    return found


def same_clips(body: EntryBody) -> list[str]:
    """Note clips of different samples that are the same to the byte, which two generated ones hardly are."""
    samples: dict[str, set[int]] = {}
    for clip in body.system.clips:
        if clip.sha256 is not None:
            samples.setdefault(clip.sha256, set()).add(clip.sample)
    shared = sum(len(found) for found in samples.values() if len(found) > 1)
    return [f"{shared} samples of {body.system.id!r} share a clip with another sample"] if shared else []


def aggregate_problems(body: EntryBody) -> list[Problem]:
    """Compute the aggregates again from the rows and name the first that differs."""
    try:
        again = aggregates_of(summaries_of(body))
    except InputError as error:
        return [Problem(Check.AGGREGATES, f"cannot be computed from the rows: {error}")]
    stored = {(a.system, a.metric, a.field): a for a in body.aggregates}
    if len(stored) != len(body.aggregates) or stored.keys() != {(a.system, a.metric, a.field) for a in again}:
        return [
            Problem(Check.AGGREGATES, "the aggregates are not those of the metrics and systems of the rows")
        ]
    for right in again:
        said = stored[(right.system, right.metric, right.field)]
        different = _difference(said, right)
        if different:
            what = f"{different} of {right.metric} {right.field} by {right.system!r}"
            text = (
                f"the {what} is {getattr(said, different)}, from the rows it is {getattr(right, different)}"
            )
            return [Problem(Check.AGGREGATES, text)]
    return []


def _difference(said: EntryAggregate, right: EntryAggregate) -> str | None:
    for name in ("attempted", "scored", "level"):
        if getattr(said, name) != getattr(right, name):
            return name
    width = (right.high - right.low) if right.low is not None and right.high is not None else 0.0
    for name in ("mean", "median", "sd", "low", "high"):
        a, b = getattr(said, name), getattr(right, name)
        if (a is None) != (b is None):
            return name
        if a is None or b is None:
            continue
        slack = EXACT * max(1.0, abs(b)) + (OF_WIDTH * width if name in ("low", "high") else 0.0)
        if abs(a - b) > slack:
            return name
    return None


def entry_title(entry: Entry) -> str:
    """Return `system by submitter: task, dataset, n clips` for a line of the terminal."""
    body = entry.body
    task = body.task.value if body.task else "no single task"
    return (
        f"{body.system.id} by {body.submitter}: {task}, {body.dataset.name}, {len(body.system.clips)} clips"
    )

"""Verification with the clips at hand: their hashes, and any sample of the scores computed again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.entry_files import EntryBody, EntryClip, EntryDataset, EntrySystem
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.hashing import sha256_file
from uniavgen_bench.core.result import Missing, Reason, Score
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory
from uniavgen_bench.core.sample import Sample, Task
from uniavgen_bench.report.leaderboard.source_run import clip_file, given_sha256
from uniavgen_bench.report.leaderboard.verify import Check, Declared, Problem
from uniavgen_bench.report.render import plural

CLIP_ENDINGS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi"})

ABSOLUTE = 1e-6
"""Below this, two scores are equal whatever the relative tolerance is."""

NOT_HERE = frozenset({Reason.WEIGHTS, Reason.NOT_INSTALLED, Reason.TIMEOUT, Reason.CRASHED})
"""Reasons that tell of this machine and not of the clip: such an answer checks nothing."""

Answers = Mapping[str, Score | Missing]


@dataclass(frozen=True)
class Scorer:
    """What lies above the report and is handed down to it.

    `score(clip, sample, metrics)` measures a clip anew, with no cache, and returns by versioned metric name
    the answers of its fields, or the reason why this version cannot measure it. `samples(dataset, task)` makes the
    samples of a dataset again from its recipe, by id, and raises a BenchError where that is not possible. `declared()`
    gives what the installed version declares of metrics and weights.
    """

    score: Callable[[Path, Sample, tuple[str, ...]], Mapping[str, Answers | str]]
    samples: Callable[[EntryDataset, Task | None], Mapping[str, Sample]]
    declared: Callable[[], Declared]


@dataclass(frozen=True)
class Again:
    """How much is computed again: `answers` metrics of clips drawn with `seed` (None: all), and the tolerance."""

    answers: int | None = 0
    seed: int = 0
    tolerance: float = 1e-3


@dataclass
class Rechecked:
    """What came of it: problems, notes, and how many clips and answers were compared."""

    problems: list[Problem]
    notes: list[str]
    clips: int = 0
    answers: int = 0


class ClipSource:
    """Finds the clips of an entry, and what was given for them, in a run directory or in any folder of clips."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(f"{root}: no such folder of clips")
        self.root = root
        directory = RunDirectory(root)
        self.records: dict[tuple[str, str, int], ClipRecord] | None = None
        self._by_hash: dict[str, Path] = {}
        if directory.manifest_path.is_file():
            self.records = {(r.system, r.sample.id, r.repeat): r for r in directory.clips()}
        else:
            files = (p for p in sorted(root.rglob("*")) if p.suffix.lower() in CLIP_ENDINGS and p.is_file())
            self._by_hash = {sha256_file(path): path for path in files}

    def record(self, body: EntryBody, system: EntrySystem, clip: EntryClip) -> ClipRecord | None:
        """Return the run's record of a clip; None when the run has none, or when this is no run."""
        sample = body.samples[clip.sample].id
        for name in (sample, f"{body.system.id}/{sample}"):
            found = (self.records or {}).get((system.id, name, clip.repeat))
            if found is not None:
                return found
        return None

    def problem(self, body: EntryBody, system: EntrySystem, clip: EntryClip) -> tuple[Path | None, str]:
        """Return the file of a clip, or None and what is wrong."""
        name = f"{body.samples[clip.sample].id!r} by {system.id!r}"
        if self.records is None:
            path = self._by_hash.get(clip.sha256 or "")
            swapped = (
                f"no clip below {self.root} is the one that was scored: {name} is swapped, edited or left out"
            )
            return (path, "") if path is not None else (None, swapped)
        record = self.record(body, system, clip)
        path = clip_file(self.root, record) if record is not None else None
        if path is None:
            return None, f"the clip of {name} is not in {self.root}"
        if sha256_file(path) != clip.sha256:
            return None, f"swapped clip: {path.name} of {name} is not the one that was scored"
        return path, ""


def recheck(body: EntryBody, source: ClipSource, scorer: Scorer | None, again: Again) -> Rechecked:
    """Compare the clips' hashes and a sample of the scores with those of an entry.

    Clips of a control that are all absent are noted; every other absent clip is a problem. Scores that this machine
    cannot compute are noted, and are a problem when nothing could be computed.
    """
    done = Rechecked([], [])
    here: list[tuple[EntrySystem, EntryClip, Path]] = []
    for system in body.systems:
        clips = [clip for clip in system.clips if clip.sha256]
        found = [(clip, *source.problem(body, system, clip)) for clip in clips]
        here += [(system, clip, path) for clip, path, _ in found if path is not None]
        wrong = [text for _, path, text in found if path is None]
        if len(wrong) == len(clips) and system is not body.system and clips:
            done.notes.append(f"no clip of the control {system.id!r} is in {source.root}")
        elif wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            done.problems.append(Problem(Check.CLIPS, wrong[0] + more))
    done.clips = len(here)
    if scorer is not None and again.answers != 0 and here:
        _score_again(body, source, scorer, again, here, done)
    return done


def _score_again(
    body: EntryBody,
    source: ClipSource,
    scorer: Scorer,
    again: Again,
    here: list[tuple[EntrySystem, EntryClip, Path]],
    done: Rechecked,
) -> None:
    asked = _drawn(body, here, again)
    try:
        samples = scorer.samples(body.dataset, body.task) if source.records is None else {}
    except BenchError as error:
        what = "no score could be computed again, because what is given for the samples is not here"
        done.problems.append(Problem(Check.SCORES, f"{what}: name the run directory as --clips ({error})"))
        return
    total = sum(len(metrics) for metrics in asked.values())
    skipped: dict[str, int] = {}
    for i, metrics in asked.items():
        system, clip, path = here[i]
        entry_sample = body.samples[clip.sample]
        record = source.record(body, system, clip)
        sample = record.sample if record is not None else samples.get(entry_sample.id)
        try:
            given = given_sha256(sample) if sample is not None else ""
        except InputError as error:
            given = ""
            done.notes.append(str(error))
        if sample is None or given != entry_sample.given:
            what = f"what is given for sample {entry_sample.id!r} is not what the entry was scored with"
            done.problems.append(Problem(Check.SCORES, what))
            continue
        for metric, answers in scorer.score(path, sample, metrics).items():
            if isinstance(answers, str):
                skipped[answers] = skipped.get(answers, 0) + 1
                continue
            wrong, unknown = _compare(body, clip, metric, answers, again.tolerance)
            where = f"{entry_sample.id!r} by {system.id!r}"
            done.problems += [Problem(Check.SCORES, f"{metric} of {where}: {text}") for text in wrong]
            if unknown:
                skipped[unknown] = skipped.get(unknown, 0) + 1
            else:
                done.answers += 1
    done.notes += [f"{plural(count, 'answer')} not computed again: {why}" for why, count in skipped.items()]
    if total and not done.answers and not done.problems:
        done.problems.append(
            Problem(Check.SCORES, f"none of {total} answers could be computed again: {done.notes[-1]}")
        )


def _drawn(
    body: EntryBody, here: list[tuple[EntrySystem, EntryClip, Path]], again: Again
) -> dict[int, tuple[str, ...]]:
    """Draw (clip, metric) pairs, the same for a seed whatever the machine; grouped by clip."""
    pairs = [(i, metric.name) for i in range(len(here)) for metric in body.metrics]
    if again.answers is not None and again.answers < len(pairs):
        pairs = sorted(random.Random(again.seed).sample(pairs, again.answers))
    grouped: dict[int, tuple[str, ...]] = {}
    for i, name in pairs:
        grouped[i] = (*grouped.get(i, ()), name)
    return grouped


def _scores(body: EntryBody, clip: EntryClip, metric: str) -> Iterator[tuple[str, float | Reason]]:
    at = 0
    for spec in body.metrics:
        for field in spec.fields:
            if spec.name == metric:
                yield field.name, clip.scores[at]
            at += 1


def _compare(
    body: EntryBody, clip: EntryClip, metric: str, answers: Answers, tolerance: float
) -> tuple[list[str], str]:
    """Return what differs, and why nothing could be compared."""
    missing = next((a for a in answers.values() if isinstance(a, Missing) and a.reason in NOT_HERE), None)
    if missing is not None:
        return [], str(missing)
    wrong = []
    for field, said in _scores(body, clip, metric):
        found = answers.get(field)
        value = (
            found.value if isinstance(found, Score) else found.reason if isinstance(found, Missing) else None
        )
        if isinstance(said, float) and isinstance(value, float):
            same = abs(said - value) <= ABSOLUTE + tolerance * max(abs(said), abs(value))
        else:
            same = said == value
        if not same:
            wrong.append(f"{field} is {_text(said)} in the entry, computed again it is {_text(value)}")
    return wrong, ""


def _text(value: float | Reason | None) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"missing ({value})"

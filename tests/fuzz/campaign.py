"""Many cases in workers that may die or hang: each such end is a finding, and the next worker goes on."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import ClassVar

from .cases import Outcome, Reader
from .targets import Target, targets

LIMIT = 10.0
"""Seconds that a case may take; on a busy machine of the processor's time, as long as the worker wants any."""
PATIENCE = 120.0
"""Seconds after which even a worker that is kept waiting by others counts as hanging."""
START = 600.0
"""Seconds that a worker may take to import everything."""


@dataclass
class Tally:
    """What came of the cases of one target."""

    cases: int = 0
    refused: int = 0
    accepted: int = 0
    findings: int = 0
    slowest: float = 0.0
    slowest_case: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count a case."""
        self.cases += 1
        if outcome.finding:
            self.findings += 1
        elif outcome.accepted:
            self.accepted += 1
        else:
            self.refused += 1
        if outcome.seconds > self.slowest:
            self.slowest, self.slowest_case = outcome.seconds, outcome.number


@dataclass
class Report:
    """All tallies, and the findings by what they are."""

    tallies: dict[str, Tally] = field(default_factory=dict)
    findings: dict[tuple[str, str], list[Outcome]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count a case."""
        self.tallies.setdefault(outcome.target, Tally()).add(outcome)
        if outcome.finding:
            self.findings.setdefault((outcome.target, outcome.finding), []).append(outcome)

    def table(self) -> str:
        """Return a row per target, and one for all."""
        rows = [("target", "cases", "refused", "accepted", "findings", "slowest")]
        for name, tally in self.tallies.items():
            slow = f"{tally.slowest:.2f} s (case {tally.slowest_case})"
            rows.append((name, *map(str, (tally.cases, tally.refused, tally.accepted, tally.findings)), slow))
        total = [
            sum(getattr(t, key) for t in self.tallies.values())
            for key in ("cases", "refused", "accepted", "findings")
        ]
        rows.append(
            ("all", *map(str, total), f"{max((t.slowest for t in self.tallies.values()), default=0):.2f} s")
        )
        widths = [max(len(row[i]) for row in rows) for i in range(6)]
        lines = [
            "  ".join(
                c.ljust(w) if i in (0, 5) else c.rjust(w)
                for i, (c, w) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        ]
        return "\n".join([*lines, f"{self.seconds:.0f} s, {len(self.findings)} distinct findings"])


def shared_out(cases: int, chosen: Sequence[Target]) -> list[tuple[str, int]]:
    """Return target and number of each case; every target has at least one."""
    whole = sum(target.share for target in chosen)
    counts = {target.name: max(1, round(cases * target.share / whole)) for target in chosen}
    counts[chosen[0].name] = max(1, counts[chosen[0].name] + cases - sum(counts.values()))
    return [(name, number) for name, count in counts.items() for number in range(count)]


def run(
    cases: int, seed: int, only: Sequence[str] = (), tell: Callable[[Outcome], None] = lambda outcome: None
) -> Report:
    """Run cases and return what came of them."""
    chosen = [target for target in targets() if not only or target.name in only]
    return run_these(shared_out(cases, chosen), seed, tell)


def run_these(
    work: Sequence[tuple[str, int]], seed: int, tell: Callable[[Outcome], None] = lambda outcome: None
) -> Report:
    """Run some cases and return what came of them."""
    report, started = Report(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as scratch:
        for outcome in _outcomes(work, seed, Path(scratch).resolve()):
            report.add(outcome)
            tell(outcome)
    report.seconds = time.monotonic() - started
    return report


def _outcomes(work: Sequence[tuple[str, int]], seed: int, scratch: Path) -> Iterator[Outcome]:
    worker: _Worker | None = None
    names = tuple(dict.fromkeys(name for name, _ in work))
    for name, number in work:
        worker = worker or _Worker(scratch, names)
        outcome = worker.ask(name, number, seed)
        yield outcome
        if outcome.finding.startswith(("hang", "crash")):
            worker.end()
            worker = None
            shutil.rmtree(scratch / "case", ignore_errors=True)
    if worker is not None:
        worker.end()


def _work(line: Connection, scratch: Path, names: tuple[str, ...]) -> None:
    reader = Reader(scratch, names)
    line.send("ready")
    while True:
        try:
            name, number, seed = line.recv()
        except EOFError:
            return
        line.send(reader.run(name, number, seed))


class _Worker:
    target: ClassVar[Callable[..., None]] = staticmethod(_work)

    def __init__(self, scratch: Path, names: tuple[str, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self._line, other = context.Pipe()
        self._process = context.Process(target=type(self).target, args=(other, scratch, names), daemon=True)
        self._process.start()
        other.close()
        if not self._line.poll(START):
            raise RuntimeError("the worker does not start")
        self._line.recv()

    def ask(self, name: str, number: int, seed: int) -> Outcome:
        self._line.send((name, number, seed))
        started = time.perf_counter()
        if not self._answers():
            return Outcome(name, number, time.perf_counter() - started, finding=f"hang over {LIMIT:g} s")
        try:
            answer: Outcome = self._line.recv()
        except EOFError:
            self._process.join(5)
            return Outcome(
                name, number, time.perf_counter() - started, finding=f"crash: status {self._process.exitcode}"
            )
        return answer

    def _answers(self) -> bool:
        """Wait for an answer: 10 s, or longer where the machine is busy and the worker only waits for its turn."""
        used = self._used()
        idle, until = 0, time.monotonic() + PATIENCE
        if self._line.poll(LIMIT):
            return True
        while time.monotonic() < until and self._used() - used < LIMIT and idle < 5:
            idle = 0 if self._state() == "R" else idle + 1
            if self._line.poll(1.0):
                return True
        return False

    def _stat(self) -> list[str]:
        return Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()

    def _state(self) -> str:
        return self._stat()[0]

    def _used(self) -> float:
        user, system = self._stat()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        self._process.kill()
        self._process.join()
        self._line.close()


def by_count(report: Report) -> list[tuple[int, Outcome]]:
    """Return the findings, the most frequent first, each with one case."""
    counts = Counter({key: len(found) for key, found in report.findings.items()})
    return [(count, report.findings[key][0]) for key, count in counts.most_common()]

"""Run fuzz cases and print a table: `python -m tests.fuzz --cases 10000 --seed 1`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from .campaign import by_count, run, run_these
from .cases import Outcome, Reader
from .targets import targets


def main() -> None:
    """Read the arguments, run, print; the status is 1 when there are findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="targets, separated by commas")
    parser.add_argument("--case", type=int, help="one case of the one target of --only, with its traceback")
    parser.add_argument("--keep", type=Path, help="with --case: leave the mutated input in this folder")
    parser.add_argument("--traces", action="store_true", help="print a traceback of each distinct finding")
    given = parser.parse_args()
    names = [name for name in given.only.split(",") if name]
    known = [target.name for target in targets()]
    if wrong := [name for name in names if name not in known]:
        parser.error(f"no target {wrong[0]!r}; there are: {', '.join(known)}")
    if given.keep is not None and given.case is not None:
        _keep(names[0], given.case, given.seed, given.keep)
    if given.case is not None:
        report = run_these([(names[0], given.case)], given.seed)
    else:
        report = run(given.cases, given.seed, names, _tell)
    print(report.table())
    for count, outcome in by_count(report):
        print(f"{count:5d}  {outcome.target} case {outcome.number}: {outcome.finding}")
        if given.traces or given.case is not None:
            print(outcome.trace)
    sys.exit(1 if report.findings else 0)


def _tell(outcome: Outcome) -> None:
    if outcome.number % 500 == 0:
        print(f"{outcome.target} case {outcome.number}", file=sys.stderr, flush=True)
    if outcome.finding.startswith(("hang", "crash")):
        print(f"{outcome.target} case {outcome.number}: {outcome.finding}", file=sys.stderr, flush=True)


def _keep(name: str, number: int, seed: int, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        reader = Reader(Path(scratch), (name,), limit_memory=False)
        made = reader.prepared(reader.targets[name], number, seed)
        shutil.copytree(made / "given", folder, symlinks=True, ignore=_pipes)


def _pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_fifo()]


if __name__ == "__main__":
    main()

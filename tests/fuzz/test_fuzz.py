"""The seeds are good, the mutations deterministic, the watch sees what it is for, and 300 cases find nothing."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from uniavgen_bench.core.errors import BenchError, InputError

from . import campaign, cases
from .campaign import LIMIT, run_these, shared_out
from .cases import Watch, judged, seeds
from .hostile import CANARY
from .mutations import mutated
from .targets import Target, targets

CASES, SEED = 300, 2025
REFUSED_SEEDS = frozenset({"checkpoint"})
"""Seeds that are no model of ours: whole files, refused for their names."""


def test_mutated_files_end_in_a_value_or_one_line() -> None:
    report = run_these(shared_out(CASES, targets()), SEED)
    assert not report.findings, "\n".join(
        [report.table(), *(f"{k}: case {v[0].number}" for k, v in report.findings.items())]
    )
    assert sum(t.cases for t in report.tallies.values()) >= CASES
    assert sum(t.refused for t in report.tallies.values()) > CASES // 4
    assert sum(t.accepted for t in report.tallies.values()) > CASES // 10


@pytest.mark.parametrize("kind", ["bytes", "text", "json", "jsonl", "yaml", "csv", "tsv"])
def test_the_same_seed_gives_the_same_bytes(kind: str) -> None:
    data = b'{"a": [1, 2.5, "x"], "b": {"c": null}}\n'
    twice = [[mutated(random.Random(n), data, kind) for n in range(40)] for _ in range(2)]
    assert twice[0] == twice[1]
    assert len(set(twice[0])) > 20


def test_every_target_has_seeds_and_files_to_mutate() -> None:
    for target in targets():
        assert seeds(target.name), target.name
        for seed in seeds(target.name):
            assert any(list(seed.glob(pattern)) for pattern, _ in target.files), seed


class UnforeseenError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "finding"),
    [
        (UnforeseenError("x"), "UnforeseenError at "),
        (RecursionError("x"), "RecursionError at "),
        (InputError(f"got {CANARY}"), "tells what lies outside"),
        (InputError("is wrong"), ""),
        (ValueError("documented"), ""),
    ],
)
def test_an_error_is_a_finding_unless_it_is_documented_and_one_line(error: Exception, finding: str) -> None:
    target = Target("t", lambda folder: None, (), 1, errors=(ValueError,))
    said, _ = judged(error, target)
    assert said.startswith(finding) and bool(said) == bool(finding)


def test_a_message_of_several_lines_is_a_finding() -> None:
    error = BenchError("one")
    error.args = ("one\ntwo",)
    said, _ = judged(error, Target("t", lambda folder: None, (), 1))
    assert said.startswith("a message of several lines")


def test_the_watch_hears_what_leads_out_of_the_folder(tmp_path: Path) -> None:
    for name in ("given", "out", "outside"):
        (tmp_path / name).mkdir()
    watch = Watch(folder=tmp_path)
    write, read = os.O_WRONLY | os.O_CREAT, os.O_RDONLY
    watch.hear("open", (str(tmp_path / "given" / "a"), "w", write))
    watch.hear("open", (str(tmp_path / "out" / "b"), "w", write))
    watch.hear("open", ("/usr/lib/x.py", "r", read))
    assert not watch.seen
    watch.hear("open", (str(tmp_path / "given" / ".." / "c"), "w", write))
    watch.hear("open", (str(tmp_path / "outside" / "secret.txt"), "r", read))
    watch.hear("os.remove", ("/tmp/x", -1))
    watch.hear("subprocess.Popen", ("git", [], None, None))
    watch.hear("socket.connect", (None, ("127.0.0.1", 9)))
    assert [said.partition(":")[0] for said in watch.seen] == [
        "wrote outside", "read outside", "os.remove outside", "subprocess.Popen", "socket.connect",
    ]  # fmt: skip


def hangs(folder: Path) -> None:
    time.sleep(60)


def aborts(folder: Path) -> None:
    os.abort()


def stand_in() -> tuple[Target, ...]:
    files = (("validity.json", "json"),)
    return (Target("validity", aborts if os.environ["FUZZ_STAND_IN"] == "aborts" else hangs, files, 1),)


def work_with_stand_in(*given: object) -> None:
    cases.targets = stand_in
    cases.Reader._warm = lambda self, target: None  # type: ignore[method-assign]
    campaign._work(*given)  # type: ignore[arg-type]


@pytest.mark.parametrize(("what", "finding"), [("aborts", "crash: status -6"), ("hangs", "hang over")])
def test_a_case_that_kills_or_holds_its_worker_is_a_finding_and_the_next_goes_on(
    monkeypatch: pytest.MonkeyPatch, what: str, finding: str
) -> None:
    monkeypatch.setenv("FUZZ_STAND_IN", what)
    monkeypatch.setattr(campaign, "LIMIT", 1.0)
    work = campaign._work

    class Worker(campaign._Worker):
        target = staticmethod(work_with_stand_in)

    monkeypatch.setattr(campaign, "_Worker", Worker)
    assert work is campaign._work and LIMIT == 10.0
    report = run_these([("validity", 0), ("validity", 1)], 1)
    (outcomes,) = report.findings.values()
    assert len(outcomes) == 2 and all(o.finding.startswith(finding) for o in outcomes)

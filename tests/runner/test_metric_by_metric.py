"""A clip that is scored metric by metric after a crash loses nothing that its other metrics gave."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from runner.conftest import Bench, make_clip

from uniavgen_bench.core.result import Curve, Evidence, Missing, Reason, Score
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.runner import pool as local_pool
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.executors.attempts import Attempts
from uniavgen_bench.runner.score_clip import Scored
from uniavgen_bench.runner.worker import failed_outcome, merge, parts_of

TIMEOUT = 2.0
METRICS = ("video.motion", "audio.dnsmos", "speech.wer")
WORK = ClipWork(ClipKey(system="A", sample="a"), Sample(id="a"), Path("a.mp4"))


def test_a_crash_takes_no_evidence_of_the_others_and_is_in_the_log(bench: Bench, tmp_path: Path) -> None:
    make_clip(tmp_path / "marked" / "A" / "victim.mp4", hertz=333)
    names = ["toy.tell", "toy.crash", "toy.raise", "toy.draw"]
    run = RunDirectory(bench.score(tmp_path / "marked", names))
    (record,) = run.clips()
    assert record.evidence is not None and record.problem == ""
    told = json.loads((run.root / record.evidence).read_bytes())
    assert [item["metric"] for item in told] == ["toy.tell@1", "toy.draw@1"]
    assert told[0]["texts"] == {"heard": "a tone"} and told[1]["curves"][0]["y"] == [-3.0, -4.0]
    lines = (run.root / "problems.log").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("A/victim: toy.crash@1: crashed: its process ended")
    assert lines[1].startswith("A/victim: toy.raise@1: ValueError")


def test_parts_are_joined_with_their_problems_seconds_and_evidence(tmp_path: Path) -> None:
    config = WorkerConfig(tmp_path, tmp_path / "store", METRICS, (), "cpu", 1, "none")
    outcomes = []
    for number, part in enumerate(parts_of(config, WORK)):
        lost = failed_outcome(config, part, Missing(Reason.CRASHED, "it died"))
        if number == 1:
            outcomes.append(lost)
            continue
        name = lost.scored[0].metric
        evidence = Evidence((Curve(name, "dB", (0.0,), (1.0,)),))
        record = lost.record.model_copy(update={"sha256": "00", "problem": ""})
        scored = (Scored(name, {"x": Score(1.0)}, evidence),)
        timings = {"generate": 1.0, "artefact faces": 2.0, name: 0.5}
        problems = ("analysis: ValueError: odd", f"{name}: a note")
        outcomes.append(ClipOutcome(record, scored, timings, problems, (str(number), "shared")))
    whole = merge(config, outcomes)
    first, fallen, last = (o.scored[0].metric for o in outcomes)
    assert [s.metric for s in whole.scored] == [first, fallen, last]
    assert all(s.evidence == Evidence() for s in whole.scored), "the driver keeps every outcome"
    assert whole.timings == {"generate": 2.0, "artefact faces": 4.0, first: 0.5, last: 0.5}
    assert whole.problems == (
        "analysis: ValueError: odd", f"{first}: a note", f"{fallen}: crashed: it died", f"{last}: a note"
    )  # fmt: skip
    assert whole.entries == ("0", "2", "shared")
    assert whole.record.evidence is not None
    told = json.loads((tmp_path / whole.record.evidence).read_bytes())
    assert [item["metric"] for item in told] == [first, last]


def hangs(config: WorkerConfig, work: ClipWork) -> ClipOutcome:
    """Work that hangs with every metric but the first."""
    (config.run / "begun").open("a").write(f"{work.only_metrics}\n")
    if work.only_metrics != config.metrics[:1]:
        time.sleep(600)
    return scored(config, work)


def scored(config: WorkerConfig, work: ClipWork) -> ClipOutcome:
    lost = failed_outcome(config, work, Missing(Reason.CRASHED))
    return replace(lost, scored=tuple(Scored(s.metric, {"x": Score(1.0)}) for s in lost.scored))


MANY = (
    "video.motion", "audio.dnsmos", "speech.wer", "video.brisque", "video.identity", "timbre.stability",
    "speech.cer", "lipsync.speaking",
)  # fmt: skip


def test_metrics_that_hang_cost_twice_the_time_of_a_clip_however_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_pool, "process_clip", hangs)
    config = WorkerConfig(tmp_path, tmp_path / "store", MANY, (), "cpu", 1, "none")
    options = local_pool.PoolOptions(1, 1, TIMEOUT)
    ((_, outcome),) = local_pool.outcomes(config, [[WORK]], options)
    begun = (tmp_path / "begun").read_text().splitlines()
    assert len(begun) == 1 + 1 + 4, "the clip, the metric that answers, and four that take half the time each"
    first, *others = outcome.scored
    assert first.scores == {"x": Score(1.0)} and len(others) == len(MANY) - 1
    assert {s.reason for o in others for s in o.scores.values() if isinstance(s, Missing)} == {Reason.TIMEOUT}


def test_on_a_cluster_the_metrics_share_the_same_time() -> None:
    config = WorkerConfig(Path("run"), Path("store"), MANY, (), "cpu", 1, "none")
    attempts = Attempts(config, [WORK], 100.0)
    whole = attempts.next()
    assert whole is not None and attempts.limit(whole) == 100.0
    attempts.spend(whole, 100.0)
    assert attempts.late(whole) is None
    limits, outcome = [], None
    while attempts.open:
        attempt = attempts.next()
        assert attempt is not None
        limits.append(attempts.limit(attempt))
        attempts.spend(attempt, limits[-1] if len(limits) > 1 else 30.0)
        outcome = (
            attempts.finished(attempt, scored(config, attempt.work))
            if len(limits) == 1
            else attempts.late(attempt)
        )
    assert limits[:6] == [50.0, 50.0, 50.0, 50.0, 20.0, 0.0] and set(limits[5:]) == {0.0}
    assert outcome is not None and len(outcome.scored) == len(MANY)

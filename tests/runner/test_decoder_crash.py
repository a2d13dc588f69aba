"""A clip whose decoding kills its process: the run goes on, and the clip says that its process died."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from clip_factory import flash_and_beep

from uniavgen_bench.core.result import Missing, Reason, Score
from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.runner import pool
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.pool import PoolOptions, outcomes
from uniavgen_bench.runner.worker import process_clip

METRIC = "video.motion"


def process_with_a_deadly_decoder(config: WorkerConfig, work: ClipWork) -> ClipOutcome:
    """Do what a worker does, with a decoder that aborts at clips of one name; runs in the worker."""
    from uniavgen_bench.media import container, probe

    real = container.opened

    def opened(path: Path) -> Any:
        if path.stem == "deadly":
            os.abort()
        return real(path)

    probe.opened = opened
    return process_clip(config, work)


def test_a_decoder_that_aborts_kills_a_worker_and_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "process_clip", process_with_a_deadly_decoder)
    good = flash_and_beep(tmp_path, seconds=1.0, at=(0.5,), name="good.mp4").path
    deadly = tmp_path / "deadly.mp4"
    deadly.write_bytes(
        good.read_bytes() + b"\0\0\0\x08free"
    )  # other bytes: what is known of them is known by their hash
    works = [
        ClipWork(ClipKey(system="one", sample=path.stem), Sample(id=path.stem), path)
        for path in (deadly, good, deadly, good)
    ]
    config = WorkerConfig(tmp_path / "run", tmp_path / "store", (METRIC,), (), "cpu", 1, "none")
    found = [
        (work.key.sample, outcome) for work, outcome in outcomes(config, [works], PoolOptions(1, 1, 120.0))
    ]
    assert sorted(name for name, _ in found) == ["deadly", "deadly", "good", "good"]
    for name, outcome in found:
        (scored,) = outcome.scored
        for score in scored.scores.values():
            if name == "good":
                assert isinstance(score, Score)
            else:
                assert isinstance(score, Missing) and score.reason is Reason.CRASHED
                assert str(-signal.SIGABRT) in score.detail or "died" in score.detail

"""A study that was cut off goes on where it was: changed clips and scores of before are found again."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from validity.validate_world import beeping_clips, install, study_clips

from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork, WorkerConfig
from uniavgen_bench.runner.pool import PoolOptions
from uniavgen_bench.runner.worker import process_clip
from uniavgen_bench.validity import study
from uniavgen_bench.validity.study import Progress, StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.validate import studied_metrics, validate_metrics

SCORED = 7


@pytest.fixture
def beeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClipSet:
    """Clips that beep, with the fake metrics installed and an empty home."""
    (tmp_path / "fakes").mkdir()
    monkeypatch.setattr(sys, "path", [str(install(tmp_path / "fakes")), *sys.path])
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "home"))
    return ClipSet("beeps", "3 clips", study_clips(beeping_clips(tmp_path / "clips", 3)))


def test_what_was_scored_before_a_cut_is_not_scored_again(
    beeps: ClipSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bool] = []

    def one_by_one(
        config: WorkerConfig, stages: Sequence[Sequence[ClipWork]], options: PoolOptions
    ) -> Iterator[tuple[ClipWork, ClipOutcome]]:
        for work in stages[0]:
            outcome = process_clip(config, work)
            kept.append(all(scored.cached for scored in outcome.scored))
            yield work, outcome

    def cut_after(steps: int) -> Progress:
        stages: list[str] = []

        def step(what: str) -> None:
            if stages[-1] == "scoring" and len(kept) == steps:
                raise KeyboardInterrupt

        return Progress(lambda stage, number: stages.append(stage), step)

    monkeypatch.setattr(study, "outcomes", one_by_one)
    metrics = studied_metrics(["fake.valid"])
    with pytest.raises(KeyboardInterrupt):
        validate_metrics(metrics, [beeps], StudyOptions(), repeats=False, progress=cut_after(SCORED))
    assert kept == [False] * SCORED
    written = {path: path.stat().st_mtime_ns for path in (study.home() / "validity").rglob("*.mp4")}
    kept.clear()
    whole = validate_metrics(metrics, [beeps], StudyOptions(), repeats=False)
    # Changes that leave a sound as it is share its score, so some of the others are found as well.
    assert kept[:SCORED] == [True] * SCORED and not all(kept[SCORED:])
    assert written and all(path.stat().st_mtime_ns == then for path, then in written.items())
    kept.clear()
    again = validate_metrics(metrics, [beeps], StudyOptions(), repeats=False)
    assert all(kept) and again.result.metrics == whole.result.metrics

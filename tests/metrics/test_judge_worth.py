"""What is printed of judged grades: noise, reliability, cost."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from uniavgen_bench.core.run_files import SCORE_COLUMNS
from uniavgen_bench.judges.worth import Worth, line, main, worth_of


def scores(grades: list[float], sds: list[float], tokens: float | None = 1000.0) -> pd.DataFrame:
    rows = []
    for i, (grade, sd) in enumerate(zip(grades, sds, strict=True)):
        for field, value in (
            ("score", grade),
            ("retest_sd", sd),
            ("tokens_in", tokens),
            ("tokens_out", tokens),
        ):
            missing = value is None or np.isnan(value)
            rows.append(
                ("s", f"c{i}", 0, "judge.timbre@1", field, value, "failed: x" if missing else "", "", 1.0)
            )
    rows.append(("s", "c0", 0, "video.motion@1", "motion", 1.0, "", "", 1.0))
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def test_noise_is_pooled_over_clips_and_divided_by_the_repeats() -> None:
    (found,) = worth_of(scores([0.0, 0.5, 1.0, float("nan")], [0.0, 0.3, 0.0, float("nan")]), 3)
    assert (found.asked, len(found.grades)) == (4, 3)
    assert found.retest == pytest.approx(0.3 / np.sqrt(3))
    assert found.noise == pytest.approx(0.1)
    assert found.reliability == pytest.approx(1 - 0.01 / 0.25)


def test_reliability_is_what_repeated_noise_leaves() -> None:
    draw = np.random.default_rng(5)
    truth = draw.normal(0, 0.3, 4000)
    answers = truth[:, None] + draw.normal(0, 0.2, (4000, 3))
    found = Worth(
        "m", 4000, answers.mean(axis=1), float(np.sqrt(answers.var(axis=1, ddof=1).mean())), 3, None, None
    )
    assert found.reliability == pytest.approx(0.09 / (0.09 + 0.04 / 3), abs=0.02)


def test_the_price_is_of_a_million_tokens() -> None:
    (found,) = worth_of(scores([0.5, 0.7], [0.0, 0.0], 500_000.0), 3)
    assert found.cost(1.25, 10.0) == pytest.approx(11.25)
    assert "11.2500, 5.6250 a clip" in line(found, 1.25, 10.0)
    assert "UNIAVGEN_BENCH_JUDGE_PRICE_IN" in line(found, None, None)
    (uncounted,) = worth_of(scores([0.5], [0.0], None), 3)
    assert uncounted.cost(1.0, 1.0) is None
    assert "does not count" in line(uncounted, 1.0, 1.0)


def test_a_run_is_read_and_a_folder_that_is_none_is_one_line(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import typer

    app = typer.Typer()
    app.command()(main)
    told = CliRunner().invoke(app, [str(tmp_path)])
    assert told.exit_code == 2
    scores([0.5, 1.0], [0.1, 0.1]).to_parquet(tmp_path / "scores.parquet")
    monkeypatch.setenv("UNIAVGEN_BENCH_JUDGE_PRICE_IN", "2")
    monkeypatch.setenv("UNIAVGEN_BENCH_JUDGE_PRICE_OUT", "8")
    told = CliRunner().invoke(app, [str(tmp_path)])
    assert told.exit_code == 0
    assert "judge.timbre@1: 2 of 2 clips" in told.output
    assert "2000 tokens read, 2000 written: 0.0200, 0.0100 a clip" in told.output

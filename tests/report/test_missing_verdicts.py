"""A system that loses for the clips that it lacks: no difference over the few others stands for its loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from uniavgen_bench.core.comparison import Estimate, PairedResult, Verdict
from uniavgen_bench.report.forest import forests
from uniavgen_bench.report.run_data import RunData, read_run
from uniavgen_bench.report.verdicts import by_system
from uniavgen_bench.stats.missing_text import against_its_pairs, lost_by_missing


@pytest.fixture
def run(judged: Path) -> RunData:
    return read_run(judged.parent)


def losing(run: RunData, cliff: float, missing: int = 9) -> tuple[RunData, PairedResult]:
    """The first comparison as a loss with 0.3 between the pairs, in favour of the loser where `cliff` is positive."""
    assert run.stats is not None
    estimate = Estimate(value=0.3, low=0.2, high=0.4)
    result = run.stats.paired[0].model_copy(
        update={
            "verdict": Verdict.WORSE, "attempted": 10, "pairs": 10 - missing, "only_baseline": missing,
            "only_system": 0, "difference": estimate, "cliff": Estimate(value=cliff), "p_adjusted": 0.0001,
            "headline": True,
        }
    )  # fmt: skip
    stats = run.stats.model_copy(update={"paired": (result,)})
    return replace(run, stats=stats), result


def test_a_loss_by_missing_clips_is_told_by_their_number(run: RunData) -> None:
    changed, result = losing(run, cliff=1.0)
    assert against_its_pairs(result)
    ((_, _, (said,), _),) = by_system(changed)[0].parts
    assert "lacks 9 of 10, p < 0.001" in said and "0.3" not in said
    row = next(r for r in forests(changed, result.metric)[0].rows if r.kind == "worse")
    assert row.at is row.low is row.high is None and row.estimate == ""
    assert row.note == "p < 0.001, lacks 9 of 10"


def test_a_loss_over_the_pairs_too_has_its_size_and_what_is_missing(run: RunData) -> None:
    changed, result = losing(run, cliff=-1.0)
    assert not against_its_pairs(result)
    ((_, _, (said,), _),) = by_system(changed)[0].parts
    assert "by 0.30" in said and said.endswith("p < 0.001, lacks 9 of 10)")
    row = next(r for r in forests(changed, result.metric)[0].rows if r.kind == "worse")
    assert row.at is not None and row.note == "p < 0.001, lacks 9 of 10"


def test_where_nothing_is_missing_nothing_is_said_of_it(run: RunData) -> None:
    _, result = losing(run, cliff=1.0, missing=0)
    assert lost_by_missing(result) == "" and not against_its_pairs(result)
    won = result.model_copy(update={"verdict": Verdict.BETTER, "only_system": 2})
    assert lost_by_missing(won) == "the other lacks 2 of 10"

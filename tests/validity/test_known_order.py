"""The known order of controls: what is better by how much, tested in pairs, and said in one word."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import SCORE_COLUMNS, RunDirectory
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.metrics.lipsync_mouth_audio import SPEC
from uniavgen_bench.validity.known_order import compared, corrected, gains_of, markdown, steps_of


def steps(gains: np.ndarray) -> tuple:
    return corrected([compared("m@1", "f", "a", "b", gains)])


def test_verdicts_follow_the_sign_and_the_evidence() -> None:
    noise = np.random.default_rng(0).normal(0, 1, 24)
    assert steps(noise * 0.1 + 1)[0].verdict == "holds"
    assert steps(noise * 0.1 - 1)[0].verdict == "reversed"
    assert steps(noise - noise.mean())[0].verdict == "not shown"
    assert steps(np.zeros(24))[0].verdict == "no difference"
    assert steps(np.ones(5))[0].verdict == "too few"


def test_correction_stays_within_a_field() -> None:
    gains = np.random.default_rng(1).normal(0.4, 1, 24)
    alone = corrected([compared("m@1", "f", "a", "b", gains)])[0]
    weak = [compared("m@1", "f", "a", c, gains - 0.4) for c in "xyz"]
    with_others = corrected([compared("m@1", "f", "a", "b", gains), *weak])[0]
    elsewhere = corrected([compared("m@1", "f", "a", "b", gains), compared("m@1", "g", "a", "b", gains)])[0]
    assert alone.adjusted == alone.p == elsewhere.adjusted < with_others.adjusted


@pytest.mark.parametrize(
    ("direction", "expected"),
    [(Direction.HIGHER, [-8.0, 3.0]), (Direction.LOWER, [8.0, -3.0]), (Direction.ZERO, [0.0, -3.0])],
)
def test_gain_is_in_the_sense_of_the_field(direction: Direction, expected: list[float]) -> None:
    table = pd.DataFrame({"a": [-4.0, 5.0, np.nan], "b": [4.0, 2.0, 1.0]})
    assert gains_of(table, "a", "b", direction).tolist() == expected
    assert len(gains_of(table, "a", "absent", direction)) == 0


class FakeRun(RunDirectory):
    """A run whose controls have known numbers in one field."""

    def __init__(self, tmp_path, means: dict[str, float]) -> None:
        super().__init__(tmp_path)
        self.means = means

    def manifest(self):
        return type("Manifest", (), {"metrics": [SPEC]})

    def scores(self) -> pd.DataFrame:
        draw = np.random.default_rng(3)
        rows = [
            (system, f"s{i}", 0, SPEC.name, "in_place", mean + 0.05 * draw.normal(), "", "", 0.0)
            for system, mean in self.means.items()
            for i in range(12)
        ]
        return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


def test_a_run_in_the_known_order_holds_and_the_table_says_so(tmp_path) -> None:
    run = FakeRun(tmp_path, {"ground-truth": 0.5, "shifted-audio": 0.2, "shuffled-audio": 0.0})
    found = steps_of(run)
    assert [s.verdict for s in found] == ["holds"] * 3
    assert markdown(found).count("| holds |") == 3
    assert [s.verdict for s in steps_of(FakeRun(tmp_path, {"ground-truth": 0, "shifted-audio": 1}))] == [
        "reversed"
    ]


def test_a_run_of_something_else_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="joint"):
        steps_of(FakeRun(tmp_path, {"mine": 0.5}))

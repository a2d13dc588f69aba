"""A published order is found again, contradicted or not seen by paired tests, and never by means alone."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from pydantic import ValidationError
from rich.console import Console

from stats.made_up import run_of, spec
from uniavgen_bench.core.comparison import CompareBlock
from uniavgen_bench.core.published import PublishedBlock, PublishedResult
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.published_order import equal_steps, published_orders, steps_of
from uniavgen_bench.stats.published_text import print_published, published_chain, sentence, trainings_text

PAPER = {"sgi": 3.46, "sti": 3.73, "ati": 4.09}


def block(steps: tuple[tuple[str, str], ...] = (), better: str = "higher", **values: float) -> PublishedBlock:
    table = {"measure": "LS", "beside": "made.up.x", "better": better, "values": values or PAPER}
    return PublishedBlock.model_validate({"source": "a paper, table 3", "tables": [table], "steps": steps})


def result_of(
    levels: dict[str, float], *, noise: float = 0.1, direction: Direction = Direction.HIGHER, seed: int = 1
) -> PublishedResult:
    rng = np.random.default_rng(seed)
    item = rng.normal(size=24)
    values = {name: (item + level + noise * rng.normal(size=24)).tolist() for name, level in levels.items()}
    grid, clips = run_of(values, (spec(direction=direction),))
    return published_orders(grid, clips, block(), CompareBlock(), seed=3)


@pytest.mark.parametrize(
    ("levels", "verdict", "found"),
    [
        ({"sgi": 0.0, "sti": 0.5, "ati": 1.0}, "holds", ["agrees", "agrees"]),
        ({"sgi": 0.0, "sti": 0.5, "ati": 0.0}, "reversed", ["agrees", "opposes"]),
        ({"sgi": 0.0, "sti": 0.0, "ati": 1.0}, "open", ["open", "agrees"]),
    ],
)
def test_an_order_is_what_its_steps_are(levels: dict[str, float], verdict: str, found: list[str]) -> None:
    (order,) = result_of(levels).orders
    assert order.verdict == verdict and [step.found for step in order.steps] == found
    for step, (low, high) in zip(order.steps, [("sgi", "sti"), ("sti", "ati")], strict=True):
        assert step.result.difference is not None
        assert step.result.difference.value == pytest.approx(levels[high] - levels[low], abs=0.15)
    said = sentence(order, {})
    for step in order.steps:
        assert step.result.p_adjusted is not None and f"{step.above} − {step.below}" in said
    assert ("as published" in said) is ("agrees" in found)
    assert ("against what was published" in said) is ("opposes" in found)
    assert ("would have been seen" in said) is ("open" in found)


def test_a_field_that_is_better_when_lower_is_turned() -> None:
    (order,) = result_of({"sgi": 1.0, "sti": 0.5, "ati": 0.0}, direction=Direction.LOWER).orders
    assert order.verdict == "holds"


def test_means_in_the_published_order_are_not_enough() -> None:
    (order,) = result_of({"sgi": 0.0, "sti": 0.02, "ati": 0.04}, noise=2.0).orders
    assert order.verdict == "open"


def test_what_the_run_lacks_is_named_and_nothing_else() -> None:
    rng = np.random.default_rng(2)
    values = {name: rng.normal(size=12).tolist() for name in ("sgi", "other")}
    grid, clips = run_of(values)
    result = published_orders(grid, clips, block(), CompareBlock(), seed=1)
    assert not result.orders and result.family == 0 and "systems to compare" in result.notes[0]
    lost = {"sgi": [math.nan] * 12, "sti": [1.0] * 12, "ati": rng.normal(size=12).tolist()}
    grid, clips = run_of(lost)
    (order,) = published_orders(grid, clips, block(), CompareBlock(), seed=1).orders
    assert order.steps[0].found == "absent" and order.means["sgi"] is None
    assert "too few pairs" in sentence(order, {})


def test_steps_follow_the_numbers_of_each_table() -> None:
    given = block()
    assert steps_of(given, given.tables[0]) == [("sgi", "sti"), ("sti", "ati")]
    turned = block(better="lower")
    assert steps_of(turned, turned.tables[0]) == [("ati", "sti"), ("sti", "sgi")]
    chosen = block((("ati", "sgi"),))
    assert steps_of(chosen, chosen.tables[0]) == [("sgi", "ati")]
    equal = block(a=1.0, b=1.0, c=2.0)
    assert steps_of(equal, equal.tables[0]) == [("b", "c")]


def test_one_table_stands_once_and_is_printed_with_both_numbers() -> None:
    table = block().tables[0].model_dump()
    with pytest.raises(ValidationError, match="two tables"):
        PublishedBlock.model_validate({"source": "x", "tables": [table, table]})
    text = io.StringIO()
    print_published(
        result_of({"sgi": 0.0, "sti": 0.5, "ati": 1.0}), {"ati": "ATI/ATI"}, Console(file=text, width=200)
    )
    printed = text.getvalue()
    assert "sgi 3.46 < sti 3.73 < ATI/ATI 4.09" in printed and "The order holds here" in printed


def test_values_nearer_than_the_least_gap_are_no_step_and_turn_no_verdict() -> None:
    rng = np.random.default_rng(4)
    item = rng.normal(size=24)
    # Opposed to the paper between fixed and decaying, whose numbers the paper has as good as equal.
    levels = {"none": 0.0, "decaying": 2.0, "fixed": 1.0}
    values = {name: (item + level + 0.1 * rng.normal(size=24)).tolist() for name, level in levels.items()}
    grid, clips = run_of(values)
    paper = {"none": 3.89, "decaying": 4.09, "fixed": 4.11}
    table = {"measure": "LS", "beside": "made.up.x", "values": paper}
    verdicts = {}
    for least in (0.0, 0.03):
        given = PublishedBlock.model_validate({"source": "x", "tables": [{**table, "least": least}]})
        (order,) = published_orders(grid, clips, given, CompareBlock(), seed=1).orders
        verdicts[least] = order.verdict
    assert verdicts == {0.0: "reversed", 0.03: "holds"}
    assert order.equal == [("decaying", "fixed")] and [s.above for s in order.steps] == ["decaying"]
    assert "fixed and decaying: equal in the paper" in sentence(order, {})
    assert published_chain(order, {}) == "none 3.89 < decaying 4.09 ≈ fixed 4.11"


def test_a_gap_of_just_the_least_is_a_step() -> None:
    exact = block(a=4.09, b=4.11)
    table = exact.tables[0].model_copy(update={"least": 0.02})
    assert steps_of(exact, table) == [("a", "b")] and not equal_steps(exact, table)


def test_a_table_of_equal_numbers_says_so() -> None:
    grid, clips = run_of({"a": [1.0, 2.0], "b": [1.0, 3.0]})
    result = published_orders(grid, clips, block(a=1.0, b=1.0), CompareBlock(), seed=1)
    assert not result.orders and "equal in the paper" in result.notes[0]


@pytest.mark.parametrize("wrong", [{"least": -1.0}, {"least": math.nan}, {"least": math.inf}])
def test_a_least_gap_is_a_finite_number_that_is_not_negative(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        PublishedBlock.model_validate(
            {"source": "x", "tables": [{**block().tables[0].model_dump(), **wrong}]}
        )


def test_one_training_per_variant_is_said_where_the_suite_says_so() -> None:
    result = result_of({"sgi": 0.0, "sti": 0.5, "ati": 1.0})
    assert trainings_text(result.block) == ""
    once = result.model_copy(update={"block": result.block.model_copy(update={"trainings": 1})})
    text = io.StringIO()
    print_published(once, {}, Console(file=text, width=400))
    assert "One training per variant was compared" in text.getvalue()
    with pytest.raises(ValidationError):
        PublishedBlock.model_validate({**block().model_dump(), "trainings": 0})

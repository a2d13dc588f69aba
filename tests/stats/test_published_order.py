"""A published order is found again, contradicted or not seen by paired tests, and never by means alone."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from rich.console import Console

from stats.made_up import run_of, spec
from uniavgen_bench.core.comparison import CompareBlock
from uniavgen_bench.core.published import PublishedBlock, PublishedResult
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.published_order import equal_steps, left_out, published_orders, steps_of
from uniavgen_bench.stats.published_text import (
    print_published,
    published_chain,
    sentence,
    step_text,
    trainings_text,
)

PAPER = {"sgi": 3.46, "sti": 3.73, "ati": 4.09}


def block(steps: tuple[tuple[str, str], ...] = (), better: str = "higher", **values: float) -> PublishedBlock:
    return block_of(values or PAPER, steps, better)


def block_of(
    values: dict[str, float],
    steps: tuple[tuple[str, str], ...] = (),
    better: str = "higher",
    least: float = 0.0,
) -> PublishedBlock:
    table = {"measure": "LS", "beside": "made.up.x", "better": better, "values": values, "least": least}
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
    assert steps_of(equal, equal.tables[0]) == [("a", "c"), ("b", "c")]


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
    assert order.equal == [("decaying", "fixed")]
    assert [(s.below, s.above) for s in order.steps] == [("none", "decaying"), ("none", "fixed")]
    assert "fixed and decaying: equal in the paper" in sentence(order, {})
    assert published_chain(order, {}) == "none 3.89 < decaying 4.09 ≈ fixed 4.11"


def ordered(levels: dict[str, float], given: PublishedBlock, lost: int = 0) -> PublishedResult:
    """Test an order on made-up levels of 24 clips; the first system lacks `lost` of them."""
    rng = np.random.default_rng(4)
    item = rng.normal(size=24)
    values = {name: item + level + 0.1 * rng.normal(size=24) for name, level in levels.items()}
    next(iter(values.values()))[:lost] = math.nan
    grid, clips = run_of({name: x.tolist() for name, x in values.items()})
    return published_orders(grid, clips, given, CompareBlock(), seed=1)


@pytest.mark.parametrize("gone", ["sgi", "sti", "ati"])
def test_a_system_that_is_not_in_the_run_never_confirms_an_order(gone: str) -> None:
    levels = {name: 0.5 * i for i, name in enumerate(PAPER) if name != gone}
    (order,) = ordered(levels, block()).orders
    assert order.verdict == "open" and gone not in order.means
    said = sentence(order, {})
    assert "could not be judged whole" in said and f"{gone} is not in this run" in said
    assert {s.found for s in order.steps if gone not in (s.below, s.above)} == {"agrees"}
    turned = {name: -level for name, level in levels.items()}
    assert ordered(turned, block()).orders[0].verdict == "reversed"
    chosen = block((("sgi", "sti"), ("sti", "ati"), ("sgi", "ati")))
    assert ordered(levels, chosen).orders[0].verdict == "open"


def test_everybody_is_tested_against_all_that_differ_and_not_against_neighbours_alone() -> None:
    paper = {"none": 3.89, "decaying": 4.09, "fixed": 4.11}
    (order,) = ordered({"none": 0.0, "decaying": 2.0, "fixed": -5.0}, block_of(paper, least=0.03)).orders
    assert order.verdict == "reversed" and [s.found for s in order.steps] == ["agrees", "opposes"]
    chain = block_of({"a": 1.00, "b": 1.04, "c": 1.08}, least=0.05)
    result = ordered({"a": 3.0, "b": 2.0, "c": 1.0}, chain)
    (order,) = result.orders
    assert order.verdict == "reversed" and result.family == 1 and not result.notes
    assert order.equal == [("a", "b"), ("b", "c")]


@given(
    values=st.lists(st.integers(0, 12), min_size=2, max_size=6),
    gap=st.integers(0, 5),
    better=st.sampled_from(["higher", "lower"]),
)
def test_default_steps_imply_every_pair_that_differs_and_none_is_spare(
    values: list[int], gap: int, better: str
) -> None:
    named = {f"s{i}": value / 10 for i, value in enumerate(values)}
    given_block = block_of(named, better=better, least=gap / 10)
    table = given_block.tables[0]
    sign = 1 if better == "higher" else -1
    differ = {
        (a, b)
        for a, x in zip(named, values, strict=True)
        for b, y in zip(named, values, strict=True)
        if sign * (y - x) >= max(gap, 1)
    }
    steps = steps_of(given_block, table)
    assert _closed(steps) == differ and not left_out(given_block, table)
    for spare in steps:
        assert _closed([step for step in steps if step != spare]) != differ


def _closed(steps: list[tuple[str, str]]) -> set[tuple[str, str]]:
    names = sorted({name for step in steps for name in step})
    reach = np.array([[(a, b) in steps for b in names] for a in names], dtype=bool).reshape((len(names),) * 2)
    for _ in names:
        reach |= reach @ reach
    return {(a, b) for i, a in enumerate(names) for j, b in enumerate(names) if reach[i, j]}


def test_steps_of_a_suite_that_leave_a_pair_out_say_so() -> None:
    given = block((("sgi", "sti"),))
    (order,) = ordered({"sgi": 0.0, "sti": 0.5, "ati": -1.0}, given).orders
    assert order.verdict == "holds" and order.left_out == [("sti", "ati")]
    said = sentence(order, {})
    assert said.startswith("The order holds here as far as it is tested:")
    assert "ati and sti: not among the steps of the suite, not judged" in said
    whole = block((("sgi", "sti"), ("sti", "ati")))
    assert not left_out(whole, whole.tables[0])


def test_a_step_says_which_missing_samples_count_as_the_worst() -> None:
    (order,) = ordered({"sgi": 0.0, "sti": 0.5, "ati": 1.0}, block(), lost=2).orders
    first, second = order.steps
    assert "(SGI lacks 2 of 24 samples, counted as its worst)" in step_text(first, {"sgi": "SGI"})
    assert "lacks" not in step_text(second, {})
    (order,) = ordered({"ati": 1.0, "sti": 0.5, "sgi": 0.0}, block(), lost=22).orders
    told = step_text(order.steps[1], {})
    assert order.steps[1].result.cliff is not None and order.steps[1].result.cliff.value > 0
    assert order.steps[1].found == "opposes" and "ati lacks 22 of 24" in told and "paired d" not in told


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

"""The sections of nano's model card on finished runs: what tables, tests and published orders say, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stats.made_up import run_of
from validity.card_runs import control, interaction, run, summary

from uniavgen_bench.core.comparison import CompareBlock, Estimate, Verdict
from uniavgen_bench.core.published import PublishedBlock
from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.missing_text import lacking_text
from uniavgen_bench.stats.non_inferiority import non_inferiority
from uniavgen_bench.stats.published_order import published_orders
from uniavgen_bench.stats.summary import MissingCount
from uniavgen_bench.validity.nano_card_run import JOINT, SYSTEM, VOWELS, TaskRun, p_shown
from uniavgen_bench.validity.nano_card_text import MARGIN, limits_section, task_section


@pytest.mark.parametrize(
    ("off", "noise", "said"),
    [
        (0.01, 0.03, "lies within ±0.1"),
        (0.30, 0.03, "does not lie within ±0.1"),
        (0.0, 0.6, "does not lie within ±0.1"),
    ],
)
def test_equality_with_exchanged_sound_is_tested_and_not_taken_from_no_difference(
    off: float, noise: float, said: str
) -> None:
    text = "\n".join(task_section(interaction(off, noise)))
    assert "uniavgen-nano − nano-interaction-off" in text and said in text
    assert ("equal to exchanged sound" in text) is (said.startswith("lies"))
    assert ("is not shown" in text) is said.startswith("does not")


def both_sides(found: TaskRun) -> list[float | None]:
    pairs = [
        found.pairs(a, b, JOINT)
        for a, b in (("nano-interaction-off", "shuffled-audio"), ("shuffled-audio", "nano-interaction-off"))
    ]
    return [non_inferiority(p, MARGIN, alpha=0.025, seed=1).p for p in pairs if p is not None]


@pytest.mark.parametrize(("clips", "seed", "shown"), [(8, 3, False), (14, 5, False), (14, 3, True)])
def test_an_interval_within_the_margin_is_not_enough_where_a_one_sided_test_fails(
    clips: int, seed: int, shown: bool
) -> None:
    # 8 clips are of 4 people: no test of them can pass at 0.025. Of 14 clips that lie 0.05 above one side may fail.
    off, noise = (0.0, 0.03) if clips == 8 else (0.05, 0.05)
    found = interaction(off, noise, clips, seed)
    text = "\n".join(task_section(found))
    assert "interval lies within ±0.1" in text
    assert ("equal to exchanged sound" in text) is shown and ("is not shown" in text) is not shown
    sides = both_sides(found)
    assert shown is all(p is not None and p < 0.025 for p in sides)


def test_the_p_of_equality_is_that_of_the_harder_side() -> None:
    for found in (interaction(0.05, 0.05, 14, seed=5), interaction(0.06, 0.05, 24, seed=4)):
        near, far = sorted(p for p in both_sides(found) if p is not None)
        assert p_shown(near) != p_shown(far)
        assert f"each at 0.025: {p_shown(far)})" in "\n".join(task_section(found))
    assert "each at 0.025: p –)" in "\n".join(task_section(interaction(0.0, 0.03, 8)))


def test_only_the_ablation_of_the_interaction_tests_equality() -> None:
    other = replace(interaction(0.01, 0.03), name="continuation")
    assert "one-sided" not in "\n".join(task_section(other))


@pytest.mark.parametrize(("verdict", "said"), [(Verdict.NOT_SEEN, True), (Verdict.WORSE, False)])
def test_a_limit_of_dubbing_is_said_when_the_run_shows_it(verdict: Verdict, said: bool) -> None:
    summaries = [summary(SYSTEM, VOWELS, 0.57), summary("nano-blind", VOWELS, 0.56, Role.LOWER_CONTROL)]
    dubbing = run("dubbing", *summaries, paired=[control("nano-blind", VOWELS, verdict)])
    text = "\n".join(limits_section({"dubbing": dubbing}))
    assert ("V2A" in text) is said and ("nano-blind − uniavgen-nano" in text) is said
    assert "V2A" not in "\n".join(limits_section({}))


def test_a_table_names_coverage_and_has_a_dash_where_there_is_no_number() -> None:
    text = "\n".join(
        task_section(run("joint", summary(SYSTEM, JOINT, 0.5, scored=20), summary("other", JOINT, None)))
    )
    assert "0.50 [−1.00, 1.00], 20 of 24" in text and "| other | – |" in text


def test_a_row_that_lacks_numbers_says_mostly_why() -> None:
    lost = summary("other", JOINT, None, scored=0)
    single = replace(
        summary("other", JOINT, 0.4, scored=23), missing=(MissingCount("silent", 1, "it is silent"),)
    )
    text = "\n".join(task_section(run("joint", single)))
    assert "| other | 0.40 [−1.00, 1.00], 23 of 24 (it is silent) |" in text
    weak = MissingCount("not_measurable", 20, "the evidence is too weak for a number")
    few = MissingCount("silent", 4, "the audio is silent")
    for missing, said in (
        ((weak,), "– (the evidence is too weak for a number)"),
        ((weak, few), "– (the evidence is too weak for a number: 20 of 24)"),
    ):
        text = "\n".join(task_section(run("joint", replace(lost, missing=missing))))
        assert f"| other | {said} |" in text and "(24 clips)" in text


def test_a_p_names_the_missing_clips_that_it_counts_as_the_worst() -> None:
    again = control("again", JOINT, Verdict.NOT_SEEN, pairs=22).model_copy(
        update={"only_baseline": 1, "only_system": 1}
    )
    lost = control("lost", JOINT, Verdict.WORSE, pairs=0).model_copy(
        update={"difference": None, "only_baseline": 24}
    )
    whole = control("whole", JOINT, Verdict.WORSE)
    text = "\n".join(task_section(run("joint", summary(SYSTEM, JOINT, 0.5), paired=[again, whole, lost])))
    assert "p = 0.004 (again lacks 1 of 24 clips, counted as its worst); whole −0.100, p = 0.004;" in text
    assert "lost: no clip has a number from both." in text
    assert f"{SYSTEM} lacks up to 1 of 24 clips that another has; in p they count as its worst." in text
    plain = "\n".join(task_section(run("joint", summary(SYSTEM, JOINT, 0.5), paired=[whole])))
    assert "lacks" not in plain and "worst" not in plain


def test_a_loss_by_missing_clips_shows_no_difference_over_the_few_others() -> None:
    few = control("few", JOINT, Verdict.WORSE, pairs=1).model_copy(
        update={"only_baseline": 23, "difference": Estimate(value=0.2), "cliff": Estimate(value=1.0)}
    )
    text = "\n".join(task_section(run("joint", summary(SYSTEM, JOINT, 0.5), paired=[few])))
    assert (
        "few worse, p = 0.004 (few lacks 23 of 24 clips, counted as its worst)" in text and "+0.2" not in text
    )


def test_missing_clips_take_no_side_in_a_field_without_a_better_one() -> None:
    result = control("again", JOINT, Verdict.NOT_SEEN).model_copy(update={"only_baseline": 3})
    assert "lacks 3 of 24" in lacking_text(result, "clips")
    assert not lacking_text(result.model_copy(update={"direction": Direction.NONE}), "clips")


def test_a_section_says_what_tests_found_and_what_was_published() -> None:
    grid, clips = run_of({"low": [0.0, 0.1, 0.2] * 5, "high": [1.0, 1.2, 1.1] * 5})
    table = {"measure": "LS", "beside": "made.up.x", "values": {"low": 3.46, "high": 4.09}}
    block = PublishedBlock.model_validate({"source": "A paper", "tables": [table]})
    found = published_orders(grid, clips, block, CompareBlock(), seed=1)
    paired = [control("shuffled-audio", JOINT, Verdict.WORSE)]
    plain = run("joint", summary(SYSTEM, JOINT, 0.5), paired=paired)
    text = "\n".join(task_section(replace(plain, published=found)))
    assert f"`{JOINT}` beside {SYSTEM}: shuffled-audio" in text and "p = 0.004" in text
    assert "low 3.46 < high 4.09" in text and "The order holds here" in text

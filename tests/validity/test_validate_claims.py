"""What a metric claims is held only by enough numbers, enough clusters, and an effect that is large enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.core.validity_files import ValidityCheck
from uniavgen_bench.validity.expect import Agrees, Answers, Falls, Follows, MetricExpectations, Separates
from uniavgen_bench.validity.own_study import own_checks
from uniavgen_bench.validity.perturb import StudyClip
from uniavgen_bench.validity.perturb_list import expanded, known
from uniavgen_bench.validity.study import COLUMNS, StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.study_statistics import Found
from uniavgen_bench.validity.verdict import Standing, repeat_checks, verdict_on
from uniavgen_bench.validity.verdict_checks import above, agrees, answers
from uniavgen_bench.validity.verdict_claims import falls, follows, separates
from uniavgen_bench.validity.verdict_table import MetricTable

Value = float | str
"""A number, or why there is none."""

SPEC = MetricSpec(
    id="toy.v", version=1, title="v", summary="v",
    fields=(
        FieldSpec(name="v", unit="", direction=Direction.HIGHER, meaning="a value"),
        FieldSpec(name="minor", unit="", direction=Direction.NONE, meaning="a fact"),
    ),
    needs=(Artefact.SPEECH,), tier=Tier.EMBEDDED, licence="none", source="a test",
    not_for=("slight noise: it passes for detail",),
)  # fmt: skip
AGAINST = Separates(field="v", control="swapped-sound")
NOISES = Falls(field="v", along="@noises")
DOSES = expanded(["@noises"])


def rows_of(
    columns: Mapping[str, Sequence[Value | None]], field: str, clusters: Sequence[str]
) -> list[tuple]:  # type: ignore[type-arg]
    """Return the rows of a field; None where a clip was not changed."""
    return [
        (f"{i:03}", clusters[i], change, SPEC.name, field, *((np.nan, v) if isinstance(v, str) else (v, "")), 0.0)
        for change, values in columns.items()
        for i, v in enumerate(values)
        if v is not None
    ]  # fmt: skip


def a_table(
    columns: Mapping[str, Sequence[Value | None]],
    clusters: Sequence[str] | None = None,
    minor: Mapping[str, Sequence[Value | None]] | None = None,
) -> MetricTable:
    """A table of `v` by change, each clip of its own cluster unless said otherwise; `minor` likewise."""
    of = clusters or [str(i) for i in range(len(columns["clean"]))]
    rows = rows_of(columns, "v", of) + rows_of(minor or {}, "minor", of)
    return MetricTable(SPEC, pd.DataFrame(rows, columns=list(COLUMNS)))


def apart(clips: int) -> tuple[list[Value | None], list[Value | None]]:
    """Values of unchanged clips, and of controls that all lie below."""
    return [1.0 + i / 100 for i in range(clips)], [-1.0 - i / 100 for i in range(clips)]


def shifted(clips: int, lost: int) -> MetricTable:
    """True offsets for every shift, but for the first `lost` clips only while unchanged."""
    columns: dict[str, Sequence[Value | None]] = {"clean": [0.0] * clips}
    for name in expanded(["@offsets"]):
        columns[name] = ["not_measurable"] * lost + [float(known()[name].dose)] * (clips - lost)
    return a_table(columns)


def test_offsets_of_few_clips_do_not_follow_and_the_share_is_told() -> None:
    few = follows(shifted(40, 36), Follows(field="v"))
    assert few is not None and few.passed is False and few.value == 1.0
    assert "10% of clips with a number unchanged have one" in few.detail
    most = follows(shifted(40, 10), Follows(field="v"))
    assert most is not None and most.passed is True and "75% of clips" in most.detail
    every = follows(shifted(40, 0), Follows(field="v"))
    assert every is not None and every.passed is True and "%" not in every.detail


def test_one_shift_without_numbers_is_not_made_up_for_by_the_others() -> None:
    columns: dict[str, list[Value | None]] = {
        name: [float(known()[name].dose)] * 10 for name in expanded(["@offsets"])
    }
    columns["sound+400ms"] = [np.nan] * 10
    check = follows(a_table({"clean": [0.0] * 10, **columns}), Follows(field="v"))
    assert check is not None and check.passed is False and "sound+400ms (0%)" in check.detail


def test_a_control_without_numbers_separates_only_where_that_is_expected() -> None:
    clean, control = apart(40)
    for kept, passed in ((4, False), (0, False), (19, False), (20, True), (40, True)):
        check = separates(
            a_table({"clean": clean, "swapped-sound": [*control[:kept], *["silent"] * (40 - kept)]}), AGAINST
        )
        assert check is not None and check.passed is passed, kept
        assert (f"{kept / 40:.0%} of clips with a number unchanged have one" in check.detail) is (kept < 40)
    expected = AGAINST.model_copy(update={"refused": (Reason.SILENT,)})
    none = separates(a_table({"clean": clean, "swapped-sound": ["silent"] * 40}), expected)
    assert none is not None and none.passed is None and "the control has no number: silent 40" in none.detail
    some = separates(a_table({"clean": clean, "swapped-sound": [*control[:8], *["silent"] * 32]}), expected)
    assert some is not None and some.passed is True
    other = separates(a_table({"clean": clean, "swapped-sound": [*control[:8], *["no_face"] * 32]}), expected)
    assert other is not None and other.passed is False


def test_clips_that_were_not_changed_or_have_no_number_unchanged_are_not_counted() -> None:
    clean, control = apart(20)
    unchanged: list[Value | None] = [*control[:8], *[None] * 12]
    check = separates(a_table({"clean": clean, "swapped-sound": unchanged}), AGAINST)
    assert check is not None and check.passed is True and "%" not in check.detail.replace("100% above", "")
    lost = separates(a_table({"clean": [*clean[:8], *["silent"] * 12], "swapped-sound": control}), AGAINST)
    assert lost is not None and lost.passed is True and lost.clips == 8


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=16, max_size=16), st.sets(st.integers(0, 15), min_size=9))
def test_with_fewer_than_half_of_the_numbers_no_claim_is_held(control: list[int], lost: set[int]) -> None:
    left = [np.nan if i in lost else float(v) for i, v in enumerate(control)]
    check = separates(a_table({"clean": [3.0] * 16, "swapped-sound": left}), AGAINST)
    assert check is not None and check.passed is False
    trend = falls(a_table({"clean": [3.0] * 16, **dict.fromkeys(DOSES, left)}), NOISES)
    assert trend is not None and trend.passed is False


def graded(clips: int, *losses: float) -> dict[str, list[Value | None]]:
    """Clips that lose so much at each dose."""
    clean = [float(i % 7) for i in range(clips)]
    return {
        "clean": list(clean),
        **{n: [v - loss for v in clean] for n, loss in zip(DOSES, losses, strict=True)},
    }


def test_what_gets_worse_with_the_dose_falls() -> None:
    check = falls(a_table(graded(12, 1.0, 2.0, 3.0)), NOISES)
    assert check is not None and check.passed is True and check.value == pytest.approx(1.0)


def test_a_field_that_is_constant_on_most_clips_does_not_fall() -> None:
    moved, still = graded(40, 1.0, 2.0, 3.0), graded(40, 0.0, 0.0, 0.0)
    check = falls(a_table({n: [*moved[n][:4], *still[n][4:]] for n in moved}), NOISES)
    assert check is not None and check.passed is False and check.value == pytest.approx(0.1)


def test_a_weak_trend_is_none_though_its_interval_lies_above_0() -> None:
    one, other = graded(400, 1.0, 2.0, 3.0), graded(400, -1.0, -2.0, -3.0)
    flat: dict[str, list[Value | None]] = {n: [*one[n][:240], *other[n][240:]] for n in one}
    flat = {n: [v - w for v, w in zip(flat[n], flat["clean"], strict=True)] for n in flat}  # type: ignore[operator]
    check = falls(a_table(flat), NOISES)
    assert check is not None and check.low is not None and check.low > 0
    assert check.value == pytest.approx(0.2) and check.passed is False and "not worse" not in check.detail


def test_the_strongest_dose_has_to_be_worse_than_clean() -> None:
    check = falls(a_table(graded(12, 1.0, 2.0, 0.0)), NOISES)
    assert check is not None and check.passed is False and "not worse at noise-0db" in check.detail


def test_clips_that_lose_their_number_at_the_strongest_dose_count_against_it() -> None:
    columns = graded(12, 1.0, 2.0, 3.0)
    columns["noise-0db"] = [*columns["noise-0db"][:5], *["silent"] * 7]
    check = falls(a_table(columns), NOISES)
    assert check is not None and check.passed is False and "noise-0db (42%)" in check.detail
    for name in DOSES[:2]:
        columns[name] = [*columns[name][:6], *["silent"] * 6]
    columns["noise-0db"] = graded(12, 1.0, 2.0, 3.0)["noise-0db"]
    half = falls(a_table(columns), NOISES)
    assert half is not None and half.value == pytest.approx(0.5)


def test_a_dose_that_is_clearly_better_than_clean_is_no_fall_unless_that_is_admitted() -> None:
    table = a_table(graded(12, -4.0, 1.0, 3.0))
    check = falls(table, NOISES)
    assert check is not None and check.passed is False and "clearly better at noise-20db" in check.detail
    slight = falls(a_table(graded(12, -0.1, 1.0, 3.0)), NOISES)
    assert slight is not None and slight.passed is True
    admitting = falls(table, NOISES.model_copy(update={"admits": "slight noise"}))
    assert admitting is not None
    expected = MetricExpectations(name="toy.v", claims="damage")
    assert verdict_on(SPEC, expected, [check]).standing is Standing.CONTRADICTED
    assert verdict_on(SPEC, expected, [admitting]).standing is Standing.NOT_VALID


def test_a_refusal_is_one_of_the_headline_and_not_of_any_field() -> None:
    asked = Answers(when="music", reasons=(Reason.NO_SPEECH,))
    numbers: dict[str, list[Value | None]] = {"clean": [1.0] * 6, "music": [1.0] * 6}
    refused: dict[str, list[Value | None]] = {"clean": [1.0] * 6, "music": ["no_speech"] * 6}
    cases = ((numbers, refused, False), (refused, numbers, True), (refused, refused, True))
    for head, minor, passed in cases:
        check = answers(a_table(head, minor=minor), asked)
        assert check is not None and check.passed is passed
    named = answers(a_table(numbers, minor=refused), asked.model_copy(update={"fields": ("minor",)}))
    assert named is not None and named.passed is True


def published(owners: Sequence[str], theirs: Sequence[float]) -> tuple[StudyClip, ...]:
    return tuple(
        StudyClip(Sample(id=f"{i:03}", published={"lse_c": value}), Path("x.mp4"), owner)
        for i, (owner, value) in enumerate(zip(owners, theirs, strict=True))
    )


def test_agreement_on_clips_of_one_owner_can_fail() -> None:
    asked = Agrees(field="v", published="lse_c", rho=0.8)
    ours = [float(i) for i in range(20)]
    for theirs, passed in ((ours, True), (ours[::-1], False), ([*ours[:5], *ours[:4:-1]], False)):
        one = ["owner"] * 20
        check = agrees(a_table({"clean": ours}, one), asked, published(one, theirs))
        assert check is not None and check.passed is passed and check.low is not None
        assert "1 cluster, so the interval is over its clips" in check.detail
    three = [f"owner{i % 3}" for i in range(20)]
    few = agrees(a_table({"clean": ours}, three), asked, published(three, ours))
    assert few is not None and few.passed is None and "too few: 3 of at least 6 clusters" in few.detail


def test_a_value_that_reaches_what_is_asked_is_open_while_chance_lies_in_its_interval() -> None:
    assert above(Found(0.8, 0.4, 0.9, 8), 0.5, 0.75) is None
    assert above(Found(0.8, 0.6, 0.9, 8), 0.5, 0.75) is True
    assert above(Found(0.7, 0.6, 0.9, 8), 0.5, 0.75) is False
    clean: list[Value | None] = [1.0, 1.0, 1.0, 1.0, 1.0, -1.0]
    check = separates(a_table({"clean": clean, "swapped-sound": [0.0] * 5 + [3.0]}), AGAINST)
    assert check is not None and check.value is not None and check.low is not None
    assert check.value < 0.75 and check.passed is False
    wide: list[Value | None] = [1.0, 1.0, 1.0, 1.0, 1.0, -9.0, 1.0, -9.0]
    open_ = separates(a_table({"clean": wide, "swapped-sound": [0.0] * 8}), AGAINST)
    assert open_ is not None and open_.value == 0.75 and open_.low is not None and open_.low < 0.5
    assert open_.passed is None


def test_clips_of_one_owner_are_drawn_together() -> None:
    """Sixty clips differ by owner, of six: drawn one by one they hold the claim, by owners they leave it open."""
    owners = [f"owner{i % 6}" for i in range(60)]
    clean: list[Value | None] = [1.0 if i % 6 != 5 else -1.0 for i in range(60)]
    control: list[Value | None] = [0.0 if i % 6 else 0.9 + i / 1000 for i in range(60)]
    control = [2.0 if i % 6 == 4 and i % 12 == 4 else v for i, v in enumerate(control)]
    columns = {"clean": clean, "swapped-sound": control}
    free, together = separates(a_table(columns), AGAINST), separates(a_table(columns, owners), AGAINST)
    assert free is not None and together is not None and free.value == together.value
    assert free.low is not None and together.low is not None and together.low < free.low
    assert free.passed is True and together.passed is None


def test_fewer_than_six_clusters_leave_every_claim_open() -> None:
    clean, control = apart(30)
    for owners, passed in ((5, None), (6, True)):
        clusters = [f"owner{i % owners}" for i in range(30)]
        check = separates(a_table({"clean": clean, "swapped-sound": control}, clusters), AGAINST)
        assert check is not None and check.value == 1.0 and check.passed is passed
        assert ("too few: 5 of at least 6 clusters" in check.detail) is (owners == 5)
        worse = falls(a_table(graded(30, 1.0, 2.0, 3.0), clusters), NOISES)
        assert worse is not None and worse.passed is passed
    lost = separates(a_table({"clean": clean[:5], "swapped-sound": ["silent"] * 5}), AGAINST)
    assert lost is not None and lost.passed is None


def two_checks(clips: ClipSet, options: StudyOptions) -> tuple[ValidityCheck, ...]:
    """A study of a family's own."""
    return (ValidityCheck(name="held", passed=True, detail="said"), ValidityCheck(name="told"))


def test_a_study_of_a_familys_own_is_not_judged_on_fewer_than_six_clusters() -> None:
    expected = MetricExpectations(name="toy.v", claims="v", own=f"{__name__}:two_checks")
    for owners, passed in ((5, None), (6, True)):
        clips = published([f"owner{i}" for i in range(owners)], [0.0] * owners)
        held, told = own_checks(expected, ClipSet("clips", "made up", clips), StudyOptions())
        assert held.passed is passed and told.passed is None
        assert held.detail == ("said" if passed else "said; too few: 5 of at least 6 clusters")


def test_a_number_that_is_missing_when_scored_again_is_no_repeat() -> None:
    first = a_table({"clean": [1.0, 2.0, 3.0, 4.0]}).rows
    lost = a_table({"clean": [1.0, 2.0, 3.0, "failed: no"]}).rows
    same, other = repeat_checks(SPEC, first, first, lost, "clips")
    assert same.passed is True and other.passed is False and "a number became missing" in other.detail
    [back, _] = repeat_checks(SPEC, lost, first, first, "clips")
    assert back.passed is False
    [reason, _] = repeat_checks(SPEC, lost, a_table({"clean": [1.0, 2.0, 3.0, "silent"]}).rows, lost, "clips")
    assert reason.passed is False

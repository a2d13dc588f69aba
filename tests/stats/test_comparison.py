"""Comparisons of a run: what is compared, what is said of it, and what may not change it."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.made_up import pair, run_of, spec
from uniavgen_bench.core.comparison import CompareBlock, PairedResult, RunStats, Verdict
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Role, SystemInfo
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.bootstrap import LARGE
from uniavgen_bench.stats.comparison import compare_pairs, compare_run
from uniavgen_bench.stats.verdict_table import legend

NAN = math.nan


def values(
    samples: int = 12, systems: str = "abc", seed: int = 1, step: float = 0.5
) -> dict[str, list[float]]:
    rng = np.random.default_rng(seed)
    item = rng.normal(size=samples)
    return {s: (item + step * i + rng.normal(size=samples)).tolist() for i, s in enumerate(systems)}


def compared(given_values: dict, block: CompareBlock | None = None, **more: object) -> RunStats:
    systems = [SystemInfo(id=name, use="made-up") for name in given_values]
    grid, clips = run_of(given_values, **more)  # type: ignore[arg-type]
    return compare_run(grid, clips, systems, block or CompareBlock(), seed=5)


def one(system: list[float], baseline: list[float], **more: object) -> PairedResult:
    block = CompareBlock(test=more.pop("test", "wilcoxon"))  # type: ignore[arg-type]
    return compare_pairs([pair(system, baseline, **more)], block, seed=5)[0]  # type: ignore[arg-type]


def test_all_numbers_are_those_that_one_computes_by_hand() -> None:
    system, baseline = [1.0, 2.0, 4.0, 7.0, NAN, 3.0, NAN], [0.0, 1.5, 3.0, 8.0, 1.0, NAN, NAN]
    found = one(system, baseline)
    assert (found.attempted, found.pairs, found.clusters) == (7, 4, 4)
    assert (found.only_system, found.only_baseline, found.neither) == (1, 1, 1)
    differences = np.asarray([1.0, 0.5, 1.0, -1.0])
    assert (found.mean_system, found.mean_baseline) == (3.5, 3.125)
    assert found.difference is not None
    assert found.d is not None
    assert found.cliff is not None
    assert found.difference.value == pytest.approx(differences.mean())
    assert found.d.value == pytest.approx(differences.mean() / differences.std(ddof=1))
    assert found.cliff.value == pytest.approx(0.5)
    assert found.difference.low is not None
    assert found.difference.high is not None
    assert found.difference.low <= found.difference.value <= found.difference.high


def test_effects_are_turned_so_that_positive_is_better_and_differences_are_not() -> None:
    rng = np.random.default_rng(2)
    system, baseline = rng.normal(1, 1, 20).tolist(), [0.0] * 20
    higher = one(system, baseline)
    lower = one(system, baseline, direction=Direction.LOWER)
    assert higher.difference is not None
    assert lower.difference is not None
    assert higher.difference.value == lower.difference.value
    assert (higher.difference.low, higher.difference.high) == pytest.approx(
        (lower.difference.low, lower.difference.high), abs=0.1
    )
    assert higher.d is not None
    assert lower.d is not None
    assert lower.d.value == -higher.d.value
    assert lower.d.low == pytest.approx(-(higher.d.high or 0), abs=0.2)
    assert (higher.verdict, lower.verdict) == (Verdict.BETTER, Verdict.WORSE)


def test_a_field_without_a_better_side_can_only_be_different() -> None:
    more = {"direction": Direction.NONE}
    assert one([float(i) for i in range(1, 13)], [0.0] * 12, **more).verdict is Verdict.DIFFERENT
    assert one([1.0, -1.0] * 6, [0.0] * 12, **more).verdict is Verdict.NOT_SEEN
    lost = one([float(i) for i in range(1, 13)] + [NAN] * 9, [0.0] * 12 + [1.0] * 9, **more)
    assert lost.verdict is Verdict.DIFFERENT
    assert lost.p_worst is None


def test_five_identities_are_not_comparable_and_the_sentence_says_why() -> None:
    clusters = [f"p{i % 5}" for i in range(20)]
    grid, clips = run_of({"a": [0.0] * 20, "b": [float(i + 1) for i in range(20)]}, clusters=clusters)
    (result,) = compare_run(grid, clips, [], CompareBlock(baseline="a"), seed=1).paired
    assert result.verdict is Verdict.NOT_COMPARABLE
    assert result.why == "5 identities allow no p below 0.0625"
    (result,) = compare_run(grid, clips, [], CompareBlock(baseline="a", cluster=None), seed=1).paired
    assert result.verdict is Verdict.BETTER


def test_a_family_that_is_too_large_for_the_clusters_says_so() -> None:
    specs = tuple(spec(f"made.m{k}") for k in range(8))
    stats = compared({"a": [0.0] * 8, "b": [float(i + 1) for i in range(8)]}, specs=specs)
    assert stats.family == 8
    assert {r.verdict for r in stats.paired} == {Verdict.NOT_SEEN}
    assert stats.paired[0].why == "8 samples and 8 tests allow no corrected p below 0.062"


@pytest.mark.parametrize("size", [20, LARGE + 50])
@pytest.mark.parametrize("test", ["wilcoxon", "paired_permutation"])
def test_order_of_rows_changes_nothing(size: int, test: str) -> None:
    given_values = values(size)
    block = CompareBlock(test=test)  # type: ignore[arg-type]
    clusters = [f"p{i // 2}" for i in range(size)] if size < LARGE else None
    stats = compared(given_values, block, clusters=clusters)
    assert compared(given_values, block, clusters=clusters, shuffle=3) == stats


@settings(max_examples=10, deadline=None)
@given(
    cells=st.lists(st.one_of(st.floats(-5, 5), st.just(NAN)), min_size=7, max_size=9),
    others=st.lists(st.floats(-5, 5), min_size=9, max_size=9),
    shuffle=st.integers(0, 99),
)
def test_order_names_and_chunks_of_samples_change_nothing(
    cells: list[float], others: list[float], shuffle: int
) -> None:
    given_values = {"a": others[: len(cells)], "b": cells}
    assert compared(given_values, shuffle=shuffle) == compared(given_values)
    order = np.random.default_rng(shuffle).permutation(len(cells))
    permuted = {name: [column[i] for i in order] for name, column in given_values.items()}
    plain, mixed = compared(given_values).paired[0], compared(permuted).paired[0]
    assert mixed.p == plain.p
    assert mixed.p_permutation == pytest.approx(plain.p_permutation)
    assert mixed.verdict == plain.verdict
    if plain.difference is not None and mixed.difference is not None:
        assert mixed.difference.value == pytest.approx(plain.difference.value, abs=1e-9)


UNCORRECTED = {"p_adjusted", "verdict", "why"}


@pytest.mark.parametrize("test", ["wilcoxon", "paired_permutation"])
def test_another_system_or_field_changes_the_correction_alone(test: str) -> None:
    block = CompareBlock(baseline="a", test=test)  # type: ignore[arg-type]
    small = compared(values(14, "ab"), block)
    large = compared(values(14, "abc"), block, specs=(spec("made.other"), spec()))
    (before,) = small.paired
    (after,) = (r for r in large.paired if (r.system, r.metric) == ("b", "made.up@1"))
    assert before.model_dump(exclude=UNCORRECTED) == after.model_dump(exclude=UNCORRECTED)
    assert before.p_adjusted == before.p
    assert after.p_adjusted is not None
    assert after.p is not None
    assert after.p_adjusted >= after.p
    assert (small.family, large.family) == (1, 4)


def test_an_unrelated_system_leaves_the_results_of_a_block_without_correction() -> None:
    block = CompareBlock(baseline="a", correction="none")
    before, after = compared(values(14, "ab"), block), compared(values(14, "abc"), block)
    assert before.paired == [r for r in after.paired if r.system == "b"]


def test_two_large_comparisons_do_not_depend_on_each_other() -> None:
    size = LARGE + 50
    together = compare_pairs(
        [pair(v, [0.0] * size, field=f) for f, v in values(size, "xy").items()], CompareBlock(), seed=1
    )
    for found, (field, v) in zip(together, values(size, "xy").items(), strict=True):
        (alone,) = compare_pairs([pair(v, [0.0] * size, field=field)], CompareBlock(), seed=1)
        assert found.model_dump(exclude=UNCORRECTED) == alone.model_dump(exclude=UNCORRECTED)


def test_headlines_are_compared_or_the_fields_that_the_block_names() -> None:
    stats = compared(values(8, "ab"))
    assert {(r.metric, r.field) for r in stats.paired} == {("made.up@1", "x")}
    for name in ("made.up.x", "made.up@1.x"):
        assert compared(values(8, "ab"), CompareBlock(fields=(name,))).paired == stats.paired
    with pytest.raises(InputError, match=r"unknown field 'made.up.z' \(did you mean 'made.up.[xy]'"):
        compared(values(8, "ab"), CompareBlock(fields=("made.up.z",)))
    with pytest.raises(InputError, match=r"unknown system 'alpha'"):
        compared(values(8, "ab"), CompareBlock(baseline="alpha"))


def test_without_a_baseline_every_pair_is_compared_once() -> None:
    stats = compared(values(8, "abc"))
    assert [(r.system, r.baseline) for r in stats.paired] == [("b", "a"), ("c", "a"), ("c", "b")]
    assert stats.family == 3


def test_controls_are_compared_but_do_not_weaken_what_is_said_of_systems() -> None:
    given_values = values(14, "abcd")
    grid, clips = run_of(given_values)
    systems = [
        SystemInfo(id="a", use="made-up"),
        SystemInfo(id="b", use="made-up"),
        SystemInfo(id="c", use="made-up", role=Role.UPPER_CONTROL),
        SystemInfo(id="d", use="made-up", role=Role.LOWER_CONTROL),
    ]
    for baseline, pairs in (("a", ["ba", "ca", "da"]), (None, ["ba", "ca", "cb", "da", "db"])):
        stats = compare_run(grid, clips, systems, CompareBlock(baseline=baseline), seed=5)
        assert [r.system + r.baseline for r in stats.paired] == pairs
        assert stats.family == 1
        assert stats.paired[0].p_adjusted == stats.paired[0].p
        assert stats.notes == [
            f"{len(pairs) - 1} tests of controls are corrected within each field, not with the systems'"
        ]
    assert {(r.system, r.of) for r in stats.ranks} == {("a", 2), ("b", 2), ("c", 1), ("d", 1)}


@pytest.mark.parametrize(
    ("roles", "note"),
    [
        ((Role.SYSTEM, Role.SYSTEM), ""),
        ((Role.SYSTEM, Role.UPPER_CONTROL), "1 test of recordings that stand as ceilings is corrected"),
        ((Role.SYSTEM, Role.LOWER_CONTROL), "1 test of controls is corrected"),
    ],
)
def test_controls_are_told_of_where_there_are_some(roles: tuple[Role, ...], note: str) -> None:
    grid, clips = run_of(values(14, "ab"))
    systems = [SystemInfo(id=name, use="made-up", role=role) for name, role in zip("ab", roles, strict=True)]
    stats = compare_run(grid, clips, systems, CompareBlock(), seed=5)
    assert bool(stats.notes) is bool(note)
    assert all(found.startswith(note) for found in stats.notes)
    assert (
        f"over {stats.family} test" in legend(stats) if stats.family else "within each field" in legend(stats)
    )


def test_a_metric_that_nobody_could_measure_is_listed_and_belongs_to_no_family() -> None:
    import pandas as pd

    from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord
    from uniavgen_bench.core.sample import Sample
    from uniavgen_bench.stats.grid import score_grid

    for reason, family in (("weights: not here", 1), ("no_face", 2)):
        rows, clips = [], []
        for system, i in product("ab", range(8)):
            clips.append(ClipRecord(system=system, sample=Sample(id=f"s{i}"), source=""))
            rows.append((system, f"s{i}", 0, "made.up@1", "x", float(i), "", "", 0.1))
            rows.append((system, f"s{i}", 0, "made.lost@1", "x", NAN, reason, "", 0.1))
        frame = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
        grid = score_grid(frame, (spec(), spec("made.lost")), clips)
        stats = compare_run(grid, clips, [], CompareBlock(baseline="a"), seed=1)
        assert stats.family == family
        lost = [r for r in stats.paired if r.metric == "made.lost@1"]
        assert [(r.verdict, r.why) for r in lost] == [(Verdict.NOT_COMPARABLE, "neither has a number")]


def test_clusters_widen_the_interval_and_raise_p() -> None:
    rng = np.random.default_rng(5)
    system = np.repeat(rng.normal(0.5, 1, size=20), 4)
    clusters = [f"p{i // 4}" for i in range(80)]
    for test in ("wilcoxon", "paired_permutation"):
        alone = one(system.tolist(), [0.0] * 80, test=test)
        together = one(system.tolist(), [0.0] * 80, clusters=clusters, test=test)
        assert together.clusters == 20
        assert together.p is not None
        assert alone.p is not None
        assert together.p > alone.p
        width = [r.difference.high - r.difference.low for r in (together, alone)]  # type: ignore[union-attr, operator]
        assert width[0] / width[1] == pytest.approx(2, rel=0.2)
        assert together.detectable is not None
        assert alone.detectable is not None
        assert together.detectable / alone.detectable == pytest.approx(2, rel=0.2)


def test_both_bootstraps_agree_where_they_meet() -> None:
    given_values = np.random.default_rng(8).normal(0.3, 1, size=LARGE + 1)
    many = one(given_values.tolist(), [0.0] * len(given_values))
    few = one(given_values[:LARGE].tolist(), [0.0] * LARGE)
    for name in ("difference", "d", "cliff"):
        a, b = getattr(many, name), getattr(few, name)
        assert "percentile" in a.method
        assert "BCa" in b.method
        assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=0.03)


def test_a_difference_whose_mean_points_the_other_way_says_so() -> None:
    system = [1.0 + i / 100 for i in range(23)] + [-500.0]
    result = one(system, [0.0] * 24)
    assert result.verdict is Verdict.BETTER
    assert result.why == "the mean over the pairs points the other way"
    assert one(system, [0.0] * 24, test="paired_permutation").verdict is Verdict.NOT_SEEN


def test_equal_systems_have_no_difference_to_see() -> None:
    result = one([1.0] * 12, [1.0] * 12)
    assert (result.verdict, result.p, result.d, result.detectable) == (Verdict.NOT_SEEN, 1.0, None, None)
    assert result.difference is not None
    assert (result.difference.low, result.difference.high) == (0.0, 0.0)


def test_stats_survive_json() -> None:
    stats = compared(values(8, "abc"))
    assert RunStats.model_validate_json(stats.model_dump_json()) == stats


def test_ranks_follow_what_is_seen() -> None:
    rng = np.random.default_rng(3)
    given_values = {
        "best": rng.normal(5, 1, 30),
        "good": rng.normal(2, 1, 30),
        "alike": rng.normal(2, 1, 30),
        "bad": rng.normal(-3, 1, 30),
    }
    stats = compared({k: v.tolist() for k, v in given_values.items()})
    ranks = {r.system: (r.low, r.high) for r in stats.ranks}
    assert ranks == {"best": (1, 1), "good": (2, 3), "alike": (2, 3), "bad": (4, 4)}
    assert all(r.low <= r.rank <= r.high for r in stats.ranks)
    lower = compared(
        {k: v.tolist() for k, v in given_values.items()}, specs=(spec(direction=Direction.LOWER),)
    )
    assert {r.system: (r.low, r.high) for r in lower.ranks}["bad"] == (1, 1)
    nothing = compared(
        {k: v.tolist() for k, v in given_values.items()}, specs=(spec(direction=Direction.NONE),)
    )
    assert nothing.ranks == []

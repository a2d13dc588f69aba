"""A missing value never helps: whatever a system loses, no rank and no verdict turns in its favour."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.made_up import pair, run_of, spec
from uniavgen_bench.core.comparison import CompareBlock, Verdict
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.comparison import compare_pairs, compare_run
from uniavgen_bench.stats.deciding import Decision, decide
from uniavgen_bench.stats.differences import Differences
from uniavgen_bench.stats.pairs import Alignment, sample_table
from uniavgen_bench.stats.ranks import rank_systems

NAN = math.nan
FAVOUR = {
    Verdict.WORSE: -1,
    Verdict.NOT_SEEN: 0,
    Verdict.NOT_COMPARABLE: 0,
    Verdict.DIFFERENT: 0,
    Verdict.BETTER: 1,
}
SPECS = (
    spec("made.up"),
    spec("made.down", Direction.LOWER),
    spec("made.bounded", low=-9.0, high=9.0),
    spec("made.zero", Direction.ZERO, low=-9.0, high=9.0),
)
NAMES = ("a", "b", "c")


@st.composite
def studies(draw: st.DrawFn) -> tuple[np.ndarray, list[str] | None, CompareBlock, tuple[int, ...], int]:
    """Values [system, sample, repeat], clusters, how to compare, which fields, and a seed for what is lost."""
    samples = draw(st.integers(6, 12))
    repeats = draw(st.sampled_from([1, 1, 2]))
    rng = np.random.default_rng(draw(st.integers(0, 10**9)))
    effect = draw(st.sampled_from([0.0, 1.0, 3.0])) * rng.normal(size=(3, 1, 1))
    values = np.clip(effect + rng.normal(size=(3, samples, repeats)), -9, 9)
    if draw(st.booleans()):
        values = np.round(values)
    values[rng.random(values.shape) < draw(st.sampled_from([0.0, 0.1, 0.3]))] = NAN
    clusters = None
    if draw(st.booleans()):
        clusters = [f"p{k}" for k in rng.integers(0, samples, size=samples)]
    block = CompareBlock(
        baseline=draw(st.sampled_from([None, "a"])),
        test=draw(st.sampled_from(["wilcoxon", "paired_permutation"])),
        correction=draw(st.sampled_from(["holm", "bh", "none"])),
        alpha=draw(st.sampled_from([0.05, 0.2, 0.4])),
    )
    fields = draw(st.sampled_from([(0,), (1,), (2,), (3,), (0, 1), (1, 2)]))
    return values, clusters, block, fields, draw(st.integers(0, 10**9))


def judged(
    values: np.ndarray, clusters: list[str] | None, block: CompareBlock, fields: tuple[int, ...]
) -> tuple[dict[tuple[str, str, str], Decision], dict[tuple[str, str], tuple[float, int, int]]]:
    """The decisions by (field, system, baseline), and the ranks by (field, system)."""
    specs = tuple(SPECS[i] for i in fields)
    grid, clips = run_of({name: values[i].tolist() for i, name in enumerate(NAMES)}, specs, clusters=clusters)
    couples = [(y, x) for x, y in combinations(NAMES, 2) if block.baseline in (None, x)]
    columns = [column for column in grid.columns if column.headline]
    tables = {name: sample_table(grid, clips, name, cluster="identity") for name in NAMES}
    differences = [
        Differences.of(Alignment.of(tables[a], tables[b], "identity").pairs((c.metric, "x")))
        for c in columns
        for a, b in couples
    ]
    decisions = {
        (d.pairs.metric, d.pairs.system, d.pairs.baseline): decision
        for d, decision in zip(differences, decide(differences, block, seed=1), strict=True)
    }
    ranks = rank_systems(grid, clips, NAMES, columns, block, seed=1)
    return decisions, {(r.metric, r.system): (r.rank, r.low, r.high) for r in ranks}


@settings(max_examples=150, deadline=None)
@given(study=studies())
def test_losing_values_never_improves_a_verdict_or_a_rank(study: tuple) -> None:
    values, clusters, block, fields, seed = study
    rng = np.random.default_rng(seed)
    loser = int(rng.integers(3))
    lost = values.copy()
    gone = rng.random(values.shape[1:]) < rng.choice([0.1, 0.3, 0.7])
    gone.flat[int(rng.integers(gone.size))] = True
    lost[loser][gone] = NAN
    before, ranks_before = judged(values, clusters, block, fields)
    after, ranks_after = judged(lost, clusters, block, fields)
    name = NAMES[loser]
    for key, decision in before.items():
        side = {key[1]: 1, key[2]: -1}.get(name, 0)
        assert side * FAVOUR[after[key].verdict] <= side * FAVOUR[decision.verdict] or side == 0
    for (field, system), rank in ranks_before.items():
        if system == name:
            assert all(a >= b for a, b in zip(ranks_after[(field, system)], rank, strict=True))


def test_the_outlier_that_a_test_over_pairs_forgets_is_not_forgotten() -> None:
    # With its one very bad clip `a` is not better by the mean; without the clip it would be, over the pairs.
    system, baseline = np.arange(1.0, 13.0), np.zeros(12)
    system[0] = -200.0
    lost = system.copy()
    lost[0] = NAN
    block = CompareBlock(test="paired_permutation")
    (before,), (after,) = (compare_pairs([pair(s, baseline)], block, seed=1) for s in (system, lost))
    assert before.verdict is Verdict.NOT_SEEN
    assert after.verdict is Verdict.NOT_SEEN
    assert after.p_permutation is not None
    assert after.p_permutation < 0.01
    assert "lacks 1" in after.why


def test_signed_ranks_give_a_lost_clip_the_worst_rank_and_can_still_decide() -> None:
    rng = np.random.default_rng(4)
    system, baseline = rng.normal(1.5, size=24), np.zeros(24)
    system[3] = NAN
    (result,) = compare_pairs([pair(system, baseline)], CompareBlock(test="wilcoxon"), seed=1)
    assert result.verdict is Verdict.BETTER
    system[3] = -1e9
    (worst,) = compare_pairs([pair(system, baseline)], CompareBlock(test="wilcoxon"), seed=1)
    assert result.p == worst.p == result.p_worst


def test_a_lost_value_counts_as_the_bound_of_the_field_where_it_has_one() -> None:
    system, baseline = [0.9] * 11 + [NAN], [0.5] * 12
    block = CompareBlock(test="paired_permutation")
    (bounded,) = compare_pairs([pair(system, baseline, worst=0.0)], block, seed=1)
    (filled,) = compare_pairs([pair([*system[:11], 0.0], baseline)], block, seed=1)
    assert bounded.p == filled.p
    (unbounded,) = compare_pairs([pair(system, baseline)], block, seed=1)
    assert unbounded.p is not None
    assert unbounded.p > 0.9


def test_a_system_without_any_number_is_worse_and_last() -> None:
    grid, clips = run_of({"a": [float(i) for i in range(12)], "b": [NAN] * 12})
    stats = compare_run(grid, clips, [], CompareBlock(baseline="a"), seed=1)
    (result,) = stats.paired
    assert (result.verdict, result.pairs, result.only_baseline) == (Verdict.WORSE, 0, 12)
    assert result.difference is None
    assert [(r.system, r.rank, r.low, r.high) for r in stats.ranks] == [("a", 1, 1, 1), ("b", 2, 2, 2)]


@pytest.mark.parametrize("test", ["wilcoxon", "paired_permutation"])
def test_a_removed_bad_clip_raises_no_rank(test: str) -> None:
    rng = np.random.default_rng(11)
    values = {name: rng.normal(i * 0.4, 1, size=30) for i, name in enumerate(("a", "b", "c"))}
    values["b"][4] = -8.0
    removed = {**values, "b": np.delete(values["b"], 4)}
    removed["b"] = np.insert(removed["b"], 4, NAN)
    ranks = []
    for given_values in (values, removed):
        grid, clips = run_of({k: v.tolist() for k, v in given_values.items()})
        stats = compare_run(grid, clips, [], CompareBlock(test=test), seed=1)  # type: ignore[arg-type]
        ranks.append({r.system: (r.rank, r.low, r.high) for r in stats.ranks})
    assert all(a >= b for a, b in zip(ranks[1]["b"], ranks[0]["b"], strict=True))
    assert all(a <= b for s in "ac" for a, b in zip(ranks[1][s], ranks[0][s], strict=True))

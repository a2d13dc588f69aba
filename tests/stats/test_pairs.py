"""Who is paired with whom: by sample, over repeats, over runs, and for controls of several systems."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from stats.made_up import run_of, spec
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import SCORE_COLUMNS, ClipRecord
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.stats.grid import score_grid
from uniavgen_bench.stats.pairs import Pairs, pairs_of

NAN = math.nan
X = ("made.up@1", "x")


def paired(values: dict, **more: object) -> Pairs:
    grid, clips = run_of(values, **more)  # type: ignore[arg-type]
    return pairs_of(grid, clips, "a", grid, clips, "b", X, cluster="identity")


def test_samples_are_paired_by_name_and_repeats_averaged_over_what_is_scored() -> None:
    pairs = paired({"a": [[1.0, 3.0], [NAN, 5.0], [NAN, NAN]], "b": [[0.0], [1.0], [2.0]]})
    assert list(pairs.samples) == ["s0", "s1", "s2"]
    np.testing.assert_equal(pairs.system_values, [2.0, 5.0, NAN])
    np.testing.assert_equal(pairs.baseline_values, [0.0, 1.0, 2.0])
    np.testing.assert_equal(pairs.system_lacks, [0.0, 0.5, 1.0])
    assert pairs.both.tolist() == [True, True, False]


def test_repeats_towards_zero_do_not_cancel() -> None:
    pairs = paired({"a": [[200.0, -200.0]], "b": [[10.0, 10.0]]}, specs=(spec(direction=Direction.ZERO),))
    np.testing.assert_equal(pairs.system_values, [200.0])
    assert pairs.sign == -1


def test_a_sample_that_one_system_was_never_given_counts_as_lacking() -> None:
    pairs = paired({"a": [1.0, 2.0], "b": [1.0, 2.0, 3.0]})
    assert list(pairs.samples) == ["s0", "s1", "s2"]
    np.testing.assert_equal(pairs.system_values, [1.0, 2.0, NAN])
    np.testing.assert_equal(pairs.system_lacks, [0.0, 0.0, 1.0])


def test_identities_are_clusters_and_samples_without_one_stand_alone() -> None:
    pairs = paired({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]}, clusters=["p", "p", "q"])
    assert pairs.members.tolist() == [0, 0, 1]
    assert pairs.unit_of_cluster == "identities"
    alone = paired({"a": [1.0, 2.0], "b": [1.0, 2.0]})
    assert alone.members.tolist() == [0, 1]
    assert alone.unit_of_cluster == "samples"


def test_systems_of_two_runs_are_paired_by_sample() -> None:
    grid_a, clips_a = run_of({"nano": [1.0, 2.0]})
    grid_b, clips_b = run_of({"nano": [0.5, 0.5, 0.5]})
    pairs = pairs_of(grid_a, clips_a, "nano", grid_b, clips_b, "nano", X, cluster=None)
    np.testing.assert_equal(pairs.system_values, [1.0, 2.0, NAN])
    np.testing.assert_equal(pairs.baseline_values, [0.5, 0.5, 0.5])


@pytest.mark.parametrize(("direction", "worst"), [(Direction.HIGHER, -1.0), (Direction.LOWER, 3.0)])
def test_worst_value_is_the_bound_on_the_bad_side(direction: Direction, worst: float) -> None:
    pairs = paired({"a": [1.0], "b": [1.0]}, specs=(spec(direction=direction, low=-1.0, high=3.0),))
    assert pairs.worst == worst


def derived() -> tuple:
    rows, clips = [], []
    for system, sample, value in [
        ("a", "s0", 1.0),
        ("a", "s1", 2.0),
        ("b", "s0", 3.0),
        ("b", "s1", 4.0),
        ("late", "a/s0", 0.1),
        ("late", "a/s1", 0.2),
        ("late", "b/s0", 0.3),
        ("late", "b/s1", 0.4),
        ("mixed", "a/s0", 0.0),
        ("mixed", "b/s1", 0.0),
    ]:
        rows.append((system, sample, 0, "made.up@1", "x", value, "", "", 0.1))
        clips.append(ClipRecord(system=system, sample=Sample(id=sample), source=""))
    return score_grid(pd.DataFrame(rows, columns=list(SCORE_COLUMNS)), (spec(),), clips), clips


@pytest.mark.parametrize(("baseline", "values"), [("a", [0.1, 0.2]), ("b", [0.3, 0.4])])
def test_a_control_of_several_systems_is_paired_by_the_clips_of_each(
    baseline: str, values: list[float]
) -> None:
    grid, clips = derived()
    pairs = pairs_of(grid, clips, "late", grid, clips, baseline, X, cluster="identity")
    assert list(pairs.samples) == ["s0", "s1"]
    np.testing.assert_equal(pairs.system_values, values)
    turned = pairs_of(grid, clips, baseline, grid, clips, "late", X, cluster="identity")
    np.testing.assert_equal(turned.baseline_values, values)


def test_two_controls_of_several_systems_are_paired_by_their_own_names() -> None:
    grid, clips = derived()
    pairs = pairs_of(grid, clips, "mixed", grid, clips, "late", X, cluster=None)
    assert list(pairs.samples) == ["a/s0", "a/s1", "b/s0", "b/s1"]
    assert pairs.both.tolist() == [True, False, False, True]


def test_unknown_names_are_one_line_with_the_nearest() -> None:
    grid, clips = run_of({"alpha": [1.0], "beta": [2.0]})
    with pytest.raises(InputError, match="did you mean 'alpha'"):
        pairs_of(grid, clips, "alpa", grid, clips, "beta", X, cluster=None)
    with pytest.raises(InputError, match=r"did you mean 'made.up@1.x'"):
        pairs_of(grid, clips, "alpha", grid, clips, "beta", ("made.up@1", "xx"), cluster=None)

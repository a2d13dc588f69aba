"""Summaries: numbers recomputed by other means, and laws that hold whatever the rows are."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report.fake_run import FakeRun, fake_scores, read, write_run

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import Role, Sample, SystemInfo
from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.stats.bootstrap import LARGE, Interval, NoInterval
from uniavgen_bench.stats.summary import Summary, summarise

SPEC = MetricSpec(
    id="made.up",
    version=1,
    title="Made up",
    summary="Noise.",
    fields=(FieldSpec(name="x", unit="", direction=Direction.HIGHER, meaning="noise"),),
    tier=Tier.EMBEDDED,
    licence="Apache-2.0",
    source="none",
)

Given = float | str


def table(values: dict[str, list[Given]], facts: dict[str, dict[str, str]] | None = None) -> tuple:
    """Scores and clips of systems: a number is a score, a text is a reason, an empty text leaves the row out."""
    rows, clips = [], []
    for system, given_values in values.items():
        for i, value in enumerate(given_values):
            sample = Sample(id=f"s{i}", facts=(facts or {}).get(f"s{i}", {}))
            clips.append(ClipRecord(system=system, sample=sample, source=""))
            if value != "":
                number = value if isinstance(value, float) else math.nan
                reason = value if isinstance(value, str) else ""
                rows.append((system, f"s{i}", 0, SPEC.name, "x", number, reason, "", 0.1))
    columns = ["system", "sample", "repeat", "metric", "field", "value", "reason", "clip_sha256", "seconds"]
    frame = pd.DataFrame(rows, columns=columns).astype({"value": "float64", "seconds": "float64"})
    return frame, (SPEC,), clips


def one(values: list[Given], **more: object) -> Summary:
    (summary,) = summarise(*table({"a": values}), **more)  # type: ignore[arg-type]
    return summary


def test_mean_median_and_deviation_are_those_of_the_scored_clips() -> None:
    summary = one([1.0, 2.0, 6.0, "no_face: 3 of 50 frames", "no_face", "silent"])
    assert (summary.attempted, summary.scored, summary.coverage) == (6, 3, 0.5)
    assert summary.mean == pytest.approx(3.0)
    assert summary.median == pytest.approx(2.0)
    assert summary.sd == pytest.approx(math.sqrt(7.0))
    assert [(m.reason, m.count) for m in summary.missing] == [("no_face", 2), ("silent", 1)]
    assert summary.missing[0].sentence == "no face was found for long enough"


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [1.0, "no_face", 2.0]])
def test_fewer_than_three_scored_clips_have_no_interval_and_say_so(values: list[Given]) -> None:
    frame, specs, clips = table({"a": values})
    system = SystemInfo(id="a", use="precomputed")
    (summary,) = summarise(frame, specs, clips, systems=[system])
    assert isinstance(summary.interval, NoInterval)
    assert summary.interval.why


def test_three_identities_are_the_least_even_with_many_clips() -> None:
    facts = {f"s{i}": {"identity": f"p{i % 2}"} for i in range(20)}
    frame, specs, clips = table({"a": [float(i) for i in range(20)]}, facts)
    (summary,) = summarise(frame, specs, clips)
    assert isinstance(summary.interval, NoInterval)
    (summary,) = summarise(frame, specs, clips, cluster=None)
    assert isinstance(summary.interval, Interval)


def test_a_clip_without_a_row_counts_as_attempted_and_absent() -> None:
    summary = one([1.0, 2.0, ""])
    assert (summary.attempted, summary.scored) == (3, 2)
    assert [(m.reason, m.count) for m in summary.missing] == [("absent", 1)]


def test_a_clip_without_a_row_is_missing_by_its_own_problem() -> None:
    frame, specs, clips = table({"a": [1.0, 2.0, ""]})
    clips[2] = clips[2].model_copy(update={"problem": "not_generated: no file"})
    (summary,) = summarise(frame, specs, clips)
    assert [(m.reason, m.count) for m in summary.missing] == [("not_generated", 1)]


def test_interval_is_that_of_scipy_for_independent_clips() -> None:
    from scipy.stats import bootstrap

    values = np.random.default_rng(0).gamma(2, size=25)
    summary = one(values.tolist())
    expected = bootstrap(
        (values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(1)
    ).confidence_interval
    assert isinstance(summary.interval, Interval)
    assert summary.interval.low == pytest.approx(expected.low, abs=0.06)
    assert summary.interval.high == pytest.approx(expected.high, abs=0.06)
    assert "BCa bootstrap" in summary.interval.method


@pytest.mark.parametrize("clusters", [40, LARGE + 100])
def test_clusters_widen_the_interval_as_the_design_effect_says(clusters: int) -> None:
    rng = np.random.default_rng(5)
    values = np.repeat(
        rng.normal(size=clusters), 4
    )  # four equal clips each: the effective number is a quarter
    facts = {f"s{i}": {"identity": f"p{i // 4}"} for i in range(len(values))}
    frame, specs, clips = table({"a": values.tolist()}, facts)
    (together,) = summarise(frame, specs, clips)
    (apart,) = summarise(frame, specs, clips, cluster=None)
    assert isinstance(together.interval, Interval)
    assert isinstance(apart.interval, Interval)
    ratio = (together.interval.high - together.interval.low) / (apart.interval.high - apart.interval.low)
    assert ratio == pytest.approx(2.0, rel=0.12)
    assert together.clusters == clusters


def test_both_methods_agree_where_they_meet() -> None:
    values = np.random.default_rng(8).normal(size=LARGE + 1)
    by_matrix, bca = one(values.tolist()), one(values[:LARGE].tolist())
    assert isinstance(by_matrix.interval, Interval)
    assert isinstance(bca.interval, Interval)
    assert "percentile" in by_matrix.interval.method
    assert "BCa" in bca.interval.method
    assert by_matrix.interval.low == pytest.approx(bca.interval.low, abs=0.02)
    assert by_matrix.interval.high == pytest.approx(bca.interval.high, abs=0.02)


@pytest.mark.parametrize("size", [12, LARGE + 50])
def test_interval_covers_the_truth_about_as_often_as_it_says(size: int) -> None:
    rng = np.random.default_rng(11)
    runs = 60 if size > LARGE else 120
    frame, specs, clips = table({f"r{k:03d}": rng.normal(size=size).tolist() for k in range(runs)})
    found = [s.interval for s in summarise(frame, specs, clips)]
    hits = sum(isinstance(i, Interval) and i.low <= 0 <= i.high for i in found)
    assert 0.86 <= hits / runs <= 1.0


def test_equal_values_have_an_interval_without_width() -> None:
    interval = one([0.1] * 7).interval
    assert isinstance(interval, Interval)
    assert interval.low == interval.high == pytest.approx(0.1)


def test_repeats_of_a_sample_stay_together() -> None:
    rows, clips = [], []
    for i in range(8):
        for repeat in range(3):
            clips.append(ClipRecord(system="a", sample=Sample(id=f"s{i}"), repeat=repeat, source=""))
            rows.append(("a", f"s{i}", repeat, SPEC.name, "x", float(i), "", "", 0.1))
    columns = ["system", "sample", "repeat", "metric", "field", "value", "reason", "clip_sha256", "seconds"]
    (summary,) = summarise(pd.DataFrame(rows, columns=columns), (SPEC,), clips)
    assert (summary.attempted, summary.clusters) == (24, 8)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda f: pd.concat([f, f.iloc[:1]]), "two rows"),
        (lambda f: f.assign(value=math.inf), "infinite"),
        (lambda f: f.assign(reason="no_face"), "a number and a reason"),
        (lambda f: f.drop(columns="reason"), "lack the column 'reason'"),
        (lambda f: f.assign(value="high"), "does not hold numbers"),
    ],
)
def test_damaged_scores_are_refused(spoil, words: str) -> None:  # type: ignore[no-untyped-def]
    frame, specs, clips = table({"a": [1.0, 2.0, 3.0]})
    with pytest.raises(InputError, match=words):
        summarise(spoil(frame), specs, clips)


def test_a_clip_recorded_twice_is_refused() -> None:
    frame, specs, clips = table({"a": [1.0]})
    with pytest.raises(InputError, match="recorded twice"):
        summarise(frame, specs, [*clips, *clips])


def test_controls_keep_their_role_and_systems_their_given_order() -> None:
    frame, specs, clips = table({"a": [1.0], "floor": [0.0], "other": [2.0]})
    systems = [
        SystemInfo(id="floor", use="shuffled-audio", role=Role.LOWER_CONTROL),
        SystemInfo(id="a", use="x"),
    ]
    found = summarise(frame, specs, clips, systems=systems)
    assert [(s.system, s.role) for s in found] == [
        ("floor", Role.LOWER_CONTROL),
        ("a", Role.SYSTEM),
        ("other", Role.SYSTEM),
    ]


cells = st.one_of(
    st.floats(-1e3, 1e3).map(lambda v: round(v, 3)),
    st.sampled_from(["no_face: why", "silent", "weights", ""]),
)
tables = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(cells, min_size=1, max_size=9), min_size=1
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=tables, seed=st.integers(0, 2**16))
def test_order_of_rows_and_clips_changes_nothing(values: dict[str, list[Given]], seed: int) -> None:
    frame, specs, clips = table(values)
    rng = np.random.default_rng(seed)
    shuffled = frame.iloc[rng.permutation(len(frame))].reset_index(drop=True)
    mixed = [clips[i] for i in rng.permutation(len(clips))]
    assert summarise(shuffled, specs, mixed) == summarise(frame, specs, clips)


@settings(max_examples=20, deadline=None)
@given(values=tables, cut=st.integers(0, 30))
def test_scores_in_chunks_are_the_same_scores(values: dict[str, list[Given]], cut: int) -> None:
    frame, specs, clips = table(values)
    chunks = pd.concat([frame.iloc[cut:], frame.iloc[:cut]])
    assert summarise(chunks, specs, clips) == summarise(frame, specs, clips)


@settings(max_examples=20, deadline=None)
@given(values=tables, others=st.lists(cells, min_size=1, max_size=9))
def test_other_systems_change_nothing(values: dict[str, list[Given]], others: list[Given]) -> None:
    alone = summarise(*table(values))
    together = summarise(*table({**values, "zz": others}))
    assert tuple(s for s in together if s.system != "zz") == alone


@settings(max_examples=20, deadline=None)
@given(
    values=st.lists(st.floats(0, 1), min_size=3, max_size=8), shift=st.floats(-5, 5), scale=st.floats(0.5, 3)
)
def test_summary_follows_a_change_of_unit(values: list[float], shift: float, scale: float) -> None:
    before, after = one(values), one([scale * v + shift for v in values])
    assert before.mean is not None
    assert after.mean == pytest.approx(scale * before.mean + shift, abs=1e-9)
    assert isinstance(before.interval, Interval)
    assert isinstance(after.interval, Interval)
    assert after.interval.low == pytest.approx(scale * before.interval.low + shift, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(values=st.lists(cells, min_size=1, max_size=9), reason=st.sampled_from(["failed", "no_face", ""]))
def test_a_further_missing_clip_lowers_coverage_and_moves_nothing_else(
    values: list[Given], reason: str
) -> None:
    before, after = one(values), one([*values, reason])
    assert after.coverage < before.coverage or before.scored == 0
    assert replace(after, attempted=0, missing=(), interval=before.interval) == replace(
        before, attempted=0, missing=()
    )
    if isinstance(before.interval, Interval) and isinstance(after.interval, Interval):
        ends = (after.interval.low, after.interval.high)
        assert ends == pytest.approx((before.interval.low, before.interval.high), abs=1e-9)
    else:
        assert after.interval == before.interval


def test_large_systems_do_not_depend_on_their_neighbours_either() -> None:
    frame, specs, clips = fake_scores(900, systems=2, metrics=2)
    alone = summarise(frame[frame.system == "sys0"], specs, [c for c in clips if c.system == "sys0"])
    together = summarise(frame, specs, clips)
    assert tuple(s for s in together if s.system == "sys0") == alone


def test_a_written_run_gives_the_means_of_its_parquet(tmp_path: Path) -> None:
    scores, specs, clips, systems = read(write_run(tmp_path, FakeRun(media=False, evidence=False)))
    means = scores.groupby(["system", "metric", "field"])["value"].agg(["mean", "count", "size"])
    for summary in summarise(scores, specs, clips, systems=systems):
        expected = means.loc[(summary.system, summary.metric, summary.field)]
        assert (summary.scored, summary.attempted) == (expected["count"], expected["size"])
        assert summary.mean == (pytest.approx(expected["mean"]) if expected["count"] else None)
        assert sum(m.count for m in summary.missing) == summary.attempted - summary.scored

"""A run keeps what its end needs of a clip, one copy of what repeats, and loses no number on the way."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from uniavgen_bench.core.result import Curve, Evidence, Missing, Reason, Score
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.runner.clip_work import ClipOutcome, ClipWork
from uniavgen_bench.runner.results import Results, problems_of, records_of, scores_table
from uniavgen_bench.runner.score_clip import Scored

CURVE = Evidence(curves=(Curve("c", "", (0.0, 1.0), (0.0, 1.0)),))
METRICS = ("lipsync.mouth_audio@1", "video.motion@1")
Answers = Mapping[str, Score | Missing]


def answered(number: int, answers: Answers) -> tuple[ClipWork, ClipOutcome]:
    """Return a clip and what a worker sends of it: a copy of everything."""
    sample = Sample(id=f"s{number}", speech="place blue", facts={"identity": f"p{number % 3}"})
    work = ClipWork(ClipKey(system="A", sample=sample.id), sample, Path("clip.mp4"))
    record = ClipRecord(system="A", sample=sample, source="clip.mp4", sha256="0" * 64)
    scored = tuple(Scored(metric, dict(answers), CURVE, 0.25) for metric in METRICS)
    outcome = ClipOutcome(record, scored, {"score": 0.5}, (f"problem {number}",), ("a" * 64,), ("note",))
    return work, pickle.loads(pickle.dumps(outcome))  # noqa: S301 - made a line above


scores = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(Score),
    st.builds(Missing, st.sampled_from(list(Reason)), st.text(max_size=8)),
)


@settings(max_examples=30)
@given(st.lists(st.fixed_dictionaries({"confidence": scores, "offset_ms": scores}), min_size=1, max_size=5))
def test_the_table_and_the_records_are_those_of_the_outcomes(answers: list[Answers]) -> None:
    results, pairs = Results(), [answered(number, one) for number, one in enumerate(answers)]
    for work, outcome in reversed(pairs):
        results.add(work, outcome)
    kept = results.ordered([work.key for work, _ in pairs])
    outcomes = [outcome for _, outcome in pairs]
    pd.testing.assert_frame_equal(scores_table(kept, METRICS), scores_table(outcomes, METRICS))
    assert records_of(kept) == records_of(outcomes)
    assert problems_of(kept) == problems_of(outcomes)
    assert dict(results.timings) == {"score": 0.5 * len(pairs)}


def test_what_repeats_is_kept_once_and_what_the_end_does_not_need_not_at_all() -> None:
    results = Results()
    pairs = [answered(n, {"confidence": Missing(Reason.NO_FACE, "none"), "x": Score(0.5)}) for n in range(2)]
    for work, outcome in pairs:
        results.add(work, outcome)
    (one, work), (two, _) = zip(
        results.ordered([work.key for work, _ in pairs]), (p[0] for p in pairs), strict=True
    )
    assert one.record.sample is work.sample
    assert one.entries == one.notes == () and one.timings == {}
    for a, b in zip(one.scored, two.scored, strict=True):
        assert a.metric is b.metric and a.evidence is b.evidence and not a.evidence.curves
        assert a.scores["confidence"] is b.scores["confidence"]
        assert all(x is y for x, y in zip(a.scores, b.scores, strict=True))


def test_a_sample_that_a_worker_changed_stays_as_it_sent_it() -> None:
    work, outcome = answered(0, {"x": Score(1.0)})
    other = work.sample.model_copy(update={"speech": "set white"})
    results = Results()
    results.add(ClipWork(work.key, other, work.path), outcome)
    assert results.ordered([work.key])[0].record.sample.speech == "place blue"

"""What the store gives for a score counts only when it is exactly an answer of the metric."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runner.conftest import make_clip

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import Curve, Evidence, Measurement, Missing, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.device_batches import SmallerBatchWarning
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.score_clip import Scored, known_score, score_clip, score_key
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

SPEC = MetricSpec(
    id="toy.answer",
    version=1,
    title="answer",
    summary="A toy.",
    fields=tuple(
        FieldSpec(name=n, unit="", direction=Direction.NONE, low=0, high=9, meaning=n) for n in "ab"
    ),
    tier=Tier.EMBEDDED,
    licence="CC0-1.0",
    source="tests",
)
ANSWER = {
    "scores": {"a": 1.5, "b": {"reason": "silent", "detail": "so"}},
    "evidence": {
        "curves": [{"name": "c", "unit": "dB", "t": [0, 0.5], "y": [1.0, -2]}],
        "texts": {"t": "text"},
    },
    "seconds": 0.25,
}


def answer(clip: object, sample: object, models: object) -> Measurement:
    evidence = Evidence((Curve("c", "dB", (0.0, 0.5), (1.0, -2.0)),), {"t": "text"})
    return Measurement({"a": Score(1.5), "b": Missing(Reason.SILENT, "so")}, evidence)


class Bed:
    """A clip, a metric and a store."""

    def __init__(self, folder: Path) -> None:
        self.metric = Metric(SPEC, answer)
        self.store = Store(folder / "store")
        self.models = Models(WeightLocator(), device="cpu", threads=1)
        self.sample = Sample(id="0")
        self.clip = AnalysedClip(make_clip(folder / "0.mp4"), self.sample, self.store, self.models)
        self.key = score_key(self.metric, self.clip, self.sample, self.models)

    def known(self, entry: bytes) -> Scored | None:
        self.store.put(self.key, entry)
        return known_score(self.metric, self.clip, self.sample, self.models, self.store)

    def scored(self) -> Scored:
        return score_clip(self.metric, self.clip, self.sample, self.models, self.store)


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Bed:
    return Bed(tmp_path_factory.mktemp("bed"))


def changed(place: str, value: Any) -> bytes:
    """Return the answer with another value at a place such as `evidence.texts`."""
    data = json.loads(json.dumps(ANSWER))
    *above, last = place.split(".")
    at = data
    for name in above:
        at = at[name]
    at[last] = value
    return json.dumps(data).encode()


def test_an_answer_of_the_metric_is_known(bed: Bed) -> None:
    made = bed.scored()
    known = bed.known(json.dumps(ANSWER).encode())
    assert known is not None and known.cached
    assert (known.scores, known.evidence) == (made.scores, made.evidence)
    assert known_score(bed.metric, bed.clip, bed.sample, bed.models, bed.store) == known


def small(clip: object, sample: object, models: object) -> Measurement:
    warnings.warn("no room for 8 pictures: 4 at a time", SmallerBatchWarning, stacklevel=1)
    return answer(clip, sample, models)


def test_that_a_device_had_no_room_is_told_from_the_store_too(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bed, "metric", Metric(SPEC, small))
    made = bed.scored()
    known = known_score(bed.metric, bed.clip, bed.sample, bed.models, bed.store)
    assert known is not None and known.problem == made.problem == "no room for 8 pictures: 4 at a time"


CURVE = {"name": "c", "unit": "dB", "t": [0.0], "y": [1.0]}


@pytest.mark.parametrize(
    "entry",
    [
        b"", b"null", b"[]", b"7", b"\xff\xfe", b"{}", b"{" * 100_000,
        b'{"scores":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        *(changed("seconds", value) for value in (None, "x", "1", -1, True, 10**400, float("nan"))),
        *(changed("problem", value) for value in (None, 1, ["x"])), changed("other", "x"),
        *(changed("scores", value) for value in (None, [], {}, {"a": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0})),
        *(changed("scores.a", value) for value in (None, True, "1", 10**400, 1e999, 10, [1])),
        *(changed("scores.b", value) for value in ({}, {"reason": "silent"}, {"reason": "x", "detail": ""})),
        changed("scores.b", {"reason": "silent", "detail": 1}),
        changed("scores.b", {"reason": "crashed", "detail": ""}),
        *(changed("evidence", value) for value in (None, [], {}, {"curves": []})),
        *(changed("evidence.texts", value) for value in (None, [1], {"t": 1}, {"t": None}, "t")),
        *(changed("evidence.curves", value) for value in (None, {}, [1], [None], "c")),
        *(changed("evidence.curves", [CURVE | more]) for more in (
            {"name": 1}, {"unit": None}, {"t": ["a"]}, {"y": [None]}, {"t": [0.0, 1.0]}, {"t": [float("inf")]},
        )),
    ],
    ids=lambda entry: repr(entry[:90]),
)  # fmt: skip
def test_anything_else_is_absent_and_made_anew(bed: Bed, entry: bytes) -> None:
    assert bed.known(entry) is None
    assert bed.scored().scores["a"] == Score(1.5)


PLACES = ("seconds", "scores", "scores.a", "scores.b", "evidence", "evidence.texts", "evidence.curves")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(PLACES), JSON)
def test_no_content_of_an_entry_raises(bed: Bed, place: str, value: object) -> None:
    known = bed.known(changed(place, value))
    assert known is None or set(known.scores) == {"a", "b"}

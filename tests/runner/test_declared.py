"""A metric sees what it declares, and nothing else: a score that is found again must fit the clip."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from runner.conftest import make_clip

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import Measurement, Missing, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.core.store import Store
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.score_clip import Scored, known_score, score_clip
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

Reads = Callable[[ClipArtefacts, Sample], float]


def metric(reads: Reads, *needs: Artefact, sample_needs: tuple[str, ...] = ()) -> Metric:
    field = FieldSpec(name="v", unit="", direction=Direction.NONE, meaning="what was read")
    spec = MetricSpec(
        id="toy.reads", version=1, title="reads", summary="Reads.", fields=(field,), needs=needs, licence="CC0-1.0",
        sample_needs=sample_needs, tier=Tier.EMBEDDED, source="tests",
    )  # fmt: skip
    return Metric(spec, lambda clip, sample, models: Measurement({"v": Score(reads(clip, sample))}))


@pytest.fixture
def ask(tmp_path: Path) -> Callable[[Metric, Sample], tuple[Scored, bool]]:
    """Scores one small clip; also tells whether the store knows the answer afterwards."""
    path = make_clip(tmp_path / "a.mp4")
    store, models = Store(tmp_path / "store"), Models(WeightLocator(home=tmp_path, folders=()))

    def score(asked: Metric, sample: Sample) -> tuple[Scored, bool]:
        clip = AnalysedClip(path, sample, store, models)
        scored = score_clip(asked, clip, sample, models, store)
        return scored, known_score(asked, clip, sample, models, store) is not None

    return score


UNDECLARED: dict[str, Metric] = {
    "another artefact": metric(lambda c, s: float(len(c.speech.samples)), Artefact.THUMBNAILS),
    "what an artefact is not made from": metric(lambda c, s: float(c.frames.width), Artefact.SPEECH),
    "pictures": metric(lambda c, s: next(c.pictures()).time, Artefact.FRAMES),
    "reference audio": metric(lambda c, s: float(len(c.reference_speech.samples)), Artefact.SPEECH),
    "half of the reference": metric(
        lambda c, s: c.reference_speech.start, Artefact.SPEECH, sample_needs=("reference_audio",)
    ),
    "the file": metric(lambda c, s: float(len(str(c.path))), Artefact.FRAMES),  # type: ignore[attr-defined]
    "the whole sample": metric(lambda c, s: float(len(c.sample.id)), Artefact.FRAMES),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("what", UNDECLARED)
def test_reading_more_than_is_declared_fails_and_is_not_kept(
    ask: Callable[[Metric, Sample], tuple[Scored, bool]], tmp_path: Path, what: str
) -> None:
    sample = Sample(id="a", reference_audio=make_clip(tmp_path / "voice.mp4"))
    scored, kept = ask(UNDECLARED[what], sample)
    answer = scored.scores["v"]
    assert isinstance(answer, Missing) and answer.reason is Reason.FAILED
    assert scored.problem and not kept


def test_what_is_declared_is_read_with_what_it_is_made_from(
    ask: Callable[[Metric, Sample], tuple[Scored, bool]],
) -> None:
    reads = metric(lambda c, s: len(c.voice_activity.segments) + c.speech.start, Artefact.VOICE_ACTIVITY)
    scored, kept = ask(reads, Sample(id="a"))
    assert scored.scores["v"] == Score(0.0) and kept


def test_facts_are_those_of_the_streams_that_are_read(
    ask: Callable[[Metric, Sample], tuple[Scored, bool]],
) -> None:
    def video_facts(clip: ClipArtefacts, sample: Sample) -> float:
        facts = clip.facts
        assert facts.file_sha256 == "" and facts.audio_rate is None and facts.audio_sha256 is None
        return float(facts.fps or 0)

    assert ask(metric(video_facts, Artefact.FRAMES), Sample(id="a"))[0].scores["v"] == Score(10.0)
    heard = metric(lambda c, s: float(c.facts.fps or 0), Artefact.SPEECH)
    assert ask(heard, Sample(id="a"))[0].scores["v"] == Score(0.0)


def test_a_score_does_not_depend_on_a_name(ask: Callable[[Metric, Sample], tuple[Scored, bool]]) -> None:
    named = metric(lambda c, s: float(len(s.id)), Artefact.FRAMES)
    assert ask(named, Sample(id="a"))[0].scores == ask(named, Sample(id="a long name"))[0].scores

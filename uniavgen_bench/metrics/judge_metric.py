"""What the judged metrics share: three answers of one judge, their mean, their spread, and what they cost."""

from __future__ import annotations

from typing import Any, Generic

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts
from uniavgen_bench.core.result import Evidence, Measurement, Missing, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.judges.answers import AnswerKind, Judged, ask_repeatedly, load_judge
from uniavgen_bench.judges.rubric import load_rubric
from uniavgen_bench.judges.settings import judge_settings
from uniavgen_bench.metrics.judge_question import FROM_THE_FACE, MOST_SECONDS, PICTURES, cut, question
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.weights.models import Models

REPEATS = 3
NEEDS = (
    Artefact.FRAMES,
    Artefact.FACES,
    Artefact.CROPS,
    Artefact.SPEECH,
    Artefact.VOICE_ACTIVITY,
    Artefact.SPEAKER,
)
DEVIATIONS = (
    f"The judge sees {PICTURES} crops of the speaker's face and hears the sound at 16 kHz; the paper shows its model "
    f"the video. Of a clip that lasts more than {MOST_SECONDS:g} s both are of the {MOST_SECONDS:g} s {FROM_THE_FACE}.",
    "The paper's rubric is not published: this one is written after its description, so the numbers are not the "
    "paper's even with the same model.",
    "The model answers with its own default settings; two models, or two versions behind one name, give two scales.",
)
NOT_FOR = (
    "comparison of runs with different judges: the model's name is part of the address, and `compare` refuses",
    "single clips: look at retest_sd first",
    "clips that may not leave your machine (docs/judges.md says what is sent)",
)


def fields(meaning: str) -> tuple[FieldSpec, ...]:
    """Return the fields of a judged metric; `meaning` explains its grade."""
    return (
        FieldSpec(
            name="score", unit="grade", direction=Direction.HIGHER, low=0.0, high=1.0,
            meaning=f"mean of {REPEATS} answers; {meaning}",
        ),
        FieldSpec(
            name="retest_sd", unit="grade", direction=Direction.NONE, low=0.0, high=0.6,
            meaning=f"standard deviation of the {REPEATS} answers to the same question: the judge's own noise",
        ),
        FieldSpec(
            name="tokens_in", unit="tokens", direction=Direction.NONE, low=0.0,
            meaning="read by the judge for all answers, rejected ones included; paid once, answers are kept",
        ),
        FieldSpec(
            name="tokens_out", unit="tokens", direction=Direction.NONE, low=0.0,
            meaning="written by the judge for all answers, its thinking included",
        ),
    )  # fmt: skip


def judged_spec(kind: str, *, title: str, summary: str, grade: str, not_for: tuple[str, ...]) -> MetricSpec:
    """Return the facts of `judge.<kind>`."""
    return MetricSpec(
        id=f"judge.{kind}",
        version=1,
        title=title,
        summary=summary,
        fields=fields(grade),
        needs=NEEDS,
        tier=Tier.PAPER,
        licence="rubric: Apache-2.0; the answers are under the terms of whoever runs the model",
        source=f"after the description in UniAVGen (arXiv:2511.03334): a multimodal model grades 0 … 1, mean of three "
        f"runs; rubric: uniavgen_bench/judges/rubrics/{kind}_v1.md",
        deviations=DEVIATIONS,
        not_for=(*not_for, *NOT_FOR),
    )


class JudgedMetric(Generic[AnswerKind]):
    """One rubric with the schema of its answers."""

    def __init__(self, spec: MetricSpec, rubric: str, kind: type[AnswerKind]) -> None:
        self.spec, self.rubric, self.kind = spec, rubric, kind

    def settings(self) -> tuple[tuple[str, Any], ...]:
        """Return who is asked what: the model, how it is reached, and the rubric's hash; never the key."""
        chosen = judge_settings()
        load_judge(chosen)  # a name that is no plugin's is told before anything is computed
        return (
            ("judge_api", chosen.api),
            ("judge_model", chosen.model or "none"),
            ("rubric_sha256", load_rubric(self.rubric).sha256),
        )

    def measure(self, clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
        """Ask the judge three times.

        Raises:
            MissingError: `no_judge`, `failed`, or what the clip lacks.
        """
        rubric, settings = load_rubric(self.rubric), judge_settings()
        facts = clip.facts
        shown: list[object] = [facts.video_sha256, facts.audio_sha256, PICTURES, MOST_SECONDS]
        part = cut(facts)
        if part is not None:
            shown.append(part)
        answers = ask_repeatedly(rubric, self.kind, shown, lambda: question(clip, rubric), REPEATS, settings)
        grades = np.array([a.answer.score for a in answers], np.float64)
        return Measurement(
            {
                "score": Score(float(grades.mean())),
                "retest_sd": Score(float(grades.std(ddof=1))),
                "tokens_in": _tokens([a.kept.tokens_in for a in answers]),
                "tokens_out": _tokens([a.kept.tokens_out for a in answers]),
            },
            Evidence(texts=_said(answers)),
        )

    def metric(self) -> Metric:
        """Return the metric."""
        params = (("repeats", REPEATS), ("pictures", PICTURES), ("seconds", MOST_SECONDS))
        return Metric(self.spec, self.measure, params, code=2, settings=self.settings)


def _tokens(counts: list[int | None]) -> Score | Missing:
    known = [c for c in counts if c is not None]
    if len(known) < len(counts):
        return Missing(Reason.NOT_MEASURABLE, "the endpoint does not count tokens")
    return Score(float(sum(known)))


def _said(answers: list[Judged[AnswerKind]]) -> dict[str, str]:
    texts = {
        f"answer {i}": ", ".join(f"{name} {value}" for name, value in a.answer.model_dump().items())
        for i, a in enumerate(answers, start=1)
    }
    models = sorted({a.kept.model for a in answers if a.kept.model})
    return {**texts, "model's own name": ", ".join(models) or "not told"}

"""`judge.timbre@1`: could this voice be this person's, by gender and age, as a multimodal model grades it."""

from __future__ import annotations

from typing import Literal

from uniavgen_bench.judges.answers import GradedAnswer
from uniavgen_bench.metrics.judge_metric import JudgedMetric, judged_spec

Gender = Literal["female", "male", "unclear"]
Age = Literal["child", "young", "middle", "old", "unclear"]


class TimbreAnswer(GradedAnswer):
    """What the judge of timbre answers."""

    face_gender: Gender
    face_age: Age
    voice_gender: Gender
    voice_age: Age


SPEC = judged_spec(
    "timbre",
    title="Voice against face, by a judge",
    summary="Grade of a multimodal model for the agreement of gender and age between face and voice.",
    grade="0 = the genders contradict each other, 1 = gender and age fit",
    not_for=("whether the voice is this very person's: only gender and age are graded",),
)

METRIC = JudgedMetric(SPEC, "timbre_v1", TimbreAnswer).metric()

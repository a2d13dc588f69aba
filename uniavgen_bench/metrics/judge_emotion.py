"""`judge.emotion@1`: do face and voice express the same emotion, as a multimodal model grades it."""

from __future__ import annotations

from typing import Literal

from uniavgen_bench.judges.answers import GradedAnswer
from uniavgen_bench.metrics.judge_metric import JudgedMetric, judged_spec

Emotion = Literal["neutral", "happy", "sad", "angry", "surprised", "fearful", "disgusted", "unclear"]


class EmotionAnswer(GradedAnswer):
    """What the judge of emotion answers."""

    face_emotion: Emotion
    voice_emotion: Emotion


SPEC = judged_spec(
    "emotion",
    title="Emotion of face against voice, by a judge",
    summary="Grade of a multimodal model for the agreement of emotion between face and voice.",
    grade="0 = the emotions contradict each other, 1 = the same emotion with about the same strength",
    not_for=(
        "the emotion that was asked for: the judge does not know it",
        "change over time: eight pictures and one grade stand for the clip",
    ),
)

METRIC = JudgedMetric(SPEC, "emotion_v1", EmotionAnswer).metric()

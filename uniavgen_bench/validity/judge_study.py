"""The further study of judged metrics for `uniavgen-bench validate`: the judge's own noise, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import Missing, MissingError, Score
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.core.validity_files import MetricValidity, ValidityCheck
from uniavgen_bench.judges.worth import Worth, worth_of
from uniavgen_bench.metrics import judge_emotion, judge_timbre
from uniavgen_bench.metrics.judge_metric import REPEATS
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

Scores = Mapping[str, Score | Missing]


def timbre_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Tell the noise and the cost of `judge.timbre`."""
    return _study(judge_timbre.METRIC, clips, options)


def emotion_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Tell the noise and the cost of `judge.emotion`."""
    return _study(judge_emotion.METRIC, clips, options)


def _study(metric: Metric, clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Read the grades again: the answers are kept, so that nothing is asked twice."""
    store, models = Store(options.store or home() / "store"), Models(WeightLocator(), device=options.device)
    graded: list[Scores] = []
    for clip in clips.clips:
        analysed = AnalysedClip(clip.path, clip.sample, store, models)
        try:
            graded.append(metric.measure(analysed, clip.sample, models).scores)
        except MissingError as error:
            graded.append({field.name: error.missing for field in metric.spec.fields})
    return worth_checks(metric.spec.name, graded)


def worth_checks(metric: str, graded: Sequence[Scores]) -> MetricValidity:
    """Return what the grades of clips are worth: reported, not judged."""
    rows = [
        (metric, field, score.value if isinstance(score, Score) else math.nan)
        for scores in graded
        for field, score in scores.items()
    ]
    found = worth_of(pd.DataFrame(rows, columns=["metric", "field", "value"]), REPEATS)
    return MetricValidity(metric=metric, checks=_checks(found[0]) if found and len(found[0].grades) else ())


def _checks(worth: Worth) -> tuple[ValidityCheck, ...]:
    clips = len(worth.grades)
    told = f"{clips} of {worth.asked} clips have a grade"
    noise = ValidityCheck(
        name="the judge's own noise", value=worth.retest, unit="grade, sd between answers", clips=clips,
        detail=f"{worth.noise:.3f} in the mean of {worth.repeats} answers; {told}",
    )  # fmt: skip
    spread = f"sd of the grades over clips {worth.spread:.3f}" if clips > 1 else ""
    known = worth.reliability if math.isfinite(worth.reliability) else None
    reliability = ValidityCheck(
        name="reliability", value=known, unit="ICC(1, k)", clips=clips,
        detail=spread if known is not None else "all grades are equal",
    )  # fmt: skip
    if worth.tokens_in is None or worth.tokens_out is None:
        cost = ValidityCheck(name="cost", clips=clips, detail="the endpoint does not count tokens")
    else:
        cost = ValidityCheck(
            name="cost", value=(worth.tokens_in + worth.tokens_out) / clips, unit="tokens a clip", clips=clips,
            detail=f"{worth.tokens_in:.0f} read, {worth.tokens_out:.0f} written for all",
        )  # fmt: skip
    return noise, reliability, cost

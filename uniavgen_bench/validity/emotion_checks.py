"""Checks of the emotion metrics, as functions of what was read in clips: known answers, and swapped voices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.core.result import Score
from uniavgen_bench.core.validity_files import MetricValidity, ValidityCheck
from uniavgen_bench.metrics import emotion_agreement_portraits as of_portraits
from uniavgen_bench.metrics.emotion_agreement import SPEC as AGREEMENT
from uniavgen_bench.metrics.emotion_agreement import agreement, over_time
from uniavgen_bench.metrics.emotion_face import SPEC as FACE
from uniavgen_bench.metrics.emotion_face_reading import LABELS
from uniavgen_bench.metrics.emotion_names import AROUSED, CALM
from uniavgen_bench.metrics.emotion_voice import SPEC as VOICE
from uniavgen_bench.validity.emotion_clips import EmotionClip, swappable

RESAMPLES = 1000
SEED = 20251116
FEWEST = 6
"""Clips of each side that an interval is worth computing for."""
CHANCE = 0.5
OVER_TIME_SWAPS = 4
"""Other voices per face whose correlation over time is computed: all of them would take minutes."""


@dataclass(frozen=True)
class Estimate:
    """A statistic and its 95 % percentile bootstrap interval over clips."""

    value: float
    low: float
    high: float


def auc(positive: Float64, negative: Float64) -> float:
    """Return the probability that a positive is above a negative; ties count half; nan when a side is empty."""
    from scipy.stats import rankdata

    if not len(positive) or not len(negative):
        return float("nan")
    ranks = rankdata(np.concatenate([positive, negative]))
    count = len(positive)
    return float((ranks[:count].sum() - count * (count + 1) / 2) / (count * len(negative)))


def bootstrapped(count: int, statistic: Callable[[NDArray[np.int64]], float]) -> Estimate:
    """Return a statistic of drawn rows, over all of `count` rows and with its interval over 1000 seeded draws."""
    draw = np.random.default_rng(SEED)
    values = [statistic(draw.integers(0, count, count)) for _ in range(RESAMPLES)]
    finite = [v for v in values if np.isfinite(v)]
    low, high = np.percentile(finite, [2.5, 97.5]) if finite else (float("nan"), float("nan"))
    return Estimate(statistic(np.arange(count)), float(low), float(high))


def two_sides(values: Float64, positive: NDArray[np.bool_]) -> Estimate:
    """Return the AUC of values [n] of positive clips against the others."""
    return bootstrapped(
        len(values), lambda rows: auc(values[rows][positive[rows]], values[rows][~positive[rows]])
    )


def own_against_others(own: Float64, others: Sequence[Float64]) -> Estimate:
    """Return the AUC of each clip's own value [n] against the values of its negatives, clip by clip drawn."""

    def statistic(rows: NDArray[np.int64]) -> float:
        return auc(own[rows], np.concatenate([others[i] for i in rows]))

    return bootstrapped(len(own), statistic)


def _check(name: str, found: Estimate, clips: int, detail: str = "", *, judged: bool = True) -> ValidityCheck:
    return ValidityCheck(
        name=name,
        passed=found.low > CHANCE if judged else None,
        value=found.value,
        low=found.low,
        high=found.high,
        unit="AUC",
        clips=clips,
        expected="interval above 0.5" if judged else "",
        detail=detail,
    )


def asked_against_others(clips: Sequence[EmotionClip], where: str) -> tuple[ValidityCheck, ...]:
    """Test whether faces show the emotion asked for rather than the others that are asked for elsewhere."""
    known = [(c, c.asked) for c in clips if c.asked is not None]
    names = sorted({asked for _, asked in known})
    if len(known) < FEWEST or len(names) < 2:
        return ()
    means = [c.face.mean for c, _ in known]
    own = np.array([m[LABELS.index(asked)] for m, (_, asked) in zip(means, known, strict=True)])
    others = [
        np.array([m[LABELS.index(name)] for name in names if name != asked])
        for m, (_, asked) in zip(means, known, strict=True)
    ]
    right = sum(LABELS[int(m.argmax())] == asked for m, (_, asked) in zip(means, known, strict=True))
    found = own_against_others(own, others)
    detail = f"likeliest of seven in {right} of {len(known)}"
    checks = [_check(f"emotion asked for against others, {where}", found, len(known), detail)]
    for name in names:
        is_asked = np.array([asked == name for _, asked in known])
        if FEWEST <= is_asked.sum() <= len(known) - FEWEST:
            values = np.array([m[LABELS.index(name)] for m in means])
            checks.append(
                _check(f"{name} faces, {where}", two_sides(values, is_asked), len(known), judged=False)
            )
    return tuple(checks)


def aroused_against_calm(clips: Sequence[EmotionClip], where: str) -> tuple[ValidityCheck, ...]:
    """Test whether voices that were made aroused are heard as more aroused than calm ones."""
    known = [c for c in clips if c.voiced_as_asked and c.asked in AROUSED | CALM]
    aroused = np.array([c.asked in AROUSED for c in known], np.bool_)
    if min(aroused.sum(), (~aroused).sum(), 1) < 1:
        return ()
    values = np.array([c.voice.arousal for c in known])
    name = f"aroused against calm voices, {where}"
    if min(aroused.sum(), (~aroused).sum()) < FEWEST:
        detail = ", ".join(f"{c.name} ({c.asked}) {c.voice.arousal:.2f}" for c in known)
        only = ValidityCheck(
            name=name,
            value=auc(values[aroused], values[~aroused]),
            unit="AUC",
            clips=len(known),
            detail=detail,
        )
        return (only,)
    checks = [_check(name, two_sides(values, aroused), len(known))]
    above = [c.above_reference for c in known]
    if all(a is not None for a in above):
        found = two_sides(np.array(above, np.float64), aroused)
        checks.append(_check(f"the same by above_reference, {where}", found, len(known)))
    return tuple(checks)


def swapped_voices(clips: Sequence[EmotionClip], where: str) -> tuple[ValidityCheck, ...]:
    """Test own pairs of face and voice against swapped ones, over the clip and over time."""
    if len(clips) < FEWEST:
        return ()
    may = swappable(clips)
    known = all(c.asked is not None for c in clips)
    if known:  # another clip of the same arousal is no negative
        kinds = np.array([c.asked in AROUSED for c in clips])
        may &= kinds[:, None] != kinds[None]
    faces = np.array([c.face_arousal for c in clips])
    voices = np.array([c.voice.arousal for c in clips])
    own = agreement_of(faces, voices)
    others = [agreement_of(faces[i], voices[may[i]]) for i in range(len(clips))]
    found = own_against_others(own, others)
    swap = "voices of the other arousal" if known else "voices of other clips"
    checks = [_check(f"own against swapped voices, {where}", found, len(clips), swap)]
    rows, swaps = [], []
    draw = np.random.default_rng(SEED)
    for i, clip in enumerate(clips):
        mine = over_time(clip.face, clip.voice.frames, clip.start)[0]
        chosen = draw.permutation(np.flatnonzero(may[i]))[:OVER_TIME_SWAPS]
        theirs = [over_time(clip.face, clips[j].voice.frames, clip.start)[0] for j in chosen]
        values = np.array([s.value for s in theirs if isinstance(s, Score)])
        if isinstance(mine, Score) and len(values):
            rows.append(mine.value)
            swaps.append(values)
    if len(rows) >= FEWEST:
        found = own_against_others(np.array(rows), swaps)
        checks.append(
            _check(f"over time: own against swapped voices, {where}", found, len(rows), judged=False)
        )
    return tuple(checks)


def agreement_of(faces: Float64 | float, voices: Float64) -> Float64:
    """Return `emotion.agreement` of faces and voices [n]."""
    return np.array([agreement(float(f), float(v)) for f, v in np.broadcast(faces, voices)])


def swapped_portraits(clips: Sequence[EmotionClip]) -> tuple[ValidityCheck, ...]:
    """Test drawn heads: own pairs of face and voice against voices of another emotion."""
    read = [(c.asked, *c.portrait) for c in clips if c.portrait is not None]
    if len(read) < FEWEST:
        return ()
    own = np.array([of_portraits.overlap(face, voice) for _, face, voice in read])
    others = [
        np.array([of_portraits.overlap(face, voice) for other, _, voice in read if other != asked])
        for asked, face, _ in read
    ]
    found = own_against_others(own, others)
    return (_check("own against voices of another emotion, portrait world", found, len(read)),)


def emotion_worth(
    portraits: Sequence[EmotionClip], real: Sequence[EmotionClip]
) -> tuple[MetricValidity, ...]:
    """Return the checks of every embedded emotion metric on drawn heads and on real clips."""
    drawn, recorded = "portrait world", "real and generated clips"
    return (
        _of(FACE.name, asked_against_others(portraits, drawn), asked_against_others(real, recorded)),
        _of(VOICE.name, aroused_against_calm(portraits, drawn), aroused_against_calm(real, recorded)),
        _of(AGREEMENT.name, swapped_voices(portraits, drawn), swapped_voices(real, recorded)),
        _of(of_portraits.SPEC.name, swapped_portraits(portraits)),
    )


def _of(metric: str, *parts: tuple[ValidityCheck, ...]) -> MetricValidity:
    checks = tuple(check for part in parts for check in part)
    failed = [check.name for check in checks if check.passed is False]
    if not any(check.passed is not None for check in checks):
        verdict = "nothing could be judged on these clips"
    elif failed:
        verdict = f"not shown: {'; '.join(failed)}"
    else:
        verdict = "every judged control is told apart"
    return MetricValidity(metric=metric, verdict=verdict, checks=checks)

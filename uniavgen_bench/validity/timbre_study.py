"""The further studies of timbre metrics for `uniavgen-bench validate`: spliced voices, faces with others' voices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from uniavgen_bench.core.validity_files import MetricValidity, ValidityCheck
from uniavgen_bench.metrics.timbre_face_voice import SPEC as FACE_VOICE
from uniavgen_bench.metrics.timbre_face_voice import load_shipped_reader
from uniavgen_bench.metrics.timbre_stability import SPEC as STABILITY
from uniavgen_bench.validity.face_voice_clips import TalkingPerson, distinct_voices, look_and_listen
from uniavgen_bench.validity.fit_face_voice import Measured, swapped_aucs
from uniavgen_bench.validity.spliced_voices import FIELDS, Splices, distinct_recordings, splice_all
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

LEAST = 6
"""Fewer recordings or people carry no number."""
OF_BOTH = "face of the other gender"


def stability_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Test `timbre.stability`: recordings of one voice against splices of two; nothing for too few recordings."""
    models = Models(WeightLocator(), device=options.device)
    voices = distinct_recordings([clip.path for clip in clips.clips], models)
    return spliced(splice_all(voices, models) if len(voices) >= LEAST else None)


def spliced(found: Splices | None) -> MetricValidity:
    """Report how well each field tells one voice from two: reported only, because recordings are no people."""
    if found is None:
        return MetricValidity(metric=STABILITY.name)
    told = f"{len(found.spliced)} splices; below both of their voices: {np.mean(found.below):.0%}"
    checks = tuple(
        ValidityCheck(
            name=f"{name} of one voice against two spliced", value=found.auc(field), unit="AUC",
            clips=len(found.whole), detail=told,
        )
        for field, name in enumerate(FIELDS)
    )  # fmt: skip
    return MetricValidity(metric=STABILITY.name, checks=checks)


def face_voice_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Test `timbre.face_voice`: own pairs of face and voice against swapped ones, by kind of swap."""
    models = Models(WeightLocator(), device=options.device)
    read = [look_and_listen(clip.path, models) for clip in clips.clips]
    return swapped(distinct_voices([one for one in read if isinstance(one, TalkingPerson)]))


def swapped(people: Sequence[TalkingPerson]) -> MetricValidity:
    """Judge swaps with a face of the other gender; the others are told beside: gender says nothing of them."""
    if len(people) < LEAST or len({person.face.male > 0.5 for person in people}) < 2:
        return MetricValidity(metric=FACE_VOICE.name)
    return MetricValidity(
        metric=FACE_VOICE.name, checks=_swaps(swapped_aucs(load_shipped_reader(), people), len(people))
    )


def _swaps(found: Mapping[str, Measured], clips: int) -> tuple[ValidityCheck, ...]:
    checks = []
    for kind, one in found.items():
        known, judged = np.isfinite(one.low), kind == OF_BOTH
        checks.append(
            ValidityCheck(
                name=f"own against swapped voices, {kind}", value=one.value, low=one.low if known else None,
                high=one.high if known else None, unit="AUC", clips=clips,
                passed=one.low > 0.5 if judged and known else None, expected="interval above 0.5" if judged else "",
            )
        )  # fmt: skip
    return tuple(checks)

"""What `lipsync.landmark_sync` says about clips whose truth is known: shifted sound and swapped sound.

Pure functions of faces and a model. Sound is shifted on the clip's clock by -400 … 400 ms, and exchanged for that of
clips of other sources; nothing is encoded anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.core.validity_files import MetricValidity, ValidityCheck
from uniavgen_bench.metrics.landmark_sync_model import (
    LandmarkSyncModel,
    cosine_curve,
    embeddings,
    load_shipped_model,
    sync_streams,
)
from uniavgen_bench.metrics.lipsync_landmark_sync import SPEC
from uniavgen_bench.metrics.mouth_audio_model import (
    MAX_LAG,
    MouthAudioMap,
    lag_correlations,
    mouth_stream,
    mouth_variates,
    peak_of,
    sound_variates,
    streams,
)
from uniavgen_bench.metrics.mouth_shape import EYE_CORNERS, RATE
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace, talking_faces
from uniavgen_bench.validity.landmark_sync_statistics import (
    SyncStudy,
    auc_confidence,
    auc_near,
    common_bias,
    over_sources,
    seen_in,
    within,
)
from uniavgen_bench.validity.perturb import StudyClip
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.swapped_sound import sound_instead, swapped_partners
from uniavgen_bench.validity.sync_statistics import Estimate
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

SHIFTS_MS = tuple(range(-400, 401, 40))
WIDE = MAX_LAG + max(SHIFTS_MS) * RATE // 1000
LEAST_AUC = 0.9
"""Below it a metric does not tell true from swapped sound well enough to be used on single clips."""
LEAST_WITHIN_80 = 0.8
LEAST_FACES = 3

Listener = Callable[[Float32, float], Float64]
"""Returns the curve at lags -1000 … 1000 ms `[101]` for sound `[N]` that begins at a time in s."""
Ear = Callable[[TalkingFace], tuple[Listener, Float32]]
"""Looks at a face once: returns how to listen for it, and the opening of its mouth `[T]`."""


def ear_of(model: LandmarkSyncModel) -> Ear:
    """Return `lipsync.landmark_sync` with a model."""

    def look(face: TalkingFace) -> tuple[Listener, Float32]:
        mouth = mouth_stream(face.times, face.landmarks, model.template)

        def listen(samples: Float32, start: float) -> Float64:
            both = sync_streams(mouth, samples, start, WIDE)
            return cosine_curve(*embeddings(model, both), both.seen, both.heard)

        return listen, mouth.opening

    return look


def mouth_audio_ear(model: MouthAudioMap) -> Ear:
    """Return `lipsync.mouth_audio` with a map, for comparison."""

    def look(face: TalkingFace) -> tuple[Listener, Float32]:
        mouth = mouth_stream(face.times, face.landmarks, model.template)

        def listen(samples: Float32, start: float) -> Float64:
            both = streams(mouth, samples, start, WIDE)
            variates = mouth_variates(model, both.shape), sound_variates(model, both.sound)
            return lag_correlations(*variates, both.valid, model.weights, WIDE, WIDE)

        return listen, mouth.opening

    return look


def middle_of(wide: Float64, shift_ms: float = 0.0) -> Float64:
    """Return the curve at lags -600 … 600 ms `[61]` when the sound is later by a multiple of 20 ms."""
    centre = len(wide) // 2 - round(shift_ms * RATE / 1000)
    return wide[centre - MAX_LAG : centre + MAX_LAG + 1]


def study(face: TalkingFace, partners: Sequence[TalkingFace], ear: Ear) -> SyncStudy:
    """Measure a face under its own sound, shifted, and under the sounds of partners."""
    listen, opening = ear(face)
    own = listen(face.samples, face.sound_start)
    errors = [peak_of(middle_of(own, ms)).offset_ms - ms for ms in SHIFTS_MS]
    swapped = [middle_of(listen(sound_instead(face, other), face.sound_start)) for other in partners]
    driven = None if face.driving is None else peak_of(middle_of(listen(face.driving, 0.0))).confidence
    return SyncStudy(
        clip=face.clip,
        curve=middle_of(own),
        swapped=np.array(swapped).reshape(len(swapped), 2 * MAX_LAG + 1),
        errors=np.array(errors),
        movement=float(opening.std()),
        driven_confidence=driven,
        facts=facts_of(face),
    )


def facts_of(face: TalkingFace) -> tuple[float, float, float, float]:
    """Return seconds, distance of the eyes' outer corners in px, how far the head is turned in degrees, and fps."""
    left, right = (face.landmarks[:, i].astype(np.float64) for i in EYE_CORNERS)
    apart = np.linalg.norm(right - left, axis=1)
    turned = np.degrees(np.arcsin(np.clip(np.abs(right[:, 2] - left[:, 2]) / np.maximum(apart, 1e-9), 0, 1)))
    seconds = float(face.times[-1] - face.times[0])
    fps = (len(face.times) - 1) / max(seconds, 1e-9)
    return seconds, float(np.median(apart)), float(np.median(turned)), fps


def studies_of(
    faces: Sequence[TalkingFace], ear: Ear, chosen: Sequence[int] | None = None
) -> list[SyncStudy]:
    """Study faces, or those at the places `chosen`; each is swapped with six faces of other sources."""
    places = range(len(faces)) if chosen is None else chosen
    return [study(faces[at], swapped_partners(faces, at), ear) for at in places]


def landmark_sync_validity(faces: Sequence[TalkingFace], model: LandmarkSyncModel) -> MetricValidity:
    """Return both checks of `lipsync.landmark_sync` on faces; sources must be at least two."""
    studies = studies_of(faces, ear_of(model))
    return MetricValidity(
        metric=SPEC.name, checks=(*offset_curve(studies).checks, *swapped_sound(studies).checks)
    )


def landmark_sync_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Test `lipsync.landmark_sync` with the shipped weights on the clips of a study (its `own` in the expectations).

    Nothing for fewer than three faces or two sources. The model card measures more, by weights trained without each
    source (`measure_landmark_sync`).
    """
    store = Store(options.store or home() / "store")
    models = Models(WeightLocator(), device=options.device)
    seen = talking_faces([_listed(clip) for clip in clips.clips], store, models)
    faces = [face for face in seen if isinstance(face, TalkingFace)]
    if len(faces) < LEAST_FACES or len({face.clip.source for face in faces}) < 2:
        return MetricValidity(metric=SPEC.name)
    return landmark_sync_validity(faces, load_shipped_model())


def _listed(clip: StudyClip) -> ListedClip:
    return ListedClip(
        path=clip.path, sample=clip.sample, system="", source=clip.cluster, licence="", real=not clip.world,
        single_face=True,
    )  # fmt: skip


def offset_curve(studies: Sequence[SyncStudy]) -> MetricValidity:
    """Judge the estimated offsets of sound shifted by -400 … 400 ms, without each source's own offset."""
    seen = seen_in(studies, common_bias(studies))
    by_shift = np.median(np.array([s.errors for s in studies]), axis=0)
    line = ", ".join(
        f"{ms:+d}: {ms + error:+.0f}" for ms, error in zip(SHIFTS_MS, by_shift, strict=True) if ms % 200 == 0
    )
    near_80 = over_sources(seen, within(80, own=True))
    near_40 = over_sources(seen, within(40, own=True))
    return MetricValidity(
        metric=SPEC.name,
        checks=(
            _check(
                "offset curve: within 80 ms",
                near_80,
                least=LEAST_WITHIN_80,
                detail=f"median estimate for each shift in ms: {line}; the median offset of the source's other clips "
                "is taken out",
            ),
            _check("offset curve: within 40 ms", near_40),
        ),
    )


def swapped_sound(studies: Sequence[SyncStudy]) -> MetricValidity:
    """Judge how well true sound is told from that of other clips, near the expected lag and by the confidence."""
    seen = seen_in(studies, common_bias(studies))
    return MetricValidity(
        metric=SPEC.name,
        checks=(
            _check(
                "swapped sound: AUC of in_place",
                over_sources(seen, auc_near),
                least=LEAST_AUC,
                detail="highest value within 40 ms of the common offset, minus the median",
            ),
            _check("swapped sound: AUC of confidence", over_sources(seen, auc_confidence)),
        ),
    )


def _check(name: str, found: Estimate, least: float | None = None, detail: str = "") -> ValidityCheck:
    return ValidityCheck(
        name=name,
        passed=None if least is None else found.value >= least,
        value=found.value,
        low=found.low,
        high=found.high,
        clips=found.clips,
        expected="" if least is None else f"at least {least:g}",
        detail=detail,
    )

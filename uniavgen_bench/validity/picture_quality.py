"""What BRISQUE and the descriptor of faces are worth: the order of known damage, and people told from other people.

`uniavgen-bench validate` calls `brisque_study` and `identity_study`; the functions under them are pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64, UInt8
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.core.validity_files import MetricValidity, ValidityCheck
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.metrics import video_brisque, video_identity
from uniavgen_bench.metrics.brisque_model import brisque_features, load_support_vectors
from uniavgen_bench.validity.study import StudyOptions
from uniavgen_bench.validity.study_clips import ClipSet
from uniavgen_bench.validity.study_statistics import Found, clustered, clustered_auc, dose_trend
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

CHANCE = 0.5
MIN_HALF = 2
"""Faces in each half of a clip that is compared with itself."""
SEED = 20251116
LOOKED_AT = 25
"""The picture that is damaged is the 25th, or the last of a shorter clip."""


@dataclass(frozen=True)
class Damage:
    """A kind of damage in growing doses; `apply(picture, dose)` gives the damaged picture `[H, W, 3]`."""

    name: str
    doses: tuple[float, ...]
    apply: Callable[[UInt8, float], UInt8]


def _blurred(picture: UInt8, sigma: float) -> UInt8:
    import cv2

    return picture if sigma == 0 else np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def _grainy(picture: UInt8, levels: float) -> UInt8:
    grain = np.random.default_rng(SEED).normal(0, 1, picture.shape)
    return np.clip(picture + levels * grain, 0, 255).astype(np.uint8)


def _blocky(picture: UInt8, loss: float) -> UInt8:
    import cv2

    if loss == 0:
        return picture
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, round(100 - loss)])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _enlarged(picture: UInt8, factor: float) -> UInt8:
    import cv2

    height, width = picture.shape[:2]
    small = (max(1, round(width / factor)), max(1, round(height / factor)))
    shrunk = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


DAMAGES = (
    Damage("blur (sigma in px)", (0, 1, 2, 4), _blurred),
    Damage("noise (levels of 255)", (0, 5, 15, 40), _grainy),
    Damage("JPEG (100 - quality)", (0, 50, 80, 92), _blocky),
    Damage("shrunk and enlarged (factor)", (1, 2, 3, 4), _enlarged),
)


def damage_order(
    damage: Damage, pictures: Sequence[UInt8], clusters: Sequence[str], score: Callable[[UInt8], float | None]
) -> ValidityCheck:
    """Check that a score, in which more is worse, rises with the dose of a damage: rank correlation, mean over clips.

    `score` gives None for a picture that it cannot judge; such a picture is left out at that dose.
    """
    rows = np.array(
        [[_or_nan(score(damage.apply(p, dose))) for dose in damage.doses] for p in pictures], np.float64
    ).reshape(len(pictures), len(damage.doses))
    trends = dose_trend(damage.doses, rows)
    known = np.isfinite(trends)
    found = clustered(
        trends[known].tolist(),
        [c for c, k in zip(clusters, known, strict=True) if k],
        lambda t: float(t.mean()),
    )
    seen = [(dose, c[np.isfinite(c)]) for dose, c in zip(damage.doses, rows.T, strict=True)]
    means = [f"{dose:g}: {values.mean():.1f}" for dose, values in seen if len(values)]
    return _check(
        f"order under {damage.name}", found, 0.0, "rank correlation", f"mean by dose {', '.join(means)}"
    )


def people_apart(
    halves: Mapping[str, tuple[Float64, Float64]], people: Mapping[str, str]
) -> tuple[ValidityCheck, ...]:
    """Check that a clip's second half is nearer to its first half than another person's second half is.

    `halves`: mean descriptors `[128]` of both halves by clip; `people`: who it is, or who published it: clips that
    share it are not compared with each other.
    """
    own, own_people, others, other_people, swaps, swap_people = [], [], [], [], [], []
    for name, (first, second) in halves.items():
        own.append(-float(np.linalg.norm(first - second)))
        own_people.append(people[name])
        strangers = [
            float(np.linalg.norm(first - halves[other][1]))
            for other in halves
            if people[other] != people[name]
        ]
        others += [-distance for distance in strangers]
        other_people += [people[name]] * len(strangers)
        swaps += [float(distance < video_identity.SAME_PERSON) for distance in strangers]
        swap_people += [people[name]] * len(strangers)
    found = clustered_auc(own, own_people, others, other_people)
    detail = f"{len(own)} clips, {len(others)} pairs of other people"
    if own and others:
        within, between = -float(np.median(own)), -float(np.median(others))
        detail += f"; median distance {within:.2f} within a clip, {between:.2f} between people"
    taken = clustered(swaps, swap_people, lambda rows: float(rows.mean()))
    return (
        _check("one person against another", found, CHANCE, "AUC", detail),
        ValidityCheck(
            name="other people taken for one",
            value=_finite(taken.value),
            low=taken.low,
            high=taken.high,
            unit="share of pairs",
            clips=len(own),
            detail=f"pairs of people nearer than {video_identity.SAME_PERSON:g}",
        ),
    )


def _check(name: str, found: Found, above: float, unit: str, detail: str) -> ValidityCheck:
    return ValidityCheck(
        name=name,
        passed=None if found.low is None else found.low > above,
        value=_finite(found.value),
        low=found.low,
        high=found.high,
        unit=unit,
        clips=found.clips,
        expected=f"interval above {above:g}",
        detail=detail,
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def brisque_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Damage one picture of each clip, and look whether BRISQUE sees how much.

    Raises:
        MissingError: `weights`.
    """
    models = Models(WeightLocator(), device=options.device)
    model = load_support_vectors(models.weight(video_brisque.WEIGHTS))
    pictures, clusters = [], []
    for clip in clips.clips:
        picture = picture_of(clip.path)
        if picture is not None and min(picture.shape[:2]) >= video_brisque.LEAST_SIDE:
            pictures.append(picture)
            clusters.append(clip.cluster)

    def score(picture: UInt8) -> float | None:
        features = brisque_features(picture)
        return None if features is None else model(features)

    checks = tuple(damage_order(damage, pictures, clusters, score) for damage in DAMAGES)
    return MetricValidity(metric=video_brisque.SPEC.name, checks=checks)


def picture_of(path: Path) -> UInt8 | None:
    """Return the picture of a clip that is damaged; None when nothing decodes."""
    shown = None
    try:
        for frame in video_frames(path):
            shown = frame
            if frame.index == LOOKED_AT:
                break
    except MediaError:
        return None
    return None if shown is None else shown.image


def identity_study(clips: ClipSet, options: StudyOptions) -> MetricValidity:
    """Compare the faces of clips with themselves and with other people's.

    Raises:
        MissingError: `weights`.
    """
    models = Models(WeightLocator(), device=options.device)
    net = video_identity.load_net(models)
    store = Store(options.store or home() / "store")
    halves: dict[str, tuple[Float64, Float64]] = {}
    people: dict[str, str] = {}
    for clip in clips.clips:
        analysed = AnalysedClip(clip.path, clip.sample, store, models)
        try:
            _, found = video_identity.clip_descriptors(analysed, net, models.device)
        except MissingError:
            continue
        middle = len(found) // 2
        if middle >= MIN_HALF:
            halves[clip.sample.id] = (found[:middle].mean(axis=0), found[middle:].mean(axis=0))
            people[clip.sample.id] = clip.cluster
    return MetricValidity(metric=video_identity.SPEC.name, checks=people_apart(halves, people))

"""How `lipsync.landmark_sync` holds when clips are cut short, halved or encoded anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE
from uniavgen_bench.core.store import Store
from uniavgen_bench.media.degrade import reencode
from uniavgen_bench.metrics.mouth_audio_model import peak_of
from uniavgen_bench.validity.clip_sets import TalkingFace, talking_faces
from uniavgen_bench.validity.landmark_sync import Ear, middle_of, study
from uniavgen_bench.validity.landmark_sync_statistics import SyncStudy
from uniavgen_bench.validity.sync_statistics import spearman
from uniavgen_bench.weights.models import Models

CRF = 35


@dataclass(frozen=True)
class Agreement:
    """Two measurements of the same clips: rank correlation and medians of the confidence, offsets within 40 ms."""

    clips: int
    spearman: float
    before: float
    after: float
    within_40: float


@dataclass(frozen=True)
class Measured:
    """All that was measured: studies of the clips by two methods, of portraits, and of changed clips.

    `with_portraits` and `without_portraits`: clips of one group, by weights that learned from portraits too or not;
    `people_without`: portraits by the latter.
    """

    studies: Sequence[SyncStudy]
    linear: Sequence[SyncStudy]
    with_portraits: Sequence[SyncStudy]
    without_portraits: Sequence[SyncStudy]
    people: Sequence[SyncStudy]
    people_linear: Sequence[SyncStudy]
    people_without: Sequence[SyncStudy]
    by_length: dict[float, list[SyncStudy]]
    halves: Agreement
    encoded: Agreement
    missing: dict[str, int]
    groups: int


def cut(face: TalkingFace, start: float, seconds: float) -> TalkingFace:
    """Return what a clip of `seconds` from `start` s after the face is first seen would show and sound like."""
    begin, end = face.times[0] + start, face.times[0] + start + seconds
    kept = (face.times >= begin - 1e-6) & (face.times <= end + 1e-6)
    first = max(0, round((begin - face.sound_start) * SPEECH_RATE))
    last = max(first, round((end - face.sound_start) * SPEECH_RATE))
    return replace(
        face,
        times=face.times[kept],
        landmarks=face.landmarks[kept],
        samples=face.samples[first:last],
        sound_start=face.sound_start + first / SPEECH_RATE,
        driving=None,
    )


def seconds_of(face: TalkingFace) -> float:
    """Return how long the face is seen."""
    return float(face.times[-1] - face.times[0])


def cut_studies(faces: Sequence[TalkingFace], ears: Sequence[Ear], seconds: float) -> list[SyncStudy]:
    """Study the middle `seconds` of faces that are seen for longer, swapped with the middles of six other sources."""
    long = [(f, e) for f, e in zip(faces, ears, strict=True) if seconds_of(f) >= seconds]
    parts = [cut(f, (seconds_of(f) - seconds) / 2, seconds) for f, _ in long]
    found = []
    for at, (part, (_, ear)) in enumerate(zip(parts, long, strict=True)):
        others = [p for p in parts if p.clip.source != part.clip.source]
        drawn = np.random.default_rng(at).permutation(len(others))[:6]
        found.append(study(part, [others[i] for i in drawn], ear))
    return found


def halves(faces: Sequence[TalkingFace], ears: Sequence[Ear], seconds: float = 3.0) -> Agreement:
    """Compare the first and the last `seconds` of faces that are seen for twice as long: test and retest."""
    pairs = []
    for face, ear in zip(faces, ears, strict=True):
        length = seconds_of(face)
        if length >= 2 * seconds:
            parts = cut(face, 0.0, seconds), cut(face, length - seconds, seconds)
            pairs.append([_peak(part, ear) for part in parts])
    return _agreement(np.array(pairs))


def encoded_anew(faces: Sequence[TalkingFace], ears: Sequence[Ear], models: Models) -> Agreement:
    """Compare faces with those found after encoding their clips at CRF 35 and AAC at 64 kbit/s."""
    pairs = []
    with TemporaryDirectory() as folder:
        for face, ear in zip(faces, ears, strict=True):
            path = Path(folder) / "clip.mp4"
            reencode(face.clip.path, path, crf=CRF)
            again = next(iter(talking_faces([replace(face.clip, path=path)], Store(Path(folder)), models)))
            if isinstance(again, TalkingFace):
                pairs.append([_peak(face, ear), _peak(again, ear)])
    return _agreement(np.array(pairs))


def _peak(face: TalkingFace, ear: Ear) -> tuple[float, float]:
    listen, _ = ear(face)
    peak = peak_of(middle_of(listen(face.samples, face.sound_start)))
    return peak.confidence, peak.offset_ms


def _agreement(pairs: np.ndarray) -> Agreement:
    """Compare pairs `[n, 2, 2]` of confidence and offset."""
    first, second = pairs[:, 0], pairs[:, 1]
    return Agreement(
        clips=len(pairs),
        spearman=spearman(first[:, 0], second[:, 0]),
        before=float(np.median(first[:, 0])),
        after=float(np.median(second[:, 0])),
        within_40=float((np.abs(first[:, 1] - second[:, 1]) <= 40).mean()),
    )

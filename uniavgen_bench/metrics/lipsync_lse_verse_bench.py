"""`lipsync.lse[verse-bench@1]`: LSE as Verse-Bench takes it, over runs of frames in which any face is seen."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Int64, UInt8
from uniavgen_bench.core.result import Measurement, MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.metrics.lipsync_fields import lse_fields
from uniavgen_bench.metrics.lipsync_lse_spec import SHARED_CROPS, WEIGHTS, lse_spec
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import (
    FPS,
    SHIFT,
    crop_squares,
    face_crops,
    frame_grid,
    frames_heard,
    sound_between,
)
from uniavgen_bench.metrics.syncnet_tracks import (
    WINDOW,
    TrackLse,
    face_size,
    lse_between,
    measurement,
    syncnet,
)
from uniavgen_bench.weights.models import Models

CROP_SCALE = 0.30
MIN_FRAMES = 50
"""A run must have at least so many frames at 25 fps."""
LAST_OFFSET = 14
"""A best shift of so many frames or more, at the edge of what is searched, is refused."""

SPEC = lse_spec(
    protocol="verse-bench",
    title="Lip sync error (SyncNet v2, Verse-Bench's protocol)",
    fields=lse_fields(
        confidence="mean over runs",
        distance="mean over runs",
        offset="mean over runs",
        parts="runs of frames with a face",
    ),
    source="protocol of Verse-Bench at 5645a09 (syncnet/): per frame the first face, crop scale 0.30, not smoothed",
    deviations=(
        "Faces come from the suite's shared pass (BlazeFace, carried between detections by landmarks), not from "
        "InsightFace on every frame; 'the first face' is the one with the highest detector score.",
        SHARED_CROPS.format(losses="JPEG"),
        "The protocol gives confidence and offset only; a mean of LSE-D over runs is added here.",
        "A clip in which the best shift of any run has 14 frames or more has no score, as in the protocol; here the "
        "reason says so.",
    ),
    not_for=(
        "clips shorter than 2 s, singing, faces in profile",
        "clips with cuts or several faces: a run goes on over a cut and from one face to another",
        "systems that are often out of sync: clips with the largest offsets are left out, so that the mean rises",
    ),
)


@dataclass(frozen=True)
class Run:
    """Consecutive steps at 25 fps from step `first` on: track `tracks` [n] and position `places` [n] in that track."""

    first: int
    tracks: Int64
    places: Int64


def runs_with_a_face(clip: ClipArtefacts) -> list[Run]:
    """Return the runs of steps at 25 fps in which a face is seen; of several faces the best detected one counts."""
    best = np.full(len(clip.frames.times), -np.inf)
    chosen = np.full((len(best), 2), -1, dtype=np.int64)
    for k, track in enumerate(clip.faces.tracks):
        better = track.scores > best[track.frames]
        frames = track.frames[better]
        best[frames] = track.scores[better]
        chosen[frames, 0] = k
        chosen[frames, 1] = np.flatnonzero(better)
    grid = frame_grid(clip.frames.times)
    steps = chosen[grid.index]
    runs = []
    for seen, group in groupby(range(len(steps)), key=lambda i: bool(steps[i, 0] >= 0)):
        if seen:
            part = list(group)
            runs.append(Run(grid.first + part[0], steps[part, 0], steps[part, 1]))
    return runs


def boxes_of(clip: ClipArtefacts, run: Run) -> Float32:
    """Return the face boxes `[n, 4]` of a run."""
    tracks = clip.faces.tracks
    return np.stack([tracks[k].boxes[i] for k, i in zip(run.tracks, run.places, strict=True)])


def crops_of(clip: ClipArtefacts, run: Run, boxes: Float32) -> UInt8:
    """Cut the crops `[n, 224, 224, 3]` BGR of a run."""
    squares = crop_squares(boxes, scale=CROP_SCALE, smoothing=1)
    parts = []
    for k, group in groupby(range(len(boxes)), key=lambda i: int(run.tracks[i])):
        part = list(group)
        parts.append(face_crops(clip.crops, k, run.places[part], squares[part]))
    return np.concatenate(parts)


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score a clip as Verse-Bench does: means over runs of frames with a face.

    Raises:
        MissingError: `weights`, `no_face`, `no_audio`, `silent`; `too_short` without a run of 2 s; `not_measurable`
            when the best shift of a run is at the edge.
    """
    net = syncnet(models, WEIGHTS)
    scored: list[TrackLse] = []
    for number, run in enumerate(runs_with_a_face(clip)):
        # The protocol cuts the sound at the start of the run's last frame, so that one frame is not heard.
        heard = min(len(run.places) - 1, frames_heard(clip.speech, run.first / FPS))
        if len(run.places) < MIN_FRAMES or heard <= WINDOW:
            continue
        start = run.first / FPS
        boxes = boxes_of(clip, run)
        lips = crops_of(clip, run, boxes)[:heard]
        sound = sound_between(clip.speech, start, start + heard / FPS)
        lse = lse_between(net, lips, sound, models.device)
        if abs(lse.offset) >= LAST_OFFSET:
            raise MissingError(
                Reason.NOT_MEASURABLE,
                f"the best shift of run {number} is {lse.offset} frames, the protocol takes less than {LAST_OFFSET}",
            )
        scored.append(TrackLse(number, start, heard, face_size(boxes), lse))
    if not scored:
        raise MissingError(Reason.TOO_SHORT, f"no face is seen and heard for {MIN_FRAMES / FPS:g} s on end")
    return measurement(
        scored,
        confidence=fmean(t.lse.confidence for t in scored),
        distance=fmean(t.lse.distance for t in scored),
        offset=fmean(t.lse.offset for t in scored),
        part="run",
    )


METRIC = Metric(
    SPEC,
    measure,
    params=(
        ("vshift", SHIFT),
        ("min_frames", MIN_FRAMES),
        ("crop_scale", CROP_SCALE),
        ("last_offset", LAST_OFFSET),
    ),
)

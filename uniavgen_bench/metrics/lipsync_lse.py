"""`lipsync.lse[syncnet-python@1]`: SyncNet v2's LSE-C, LSE-D and offset, from the shared face tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, UInt8
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import (
    FPS,
    MFCC_PER_FRAME,
    SHIFT,
    Lse,
    crop_squares,
    face_crops,
    frame_grid,
    frames_heard,
    lse_of,
    mfcc,
    shifted_distances,
    sound_between,
)
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from uniavgen_bench.metrics.syncnet_network import SyncNet

WEIGHTS = "syncnet-v2"
MIN_FRAMES = 50
"""A track must be longer than this many frames at 25 fps."""
MIN_FACE = 100.0
"""The face's mean width or height must exceed this many px."""
WINDOW = 5
BATCH = 20

SPEC = MetricSpec(
    id="lipsync.lse",
    version=1,
    protocol="syncnet-python",
    title="Lip sync error (SyncNet v2)",
    summary="How near SyncNet's embeddings of mouth and sound are, and how clearly one shift between them is best.",
    fields=(
        FieldSpec(
            name="confidence",
            unit="",
            direction=Direction.HIGHER,
            low=0.0,
            meaning="LSE-C: median minus minimum over shifts of the mean distance; highest over tracks",
        ),
        FieldSpec(
            name="distance",
            unit="",
            direction=Direction.LOWER,
            low=0.0,
            meaning="LSE-D: minimum over shifts of the mean distance; lowest over tracks",
        ),
        FieldSpec(
            name="offset_frames",
            unit="frames at 25 fps",
            direction=Direction.ZERO,
            low=-15,
            high=15,
            meaning="best shift as the protocol prints it (15 - argmin), of the track with the highest confidence",
            sign="positive = sound ahead of the picture, as the code computes it",
        ),
        FieldSpec(
            name="offset_ms",
            unit="ms",
            direction=Direction.ZERO,
            low=-600,
            high=600,
            meaning="the same shift in the suite's one convention: -40 x offset_frames",
            sign="negative = sound ahead of the picture",
        ),
        FieldSpec(
            name="tracks",
            unit="tracks",
            direction=Direction.NONE,
            low=1,
            meaning="face tracks that were scored",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.FACES, Artefact.CROPS, Artefact.SPEECH),
    weights=(WEIGHTS,),
    floors=("shuffled-audio",),
    tier=Tier.PAPER,
    licence="code: Apache-2.0; weights: published for research by their authors, licence not stated",
    source="Chung and Zisserman, ACCV-W 2016; protocol of the package syncnet-python 0.2.3 (MoChaBench's pipeline)",
    deviations=(
        "Faces and tracks come from the suite's shared pass (BlazeFace), not from S3FD at a quarter of the size: "
        "face boxes differ a little, and so do the crops.",
        "Crops are cut from stored JPEGs of the shared pass; the protocol's own losses (XVID and JPEG) are not "
        "reproduced.",
        "Frames go to 25 fps by their presentation times (nearest frame), not by ffmpeg -r 25.",
        "A clip without a usable track has no score; the package returns confidence 0 and distance 0.",
        "Confidence and distance may come from different tracks when there are several faces: so in the package. "
        "The evidence lists every track.",
        "offset_frames is what the code computes: positive when the sound is ahead. A reply in the original "
        "project's issue 65 says the opposite; delayed copies of its own example (issue 2) agree with the code.",
    ),
    not_for=(
        "clips shorter than 2.04 s, faces below 100 px, singing, faces in profile",
        "comparison with LSE of another protocol: pre-processing alone moves LSE-C by up to 1.7",
    ),
)


@dataclass(frozen=True)
class TrackLse:
    """LSE of one track, which starts at `start` s and has `frames` frames at 25 fps and a face of `face` px."""

    track: int
    start: float
    frames: int
    face: float
    lse: Lse


def embed(net: SyncNet, crops: UInt8, coefficients: Float32, device: str) -> tuple[Float32, Float32]:
    """Embed crops `[T, 224, 224, 3]` BGR and MFCC `[13, M]` into lips and sound `[n, 1024]` each.

    As in the protocol n = T - 5: the last full window is left out.
    """
    import torch

    count = len(crops) - WINDOW
    lips, sound = [], []
    with torch.inference_mode():
        for i in range(0, count, BATCH):
            j = min(count, i + BATCH)
            frames = torch.from_numpy(crops[i : j + WINDOW - 1]).permute(0, 3, 1, 2).float().to(device)
            lips.append(net.embed_lips(frames).cpu().numpy())
            windows = [
                coefficients[:, MFCC_PER_FRAME * k : MFCC_PER_FRAME * (k + WINDOW)] for k in range(i, j)
            ]
            sound.append(
                net.embed_sound(torch.from_numpy(np.stack(windows))[:, None].to(device)).cpu().numpy()
            )
    return np.concatenate(lips), np.concatenate(sound)


def score_tracks(clip: ClipArtefacts, net: SyncNet, device: str) -> list[TrackLse]:
    """Score every track that the protocol takes, longest first.

    Raises:
        MissingError: `no_face`; `too_short` or `too_small` when no track is long or large enough.
    """
    scored: list[TrackLse] = []
    largest_refused = 0.0
    for k, track in enumerate(clip.faces.tracks):
        grid = frame_grid(clip.frames, track)
        heard = min(len(grid.index), frames_heard(clip.speech, grid.start))
        if len(grid.index) <= MIN_FRAMES or heard <= WINDOW:
            continue
        boxes = track.boxes[grid.index]
        face = float(max((boxes[:, 2] - boxes[:, 0]).mean(), (boxes[:, 3] - boxes[:, 1]).mean()))
        if face <= MIN_FACE:
            largest_refused = max(largest_refused, face)
            continue
        sound = sound_between(clip.speech, grid.start, grid.start + heard / FPS)
        lips = face_crops(clip.crops, k, grid.index[:heard], crop_squares(boxes)[:heard])
        distances = shifted_distances(*embed(net, lips, mfcc(sound), device))
        scored.append(TrackLse(k, grid.start, heard, face, lse_of(distances)))
    if not scored and largest_refused:
        raise MissingError(
            Reason.TOO_SMALL,
            f"the largest face has {largest_refused:.0f} px, the protocol wants {MIN_FACE:.0f}",
        )
    if not scored:
        raise MissingError(
            Reason.TOO_SHORT, f"no face is seen and heard for more than {MIN_FRAMES / FPS:g} s"
        )
    return scored


def evidence_of(tracks: list[TrackLse], best: TrackLse) -> Evidence:
    """Lay out confidence over time and distance against shift of the best track, and every track as text."""
    lse = best.lse
    shifts = tuple(float(c - SHIFT) / FPS for c in range(2 * SHIFT + 1))
    times = tuple(best.start + (i + WINDOW / 2) / FPS for i in range(len(lse.framewise)))
    return Evidence(
        curves=(
            Curve("framewise confidence", "", times, tuple(map(float, lse.framewise))),
            Curve("mean distance against delay of the sound", "", shifts, tuple(map(float, lse.curve))),
        ),
        texts={
            f"track {t.track}": f"LSE-C {t.lse.confidence:.3f}, LSE-D {t.lse.distance:.3f}, offset {t.lse.offset} "
            f"frames; {t.frames} frames from {t.start:.2f} s, face {t.face:.0f} px"
            for t in tracks
        },
    )


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score a clip as the package does: highest confidence and lowest distance over its tracks."""
    path = models.weight(WEIGHTS)
    from uniavgen_bench.metrics.syncnet_network import load_syncnet

    net = models.get(WEIGHTS, lambda: load_syncnet(path, models.device))
    tracks = score_tracks(clip, net, models.device)
    best = max(tracks, key=lambda t: t.lse.confidence)
    return Measurement(
        scores={
            "confidence": Score(best.lse.confidence),
            "distance": Score(min(t.lse.distance for t in tracks)),
            "offset_frames": Score(float(best.lse.offset)),
            "offset_ms": Score(-1000.0 * best.lse.offset / FPS),
            "tracks": Score(float(len(tracks))),
        },
        evidence=evidence_of(tracks, best),
    )


METRIC = Metric(SPEC, measure, params=(("vshift", SHIFT), ("min_frames", MIN_FRAMES), ("min_face", MIN_FACE)))

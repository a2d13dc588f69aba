"""SyncNet over the shared face tracks of a clip: what a protocol takes, the LSE of each part, and the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Speech, UInt8
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.metrics.device_batches import DeviceBatches
from uniavgen_bench.metrics.syncnet_features import (
    CROP_SCALE,
    FPS,
    MFCC_PER_FRAME,
    SHIFT,
    SMOOTHING,
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

WINDOW = 5
"""Frames at 25 fps under one embedding."""

BATCH = 20


@dataclass(frozen=True)
class TrackRules:
    """What a protocol asks of a face track, and how it cuts the face out.

    A track must be longer than `min_frames` at 25 fps, and its mean width or height above `min_face` px. The crop
    reaches `crop_scale` beyond the box, which is median-smoothed over `smoothing` frames (1: not at all).
    """

    min_frames: int = 50
    min_face: float = 100.0
    crop_scale: float = CROP_SCALE
    smoothing: int = SMOOTHING


@dataclass(frozen=True)
class TrackLse:
    """LSE of one part of a clip, which starts at `start` s, has `frames` frames at 25 fps and a face of `face` px."""

    track: int
    start: float
    frames: int
    face: float
    lse: Lse


def syncnet(models: Models, weight: str) -> SyncNet:
    """Return the network on the run's device; raises `MissingError(weights)` when its file is not here."""
    path = models.weight(weight)
    from uniavgen_bench.metrics.syncnet_network import load_syncnet

    return models.get(weight, lambda: load_syncnet(path, models.device))


def embed(
    net: SyncNet, crops: UInt8, coefficients: Float32, device: str, *, batch: int = BATCH
) -> tuple[Float32, Float32]:
    """Embed crops `[T, 224, 224, 3]` BGR and MFCC `[13, M]` into lips and sound `[n, 1024]` each.

    As in the protocol n = T - 5: the last full window is left out.
    """
    import torch

    def both(i: int, j: int) -> tuple[Float32, Float32]:
        frames = torch.from_numpy(crops[i : j + WINDOW - 1]).permute(0, 3, 1, 2).float().to(device)
        lips: Float32 = net.embed_lips(frames).cpu().numpy()
        windows = [coefficients[:, MFCC_PER_FRAME * k : MFCC_PER_FRAME * (k + WINDOW)] for k in range(i, j)]
        heard = torch.from_numpy(np.stack(windows))[:, None].to(device)
        sound: Float32 = net.embed_sound(heard).cpu().numpy()
        return lips, sound

    with torch.inference_mode():
        found = DeviceBatches(batch, "windows").over(len(crops) - WINDOW, both)
    return np.concatenate([lips for lips, _ in found]), np.concatenate([sound for _, sound in found])


def lse_between(net: SyncNet, crops: UInt8, sound: Float32, device: str) -> Lse:
    """Compare crops `[T, 224, 224, 3]` BGR at 25 fps with the 16 kHz sound under them."""
    return lse_of(shifted_distances(*embed(net, crops, mfcc(sound), device)))


def face_size(boxes: Float32) -> float:
    """Return the larger of the mean width and the mean height of boxes `[n, 4]` in px."""
    return float(max((boxes[:, 2] - boxes[:, 0]).mean(), (boxes[:, 3] - boxes[:, 1]).mean()))


def score_tracks(
    clip: ClipArtefacts, speech: Speech, net: SyncNet, device: str, rules: TrackRules = TrackRules()
) -> list[TrackLse]:
    """Score every track that the rules take against a sound, longest first.

    Raises:
        MissingError: `no_face`; `too_short` or `too_small` when no track is long or large enough.
    """
    scored: list[TrackLse] = []
    largest_refused = 0.0
    for k, track in enumerate(clip.faces.tracks):
        grid = frame_grid(clip.frames.times[track.frames])
        heard = min(len(grid.index), frames_heard(speech, grid.start))
        if len(grid.index) <= rules.min_frames or heard <= WINDOW:
            continue
        boxes = track.boxes[grid.index]
        face = face_size(boxes)
        if face <= rules.min_face:
            largest_refused = max(largest_refused, face)
            continue
        squares = crop_squares(boxes, scale=rules.crop_scale, smoothing=rules.smoothing)
        lips = face_crops(clip.crops, k, grid.index[:heard], squares[:heard])
        sound = sound_between(speech, grid.start, grid.start + heard / FPS)
        scored.append(TrackLse(k, grid.start, heard, face, lse_between(net, lips, sound, device)))
    if not scored and largest_refused:
        raise MissingError(
            Reason.TOO_SMALL,
            f"the largest face has {largest_refused:.0f} px, the protocol wants {rules.min_face:.0f}",
        )
    if not scored:
        raise MissingError(
            Reason.TOO_SHORT, f"no face is seen and heard for more than {rules.min_frames / FPS:g} s"
        )
    return scored


def measurement(
    parts: Sequence[TrackLse], *, confidence: float, distance: float, offset: float, part: str = "track"
) -> Measurement:
    """Lay out what a protocol says of a clip, with the curves of the part of the highest confidence."""
    return Measurement(
        scores={
            "confidence": Score(confidence),
            "distance": Score(distance),
            "offset_frames": Score(float(offset)),
            "offset_ms": Score(-1000.0 * offset / FPS),
            "tracks": Score(float(len(parts))),
        },
        evidence=evidence_of(parts, most_confident(parts), part),
    )


def of_best_tracks(tracks: Sequence[TrackLse]) -> Measurement:
    """Take the highest confidence, the lowest distance (perhaps of another track), and the former's offset."""
    best = most_confident(tracks)
    return measurement(
        tracks,
        confidence=best.lse.confidence,
        distance=min(t.lse.distance for t in tracks),
        offset=best.lse.offset,
    )


def most_confident(parts: Sequence[TrackLse]) -> TrackLse:
    """Return the part of the highest confidence."""
    return max(parts, key=lambda t: t.lse.confidence)


def evidence_of(parts: Sequence[TrackLse], best: TrackLse, part: str = "track") -> Evidence:
    """Lay out confidence over time and distance against shift of the best part, and every part as text."""
    lse = best.lse
    shifts = tuple(float(c - SHIFT) / FPS for c in range(2 * SHIFT + 1))
    times = tuple(best.start + (i + WINDOW / 2) / FPS for i in range(len(lse.framewise)))
    return Evidence(
        curves=(
            Curve("framewise confidence", "", times, tuple(map(float, lse.framewise))),
            Curve("mean distance against delay of the sound", "", shifts, tuple(map(float, lse.curve))),
        ),
        texts={f"{part} {t.track}": described(t) for t in parts},
    )


def described(part: TrackLse) -> str:
    """Say what was found in one part of a clip."""
    face = f", face {part.face:.0f} px" if part.face else ""
    return (
        f"LSE-C {part.lse.confidence:.3f}, LSE-D {part.lse.distance:.3f}, offset {part.lse.offset} frames; "
        f"{part.frames} frames from {part.start:.2f} s{face}"
    )

"""The steps of an LSE protocol, each changed alone on one clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64, Int64, Track, UInt8
from uniavgen_bench.analysis.clip import AnalysedClip
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.metrics.syncnet_features import (
    FPS,
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
    whole_frames,
)
from uniavgen_bench.metrics.syncnet_tracks import WINDOW, embed, score_tracks
from uniavgen_bench.validity.lse_step_media import UltraFace, cut, pictures_at, through_aac, through_xvid

if TYPE_CHECKING:
    from uniavgen_bench.metrics.syncnet_network import SyncNet


@dataclass(frozen=True)
class Seen:
    """The longest track of a clip on the 25 fps grid, cut off at `heard` steps, and the sound under it."""

    clip: AnalysedClip
    track: Track
    start: float
    index: Int64
    squares: Float64
    sound: Float32

    @property
    def crops(self) -> UInt8:
        """The crops as the suite takes them, `[n, 224, 224, 3]` BGR."""
        return face_crops(self.clip.crops, 0, self.index, self.squares)


def longest(clip: AnalysedClip, limit: int) -> Seen:
    """Return what SyncNet looks at in the first `limit` steps at 25 fps of the longest track."""
    track = clip.faces.tracks[0]
    grid = frame_grid(clip.frames.times[track.frames])
    heard = min(len(grid.index), frames_heard(clip.speech, grid.start), limit)
    if heard <= 2 * WINDOW:
        raise InputError(f"{clip.path}: only {heard} frames at 25 fps are seen and heard")
    squares = crop_squares(track.boxes[grid.index])[:heard]
    sound = sound_between(clip.speech, grid.start, grid.start + heard / FPS)
    return Seen(clip, track, grid.start, grid.index[:heard], squares, sound)


def changes(seen: Seen, net: SyncNet, detector: UltraFace | None) -> Iterator[tuple[str, Lse]]:
    """Yield each step with the LSE that it gives; the first is the suite's own."""
    device = "cpu"
    lips, sound = embed(net, seen.crops, mfcc(seen.sound), device)
    yield "as syncnet-python@1 takes it", _lse(lips, sound)
    yield "sound one frame later (for comparison)", _lse(lips, embed_sound(net, _later(seen.sound, 1)))
    for step, crops in picture_changes(seen, detector):
        yield step, _lse(embed(net, crops, mfcc(seen.sound), device)[0], sound)
    for step, coefficients in sound_changes(seen.sound):
        yield step, _lse(lips, embed_mfcc(net, coefficients, len(lips)))
    sevens = embed(net, seen.crops, mfcc(seen.sound), device, batch=7)
    yield "batches of 7 windows instead of 20", _lse(*sevens)
    yield "last full window counted (T - 4 instead of T - 5)", _lse(*_with_the_last(net, seen))
    yield "only shifts that meet sound: no zeros beyond the ends", _unpadded(lips, sound)


def picture_changes(seen: Seen, detector: UltraFace | None) -> Iterator[tuple[str, UInt8]]:
    """Yield other crops of the same track."""
    clip, boxes = seen.clip, seen.track.boxes[seen.index]

    def cropped(squares: Float64, index: Int64 = seen.index) -> UInt8:
        return face_crops(clip.crops, 0, index, squares)

    yield "crop scale 0.30 instead of 0.40", cropped(crop_squares(boxes, scale=0.30))
    yield "face box not smoothed over 13 frames", cropped(crop_squares(boxes, smoothing=1))
    yield "both: Verse-Bench's crop", cropped(crop_squares(boxes, scale=0.30, smoothing=1))
    times = clip.frames.times[seen.track.frames]
    steps = seen.start + np.arange(len(seen.index)) / FPS
    held = np.clip(np.searchsorted(times, steps + 1e-9, side="right") - 1, 0, len(times) - 1)
    yield (
        "25 fps by holding the newest frame, not the nearest",
        cropped(crop_squares(seen.track.boxes[held]), held),
    )
    counted = np.minimum(seen.index[0] + np.arange(len(seen.index)), len(times) - 1)
    yield (
        "no conversion: frames counted as if at 25 fps",
        cropped(crop_squares(seen.track.boxes[counted]), counted),
    )
    yield "crops through MPEG-4 (XVID)", through_xvid(seen.crops)
    direct, others = cut_directly(seen, detector)
    yield "cut from the picture, not from the stored JPEG", direct
    if others is not None:
        yield "face boxes of UltraFace, cut from the picture", others
    whole = whole_frames(clip.whole_frames, seen.track.frames[seen.index])
    yield "whole picture instead of a face crop", whole


def cut_directly(seen: Seen, detector: UltraFace | None) -> tuple[UInt8, UInt8 | None]:
    """Cut the track's squares, and those around another detector's boxes, out of the decoded pictures (BGR)."""
    frames = seen.track.frames[seen.index]
    wanted = set(frames.tolist())
    found: dict[int, Float32] = {}
    if detector is not None:
        near = dict(zip(frames.tolist(), seen.track.boxes[seen.index], strict=True))
        last: Float32 | None = None
        for frame, picture in pictures_at(seen.clip.path, wanted):
            last = (
                detector.box(picture, near[frame])
                if last is None
                else _or(detector.box(picture, near[frame]), last)
            )
            found[frame] = near[frame] if last is None else last
    squares = crop_squares(np.stack([found[f] for f in frames.tolist()])) if found else None
    direct: list[UInt8] = []
    other: list[UInt8] = []
    at = {f: np.flatnonzero(frames == f) for f in wanted}
    for frame, picture in pictures_at(seen.clip.path, wanted):
        for n in at[frame]:
            direct.append(cut(picture, seen.squares[n])[..., ::-1])
            if squares is not None:
                other.append(cut(picture, squares[n])[..., ::-1])
    return np.stack(direct), np.stack(other) if other else None


def sound_changes(sound: Float32) -> Iterator[tuple[str, Float32]]:
    """Yield other MFCC of the same sound."""
    from python_speech_features import mfcc as reference_mfcc

    scaled = sound.astype(np.float64) * 32768
    yield "sound not rounded to 16 bits before MFCC", np.asarray(reference_mfcc(scaled, 16_000), np.float32).T
    yield "sound in -1 … 1 before MFCC", np.asarray(reference_mfcc(scaled / 32768, 16_000), np.float32).T
    yield "sound 6 dB softer", mfcc(sound * np.float32(0.5))
    yield "sound through AAC", mfcc(through_aac(sound))


def embed_sound(net: SyncNet, sound: Float32) -> Float32:
    """Embed all windows of a sound."""
    return embed_mfcc(net, mfcc(sound), len(sound) // 640 - WINDOW)


def embed_mfcc(net: SyncNet, coefficients: Float32, count: int) -> Float32:
    """Embed `count` windows of MFCC `[13, M]`."""
    import torch

    windows = np.stack([coefficients[:, 4 * i : 4 * (i + WINDOW)] for i in range(count)])
    with torch.inference_mode():
        return np.asarray(net.embed_sound(torch.from_numpy(windows)[:, None]).numpy(), dtype=np.float32)


def of_tracks(clip: AnalysedClip, net: SyncNet) -> Iterator[tuple[str, float, float, float]]:
    """Yield what the protocols make of several tracks; nothing when there is one."""
    tracks = [t.lse for t in score_tracks(clip, clip.speech, net, "cpu")]
    if len(tracks) < 2:
        return
    best = max(tracks, key=lambda t: t.confidence)
    least = min(t.distance for t in tracks)
    yield "all tracks: highest confidence, lowest distance", best.confidence, least, best.offset
    offset = int(fmean(t.offset for t in tracks))
    yield "all tracks: mean", fmean(t.confidence for t in tracks), fmean(t.distance for t in tracks), offset


def random_syncnet(seen: Seen, seed: int = 0) -> SyncNet:
    """Make a SyncNet of random weights whose layers are normalised on the clip itself; both streams share a mean."""
    import torch
    from torch import nn

    from uniavgen_bench.metrics.syncnet_network import SyncNet

    torch.manual_seed(seed)
    net = SyncNet().train()
    for module in net.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            module.momentum = 1.0
    shared = torch.randn(1024)
    for head in (net.netfclip, net.netfcaud):
        nn.init.zeros_(head.get_parameter("3.bias")).data.add_(shared)
    with torch.no_grad():
        net.embed_lips(torch.from_numpy(seen.crops).permute(0, 3, 1, 2).float())
        embed_sound(net, seen.sound)
    return net.eval()


def _lse(lips: Float32, sound: Float32) -> Lse:
    return lse_of(shifted_distances(lips, sound))


def _unpadded(lips: Float32, sound: Float32) -> Lse:
    """LSE of the mean distance over those frames only that meet sound, per shift."""
    distances = shifted_distances(lips, sound)
    at = np.arange(len(lips))[:, None] + np.arange(2 * SHIFT + 1) - SHIFT
    inside = (at >= 0) & (at < len(sound))
    curve = ((distances * inside).sum(axis=0) / np.maximum(inside.sum(axis=0), 1)).astype(np.float32)
    # The mean over equal rows is the row itself.
    return lse_of(np.repeat(curve[None], len(lips), axis=0))


def _later(sound: Float32, frames: int) -> Float32:
    return np.concatenate([np.zeros(640 * frames, np.float32), sound[: -640 * frames]])


def _with_the_last(net: SyncNet, seen: Seen) -> tuple[Float32, Float32]:
    """Embed one window more than the protocol: a frame that no window shows is appended, so that T - 5 is T - 4."""
    crops = seen.crops
    coefficients = mfcc(np.concatenate([seen.sound, np.zeros(640, np.float32)]))
    return embed(net, np.concatenate([crops, crops[-1:]]), coefficients, "cpu")


def _or(box: Float32 | None, last: Float32) -> Float32:
    return last if box is None else box

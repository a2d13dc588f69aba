"""`lipsync.speaking@1`: does a visible face speak while speech is heard? Light-ASD's score, which is not sync."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Float32, Float64, Int64, UInt8
from uniavgen_bench.core.result import Curve, Evidence, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.lipsync_lse_spec import BY_TIME
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.syncnet_features import (
    CROP_SIDE,
    FPS,
    MFCC_PER_FRAME,
    crop_squares,
    face_crops,
    frame_grid,
    frames_heard,
    mfcc,
    sound_between,
)
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from uniavgen_bench.metrics.light_asd_network import LightAsd

WEIGHTS = "light-asd"
FACE_SIDE = 112
MIN_FRAMES = 25
"""A track must be seen and heard for so many frames at 25 fps."""
MIN_SPOKEN = 10
"""Speech must be heard in so many frames of a track."""
PIECE = 6 * FPS
"""Longer tracks are scored in pieces of so many frames at 25 fps."""

SPEC = MetricSpec(
    id="lipsync.speaking",
    version=1,
    title="Speaking face (Light-ASD)",
    summary="How surely a detector of active speakers takes a visible face for the one that is heard.",
    fields=(
        FieldSpec(
            name="score",
            unit="logit",
            direction=Direction.HIGHER,
            meaning="mean over the frames in which speech is heard, of the face with the highest; above 0: speaks",
        ),
        FieldSpec(
            name="share",
            unit="",
            direction=Direction.HIGHER,
            low=0.0,
            high=1.0,
            meaning="share of those frames in which that face speaks (score above 0)",
        ),
        FieldSpec(
            name="tracks",
            unit="tracks",
            direction=Direction.NONE,
            low=1,
            meaning="face tracks that were scored",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.FACES, Artefact.CROPS, Artefact.SPEECH, Artefact.VOICE_ACTIVITY),
    weights=(WEIGHTS,),
    floors=("static-portrait",),
    tier=Tier.PAPER,
    licence="code: Apache-2.0; weights: MIT (Junhua-Liao/Light-ASD), trained on AVA-ActiveSpeaker",
    source="Liao et al., A Light Weight Model for Active Speaker Detection, CVPR 2023; a track "
    "is scored at once as in its evaluation on AVA-ActiveSpeaker",
    deviations=(
        "Faces and tracks come from the suite's shared pass (BlazeFace), not from S3FD.",
        "Crops are cut from stored JPEGs of the shared pass; the original's XVID is not reproduced.",
        BY_TIME,
        "Tracks longer than 6 s are scored in pieces of 6 s; the authors' demonstration on other videos averages over "
        "pieces of 1 to 6 s, rounds to 0.1 and smooths over 5 frames.",
        "The mean is taken over frames with speech as the suite's voice activity detector hears it; the original "
        "gives one score per frame.",
    ),
    not_for=(
        "lip sync: a mouth that moves while somebody is heard scores high, whatever it says and however late",
        "ranking systems whose faces all speak: the score saturates",
        "singing, faces in profile, dubbed film (the network was trained to call it not speaking)",
    ),
)


@dataclass(frozen=True)
class SpeakingTrack:
    """Scores [n] of a track at 25 fps from `start` s on, and in which of these frames speech is heard [n]."""

    track: int
    start: float
    scores: Float64
    spoken: np.typing.NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """Mean score while speech is heard."""
        return float(self.scores[self.spoken].mean())

    @property
    def share(self) -> float:
        """Share of the frames with speech in which the face speaks."""
        return float((self.scores[self.spoken] > 0).mean())


def grey_mouths(crops: UInt8) -> UInt8:
    """Turn crops `[n, 224, 224, 3]` BGR into the grey middle `[n, 112, 112]` that Light-ASD looks at."""
    import cv2

    edge = (CROP_SIDE - FACE_SIDE) // 2
    inner = slice(edge, edge + FACE_SIDE)
    return np.stack([cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)[inner, inner] for crop in crops])


def speaking_scores(net: LightAsd, pictures: UInt8, coefficients: Float32, device: str) -> Float64:
    """Score pictures `[n, 112, 112]` grey with MFCC `[4 n, 13]`: `[n]`, above 0 = speaks."""
    import torch

    seen = torch.from_numpy(pictures).float().to(device)
    heard = torch.from_numpy(coefficients).to(device)
    scores = []
    with torch.inference_mode():
        for i in range(0, len(pictures), PIECE):
            sound = heard[MFCC_PER_FRAME * i : MFCC_PER_FRAME * (i + PIECE)]
            scores.append(net(seen[None, i : i + PIECE], sound[None])[0].cpu().numpy())
    return np.concatenate(scores).astype(np.float64)


def spoken_frames(segments: Float64, start: float, count: int) -> np.typing.NDArray[np.bool_]:
    """Tell in which of `count` frames at 25 fps from `start` s on the middle lies in a segment `[K, 2]` of speech."""
    middles = start + (np.arange(count) + 0.5) / FPS
    inside = (middles[:, None] >= segments[:, 0]) & (middles[:, None] < segments[:, 1])
    return np.asarray(inside.any(axis=1), dtype=np.bool_)


def score_tracks(clip: ClipArtefacts, net: LightAsd, device: str) -> list[SpeakingTrack]:
    """Score every track that is long enough and in which speech is heard.

    Raises:
        MissingError: `no_face`, `no_audio`, `silent`; `too_short`, `no_speech` when no track can be scored.
    """
    scored: list[SpeakingTrack] = []
    unspoken = 0
    for k, track in enumerate(clip.faces.tracks):
        grid = frame_grid(clip.frames.times[track.frames])
        count = min(len(grid.index), frames_heard(clip.speech, grid.start))
        if count < MIN_FRAMES:
            continue
        coefficients = mfcc(sound_between(clip.speech, grid.start, grid.start + count / FPS)).T
        count = min(count, len(coefficients) // MFCC_PER_FRAME)
        spoken = spoken_frames(clip.voice_activity.segments, grid.start, count)
        if spoken.sum() < MIN_SPOKEN:
            unspoken += 1
            continue
        index: Int64 = grid.index[:count]
        crops = face_crops(clip.crops, k, index, crop_squares(track.boxes[grid.index])[:count])
        sound = np.ascontiguousarray(coefficients[: MFCC_PER_FRAME * count])
        scores = speaking_scores(net, grey_mouths(crops), sound, device)
        scored.append(SpeakingTrack(k, grid.start, scores, spoken))
    if not scored and unspoken:
        raise MissingError(
            Reason.NO_SPEECH, f"less than {MIN_SPOKEN / FPS:g} s of speech while a face is seen"
        )
    if not scored:
        raise MissingError(Reason.TOO_SHORT, f"no face is seen and heard for {MIN_FRAMES / FPS:g} s")
    return scored


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Score the face that speaks most surely while speech is heard."""
    path = models.weight(WEIGHTS)
    from uniavgen_bench.metrics.light_asd_network import load_light_asd

    net = models.get(WEIGHTS, lambda: load_light_asd(path, models.device))
    tracks = score_tracks(clip, net, models.device)
    best = max(tracks, key=lambda t: t.mean)
    times = tuple((best.start + (np.arange(len(best.scores)) + 0.5) / FPS).round(4).tolist())
    return Measurement(
        scores={
            "score": Score(best.mean),
            "share": Score(best.share),
            "tracks": Score(float(len(tracks))),
        },
        evidence=Evidence(
            curves=(Curve("speaking", "logit", times, tuple(best.scores.round(4).tolist())),),
            texts={
                f"track {t.track}": f"score {t.mean:+.2f}, speaks in {t.share:.0%} of {int(t.spoken.sum())} frames "
                f"with speech; {len(t.scores)} frames from {t.start:.2f} s"
                for t in tracks
            },
        ),
    )


METRIC = Metric(
    SPEC,
    measure,
    params=(("min_frames", MIN_FRAMES), ("min_spoken", MIN_SPOKEN), ("piece", PIECE)),
)

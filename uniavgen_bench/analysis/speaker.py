"""Which track is the speaker's: the face whose mouth moves, in time with the voice, and which is large and there.

The evidence of a track is the product of four parts, each 0 … 1: how fast its lips open and close while there is
speech; how well that speed follows the loudness of the sound (at the best lag within 0.2 s, since sync itself is what
metrics measure); its size against the largest face; and the share of the speech during which it is in the picture.
"""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import (
    Faces,
    Float32,
    Float64,
    Frames,
    Speaker,
    SpeakerChoice,
    Speech,
    Track,
    VoiceActivity,
)
from uniavgen_bench.core.result import MissingError, Reason

UPPER_LIP, LOWER_LIP = 13, 14
LEFT_EYE_CORNER, RIGHT_EYE_CORNER = 33, 263

STEP = 0.02
"""Grid in s on which mouth and sound are compared."""

BRISK = 0.15
"""Speed of the lips that counts half, in distances of the eyes per s; speaking faces of 150 clips had 0.05 … 0.8."""

LAGS = np.arange(-10, 11, 2) * STEP
COMPARABLE = 0.6
"""A second face with this share of the best evidence, in the picture at the same time, may be the speaker as well."""

TOGETHER = 0.5
"""Tracks are in the picture at the same time when they share half of the shorter one."""

SOME_EVIDENCE = 0.02
"""Below this no mouth moves, and only size tells."""

QUIET = 1e-7


def choose_speaker(
    frames: Frames, faces: Faces, speech: Speech | None, voice: VoiceActivity | None
) -> Speaker:
    """Return the speaker's track; without sound, or where nobody's mouth moves, it is the largest face.

    Raises:
        MissingError: `several_speakers` when two faces at the same time have comparable evidence.
    """
    tracks = faces.tracks
    if len(tracks) == 1:
        return Speaker(0, SpeakerChoice.ONLY_FACE, (1.0,))
    extent = extents(tracks)
    evidence = extent
    choice = SpeakerChoice.LARGEST
    if speech is not None and voice is not None and len(voice.segments):
        spoken = speaking(frames, tracks, speech, voice)
        if max(spoken) >= SOME_EVIDENCE:
            evidence, choice = spoken, SpeakerChoice.MOUTH_MOVES_WITH_SPEECH
    best = int(np.argmax(evidence))
    for rival, value in enumerate(evidence):
        if rival != best and value >= COMPARABLE * evidence[best] and together(tracks[rival], tracks[best]):
            raise MissingError(
                Reason.SEVERAL_SPEAKERS,
                f"faces {best + 1} and {rival + 1} of {len(tracks)} have evidence {evidence[best]:.2f} and {value:.2f}",
            )
    return Speaker(best, choice, tuple(evidence))


def extents(tracks: tuple[Track, ...]) -> list[float]:
    """Return for each track its size times its length, both against the greatest of the clip."""
    sizes = relative_sizes(tracks)
    longest = max(len(track.frames) for track in tracks)
    return [float(size * len(track.frames) / longest) for size, track in zip(sizes, tracks, strict=True)]


def speaking(frames: Frames, tracks: tuple[Track, ...], speech: Speech, voice: VoiceActivity) -> list[float]:
    """Return the evidence 0 … 1 of each track that its mouth makes the speech."""
    clock, loud = loudness(speech)
    total = float((voice.segments[:, 1] - voice.segments[:, 0]).sum())
    found = []
    for size, track in zip(relative_sizes(tracks), tracks, strict=True):
        grid, speed = mouth_speed(frames, track)
        voiced = inside(grid, voice.segments)
        if len(grid) < 5 or not voiced.any() or total <= 0:
            found.append(0.0)
            continue
        pace = float(speed[voiced].mean())
        follows = max(0.0, *(correlation(speed, np.interp(grid + lag, clock, loud)) for lag in LAGS))
        share = min(1.0, float(voiced.sum()) * STEP / total)
        found.append(pace / (pace + BRISK) * (0.5 + 0.5 * follows) * float(size) * share)
    return found


def mouth_speed(frames: Frames, track: Track) -> tuple[Float64, Float64]:
    """Return times [n] s and the smoothed speed [n] of the lips in distances of the eyes per s."""
    from scipy.ndimage import gaussian_filter1d

    times = frames.times[track.frames]
    eyes = np.linalg.norm(track.landmarks[:, LEFT_EYE_CORNER] - track.landmarks[:, RIGHT_EYE_CORNER], axis=1)
    gap = np.linalg.norm(track.landmarks[:, UPPER_LIP] - track.landmarks[:, LOWER_LIP], axis=1)
    grid = np.arange(times[0], times[-1], STEP, dtype=np.float64)
    if len(grid) < 2:
        return grid, np.zeros(len(grid))
    opening = gaussian_filter1d(np.interp(grid, times, gap / max(float(np.median(eyes)), 1.0)), 1.5)
    speed = gaussian_filter1d(np.abs(np.gradient(opening, STEP)), 5.0)
    return grid, np.asarray(speed, dtype=np.float64)


def loudness(speech: Speech) -> tuple[Float64, Float64]:
    """Return times [m] s and the level [m] in dB of the sound, smoothed over about 0.1 s."""
    from scipy.ndimage import gaussian_filter1d

    hop = round(speech.rate * STEP)
    count = len(speech.samples) // hop
    if count == 0:
        return np.array([speech.start]), np.array([0.0])
    blocks: Float32 = speech.samples[: count * hop].reshape(count, hop)
    power = (blocks.astype(np.float64) ** 2).mean(axis=1)
    clock: Float64 = speech.start + (np.arange(count, dtype=np.float64) + 0.5) * STEP
    level = gaussian_filter1d(10.0 * np.log10(power + QUIET), 2.0)
    return clock, np.asarray(level, dtype=np.float64)


def correlation(a: Float64, b: Float64) -> float:
    """Return Pearson's correlation, 0 where one of the series is constant."""
    if np.std(a) < 1e-9 or np.std(b) < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def inside(times: Float64, segments: Float64) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell for each time [n] whether it lies in one of the segments [K, 2]."""
    return np.array(
        [bool(((segments[:, 0] <= t) & (t < segments[:, 1])).any()) for t in times], dtype=np.bool_
    )


def relative_sizes(tracks: tuple[Track, ...]) -> Float64:
    """Return the median box heights of tracks against the greatest."""
    heights = np.array(
        [np.median(track.boxes[:, 3] - track.boxes[:, 1]) for track in tracks], dtype=np.float64
    )
    return heights / max(float(heights.max()), 1.0)


def together(a: Track, b: Track) -> bool:
    """Tell whether two tracks are in the picture at the same time."""
    common = len(np.intersect1d(a.frames, b.frames))
    return common >= TOGETHER * min(len(a.frames), len(b.frames))

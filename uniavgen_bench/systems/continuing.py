"""Continuing a clip that has begun: what of the text is still to be said, and the picture to go on with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.face_detector import load_face_detector
from uniavgen_bench.analysis.landmarks import load_face_mesh, roi_from_mesh, roi_from_points
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.media.decode import video_frames
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.probe import probe
from uniavgen_bench.systems.mouth_warp import (
    INNER_LOW,
    INNER_TOP,
    MIN_PRESENCE,
    MouthPlace,
    place_of,
)
from uniavgen_bench.systems.warping import squared_distances, standardised, warping_path
from uniavgen_bench.weights.models import Models

STEP = 0.01
HUSHED_DB = 30.0
"""A voice is heard where it is at most so far below its loudest moment."""
LEAST_HEARD = 0.12
"""Seconds of voice without which nothing is taken as said."""
COEFFICIENTS = 13
AGE_COST = 0.01
"""What each frame further back must gain in how far the mouth is shut, in distances between the eyes."""

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Beginning:
    """The given pictures [K, H, W, 3] at `fps`, and the one to go on with: the latest with a nearly shut mouth."""

    pictures: tuple[UInt8, ...]
    fps: float
    calm: UInt8
    place: MouthPlace


def read_beginning(path: Path, models: Models) -> Beginning:
    """Read the given video.

    Raises:
        MissingError: it cannot be read, has no frame rate, or shows no clear face.
    """
    try:
        fps = probe(path).fps
        pictures = tuple(frame.image for frame in video_frames(path, threads=models.threads))
    except MediaError as error:
        raise MissingError(error.reason, str(error)) from error
    if fps is None or not pictures:
        raise MissingError(Reason.NO_VIDEO)
    detector, mesh = load_face_detector(models), load_face_mesh(models)
    found: list[tuple[float, int, Float32]] = []
    region = None
    for index, picture in enumerate(pictures):
        if region is None:
            faces = detector.detect(picture)
            if not faces:
                continue
            region = roi_from_points(faces[0].box, faces[0].points[0], faces[0].points[1])
        seen = mesh.find(picture, region)
        region = roi_from_mesh(seen.points) if seen.presence >= MIN_PRESENCE else None
        if region is not None:
            place = place_of(seen.points)
            opening = (
                float(np.linalg.norm(seen.points[INNER_TOP, :2] - seen.points[INNER_LOW, :2])) / place.eyes
            )
            found.append((opening + AGE_COST * (len(pictures) - 1 - index), index, seen.points))
    if not found:
        raise MissingError(Reason.NO_FACE, "no clear face was found in the given video")
    _, index, points = min(found, key=lambda one: one[:2])
    return Beginning(pictures, fps, pictures[index], place_of(points))


def voiced_span(samples: Float32, rate: int) -> tuple[float, float]:
    """Return from when to when a voice is heard in a sound [N], in s; 0, 0 when it is silent."""
    size = round(0.02 * rate)
    blocks = (
        np.square(samples[: len(samples) // size * size].astype(np.float64)).reshape(-1, size).mean(axis=1)
    )
    if not len(blocks) or blocks.max() < 1e-8:
        return 0.0, 0.0
    heard = np.flatnonzero(blocks > blocks.max() * 10 ** (-HUSHED_DB / 10))
    return float(heard[0] * size / rate), float((heard[-1] + 1) * size / rate)


def said_until(given: Float32, spoken: Float32, rate: int) -> float:
    """Return until when, in s, a spoken text [M] has been said by a given beginning [N], both at `rate` Hz.

    Cepstra of both voices, each standardised, are laid onto each other by dynamic time warping with an open end.
    """
    first, last = voiced_span(given, rate)
    if last - first < LEAST_HEARD:
        return 0.0
    start, _ = voiced_span(spoken, rate)
    # The given voice goes on to the end of its sound, whatever the last moments' loudness says.
    heard, own = cepstra(given[round(first * rate) :], rate), cepstra(spoken[round(start * rate) :], rate)
    path = warping_path(squared_distances(heard, own) / COEFFICIENTS, open_end=True)
    return start + path[-1][1] * STEP if path else start + min(last - first, len(own) * STEP)


def cepstra(samples: Float32, rate: int) -> Float64:
    """Return mel cepstra [T, 13] every 10 ms, standardised over the sound."""
    from python_speech_features import mfcc

    scaled = samples.astype(np.float64) * 32768.0
    fft = 1 << int(np.ceil(np.log2(0.025 * rate)))
    return standardised(mfcc(scaled, rate, 0.025, STEP, numcep=COEFFICIENTS, nfft=fft))


def joined(given: Float32, rest: Float32, rate: int) -> Float32:
    """Put the rest of a speech behind its beginning, as loud, with a short fade between."""
    level = _level(given)
    own = _level(rest)
    matched = rest * np.float32(level / own if level > 0 and own > 0 else 1.0)
    ramp = np.linspace(0, 1, min(round(0.01 * rate), len(matched)), dtype=np.float32)
    matched[: len(ramp)] *= ramp
    peak = float(np.abs(matched).max()) if len(matched) else 0.0
    return np.concatenate([given, matched / np.float32(max(peak, 1.0))])


def _level(samples: Float32) -> float:
    """Return the root mean square where a sound is heard."""
    loud = np.abs(samples[np.abs(samples) > 0.1 * np.abs(samples).max()]) if len(samples) else samples
    return float(np.sqrt(np.square(loud, dtype=np.float64).mean())) if len(loud) else 0.0

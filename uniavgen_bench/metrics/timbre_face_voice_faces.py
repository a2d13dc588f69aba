"""Gender and age of a face, by the two networks of dlib's model collection in ONNX form.

C. Cydral Technology's `dnn_gender_classifier_v1` and `dnn_age_predictor_v1` (github.com/davisking/dlib-models, CC0).
Both look at a square chip whose place is fixed by five points: the corners of the eyes and the base of the nose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import Crops, Float32, Float64, Track, UInt8
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

AGE_WEIGHT, GENDER_WEIGHT = "face-age", "face-gender"
AGE_SIDE, GENDER_SIDE = 64, 32
AGES = 81
"""Classes of the age network: years 0 … 80, the last one stands for older people too."""
MEANS = (122.781998, 117.000999, 104.297997)
"""Of red, green and blue; with the scale 1/256 the networks' own normalisation."""
PADDING = 0.2
"""Margin around the mean face, in sides of it: dlib's default."""
POINTS = (263, 362, 33, 133, 2)
"""In MediaPipe's mesh: outer and inner corner of the eye on the picture's right, of the one on its left, nose base."""
MEAN_FACE = (
    (0.8595674595992, 0.2134981538014),
    (0.6460604764104, 0.2289674387677),
    (0.1205750620789, 0.2137274526848),
    (0.3340850613712, 0.2290642403242),
    (0.4901123135679, 0.6277975316475),
)
"""Where these points lie in dlib's mean face, in sides of the chip without its margin."""
CHILD_BELOW, OLD_FROM = 13, 60
BANDS = ("child", "adult", "old")
FACES = 8
"""Frames that are looked at, spread evenly over the track: gender and age do not change within a clip."""
OVERSAMPLED = 4


@dataclass(frozen=True)
class FaceAttributes:
    """What a face looks like: P(male) 0 … 1, P of each age band [3], expected age in years; means over frames."""

    male: float
    bands: Float64
    years: float


def attributes(track: Track, crops: Crops, number: int, models: Models) -> FaceAttributes:
    """Look at up to eight frames of track `number`.

    Raises:
        MissingError: `weights`.
    """
    pictures, points = [], []
    for i in spread(len(track.frames), FACES):
        picture, shift, scale = crop_picture(crops, number, i)
        pictures.append(picture)
        points.append((track.landmarks[i, :, :2] - shift) * scale)
    return attributes_of(pictures, points, models)


def attributes_of(pictures: Sequence[UInt8], points: Sequence[Float32], models: Models) -> FaceAttributes:
    """Return the mean over pictures [H, W, 3] RGB with the landmarks [468, 2] of their faces; raises `weights`."""
    gender = models.get(GENDER_WEIGHT, lambda: _session(models.weight(GENDER_WEIGHT), GENDER_SIDE, 2, models))
    age = models.get(AGE_WEIGHT, lambda: _session(models.weight(AGE_WEIGHT), AGE_SIDE, AGES, models))
    pairs = list(zip(pictures, points, strict=True))
    genders = _run(gender, [chip(picture, at, GENDER_SIDE) for picture, at in pairs])
    ages = _run(age, [chip(picture, at, AGE_SIDE) for picture, at in pairs]).mean(axis=0)
    bands = np.array([ages[:CHILD_BELOW].sum(), ages[CHILD_BELOW:OLD_FROM].sum(), ages[OLD_FROM:].sum()])
    return FaceAttributes(
        male=float(np.clip(genders[:, 1].mean(), 0.0, 1.0)),
        bands=bands / bands.sum(),
        years=float(ages @ np.arange(AGES)),
    )


def spread(count: int, wanted: int) -> list[int]:
    """Return up to `wanted` indices below `count`, in the middles of equal parts."""
    parts = min(count, wanted)
    return [int((2 * k + 1) * count / (2 * parts)) for k in range(parts)]


def crop_picture(crops: Crops, number: int, i: int) -> tuple[UInt8, Float32, float]:
    """Return a crop's pixels [S, S, 3] RGB, and what brings px of the picture into it: shift [2], then scale."""
    import cv2

    jpeg = np.frombuffer(crops.jpegs[number][i], np.uint8)
    picture = np.ascontiguousarray(np.asarray(cv2.imdecode(jpeg, cv2.IMREAD_COLOR))[..., ::-1]).astype(
        np.uint8
    )
    x, y, side = (float(v) for v in crops.regions[number][i])
    return picture, np.array([x - side / 2, y - side / 2], np.float32), crops.side / side


def chip(picture: UInt8, points: Float32, side: int) -> UInt8:
    """Turn, scale and shift a picture so that five of its landmarks [468, 2] lie on the mean face: [side, side, 3]."""
    import cv2

    large = side * OVERSAMPLED
    target = (PADDING + np.array(MEAN_FACE)) / (1 + 2 * PADDING) * large
    source = points[list(POINTS)].astype(np.float64)
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    # Least squares over turns, one scale and shifts in the plane.
    along, across = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    turn = np.array([[along, -across], [across, along]]) / max(float((a * a).sum()), 1e-9)
    matrix = np.column_stack([turn, target.mean(axis=0) - turn @ source.mean(axis=0)])
    # Averages over areas: a face is mostly larger than the chip, and single px of it would alias.
    moved = cv2.warpAffine(picture, matrix, (large, large), flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(moved, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _run(session: InferenceSession, chips: Sequence[UInt8]) -> Float64:
    means = np.array(MEANS, np.float32)
    inputs = ((np.stack(chips).astype(np.float32) - means) / np.float32(256.0)).transpose(0, 3, 1, 2)
    outputs = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(inputs)})[0]
    return np.asarray(outputs, np.float64)


def _session(path: Path, side: int, classes: int, models: Models) -> InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = models.threads, 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has one class of error for each way in which a file can be wrong
        raise MissingError(Reason.WEIGHTS, f"{path.name} is no network that can be loaded") from error
    shapes = (session.get_inputs()[0].shape[1:], session.get_outputs()[0].shape[1:])
    if shapes != ([3, side, side], [classes]):
        raise MissingError(Reason.WEIGHTS, f"{path.name} has the shapes {shapes[0]} and {shapes[1]}")
    return session

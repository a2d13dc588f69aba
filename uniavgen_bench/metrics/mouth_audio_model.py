"""A linear map between mouth and sound: PCA on each side, context, canonical correlation, and curves over lags.

Source: Hotelling, "Relations between two sets of variates", 1936; for audio-visual sync Slaney and Covell,
"FaceSync", NIPS 2000. The weights are fitted by `uniavgen_bench.validity.fit_mouth_audio`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.metrics.mouth_shape import CHEEKS, JAW, LIPS, RATE, MouthShape, mouth_shape
from uniavgen_bench.metrics.mouth_sound import log_mel

POINTS = LIPS + JAW + CHEEKS
MAX_LAG = 30
"""Lags reach from -30 to 30 steps of 20 ms: +-600 ms, as far as SyncNet looks."""
SPREAD_FLOOR_DB = 3.0
"""Added to a band's standard deviation, so that an empty band is not blown up."""
FINE_MS = 5
"""Lags are interpolated to this step."""


@dataclass(frozen=True)
class MouthAudioMap:
    """The fitted numbers, float64. P points, a and b components, s and r steps of context, k canonical pairs.

    `template` [U, 3] frontal upper face; `shape_basis` [3P, a] and `sound_basis` [40, b] whiten both sides;
    `shape_taps` [s] and `sound_taps` [r] are steps of 20 ms; `shape_map` [s a, k] and `sound_map` [r b, k] are the
    canonical directions; `correlations` [k] those of the fitting clips.
    """

    template: Float64
    shape_basis: Float64
    sound_basis: Float64
    shape_taps: Float64
    sound_taps: Float64
    shape_map: Float64
    sound_map: Float64
    correlations: Float64

    @property
    def weights(self) -> Float64:
        """How much each canonical pair counts, [k], sum one: the log likelihood ratio of a match grows with
        rho / (1 - rho^2) times the product of the two variates when both are Gaussian."""
        raw = self.correlations / (1.0 - self.correlations**2)
        shares: Float64 = raw / raw.sum()
        return shares


@dataclass(frozen=True)
class Streams:
    """What is compared: the mouth on a clock of 50 Hz, and the sound on the same clock, 600 ms longer either way.

    `shape` [T, 3P] deviations from the clip's mean shape; `sound` [T + 60, 40] log mel, bands standardised over
    the clip; step i of `shape` is heard in step i + 30 of `sound`. `valid` [T]: the face was seen.
    """

    start: float
    shape: Float64
    sound: Float64
    valid: np.ndarray
    opening: Float32
    loudness: Float32


def mouth_stream(times: Float64, landmarks: Float32, template: Float64) -> MouthShape:
    """Return the mouth of a track: landmarks `[n, 468, 3]` at `times` [n] s."""
    return mouth_shape(times, landmarks, template, POINTS)


def streams(mouth: MouthShape, samples: Float32, sound_start: float, margin: int = MAX_LAG) -> Streams:
    """Put a mouth and 16 kHz `samples` that begin at `sound_start` s on one clock."""
    count = len(mouth.points)
    clock = mouth.start + np.arange(-margin, count + margin) / RATE
    mel = log_mel(samples, clock, sound_start).astype(np.float64)
    shape = mouth.points.reshape(count, -1).astype(np.float64)
    middle = shape[mouth.valid].mean(axis=0) if mouth.valid.any() else shape.mean(axis=0)
    return Streams(
        start=mouth.start,
        shape=shape - middle,
        sound=standardised(mel),
        valid=mouth.valid,
        opening=mouth.opening,
        loudness=mel[margin : margin + count, 6:30].mean(axis=1).astype(np.float32),
    )


def standardised(mel: Float64) -> Float64:
    """Take the clip's mean out of each band and bring the bands to like spread, `[T, 40]`."""
    centred = mel - mel.mean(axis=0)
    out: Float64 = centred / (centred.std(axis=0) + SPREAD_FLOOR_DB)
    return out


def with_context(x: Float64, taps: Float64) -> Float64:
    """Lay steps t + tap side by side: `[T, d]` to `[T, len(taps) d]`; the edges repeat."""
    steps = np.arange(len(x))
    return np.concatenate([x[np.clip(steps + int(tap), 0, len(x) - 1)] for tap in taps], axis=1)


def mouth_variates(model: MouthAudioMap, shape: Float64) -> Float64:
    """Return the canonical variates of the mouth `[T, k]`."""
    return with_context(shape @ model.shape_basis, model.shape_taps) @ model.shape_map


def sound_variates(model: MouthAudioMap, sound: Float64) -> Float64:
    """Return the canonical variates of the sound `[T, k]`."""
    return with_context(sound @ model.sound_basis, model.sound_taps) @ model.sound_map


def lag_correlations(
    mouth: Float64, sound: Float64, valid: np.ndarray, weights: Float64, margin: int, reach: int = MAX_LAG
) -> Float64:
    """Correlate mouth `[T, k]` and sound `[T + 2 margin, k]` at lags -reach … reach, `[2 reach + 1]`.

    At lag l mouth step t meets sound step t + l: the peak lies at a positive lag when the sound is late. Each pair
    is correlated over the valid steps, and the correlations are averaged with `weights` [k].
    """
    steps = np.flatnonzero(valid)
    left = mouth[steps] - mouth[steps].mean(axis=0)
    left_norm = np.sqrt((left**2).sum(axis=0))
    curve = np.empty(2 * reach + 1)
    for i, lag in enumerate(range(-reach, reach + 1)):
        right = sound[steps + margin + lag]
        right = right - right.mean(axis=0)
        norm = np.maximum(left_norm * np.sqrt((right**2).sum(axis=0)), 1e-9)
        curve[i] = float(((left * right).sum(axis=0) / norm) @ weights)
    return curve


@dataclass(frozen=True)
class Peak:
    """The best lag of a curve: `offset_ms` (negative: sound ahead), `height` there, and height minus median."""

    offset_ms: float
    height: float
    confidence: float


def peak_of(curve: Float64) -> Peak:
    """Find the highest point of a lag curve, interpolated by a cubic spline to 5 ms."""
    from scipy.interpolate import CubicSpline

    reach = len(curve) // 2
    lags = np.arange(-reach, reach + 1) * (1000 // RATE)
    fine = np.arange(lags[0], lags[-1] + 1, FINE_MS)
    values = CubicSpline(lags, curve)(fine)
    best = int(values.argmax())
    return Peak(float(fine[best]), float(values[best]), float(values[best] - np.median(curve)))


def save_map(model: MouthAudioMap, path: Path, facts: dict[str, str]) -> None:
    """Write the map as float32 safetensors with facts in its header, the same bytes for the same map."""
    import json

    from safetensors.numpy import save

    from uniavgen_bench.core.atomic import write_atomic

    tensors = {f.name: np.ascontiguousarray(getattr(model, f.name), dtype=np.float32) for f in fields(model)}
    write_atomic(path, save(tensors, metadata={"facts": json.dumps(facts, sort_keys=True)}))


def load_map(data: bytes) -> MouthAudioMap:
    """Read a map that `save_map` wrote."""
    from safetensors.numpy import load

    tensors = load(data)
    return MouthAudioMap(**{f.name: tensors[f.name].astype(np.float64) for f in fields(MouthAudioMap)})

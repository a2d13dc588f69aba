"""Fit the linear map of `lipsync.mouth_audio`: PCA, context, canonical correlation; deterministic.

Clips are not perfectly in sync and some are not at all, so the fit repeats: clips on which the last map is sure are
shifted to their own best lag (relative to the median clip), the others are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.metrics.mouth_audio_model import (
    MAX_LAG,
    MouthAudioMap,
    Streams,
    lag_correlations,
    mouth_variates,
    peak_of,
    sound_variates,
    with_context,
)
from uniavgen_bench.metrics.mouth_shape import RATE


@dataclass(frozen=True)
class FitSettings:
    """Sizes and the rule by which clips are kept from one round to the next."""

    shape_components: int = 8
    sound_components: int = 14
    shape_taps: tuple[int, ...] = tuple(range(-5, 6))
    sound_taps: tuple[int, ...] = tuple(range(-10, 11, 2))
    ridge: float = 0.01
    pairs: int = 8
    rounds: int = 3
    min_confidence: float = 0.30
    max_offset_ms: float = 160.0


@dataclass(frozen=True)
class Fitted:
    """The map, and how many clips and seconds its last round used."""

    model: MouthAudioMap
    clips: int
    seconds: float


def fit_map(clips: Sequence[Streams], template: Float64, settings: FitSettings | None = None) -> Fitted:
    """Fit the map on clips that are, most of them, in sync.

    Raises:
        InputError: fewer clips than canonical pairs are left.
    """
    use = settings or FitSettings()
    chosen, shifts = list(clips), [0] * len(clips)
    model = _fit_once(chosen, shifts, template, use)
    for _ in range(use.rounds):
        peaks = [
            peak_of(
                lag_correlations(
                    mouth_variates(model, c.shape),
                    sound_variates(model, c.sound),
                    c.valid,
                    model.weights,
                    MAX_LAG,
                )
            )
            for c in clips
        ]
        sure = [p.confidence > use.min_confidence and abs(p.offset_ms) <= use.max_offset_ms for p in peaks]
        chosen = [c for c, s in zip(clips, sure, strict=True) if s]
        offsets = np.array([p.offset_ms for p, s in zip(peaks, sure, strict=True) if s])
        if len(chosen) < use.pairs:
            raise InputError(f"only {len(chosen)} of {len(clips)} clips are in sync enough to fit on")
        shifts = np.round((offsets - np.median(offsets)) * RATE / 1000).astype(int).tolist()
        model = _fit_once(chosen, shifts, template, use)
    return Fitted(model, len(chosen), sum(float(c.valid.sum()) for c in chosen) / RATE)


def _fit_once(
    clips: Sequence[Streams], shifts: Sequence[int], template: Float64, use: FitSettings
) -> MouthAudioMap:
    if len(clips) < use.pairs:
        raise InputError(f"{len(clips)} clips are too few to fit on")
    shape_basis = _whitening(_covariance([c.shape[c.valid] for c in clips]), use.shape_components)
    sound_basis = _whitening(_covariance([c.sound[MAX_LAG:-MAX_LAG] for c in clips]), use.sound_components)
    shape_taps, sound_taps = np.array(use.shape_taps, float), np.array(use.sound_taps, float)
    pairs = []
    for clip, shift in zip(clips, shifts, strict=True):
        mouth = with_context(clip.shape @ shape_basis, shape_taps)
        sound = with_context(clip.sound @ sound_basis, sound_taps)
        heard = np.flatnonzero(clip.valid) + MAX_LAG + shift
        pairs.append((_centred(mouth[clip.valid]), _centred(sound[heard])))
    steps = sum(len(m) for m, _ in pairs)
    s_mm: Float64 = np.sum([m.T @ m for m, _ in pairs], axis=0) / steps
    s_ss: Float64 = np.sum([s.T @ s for _, s in pairs], axis=0) / steps
    s_ms: Float64 = np.sum([m.T @ s for m, s in pairs], axis=0) / steps
    from_mouth, from_sound = _inverse_root(s_mm, use.ridge), _inverse_root(s_ss, use.ridge)
    left, values, right = np.linalg.svd(from_mouth @ s_ms @ from_sound.T)
    shape_map = from_mouth.T @ left[:, : use.pairs]
    sound_map = from_sound.T @ right[: use.pairs].T
    # The sign of a pair is free: fix it, so that two fits give the same bytes.
    sign = np.sign(shape_map[np.abs(shape_map).argmax(axis=0), np.arange(use.pairs)])
    return MouthAudioMap(
        template=template,
        shape_basis=shape_basis,
        sound_basis=sound_basis,
        shape_taps=shape_taps,
        sound_taps=sound_taps,
        shape_map=shape_map * sign,
        sound_map=sound_map * sign,
        correlations=values[: use.pairs],
    )


def _centred(x: Float64) -> Float64:
    out: Float64 = x - x.mean(axis=0)
    return out


def _covariance(parts: Sequence[Float64]) -> Float64:
    total: Float64 = np.sum([p.T @ p for p in map(_centred, parts)], axis=0) / sum(map(len, parts))
    return total


def _whitening(covariance: Float64, count: int) -> Float64:
    """Return the first principal directions, scaled to unit variance, `[d, count]`."""
    values, vectors = np.linalg.eigh(covariance)
    directions = vectors[:, ::-1][:, :count]
    sign = np.sign(directions[np.abs(directions).argmax(axis=0), np.arange(count)])
    out: Float64 = directions * sign / np.sqrt(np.maximum(values[::-1][:count], 1e-12))
    return out


def _inverse_root(covariance: Float64, ridge: float) -> Float64:
    """Return the inverse Cholesky factor of a covariance with a ridge of a share of its mean variance."""
    size = len(covariance)
    out: Float64 = np.linalg.inv(
        np.linalg.cholesky(covariance + ridge * np.trace(covariance) / size * np.eye(size))
    )
    return out

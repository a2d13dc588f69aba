"""How aroused a voice sounds: pitch, its spread and movement, and spectral tilt against those of reference voices.

A rule of knowledge, not of labels: Bone, Lee and Narayanan, "Robust Unsupervised Arousal Rating" (IEEE Transactions on
Affective Computing 5, 2014) average how far median pitch, level and the energy above 500 Hz lie above a speaker's own
neutral speech. Level is left out here, since no clip tells how loud somebody was; spread and movement of the pitch,
which every study of vocal emotion names (Scherer 2003), are added.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float64
from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.metrics.voice_pitch import HOP, VoiceFrames

FEATURES = ("pitch", "spread", "movement", "tilt")
MIN_VOICED = 0.5
"""Seconds of voiced sound that are needed."""
OCTAVE_ERROR = 0.9
"""A pitch further than this from the median, in octaves, is taken for a mistake."""
STEADY = 0.25
"""A jump of more octaves between neighbouring frames is a mistake or another word, not a movement."""
MOST = 3.0
"""Standard deviations at which a feature is cut off: one odd number shall not decide."""


@dataclass(frozen=True)
class ArousalNorm:
    """What is usual among reference voices.

    `by_male` [2]: expected median pitch (log2 Hz) = by_male[0] + by_male[1] * P(male). `middle`, `width` [4]: median
    and robust standard deviation of the features. `rule` [2]: the same of the mean of the standardised features.
    """

    by_male: Float64
    middle: Float64
    width: Float64
    rule: Float64

    def standardised(self, features: Float64, male: float) -> Float64:
        """Return how many standard deviations a voice's features [4] lie above the usual, cut off at 3: [4]."""
        expected = self.by_male[0] + self.by_male[1] * male
        shifted = features - np.array([expected, 0.0, 0.0, 0.0])
        cut: Float64 = np.clip((shifted - self.middle) / self.width, -MOST, MOST)
        return cut

    def arousal(self, features: Float64, male: float) -> float:
        """Return the share of reference voices that sound less aroused, 0 … 1, by a normal distribution."""
        from scipy.special import ndtr

        mean = float(self.standardised(features, male).mean())
        return float(ndtr((mean - self.rule[0]) / self.rule[1]))

    def above(self, features: Float64, neutral: Float64) -> float:
        """Return how far a voice's features [4] lie above the same speaker's [4], in standard deviations."""
        return float(np.clip((features - neutral) / self.width, -MOST, MOST).mean())


def arousal_features(frames: VoiceFrames, of: str = "the clip") -> Float64:
    """Return median pitch (log2 Hz), its standard deviation (octaves), its mean movement (octaves/s), tilt (dB): [4].

    Raises:
        MissingError: `no_speech` with less than 0.5 s of voiced sound; `of` names the sound.
    """
    seconds = float(frames.voiced.sum()) * HOP / SPEECH_RATE
    if seconds < MIN_VOICED:
        raise MissingError(
            Reason.NO_SPEECH, f"{of} has {seconds:.2f} s of voiced sound, {MIN_VOICED:g} s needed"
        )
    octaves = frames.octaves[frames.voiced]
    middle = float(np.median(octaves))
    kept = octaves[np.abs(octaves - middle) < OCTAVE_ERROR]
    steps = np.abs(np.diff(frames.octaves))[frames.voiced[1:] & frames.voiced[:-1]]
    steps = steps[steps < STEADY]
    movement = float(steps.mean()) * SPEECH_RATE / HOP if len(steps) else 0.0
    return np.array([middle, float(kept.std()), movement, float(np.median(frames.tilt[frames.voiced]))])


def save_norm(norm: ArousalNorm, path: Path, facts: dict[str, str]) -> None:
    """Write a norm as float32 safetensors with facts in its header, the same bytes for the same norm."""
    from safetensors.numpy import save

    tensors = {f.name: np.ascontiguousarray(getattr(norm, f.name), np.float32) for f in fields(norm)}
    write_atomic(path, save(tensors, metadata={"facts": json.dumps(facts, sort_keys=True)}))


def load_norm(path: Path, sha256: str) -> ArousalNorm:
    """Read the norm that comes with the package.

    Raises:
        MissingError: `weights` when the file is absent or not the one with this hash.
    """
    from safetensors.numpy import load

    try:
        data = path.read_bytes()
    except OSError as error:
        raise MissingError(Reason.WEIGHTS, f"{path.name} of the package: {error.strerror}") from error
    if sha256_bytes(data) != sha256:
        raise MissingError(Reason.WEIGHTS, f"{path.name} is not the file that this version was released with")
    tensors = load(data)
    return ArousalNorm(**{f.name: tensors[f.name].astype(np.float64) for f in fields(ArousalNorm)})

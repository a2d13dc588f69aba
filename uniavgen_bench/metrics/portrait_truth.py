"""The truth of a sample of the portrait world, found through its fact `truth`: the path of a `truth.json`.

A score's address holds the content of that file, and it holds the hashes of the other files of the truth, so a changed
truth asks for new scores and a moved one does not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample

ARRAYS, SPEECH = "truth.safetensors", "speech.wav"
VOWELS = frozenset(("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"))
SILENCE = "SIL"


@dataclass(frozen=True)
class TruePhone:
    """A phone of the CMU dictionary, or SIL, from `start` to `end` in s."""

    name: str
    start: float
    end: float


@dataclass(frozen=True)
class PortraitTruth:
    """What metrics read: frames per second, phones, true mouth opening [T] over the distance between the eyes."""

    folder: Path
    fps: float
    phones: tuple[TruePhone, ...]
    opening: Float64

    @property
    def times(self) -> Float64:
        """The times of the frames [T] in s."""
        return np.arange(len(self.opening), dtype=np.float64) / self.fps


def truth_path(sample: Sample) -> Path:
    """Return the path of a sample's truth; raises `MissingError(no_reference)` where it has none."""
    given = sample.facts.get("truth")
    if given is None:
        raise MissingError(Reason.NO_REFERENCE, "the dataset knows no truth of this sample")
    return Path(given)


def read_portrait_truth(sample: Sample) -> PortraitTruth:
    """Read the truth of a sample.

    Raises:
        MissingError: `no_reference` where the sample has none; `failed` where it cannot be read.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = truth_path(sample)
    try:
        facts: dict[str, Any] = json.loads(path.read_bytes())
        arrays = load(path.with_name(ARRAYS).read_bytes())
        return PortraitTruth(
            folder=path.parent,
            fps=float(facts["fps"]),
            phones=tuple(TruePhone(p["name"], float(p["start"]), float(p["end"])) for p in facts["phones"]),
            opening=arrays["opening"].astype(np.float64),
        )
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise MissingError(Reason.FAILED, f"the truth cannot be read: {type(error).__name__}") from error


def lag_curve(moving: Float64, fixed: Float64, most: int) -> Float64:
    """Return the correlation of `moving` [T] against `fixed` [T] at lags -most … most: positive = moving is late.

    Every lag is judged on the samples that overlap; 0 where one of them stands still.
    """
    found = []
    for lag in range(-most, most + 1):
        a = moving[max(0, lag) : len(moving) + min(0, lag)]
        b = fixed[max(0, -lag) : len(fixed) + min(0, -lag)]
        found.append(correlation(a, b))
    return np.array(found)


def correlation(one: Float64, other: Float64) -> float:
    """Return Pearson's correlation; 0 where one of the two stands still."""
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / size, -1.0, 1.0)) if size > 1e-12 else 0.0

"""Gender and age of a voice: two logistic models on a speaker embedding, fitted by `validity.fit_face_voice`."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from uniavgen_bench.analysis.artefacts import Float32, Float64
from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.result import MissingError, Reason

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class VoiceReader:
    """`male` and `child` [257]: weights of the embedding's numbers and, last, the bias of a logistic model."""

    male: Float64
    child: Float64

    def read(self, embedding: Float32) -> tuple[float, float]:
        """Return P(male) of a grown-up's and P(child) of a voice with this embedding [256]."""
        return logistic(self.male, embedding), logistic(self.child, embedding)


def logistic(weights: Float64, embedding: Float32) -> float:
    """Return the probability of a logistic model [257] for an embedding [256]."""
    return float(1.0 / (1.0 + np.exp(-(embedding.astype(np.float64) @ weights[:-1] + weights[-1]))))


def save_reader(reader: VoiceReader, path: Path, facts: dict[str, str]) -> None:
    """Write a reader as float32 safetensors with facts in its header, the same bytes for the same reader."""
    from safetensors.numpy import save

    tensors = {f.name: np.ascontiguousarray(getattr(reader, f.name), np.float32) for f in fields(reader)}
    write_atomic(path, save(tensors, metadata={"facts": json.dumps(facts, sort_keys=True)}))


def load_reader(path: Path, sha256: str) -> VoiceReader:
    """Read the reader that comes with the package.

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
    return VoiceReader(tensors["male"].astype(np.float64), tensors["child"].astype(np.float64))

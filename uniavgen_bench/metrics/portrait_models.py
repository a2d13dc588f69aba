"""The small linear models of the portrait metrics: a reader of emotions, and a projection for faces.

Both are fitted on people of the split `train` by `uniavgen_bench.validity.fit_portraits`; there is no network in them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TypeVar

import numpy as np

from uniavgen_bench.analysis.artefacts import Float64
from uniavgen_bench.core.atomic import write_atomic
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.result import MissingError, Reason

DATA = Path(__file__).parent / "data"
EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "fearful")
"""The emotions of the portrait world, in the order of the readers' outputs."""


@dataclass(frozen=True)
class EmotionReaders:
    """Linear discriminants. `template` [U, 3]: frontal upper face; directions [D, 6] and bias [6] of face and voice."""

    template: Float64
    face_directions: Float64
    face_bias: Float64
    voice_directions: Float64
    voice_bias: Float64

    def of_face(self, expression: Float64) -> Float64:
        """Return the probability of each emotion [6] by a face's expression [D]."""
        return softmax(expression @ self.face_directions + self.face_bias)

    def of_voice(self, prosody: Float64) -> Float64:
        """Return the probability of each emotion [6] by a voice's prosody [4]."""
        return softmax(prosody @ self.voice_directions + self.voice_bias)


@dataclass(frozen=True)
class FaceProjection:
    """Where faces of one person lie together. `template` [U, 3]; `middle` [D]; `directions` [D, K].

    `moved` [K]: how the average of a talking clip differs from a calm picture of the same person.
    """

    template: Float64
    middle: Float64
    directions: Float64
    moved: Float64

    def likeness(self, clip: Float64, reference: Float64) -> float:
        """Return the cosine between the looks [D] of a clip and of a reference image, -1 … 1."""
        a = (clip - self.middle) @ self.directions - self.moved
        b = (reference - self.middle) @ self.directions
        size = float(np.linalg.norm(a) * np.linalg.norm(b))
        return float(np.clip(a @ b / max(size, 1e-12), -1.0, 1.0))


Fitted = TypeVar("Fitted", EmotionReaders, FaceProjection)


def softmax(logits: Float64) -> Float64:
    """Return probabilities [..., C] of logits."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Float64 = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def save_model(model: EmotionReaders | FaceProjection, path: Path, facts: dict[str, str]) -> None:
    """Write a model as float32 safetensors with facts in its header, the same bytes for the same model."""
    from safetensors.numpy import save

    tensors = {f.name: np.ascontiguousarray(getattr(model, f.name), np.float32) for f in fields(model)}
    write_atomic(path, save(tensors, metadata={"facts": json.dumps(facts, sort_keys=True)}))


def load_model(kind: type[Fitted], path: Path, sha256: str) -> Fitted:
    """Read a model that comes with the package.

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
    return kind(**{f.name: tensors[f.name].astype(np.float64) for f in fields(kind)})

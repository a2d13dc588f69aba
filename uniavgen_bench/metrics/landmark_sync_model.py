"""What `lipsync.landmark_sync` compares: mouth and sound on one clock, their embeddings, and the curve over lags."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import SPEECH_RATE, Float32, Float64
from uniavgen_bench.core.hashing import sha256_bytes
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.metrics.mouth_audio_model import MAX_LAG, SPREAD_FLOOR_DB
from uniavgen_bench.metrics.mouth_shape import RATE, MouthShape
from uniavgen_bench.metrics.mouth_sound import log_mel

if TYPE_CHECKING:
    from uniavgen_bench.metrics.landmark_sync_network import LandmarkSyncNetwork

MODEL_FILE = Path(__file__).parent / "data" / "landmark_sync_v1.safetensors"
MODEL_SHA256 = "d023a7ca3271c2155bba7fa11550df05e74cc14c74df1a94e9c9787a44a7f9c4"
"""Of the trained weights; it is part of the cache key, and another file does not load."""


RATE_GAIN = 4.0
"""Steps of 20 ms change a component by about a quarter of its spread."""


@dataclass(frozen=True)
class LandmarkSyncModel:
    """`template` [U, 3] frontal upper face; `basis` [3P, C] whitens the mouth's shape; `network` embeds both."""

    template: Float64
    basis: Float64
    network: LandmarkSyncNetwork


@dataclass(frozen=True)
class SyncStreams:
    """Mouth and sound at 50 Hz; step i of the mouth is heard in step i + 30 of the sound (`MAX_LAG`).

    `mouth` [T, 3P] deviations from the clip's mean shape in inter-ocular distances, `seen` [T]: the face was there.
    `mel` [T + 60, 40] in dB below the loudest, `heard` [T + 60]: the clip has sound there. `opening` [T] of the mouth
    in inter-ocular distances. With another margin than `MAX_LAG` the sound is that much longer at either end.
    """

    start: float
    mouth: Float32
    seen: np.ndarray
    mel: Float32
    heard: np.ndarray
    opening: Float32


def sync_streams(
    mouth: MouthShape, samples: Float32, sound_start: float, margin: int = MAX_LAG
) -> SyncStreams:
    """Put a mouth and 16 kHz `samples` that begin at `sound_start` s on one clock."""
    count = len(mouth.points)
    clock = mouth.start + np.arange(-margin, count + margin) / RATE
    flat = mouth.points.reshape(count, -1)
    middle = flat[mouth.valid].mean(axis=0) if mouth.valid.any() else flat.mean(axis=0)
    within = (clock >= sound_start - 1e-9) & (clock <= sound_start + len(samples) / SPEECH_RATE + 1e-9)
    return SyncStreams(
        start=mouth.start,
        mouth=(flat - middle).astype(np.float32),
        seen=mouth.valid,
        mel=log_mel(samples, clock, sound_start),
        heard=within,
        opening=mouth.opening,
    )


def mouth_inputs(shape: Float32, basis: Float64) -> Float32:
    """Return components of the shape `[T, 3P]` and their rates, `[T, 2C]`."""
    parts = shape @ basis
    rates = np.gradient(parts, axis=0) if len(parts) > 1 else np.zeros_like(parts)
    out: Float32 = np.concatenate([parts, rates * RATE_GAIN], axis=1).astype(np.float32)
    return out


def sound_inputs(mel: Float32, heard: np.ndarray) -> Float32:
    """Take the mean of what is heard out of each band `[T, 40]` and bring the bands to like spread; silence is 0."""
    if not heard.any():
        return np.zeros_like(mel)
    centred = mel - mel[heard].mean(axis=0)
    scaled: Float32 = (centred / (mel[heard].std(axis=0) + SPREAD_FLOOR_DB)).astype(np.float32)
    scaled[~heard] = 0.0
    return scaled


def pairs_that_count(seen: np.ndarray, heard: np.ndarray, lags: np.ndarray, margin: int) -> Float32:
    """Return 1 where at a lag a seen mouth step meets a sound step that is heard, `[L, T]`."""
    met = np.arange(len(seen)) + margin + lags[:, None]
    counted: Float32 = (seen[None, :] & heard[met]).astype(np.float32)
    return counted


def embeddings(model: LandmarkSyncModel, both: SyncStreams) -> tuple[Float32, Float32]:
    """Return the embeddings of mouth `[T, D]` and sound `[T + 60, D]`."""
    import torch

    with torch.inference_mode():
        seen = model.network.mouth(torch.from_numpy(mouth_inputs(both.mouth, model.basis))[None])
        heard = model.network.sound(torch.from_numpy(sound_inputs(both.mel, both.heard))[None])
    return seen[0].numpy(), heard[0].numpy()


def lag_curve(model: LandmarkSyncModel, both: SyncStreams) -> Float64:
    """Return the mean cosine at lags -600 … 600 ms in steps of 20 ms, `[61]`; positive lags: the sound is late."""
    seen, heard = embeddings(model, both)
    return cosine_curve(seen, heard, both.seen, both.heard)


def cosine_curve(mouth: Float32, sound: Float32, seen: np.ndarray, heard: np.ndarray) -> Float64:
    """Return the mean cosine of embeddings `[T, D]` and `[T + 2 M, D]` over the pairs that count, `[2 M + 1]`."""
    margin = (len(sound) - len(mouth)) // 2
    counts = pairs_that_count(seen, heard, np.arange(-margin, margin + 1), margin)
    left = mouth.astype(np.float64)
    totals = [
        float((left * sound[at : at + len(left)]).sum(axis=1) @ counted) for at, counted in enumerate(counts)
    ]
    means: Float64 = np.array(totals, dtype=np.float64) / np.maximum(counts.sum(axis=1), 1.0)
    return means


def save_model(model: LandmarkSyncModel, path: Path, facts: dict[str, str]) -> None:
    """Write the model with facts in its header, the same bytes for the same model."""
    from uniavgen_bench.core.atomic import write_atomic

    write_atomic(path, model_bytes(model, facts))


def model_bytes(model: LandmarkSyncModel, facts: dict[str, str]) -> bytes:
    """Return the model as float32 safetensors."""
    from safetensors.numpy import save

    tensors = {
        f"network.{name}": np.ascontiguousarray(tensor.detach().numpy())
        for name, tensor in model.network.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    tensors |= {
        name: np.ascontiguousarray(getattr(model, name), np.float32) for name in ("template", "basis")
    }
    return save(tensors, metadata={"facts": json.dumps(facts, sort_keys=True)})


def load_model(data: bytes) -> LandmarkSyncModel:
    """Read a model that `save_model` or `model_bytes` wrote."""
    import torch
    from safetensors.torch import load

    from uniavgen_bench.metrics.landmark_sync_network import load_network

    tensors = load(data)
    inner = {
        name.removeprefix("network."): tensor
        for name, tensor in tensors.items()
        if name.startswith("network.")
    }
    # BatchNorm counts batches while it is trained; the count says nothing about the weights.
    inner |= {
        name.replace("running_mean", "num_batches_tracked"): torch.tensor(0)
        for name in inner
        if name.endswith("running_mean")
    }
    return LandmarkSyncModel(
        tensors["template"].double().numpy(), tensors["basis"].double().numpy(), load_network(inner)
    )


def load_shipped_model() -> LandmarkSyncModel:
    """Load the model that comes with the package; a file with another hash is refused."""
    try:
        data = MODEL_FILE.read_bytes()
    except OSError as error:
        raise MissingError(Reason.WEIGHTS, f"{MODEL_FILE.name} of the package: {error.strerror}") from error
    if sha256_bytes(data) != MODEL_SHA256:
        raise MissingError(
            Reason.WEIGHTS, f"{MODEL_FILE.name} is not the file that this version was released with"
        )
    return load_model(data)

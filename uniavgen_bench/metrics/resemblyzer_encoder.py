"""The speaker encoder whose weights Resemblyzer publishes: three LSTM layers and a linear one.

Wan et al., "Generalized end-to-end loss for speaker verification" (arXiv:1710.10467). This module imports torch:
import it inside functions only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, relu

from uniavgen_bench.analysis.artefacts import Float32
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.metrics.device_batches import DeviceBatches
from uniavgen_bench.metrics.resemblyzer_signal import MELS

WIDTH = 256
LAYERS = 3
BATCH = 64
"""Partial utterances that the network sees at once: memory does not grow with the length of a sound."""


class SpeakerEncoder(nn.Module):
    """Mel energies [B, 160, 40] to embeddings [B, 256] of length 1 without negative numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(MELS, WIDTH, LAYERS, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, mels: Tensor) -> Tensor:
        """Embed the last state of the top layer."""
        _, (hidden, _) = self.lstm(mels)
        return normalize(relu(self.linear(hidden[-1])), dim=1)


def load_encoder(path: Path, device: str) -> SpeakerEncoder:
    """Load the published checkpoint.

    Raises:
        MissingError: `weights` when it does not hold this network.
    """
    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    encoder = SpeakerEncoder()
    names = encoder.state_dict().keys()
    try:
        # The checkpoint also holds the scale and offset of the training loss, which an embedding does not need.
        encoder.load_state_dict({name: checkpoint["model_state"][name] for name in names})
    except (KeyError, RuntimeError) as error:
        raise MissingError(
            Reason.WEIGHTS, f"{path.name} does not hold the speaker encoder: {error}"
        ) from error
    return encoder.eval().to(device)


def embed(encoder: SpeakerEncoder, mels: Float32, *, batch: int = BATCH) -> Float32:
    """Return the embedding [256] of length 1 of an utterance: the mean over its partials [P, 160, 40].

    Raises:
        MissingError: `not_measurable` when every number of the embedding is zero.
    """
    device = next(encoder.parameters()).device
    batches = DeviceBatches(batch, "utterances")
    with torch.inference_mode():
        parts = batches.over(len(mels), lambda i, j: encoder(torch.from_numpy(mels[i:j]).to(device)))
        mean = torch.cat(parts).mean(dim=0).cpu().numpy()
    length = float(np.linalg.norm(mean))
    if not length > 0.0:
        raise MissingError(Reason.NOT_MEASURABLE, "the speaker encoder answers with nothing but zeros")
    embedding: Float32 = (mean / length).astype(np.float32)
    return embedding

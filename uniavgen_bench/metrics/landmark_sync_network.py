"""The network of `lipsync.landmark_sync`: two encoders that put mouth and sound into one space.

Source: two-stream embeddings as in Chung and Zisserman, "Out of time: automated lip sync in the wild" (2016), on the
shape of lips and jaw instead of pixels; the losses are contrastive (van den Oord et al., "Representation Learning with
Contrastive Predictive Coding", 2018).
This module imports torch: import it inside functions only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from uniavgen_bench.metrics.mouth_sound import BANDS

KERNELS, DILATIONS = (5, 5, 3), (1, 2, 2)
REACH = sum((k - 1) * d // 2 for k, d in zip(KERNELS, DILATIONS, strict=True))
"""An embedding depends on so many steps to either side, and on nothing else."""
COMPONENTS = 16
"""Principal components of the mouth's shape; their rates are as many inputs again."""


class StreamEncoder(nn.Module):
    """Three dilated convolutions along time: `[B, T, inputs]` to embeddings `[B, T, out]` of length one."""

    def __init__(self, inputs: int, width: int, out: int, dropout: float) -> None:
        super().__init__()
        sizes = (inputs, *([width] * (len(KERNELS) - 1)))
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv1d(size, width, kernel, dilation=dilation, padding=(kernel - 1) * dilation // 2),
                nn.BatchNorm1d(width),
                nn.GELU(),
                nn.Dropout(dropout),
            )
            for size, kernel, dilation in zip(sizes, KERNELS, DILATIONS, strict=True)
        )
        self.last = nn.Conv1d(width, out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, T, inputs]` to `[B, T, out]`."""
        y = x.transpose(1, 2)
        for number, layer in enumerate(self.layers):
            y = layer(y) + y if number else layer(y)
        return nn.functional.normalize(self.last(y).transpose(1, 2), dim=-1)


class LandmarkSyncNetwork(nn.Module):
    """Both encoders. `scales` are the learned inverse temperatures of the three losses; measuring does not use them."""

    def __init__(self, width: int = 96, out: int = 48, dropout: float = 0.2) -> None:
        super().__init__()
        self.mouth = StreamEncoder(2 * COMPONENTS, width, out, dropout)
        self.sound = StreamEncoder(BANDS, width, out, dropout)
        self.scales = nn.Parameter(torch.tensor([2.3, 2.3, 2.3]))

    def forward(self, mouth: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Embed mouths `[B, T, 32]` and sounds `[B, S, 40]`, all at 50 Hz."""
        return self.mouth(mouth), self.sound(sound)


def load_network(tensors: dict[str, Tensor]) -> LandmarkSyncNetwork:
    """Return the network with given weights, ready to measure; strict about names and shapes."""
    network = LandmarkSyncNetwork()
    network.load_state_dict(tensors, strict=True)
    return network.eval()

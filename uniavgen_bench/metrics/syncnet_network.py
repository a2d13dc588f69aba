"""SyncNet v2 as a network: the layers and names of the released `syncnet_v2.model`.

Chung and Zisserman, "Out of time: automated lip sync in the wild" (ACCV-W 2016), in the form that the authors
released. This module imports torch: import it inside functions only.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

EMBEDDING = 1024
"""Width of both outputs."""

WINDOW = 5
"""Frames at 25 fps under one embedding; the sound under it has four MFCC steps for each."""


def _unit2d(
    inputs: int, outputs: int, kernel: tuple[int, int], padding: tuple[int, int] = (1, 1)
) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, padding=padding), nn.BatchNorm2d(outputs), nn.ReLU()]


def _unit3d(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 1) -> list[nn.Module]:
    convolution = nn.Conv3d(
        inputs, outputs, (1, kernel, kernel), stride=(1, stride, stride), padding=(0, padding, padding)
    )
    return [convolution, nn.BatchNorm3d(outputs), nn.ReLU()]


def _head() -> nn.Sequential:
    return nn.Sequential(nn.Linear(512, 512), nn.BatchNorm1d(512), nn.ReLU(), nn.Linear(512, EMBEDDING))


def _pool3d(padding: int = 0) -> nn.Module:
    return nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, padding, padding))


class SyncNet(nn.Module):
    """Two streams into one space of 1024 dimensions, in which mouth and sound of one moment are near.

    The pools of kernel 1 do nothing; they keep the numbering of the released state dict. 13.63 M parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.netcnnaud = nn.Sequential(
            *_unit2d(1, 64, (3, 3)),
            nn.MaxPool2d(1, stride=1),
            *_unit2d(64, 192, (3, 3)),
            nn.MaxPool2d((3, 3), stride=(1, 2)),
            *_unit2d(192, 384, (3, 3)),
            *_unit2d(384, 256, (3, 3)),
            *_unit2d(256, 256, (3, 3)),
            nn.MaxPool2d((3, 3), stride=(2, 2)),
            *_unit2d(256, 512, (5, 4), padding=(0, 0)),
        )
        self.netfcaud = _head()
        self.netfclip = _head()
        self.netcnnlip = nn.Sequential(
            nn.Conv3d(3, 96, (WINDOW, 7, 7), stride=(1, 2, 2)),
            nn.BatchNorm3d(96),
            nn.ReLU(),
            _pool3d(),
            *_unit3d(96, 256, 5, stride=2),
            _pool3d(padding=1),
            *_unit3d(256, 256, 3),
            *_unit3d(256, 256, 3),
            *_unit3d(256, 256, 3),
            _pool3d(),
            *_unit3d(256, 512, 6, padding=0),
        )

    def embed_sound(self, mfcc: Tensor) -> Tensor:
        """Embed windows of sound: `[B, 1, 13, 20]` MFCC (100 per second) to `[B, 1024]`."""
        out: Tensor = self.netfcaud(self.netcnnaud(mfcc).flatten(1))
        return out

    def embed_lips(self, frames: Tensor) -> Tensor:
        """Embed all windows of a run of frames: `[T, 3, 224, 224]` BGR 0 … 255 to `[T - 4, 1024]`.

        Only the first layer looks along time, so that one pass over T frames equals T - 4 passes over windows of
        five.
        """
        features = self.netcnnlip(frames.transpose(0, 1).unsqueeze(0))
        out: Tensor = self.netfclip(features[0, :, :, 0, 0].T)
        return out


def load_syncnet(path: Path, device: str) -> SyncNet:
    """Load a state dict with the names of `syncnet_v2.model`, strictly, without unpickling code."""
    net = SyncNet()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    return net.eval().to(device)

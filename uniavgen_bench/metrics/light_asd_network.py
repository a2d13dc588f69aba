"""Light-ASD as a network: the layers and names of the released `pretrain_AVA_CVPR.model`.

Liao, Duan, Feng, Zhao, Yang and Chen, "A Light Weight Model for Active Speaker Detection" (CVPR 2023, section 3): two
encoders whose convolutions are split into one across the picture (or the coefficients) and one along time, with
kernels of 3 and 5 side by side; their sum goes through a GRU forwards and one backwards.
This module imports torch: import it inside functions only.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128)
KERNELS = (3, 5)
GREY_MEAN, GREY_DEVIATION = 0.4161, 0.1688
"""Of the training pictures, in 0 … 1."""


class SplitBlock(nn.Module):
    """Kernels of 3 and 5 side by side, each across space and then along time; their sum is mixed by a kernel of 1."""

    def __init__(self, inputs: int, outputs: int, *, pictures: bool, stride: int = 1) -> None:
        super().__init__()
        self.across = "s" if pictures else "m"
        for size in KERNELS:
            half = size // 2
            if pictures:
                across: nn.Module = nn.Conv3d(
                    inputs, outputs, (1, size, size), (1, stride, stride), (0, half, half), bias=False
                )
                along: nn.Module = nn.Conv3d(outputs, outputs, (size, 1, 1), padding=(half, 0, 0), bias=False)
            else:
                across = nn.Conv2d(inputs, outputs, (size, 1), padding=(half, 0), bias=False)
                along = nn.Conv2d(outputs, outputs, (1, size), padding=(0, half), bias=False)
            for name, convolution in ((f"{self.across}_{size}", across), (f"t_{size}", along)):
                self.add_module(name, convolution)
                self.add_module(f"bn_{name}", _norm(outputs, pictures=pictures))
        self.last: nn.Module = (nn.Conv3d if pictures else nn.Conv2d)(outputs, outputs, 1, bias=False)
        self.bn_last = _norm(outputs, pictures=pictures)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, inputs, T, H, W]`, or `[B, inputs, coefficients, T]`, to as many of `outputs` channels."""
        branches = [self._unit(f"t_{size}", self._unit(f"{self.across}_{size}", x)) for size in KERNELS]
        return self._unit("last", branches[0] + branches[1])

    def _unit(self, name: str, x: Tensor) -> Tensor:
        return torch.relu(self.get_submodule(f"bn_{name}")(self.get_submodule(name)(x)))


class LightAsd(nn.Module):
    """Tells for every frame whether the face in the pictures speaks what is heard. 1.02 M parameters.

    `lossV` belongs to the released file; it scores pictures alone in training and is not used here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.ModuleDict(
            {
                "visualEncoder": _blocks(pictures=True),
                "audioEncoder": _blocks(pictures=False),
                "GRU": nn.ModuleDict(
                    {
                        name: nn.GRU(WIDTHS[-1], WIDTHS[-1], batch_first=True)
                        for name in ("gru_forward", "gru_backward")
                    }
                ),
            }
        )
        self.lossAV = nn.ModuleDict({"FC": nn.Linear(WIDTHS[-1], 2)})
        self.lossV = nn.ModuleDict({"FC": nn.Linear(WIDTHS[-1], 2)})

    def forward(self, pictures: Tensor, mfcc: Tensor) -> Tensor:
        """Score pictures `[B, T, 112, 112]` grey 0 … 255 and MFCC `[B, 4 T, 13]`: `[B, T]`, above 0 = speaks."""
        both = self._seen(pictures) + self._heard(mfcc)
        rnn = self.model.get_submodule("GRU")
        forwards = nn.functional.gelu(rnn.get_submodule("gru_forward")(both)[0])
        backwards = rnn.get_submodule("gru_backward")(forwards.flip(1))[0].flip(1)
        out: Tensor = self.lossAV.get_submodule("FC")(nn.functional.gelu(backwards))[..., 1]
        return out

    def _seen(self, pictures: Tensor) -> Tensor:
        x: Tensor = (pictures.unsqueeze(1) / 255 - GREY_MEAN) / GREY_DEVIATION
        encoder = self.model.get_submodule("visualEncoder")
        x = encoder.get_submodule("block1")(x)
        for name in ("block2", "block3"):
            x = nn.functional.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
            x = encoder.get_submodule(name)(x)
        return x.amax(dim=(3, 4)).transpose(1, 2)

    def _heard(self, mfcc: Tensor) -> Tensor:
        encoder = self.model.get_submodule("audioEncoder")
        x: Tensor = encoder.get_submodule("block1")(mfcc.transpose(1, 2).unsqueeze(1))
        for name in ("block2", "block3"):
            x = nn.functional.max_pool2d(x, (1, 3), (1, 2), (0, 1))
            x = encoder.get_submodule(name)(x)
        return x.mean(dim=2).transpose(1, 2)


def _norm(channels: int, *, pictures: bool) -> nn.Module:
    return (nn.BatchNorm3d if pictures else nn.BatchNorm2d)(channels, eps=1e-3)


def _blocks(*, pictures: bool) -> nn.ModuleDict:
    inputs = (1, *WIDTHS[:-1])
    return nn.ModuleDict(
        {
            f"block{i + 1}": SplitBlock(
                inputs[i], WIDTHS[i], pictures=pictures, stride=2 if pictures and i == 0 else 1
            )
            for i in range(len(WIDTHS))
        }
    )


def load_light_asd(path: Path, device: str) -> LightAsd:
    """Load a state dict with the names of `pretrain_AVA_CVPR.model`, strictly, without unpickling code."""
    net = LightAsd()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    return net.eval().to(device)

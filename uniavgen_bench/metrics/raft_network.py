"""RAFT as a network: the layers and names of the released `raft-things.pth` (without its prefix `module.`).

Teed and Deng, "RAFT: Recurrent all-pairs field transforms for optical flow" (ECCV 2020). This module imports torch:
import it inside functions only.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, grid_sample, pad, relu, softmax, unfold

HIDDEN = CONTEXT = 128
LEVELS, RADIUS = 4, 4
STRIDE = 8
"""Pixels of the picture under one cell of the features."""
CORRELATIONS = LEVELS * (2 * RADIUS + 1) ** 2
LEAST_SIDE = STRIDE * 2 ** (LEVELS - 1) * 2
"""Shortest side in px, after padding: the coarsest level of correlations needs two cells to lie between."""


class _Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int, norm: type[nn.Module], stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, stride=stride)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.norm1, self.norm2 = norm(outputs), norm(outputs)
        self.downsample: nn.Sequential | None = None
        if stride > 1:
            # The released state dict holds this norm under two names.
            self.norm3 = norm(outputs)
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride), self.norm3)

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.norm1(self.conv1(x)))
        y = relu(self.norm2(self.conv2(y)))
        return relu((x if self.downsample is None else self.downsample(x)) + y)


class _Encoder(nn.Module):
    def __init__(self, outputs: int, norm: type[nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3)
        self.norm1 = norm(64)
        self.layer1 = nn.Sequential(_Residual(64, 64, norm, 1), _Residual(64, 64, norm, 1))
        self.layer2 = nn.Sequential(_Residual(64, 96, norm, 2), _Residual(96, 96, norm, 1))
        self.layer3 = nn.Sequential(_Residual(96, 128, norm, 2), _Residual(128, 128, norm, 1))
        self.conv2 = nn.Conv2d(128, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = relu(self.norm1(self.conv1(x)))
        out: Tensor = self.conv2(self.layer3(self.layer2(self.layer1(x))))
        return out


class _MotionEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convc1 = nn.Conv2d(CORRELATIONS, 256, 1)
        self.convc2 = nn.Conv2d(256, 192, 3, padding=1)
        self.convf1 = nn.Conv2d(2, 128, 7, padding=3)
        self.convf2 = nn.Conv2d(128, 64, 3, padding=1)
        self.conv = nn.Conv2d(192 + 64, 128 - 2, 3, padding=1)

    def forward(self, flow: Tensor, correlation: Tensor) -> Tensor:
        seen = relu(self.convc2(relu(self.convc1(correlation))))
        moved = relu(self.convf2(relu(self.convf1(flow))))
        return torch.cat([relu(self.conv(torch.cat([seen, moved], dim=1))), flow], dim=1)


class _Gru(nn.Module):
    """A convolutional GRU that looks along rows, then along columns."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        for number, kernel in ((1, (1, 5)), (2, (5, 1))):
            for gate in ("z", "r", "q"):
                padding = (kernel[0] // 2, kernel[1] // 2)
                self.add_module(
                    f"conv{gate}{number}", nn.Conv2d(HIDDEN + inputs, HIDDEN, kernel, padding=padding)
                )

    def forward(self, hidden: Tensor, x: Tensor) -> Tensor:
        for number in (1, 2):
            both = torch.cat([hidden, x], dim=1)
            z = torch.sigmoid(self.get_submodule(f"convz{number}")(both))
            r = torch.sigmoid(self.get_submodule(f"convr{number}")(both))
            q = torch.tanh(self.get_submodule(f"convq{number}")(torch.cat([r * hidden, x], dim=1)))
            hidden = (1 - z) * hidden + z * q
        return hidden


class _FlowHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(HIDDEN, 256, 3, padding=1)
        self.conv2 = nn.Conv2d(256, 2, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        out: Tensor = self.conv2(relu(self.conv1(hidden)))
        return out


class _UpdateBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = _MotionEncoder()
        self.gru = _Gru(CONTEXT + 128)
        self.flow_head = _FlowHead()
        self.mask = nn.Sequential(
            nn.Conv2d(HIDDEN, 256, 3, padding=1), nn.ReLU(), nn.Conv2d(256, STRIDE**2 * 9, 1)
        )


class Raft(nn.Module):
    """Optical flow between two pictures. 5,257,536 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.fnet = _Encoder(256, nn.InstanceNorm2d)
        self.cnet = _Encoder(HIDDEN + CONTEXT, nn.BatchNorm2d)
        self.update_block = _UpdateBlock()

    def forward(self, first: Tensor, second: Tensor, *, rounds: int = 20) -> Tensor:
        """Return the flow in px `[B, 2, H, W]` (x, y) from pictures `[B, 3, H, W]` 0 … 255; H, W multiples of 8."""
        first, second = 2 * (first / 255) - 1, 2 * (second / 255) - 1
        features = self.fnet(torch.cat([first, second]))
        pyramid = _pyramid(*features.chunk(2))
        hidden, context = self.cnet(first).split([HIDDEN, CONTEXT], dim=1)
        hidden, context = torch.tanh(hidden), relu(context)
        start = _cells(hidden)
        at = start.clone()
        for _ in range(rounds):
            motion = self.update_block.encoder(at - start, _look_up(pyramid, at))
            hidden = self.update_block.gru(hidden, torch.cat([context, motion], dim=1))
            at = at + self.update_block.flow_head(hidden)
        return _upsampled(at - start, 0.25 * self.update_block.mask(hidden))


def _cells(like: Tensor) -> Tensor:
    rows, columns = like.shape[2:]
    y, x = torch.meshgrid(
        torch.arange(rows, device=like.device), torch.arange(columns, device=like.device), indexing="ij"
    )
    return torch.stack([x, y]).to(like.dtype).expand(len(like), -1, -1, -1)


def _pyramid(first: Tensor, second: Tensor) -> list[Tensor]:
    """Correlate all cells with all: `[B h w, 1, h, w]`, and the same over two, four and eight cells."""
    batch, channels, rows, columns = first.shape
    products = first.flatten(2).transpose(1, 2) @ second.flatten(2) / channels**0.5
    levels = [products.reshape(batch * rows * columns, 1, rows, columns)]
    for _ in range(LEVELS - 1):
        levels.append(avg_pool2d(levels[-1], 2, stride=2))
    return levels


def _look_up(pyramid: list[Tensor], at: Tensor) -> Tensor:
    """Read the correlations within four cells around `at` `[B, 2, h, w]` on every level: `[B, 324, h, w]`."""
    batch, _, rows, columns = at.shape
    centre = at.permute(0, 2, 3, 1).reshape(-1, 1, 1, 2)
    steps = torch.linspace(-RADIUS, RADIUS, 2 * RADIUS + 1, device=at.device, dtype=at.dtype)
    # The released network was trained with rows and columns of this window exchanged.
    window = torch.stack(torch.meshgrid(steps, steps, indexing="ij"), dim=-1)[None]
    found = []
    for level, correlation in enumerate(pyramid):
        size = torch.tensor([correlation.shape[3] - 1, correlation.shape[2] - 1], device=at.device)
        place = 2 * (centre / 2**level + window) / size - 1
        read = grid_sample(correlation, place, align_corners=True)
        found.append(read.view(batch, rows, columns, -1))
    return torch.cat(found, dim=-1).permute(0, 3, 1, 2).contiguous()


def _upsampled(flow: Tensor, mask: Tensor) -> Tensor:
    """Bring a flow of cells `[B, 2, h, w]` to px `[B, 2, 8 h, 8 w]`: each px a convex mean of nine cells."""
    batch, _, rows, columns = flow.shape
    weights = softmax(mask.view(batch, 1, 9, STRIDE, STRIDE, rows, columns), dim=2)
    near = unfold(STRIDE * flow, 3, padding=1).view(batch, 2, 9, 1, 1, rows, columns)
    fine = (weights * near).sum(dim=2).permute(0, 1, 4, 2, 5, 3)
    return fine.reshape(batch, 2, STRIDE * rows, STRIDE * columns)


def padded(picture: Tensor) -> Tensor:
    """Repeat the edges of a picture `[B, 3, H, W]` evenly on both sides until its sides are multiples of 8."""
    height, width = -picture.shape[2] % STRIDE, -picture.shape[3] % STRIDE
    sides = (width // 2, width - width // 2, height // 2, height - height // 2)
    return pad(picture, sides, mode="replicate")


def load_raft(path: Path, device: str) -> Raft:
    """Load a state dict with the names of `raft-things.pth`, strictly, without unpickling code."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = Raft()
    net.load_state_dict({name.removeprefix("module."): value for name, value in state.items()}, strict=True)
    return net.eval().to(device)

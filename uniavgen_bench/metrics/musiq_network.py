"""MUSIQ as a network: the layers and names of `musiq_spaq_ckpt-358bb6af.pth`, a conversion of the released weights.

Ke et al., "MUSIQ: Multi-scale image quality transformer" (ICCV 2021): patches of 32 px of a picture at its own size and
with its longer side at 224 and 384 px go through two convolutions and a transformer that knows their places and scales.
This module imports torch: import it inside functions only.
"""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import (
    conv2d,
    gelu,
    interpolate,
    max_pool2d,
    pad,
    relu,
    unfold,
)

PATCH = 32
LONGER_SIDES = (224, 384)
GRID = 10
"""Places along either side that the transformer tells apart."""
WIDTH, MLP_WIDTH, HEADS, DEPTH = 384, 1152, 6, 14
MASKED = -1e3
"""What the released code puts in place of an attention value that is masked: small, not minus infinity."""


def _same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad with zeros as TensorFlow's SAME does: the output has `ceil(size / stride)` rows and columns."""
    sides = []
    for size in (x.shape[3], x.shape[2]):
        lacking = max(0, (math.ceil(size / stride) - 1) * stride + kernel - size)
        sides += [lacking // 2, lacking - lacking // 2]
    return pad(x, sides)


class _StandardConv(nn.Conv2d):
    """A convolution whose kernels have mean 0 and deviation 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        weight = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        weight = weight / (weight.std((1, 2, 3), keepdim=True) + 1e-5)
        return conv2d(_same(x, self.kernel_size[0], self.stride[0]), weight, stride=self.stride)


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.gn1 = _StandardConv(inputs, inputs, 1), nn.GroupNorm(32, inputs, eps=1e-4)
        self.conv2, self.gn2 = _StandardConv(inputs, inputs, 3), nn.GroupNorm(32, inputs, eps=1e-4)
        self.conv3, self.gn3 = _StandardConv(inputs, outputs, 1), nn.GroupNorm(32, outputs, eps=1e-4)
        self.conv_proj, self.gn_proj = _StandardConv(inputs, outputs, 1), nn.GroupNorm(32, outputs, eps=1e-4)

    def forward(self, x: Tensor) -> Tensor:
        y = relu(self.gn1(self.conv1(x)))
        y = relu(self.gn2(self.conv2(y)))
        return relu(self.gn3(self.conv3(y)) + self.gn_proj(self.conv_proj(x)))


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        split = [
            layer(x).unflatten(2, (HEADS, -1)).transpose(1, 2) for layer in (self.query, self.key, self.value)
        ]
        attention = split[0] @ split[1].transpose(2, 3) * (WIDTH // HEADS) ** -0.5
        attention = attention.masked_fill(~(mask[:, None, :, None] & mask[:, None, None, :]), MASKED)
        mixed = attention.softmax(dim=-1) @ split[2]
        out: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return out


class _Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(WIDTH, MLP_WIDTH), nn.Linear(MLP_WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(gelu(self.fc1(x)))
        return out


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6), nn.LayerNorm(WIDTH, eps=1e-6)
        self.attention, self.mlp = _Attention(), _Mlp()

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x), mask)
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class _Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.posembed_input = nn.ParameterDict({"position_emb": torch.zeros(1, GRID**2, WIDTH)})
        self.scaleembed_input = nn.ParameterDict({"scale_emb": torch.zeros(len(LONGER_SIDES) + 1, WIDTH)})
        self.cls = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.encoder_norm = nn.LayerNorm(WIDTH, eps=1e-6)
        self.transformer = nn.ModuleDict({f"encoderblock_{i}": _Block() for i in range(DEPTH)})

    def forward(self, x: Tensor, places: Tensor, scales: Tensor, mask: Tensor) -> Tensor:
        x = x + self.posembed_input["position_emb"][0][places] + self.scaleembed_input["scale_emb"][scales]
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1)
        mask = pad(mask, (1, 0), value=True)
        for block in self.transformer.values():
            x = block(x, mask)
        out: Tensor = self.encoder_norm(x)[:, 0]
        return out


class Musiq(nn.Module):
    """Pictures to the mean opinion score of SPAQ, about 0 … 100. 27,125,825 parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_root = _StandardConv(3, 64, 7, 2)
        self.gn_root = nn.GroupNorm(32, 64, eps=1e-6)
        self.block1 = _Bottleneck(64, 256)
        self.embedding = nn.Linear(256 * (PATCH // 4) ** 2, WIDTH)
        self.transformer_encoder = _Encoder()
        self.head = nn.Linear(WIDTH, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Score pictures `[B, 3, H, W]` RGB 0 … 1 of one size: `[B]`."""
        patches, places, scales, mask = _tokens((pictures - 0.5) * 2)
        batch, tokens = patches.shape[:2]
        x = relu(self.gn_root(self.conv_root(patches.reshape(-1, 3, PATCH, PATCH))))
        x = self.block1(max_pool2d(_same(x, 3, 2), 3, 2))
        # The embedding's inputs stand in the order of rows, columns, channels.
        x = self.embedding(x.permute(0, 2, 3, 1).reshape(batch, tokens, -1))
        repeat = (batch, -1)
        out: Tensor = self.head(
            self.transformer_encoder(x, places.expand(*repeat), scales.expand(*repeat), mask.expand(*repeat))
        )[:, 0]
        return out


def _tokens(pictures: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Cut pictures `[B, 3, H, W]` into patches `[B, N, 3072]`, and tell place, scale and use `[N]` of each.

    The smaller scales fill up to as many patches as a square would have; those are not used.
    """
    height, width = pictures.shape[2:]
    parts: list[tuple[Tensor, Tensor, int | None]] = []
    for side in LONGER_SIDES:
        ratio = side / max(height, width)
        size = (round(height * ratio), round(width * ratio))
        resized = interpolate(pictures, size, mode="bicubic", align_corners=False)
        parts.append((*_patches(resized), math.ceil(side / PATCH) ** 2))
    parts.append((*_patches(pictures), None))
    patches, places, scales, used = [], [], [], []
    for scale, (cut, place, most) in enumerate(parts):
        count = cut.shape[1]
        lacking = 0 if most is None else most - count
        patches.append(pad(cut, (0, 0, 0, lacking)))
        places.append(pad(place, (0, lacking)))
        scales.append(pad(torch.full((count,), scale, device=cut.device), (0, lacking)))
        used.append(pad(torch.ones(count, dtype=torch.bool, device=cut.device), (0, lacking), value=False))
    return torch.cat(patches, dim=1), torch.cat(places), torch.cat(scales), torch.cat(used)


def _patches(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Return patches `[B, n, 3072]`, and their places `[n]` on a grid of 10 x 10."""
    rows, columns = (math.ceil(size / PATCH) for size in pictures.shape[2:])
    cut = unfold(_same(pictures, PATCH, PATCH), PATCH, stride=PATCH).transpose(1, 2)
    # Torch's own rounding of nearest neighbours decides at the borders between places.
    steps = torch.arange(GRID, dtype=torch.float32, device=cut.device)[None, None]
    y, x = (interpolate(steps, count, mode="nearest")[0, 0].long() for count in (rows, columns))
    return cut, (y[:, None] * GRID + x).flatten()


def load_musiq(path: Path, device: str) -> Musiq:
    """Load a state dict with the names of `musiq_spaq_ckpt-358bb6af.pth`, strictly, without unpickling code."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    net = Musiq()
    net.load_state_dict({name.removeprefix("module."): value for name, value in state.items()}, strict=True)
    return net.eval().to(device)

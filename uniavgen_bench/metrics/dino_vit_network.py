"""DINO's ViT-B/16 as a network: the layers and names of the released `dino_vitbase16_pretrain.pth`.

Caron et al., "Emerging properties in self-supervised vision transformers" (ICCV 2021); a vision transformer as in
Dosovitskiy et al. (ICLR 2021) without a classifier. This module imports torch: import it inside functions only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention


@dataclass(frozen=True)
class VitParams:
    """Sizes of a vision transformer; the defaults are ViT-B/16 trained on pictures of 224 px."""

    width: int = 768
    depth: int = 12
    heads: int = 12
    patch: int = 16
    side: int = 224

    @property
    def grid(self) -> int:
        """Patches along a side of a training picture."""
        return self.side // self.patch


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, width = x.shape
        split = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads)
        q, k, v = split.permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, tokens, width)
        out: Tensor = self.proj(mixed)
        return out


class _Mlp(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(gelu(self.fc1(x)))
        return out


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = _Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = _Mlp(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


class DinoVit(nn.Module):
    """Pictures to the class token of the last layer. 85,798,656 parameters with the default sizes."""

    def __init__(self, params: VitParams | None = None) -> None:
        super().__init__()
        self.params = params = params or VitParams()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, params.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, params.grid**2 + 1, params.width))
        self.patch_embed = nn.ModuleDict(
            {"proj": nn.Conv2d(3, params.width, params.patch, stride=params.patch)}
        )
        self.blocks = nn.ModuleList(_Block(params.width, params.heads) for _ in range(params.depth))
        self.norm = nn.LayerNorm(params.width, eps=1e-6)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed pictures `[B, 3, H, W]`, normalised, of any size: `[B, width]`. Rows and columns beyond the last
        whole patch are left out.
        """
        patches = self.patch_embed.get_submodule("proj")(pictures)
        tokens = patches.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(tokens), -1, -1), tokens], dim=1)
        x = x + self._places(patches.shape[2], patches.shape[3], pictures.shape[2] == pictures.shape[3])
        for block in self.blocks:
            x = block(x)
        out: Tensor = self.norm(x)[:, 0]
        return out

    def _places(self, rows: int, columns: int, square: bool) -> Tensor:
        """Return the embedding of places `[1, 1 + rows * columns, width]`: bicubic where the picture's size is not
        the training's, by the scale factors of the released code (0.1 patch above the whole number).
        """
        grid = self.params.grid
        if rows * columns == grid**2 and square:
            return self.pos_embed
        places = self.pos_embed[:, 1:].reshape(1, grid, grid, -1).permute(0, 3, 1, 2)
        factors = ((rows + 0.1) / grid, (columns + 0.1) / grid)
        resized = interpolate(places, scale_factor=factors, mode="bicubic")
        return torch.cat([self.pos_embed[:, :1], resized.flatten(2).transpose(1, 2)], dim=1)


def load_dino(path: Path, device: str) -> DinoVit:
    """Load a state dict with the names of `dino_vitbase16_pretrain.pth`, strictly, without unpickling code."""
    net = DinoVit()
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    return net.eval().to(device)

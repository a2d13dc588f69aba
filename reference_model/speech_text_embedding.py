"""What is said, as characters: an embedding table, sinusoidal positions and ConvNeXt-V2 blocks.

Spec topic: speech text; the paper names ConvNeXt blocks for the speech content.
"""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_model.params import SpeechTextParams

FILLER = -1
"""The id of a position without a symbol."""


class GlobalResponseNorm(nn.Module):
    """Channels compete by their energy over the whole text (ConvNeXt V2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, width))
        self.beta = nn.Parameter(torch.zeros(1, 1, width))

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """`[B, L, C]`, present `[B, L, 1]`: rows that are not present carry no energy."""
        energy: Tensor = torch.linalg.vector_norm(x * present, dim=1, keepdim=True)
        relative = energy / (energy.mean(dim=-1, keepdim=True) + 1e-6)
        scaled: Tensor = self.gamma * (x * relative) + self.beta + x
        return scaled


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over 7 symbols, then a widened feed-forward, added to the input."""

    def __init__(self, width: int, multiplier: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.pwconv1 = nn.Linear(width, width * multiplier)
        self.grn = GlobalResponseNorm(width * multiplier)
        self.pwconv2 = nn.Linear(width * multiplier, width)

    def forward(self, x: Tensor, present: Tensor) -> Tensor:
        """`[B, L, C]` -> `[B, L, C]`; rows that are not present have to be zero."""
        y = self.norm(self.dwconv(x.mT).mT)
        update: Tensor = self.pwconv2(self.grn(functional.gelu(self.pwconv1(y)), present))
        return x + update


class SpeechTextEmbedding(nn.Module):
    """Character ids to text rows."""

    def __init__(self, params: SpeechTextParams) -> None:
        super().__init__()
        self.positions = params.positions
        self.text_embed = nn.Embedding(params.vocabulary + 1, params.width)
        self.text_blocks = nn.ModuleList(
            ConvNeXtBlock(params.width, params.multiplier) for _ in range(params.blocks)
        )

    def forward(
        self, ids: Tensor, lengths: Tensor | None = None, spoken: Literal["text", "nothing"] = "text"
    ) -> Tensor:
        """ids `[B, L]` int64 (-1 = filler) -> rows `[B, L, C]`, zero at fillers.

        Row b of a batch has lengths[b] positions (all L if None) and what follows does not exist: an item comes out
        the same in every batch. Fillers inside the length do exist for the block's statistics. `spoken` "nothing"
        drops the text but not its length: every symbol becomes the filler's row. ValueError for ids beyond the
        vocabulary.
        """
        if ids.numel() and not (ids.min() >= FILLER and ids.max() < self.text_embed.num_embeddings - 1):
            raise ValueError(
                f"speech ids must lie in -1..{self.text_embed.num_embeddings - 2}, "
                f"got {int(ids.min())}..{int(ids.max())}"
            )
        length = ids.shape[1]
        place = torch.arange(length, device=ids.device)
        ends = torch.full_like(ids[:, 0], length) if lengths is None else lengths
        dtype = self.text_embed.weight.dtype
        present = (place < ends[:, None])[..., None].to(dtype)
        kept = present * (ids != FILLER)[..., None].to(dtype)
        positions = sinusoid(place.clamp(max=self.positions - 1), self.text_embed.embedding_dim).to(dtype)
        symbols = ids + 1 if spoken == "text" else torch.zeros_like(ids)
        x: Tensor = (self.text_embed(symbols) + positions) * kept
        for block in self.text_blocks:
            x = block(x, present) * kept
        return x


def sinusoid(positions: Tensor, width: int) -> Tensor:
    """cos and sin halves of pos / 10000^(2i/width): positions `[L]` -> `[L, width]` fp32."""
    exponent = torch.arange(0, width, 2, device=positions.device)[: width // 2].float() / width
    angles = positions.float()[:, None] * (1.0 / 10000.0**exponent)
    return torch.cat((angles.cos(), angles.sin()), dim=-1)

"""The transformer block that both branches are made of, and what goes in and out of a branch.

Shape letters: B batch, L tokens, C width, H heads, G groups of tokens that share one time.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_model.attention import AttentionBackend, KeyValue, attend, split_heads
from reference_model.rope import rotate


class RMSNorm(nn.Module):
    """x / rms(x) * weight over the full width, before heads are split (spec topic: transformer block)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """`[..., C]` -> `[..., C]`."""
        return functional.rms_norm(x, self.weight.shape, self.weight.to(x.dtype), self.eps)


@dataclass(frozen=True)
class TimeEmbedding:
    """The times of one branch: two rows, 0 for what is given and t for what is made.

    rows `[B, 2, C]` and its projection for the blocks `[B, 2, 6, C]`, both fp32; index `[G]` says which row each
    of G equal groups of tokens has.
    """

    rows: Tensor
    blocks: Tensor
    index: Tensor

    def part(self, index: Tensor) -> "TimeEmbedding":
        """The same rows for another grouping."""
        return TimeEmbedding(self.rows, self.blocks, index)


def time_sinusoid(times: Tensor, size: int) -> Tensor:
    """cos and sin of t / 10000^(2i/size): times `[...]` (0..1000) -> `[..., size]` float64."""
    half = size // 2
    rates = 10000.0 ** (-torch.arange(half, dtype=torch.float64, device=times.device) / half)
    angles = times.to(torch.float64)[..., None] * rates
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


def mlp(inner: int, width: int, activation: nn.Module, outer: int | None = None) -> nn.Sequential:
    """Linear, activation, Linear."""
    return nn.Sequential(nn.Linear(inner, width), activation, nn.Linear(width, outer or width))


def fp32_linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """`[..., C]` -> `[..., C']` fp32, whatever the layer's dtype; time and output heads are fp32 islands."""
    bias = None if layer.bias is None else layer.bias.float()
    with torch.autocast(x.device.type, enabled=False):
        return functional.linear(x.float(), layer.weight.float(), bias)


def embed_times(
    times: Tensor, size: int, embedding: nn.Sequential, projection: nn.Sequential
) -> tuple[Tensor, Tensor]:
    """Times `[B, 2]` -> embedding `[B, 2, C]` and block modulation `[B, 2, 6, C]`, in fp32."""
    first, second, last = embedding[0], embedding[2], projection[1]
    assert isinstance(first, nn.Linear) and isinstance(second, nn.Linear) and isinstance(last, nn.Linear)
    rows = fp32_linear(second, functional.silu(fp32_linear(first, time_sinusoid(times, size).float())))
    return rows, torch.unflatten(fp32_linear(last, functional.silu(rows)), -1, (6, -1))


def grouped(x: Tensor, groups: int) -> Tensor:
    """Tokens `[B, L, C]` -> `[B, G, L/G, C]`."""
    return torch.unflatten(x, 1, (groups, -1))


def modulate(x: Tensor, shift: Tensor, scale: Tensor, eps: float) -> Tensor:
    """LN(x) * (1 + scale) + shift: x `[B, L, C]`, shift and scale `[B, G, C]`, each for L/G tokens."""
    normed = grouped(functional.layer_norm(x, x.shape[-1:], eps=eps), shift.shape[1])
    return torch.addcmul(shift.unsqueeze(2), normed, 1 + scale.unsqueeze(2)).flatten(1, 2)


def gated_add(x: Tensor, update: Tensor, gate: Tensor) -> Tensor:
    """x + update * gate: x and update `[B, L, C]`, gate `[B, G, C]`."""
    groups = gate.shape[1]
    return torch.addcmul(grouped(x, groups), grouped(update, groups), gate.unsqueeze(2)).flatten(1, 2)


class Attention(nn.Module):
    """Multi-head attention with RMS-normalised queries and keys; the context may have another width."""

    def __init__(
        self, width: int, heads: int, eps: float, backend: AttentionBackend, context_width: int | None = None
    ) -> None:
        super().__init__()
        self.heads, self.backend = heads, backend
        self.q, self.o = nn.Linear(width, width), nn.Linear(width, width)
        self.k, self.v = (nn.Linear(context_width or width, width) for _ in range(2))
        self.norm_q, self.norm_k = RMSNorm(width, eps), RMSNorm(width, eps)

    def queries(self, x: Tensor, rotation: Tensor | None) -> Tensor:
        """`[B, L, C]` -> `[B, L, H, D]`, turned if a rotation `[L, D/2, 2]` is given."""
        q = split_heads(self.norm_q(self.q(x)), self.heads)
        return q if rotation is None else rotate(q, rotation)

    def context(self, x: Tensor, rotation: Tensor | None, mask: Tensor | None = None) -> KeyValue:
        """Keys and values of tokens `[B, L, C']`; mask `[B, L]` bool, True where a token may be seen."""
        k = split_heads(self.norm_k(self.k(x)), self.heads)
        k = k if rotation is None else rotate(k, rotation)
        v = split_heads(self.v(x), self.heads)
        return KeyValue(k.transpose(1, 2), v.transpose(1, 2), None if mask is None else mask[:, None, None])

    def forward(self, x: Tensor, rotation: Tensor | None, context: KeyValue | None = None) -> Tensor:
        """`[B, L, C]` -> `[B, L, C]`: to itself, or to a context."""
        keys = self.context(x, rotation) if context is None else context
        attended: Tensor = self.o(attend(self.queries(x, rotation), keys, self.backend))
        return attended


class Modulations(NamedTuple):
    """Shift, scale and gate of attention, then of feed-forward; each `[B, G, C]`."""

    shift1: Tensor
    scale1: Tensor
    gate1: Tensor
    shift2: Tensor
    scale2: Tensor
    gate2: Tensor


class Block(nn.Module):
    """Self-attention, text cross-attention, feed-forward (paper: dual-branch joint synthesis)."""

    def __init__(self, width: int, ffn: int, heads: int, eps: float, backend: AttentionBackend) -> None:
        super().__init__()
        self.eps = eps
        self.modulation = nn.Parameter(torch.randn(1, 6, width) / width**0.5)
        self.self_attn = Attention(width, heads, eps, backend)
        self.norm3 = nn.LayerNorm(width, eps)
        self.cross_attn = Attention(width, heads, eps, backend)
        self.ffn = mlp(width, ffn, nn.GELU("tanh"), width)

    def modulations(self, time: TimeEmbedding, dtype: torch.dtype) -> Modulations:
        """The six modulation vectors of each group, summed in fp32 and rounded to the activation dtype."""
        rows = (self.modulation.float() + time.blocks).to(dtype)
        return Modulations(*rows.index_select(1, time.index).unbind(2))

    def forward(
        self, x: Tensor, time: TimeEmbedding, rotation: Tensor, text: KeyValue, text_rotation: Tensor | None
    ) -> Tensor:
        """Tokens `[B, L, C]` -> `[B, L, C]`; `text_rotation` turns the queries that look at the text."""
        m = self.modulations(time, x.dtype)
        x = gated_add(x, self.self_attn(modulate(x, m.shift1, m.scale1, self.eps), rotation), m.gate1)
        x = x + self.cross_attn(self.norm3(x), text_rotation, text)
        return gated_add(x, self.ffn(modulate(x, m.shift2, m.scale2, self.eps)), m.gate2)


class Head(nn.Module):
    """Modulated norm and linear output in fp32: one for velocities, one for face masks."""

    def __init__(self, width: int, outputs: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.modulation = nn.Parameter(torch.randn(1, 2, width) / width**0.5)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor, time: TimeEmbedding) -> Tensor:
        """`[B, L, C]` -> `[B, L, outputs]` fp32; the same time row is added to shift and to scale."""
        rows = self.modulation.float()[:, None] + time.rows[:, :, None]
        shift, scale = rows.index_select(1, time.index).unbind(2)
        return fp32_linear(self.head, modulate(x.float(), shift, scale, self.eps))


def unpatchify(patches: Tensor, rows: int, columns: int, patch: tuple[int, int]) -> Tensor:
    """Patches `[B, F*rows*columns, ph*pw*c]`, channel fastest -> latent `[B, c, F, rows*ph, columns*pw]`."""
    cells: Tensor = torch.unflatten(torch.unflatten(patches, 2, (*patch, -1)), 1, (-1, rows, columns))
    return cells.permute(0, 6, 1, 2, 4, 3, 5).flatten(5, 6).flatten(3, 4)

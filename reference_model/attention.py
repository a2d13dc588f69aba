"""Softmax attention behind one signature, so that a faster kernel is one argument away."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

AttentionBackend = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""(q, k, v, mask) -> output: q `[B, H, Lq, D]`, k and v `[B, H, Lk, D]`, output as q.

mask is bool, broadcastable to `[B, H, Lq, Lk]`, True where a key may be seen, or None. Scale 1/sqrt(D).
"""


@dataclass(frozen=True)
class KeyValue:
    """Keys and values `[B, H, L, D]`, ready to be attended, with an optional bool mask `[B, 1, 1, L]`."""

    key: Tensor
    value: Tensor
    mask: Tensor | None = None


def sdpa(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention by torch's fused kernels, whichever fits device and dtype; shapes of `AttentionBackend`."""
    return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)


def plain(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention as its formula, in fp32: slow, and what the fused kernels are compared with; shapes as `sdpa`."""
    scores = q.float() @ k.float().transpose(-1, -2) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return (torch.softmax(scores, dim=-1) @ v.float()).to(q.dtype)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """`[B, L, H*D]` -> `[B, L, H, D]`."""
    return torch.unflatten(x, -1, (heads, -1))


def attend(q: Tensor, context: KeyValue, backend: AttentionBackend) -> Tensor:
    """Attend from q `[B, Lq, H, D]` to a context; gives `[B, Lq, H*D]`."""
    return backend(q.transpose(1, 2), context.key, context.value, context.mask).transpose(1, 2).flatten(2)

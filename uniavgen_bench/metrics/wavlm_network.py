"""WavLM's encoder as a network: the layers and names of the part `wavlm_model` of AudioBox-Aesthetics' checkpoint.

Chen et al., "WavLM: Large-scale self-supervised pre-training for full stack speech processing" (IEEE JSTSP 2022),
Base: seven convolutions, and layers of attention whose bias by distance is gated by the query. This module imports
torch: import it inside functions only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

CONVOLUTIONS = ((10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2), (2, 2))
"""Kernel and stride of each, in samples of what is below."""


@dataclass(frozen=True)
class WavlmParams:
    """Sizes of the encoder; the defaults are WavLM Base."""

    channels: int = 512
    width: int = 768
    mlp_width: int = 3072
    heads: int = 12
    depth: int = 12
    buckets: int = 320
    farthest: int = 800
    place_kernel: int = 128
    place_groups: int = 16


class _Sounds(nn.Module):
    """The convolutions; dropout is left out, its place in the numbering is kept."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList()
        for i, (kernel, stride) in enumerate(CONVOLUTIONS):
            parts: list[nn.Module] = [
                nn.Conv1d(channels if i else 1, channels, kernel, stride=stride, bias=False),
                nn.Identity(),
            ]
            if i == 0:
                parts.append(nn.GroupNorm(channels, channels))
            self.conv_layers.append(nn.Sequential(*parts, nn.GELU()))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.conv_layers:
            x = layer(x)
        return x


class _Attention(nn.Module):
    def __init__(self, params: WavlmParams, *, first: bool) -> None:
        super().__init__()
        self.params = params
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            self.add_module(name, nn.Linear(params.width, params.width))
        self.grep_linear = nn.Linear(params.width // params.heads, 8)
        self.grep_a = nn.Parameter(torch.ones(1, params.heads, 1, 1))
        if first:
            self.relative_attention_bias = nn.Embedding(params.buckets, params.heads)

    def bias(self, length: int) -> Tensor:
        """Return what attention gains by distance `[heads, length, length]`; only the first layer knows it."""
        at = torch.arange(length, device=self.grep_a.device)
        buckets = distance_buckets(at[None, :] - at[:, None], self.params.buckets, self.params.farthest)
        found: Tensor = self.relative_attention_bias(buckets)
        return found.permute(2, 0, 1)

    def forward(self, x: Tensor, bias: Tensor, hidden: Tensor) -> Tensor:
        q, k, v = (self._heads(self.get_submodule(f"{name}_proj")(x)) for name in ("q", "k", "v"))
        # The gate looks at the layer's input, not at its query.
        split = self.grep_linear(self._heads(x))
        split = split.reshape(*split.shape[:-1], 2, 4).sum(-1)
        open_, reset = torch.sigmoid(split).chunk(2, dim=-1)
        gated = (open_ * (reset * self.grep_a - 1.0) + 2.0) * bias
        gated = gated.masked_fill(hidden[:, None, None, :], -math.inf)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=gated)
        out: Tensor = self.get_submodule("out_proj")(mixed.transpose(1, 2).flatten(2))
        return out

    def _heads(self, x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], self.params.heads, -1).transpose(1, 2)


def distance_buckets(distance: Tensor, buckets: int, farthest: int) -> Tensor:
    """Sort signed distances into buckets: near ones have their own, far ones share by their logarithm."""
    half = buckets // 2
    side = (distance > 0).long() * half
    far = distance.abs()
    exact = half // 2
    shared = exact + (torch.log(far.float() / exact) / math.log(farthest / exact) * (half - exact)).long()
    return side + torch.where(far < exact, far, shared.clamp(max=half - 1))


class _Layer(nn.Module):
    def __init__(self, params: WavlmParams, *, first: bool) -> None:
        super().__init__()
        self.self_attn = _Attention(params, first=first)
        self.self_attn_layer_norm = nn.LayerNorm(params.width)
        self.fc1, self.fc2 = (
            nn.Linear(params.width, params.mlp_width),
            nn.Linear(params.mlp_width, params.width),
        )
        self.final_layer_norm = nn.LayerNorm(params.width)

    def forward(self, x: Tensor, bias: Tensor, hidden: Tensor) -> Tensor:
        x = self.self_attn_layer_norm(x + self.self_attn(x, bias, hidden))
        out: Tensor = self.final_layer_norm(x + self.fc2(gelu(self.fc1(x))))
        return out


class _Encoder(nn.Module):
    def __init__(self, params: WavlmParams) -> None:
        super().__init__()
        places = nn.Conv1d(
            params.width,
            params.width,
            params.place_kernel,
            padding=params.place_kernel // 2,
            groups=params.place_groups,
        )
        # The released state dict holds the kernel as length and direction: `weight_g` and `weight_v`.
        self.pos_conv = nn.ModuleList([_WeightNorm(places)])
        self.layers = nn.ModuleList(_Layer(params, first=i == 0) for i in range(params.depth))
        self.layer_norm = nn.LayerNorm(params.width)

    def forward(self, x: Tensor, hidden: Tensor) -> list[Tensor]:
        x = x.masked_fill(hidden[..., None], 0.0)
        places = self.pos_conv[0](x.transpose(1, 2))[..., : x.shape[1]]
        x = self.layer_norm(x + gelu(places).transpose(1, 2))
        states = [x]
        bias = self.layers[0].get_submodule("self_attn").bias(x.shape[1])  # type: ignore[operator]
        for layer in self.layers:
            states.append(layer(states[-1], bias, hidden))
        return states


class _WeightNorm(nn.Module):
    """A convolution whose kernel has a length `weight_g` for each tap and a direction `weight_v`."""

    def __init__(self, convolution: nn.Conv1d) -> None:
        super().__init__()
        self.padding, self.groups = convolution.padding, convolution.groups
        self.bias = convolution.bias
        self.weight_v = nn.Parameter(convolution.weight.detach().clone())
        self.weight_g = nn.Parameter(self.weight_v.detach().norm(dim=(0, 1), keepdim=True))

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.weight_v * (self.weight_g / self.weight_v.norm(dim=(0, 1), keepdim=True))
        return nn.functional.conv1d(x, kernel, self.bias, padding=self.padding, groups=self.groups)


class Wavlm(nn.Module):
    """Sound at 16 kHz to the states of all layers, 50 a second. 94.4 M parameters with the default sizes.

    `mask_emb` belongs to the released file; it hides sound in training and is not used here.
    """

    def __init__(self, params: WavlmParams | None = None) -> None:
        super().__init__()
        params = params or WavlmParams()
        self.mask_emb = nn.Parameter(torch.zeros(params.width))
        self.feature_extractor = _Sounds(params.channels)
        self.layer_norm = nn.LayerNorm(params.channels)
        self.post_extract_proj = nn.Linear(params.channels, params.width)
        self.encoder = _Encoder(params)

    def forward(self, sound: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        """Return states `[layers + 1, B, T, width]` and which steps `[B, T]` hold sound.

        `sound` [B, N] at 16 kHz; `heard` [B, N] tells true samples from what was filled up.
        """
        features = self.layer_norm(self.feature_extractor(sound[:, None]).transpose(1, 2))
        steps = features.shape[1]
        whole = heard.shape[1] // steps * steps
        spoken = heard[:, :whole].reshape(len(heard), steps, -1).any(dim=-1)
        return torch.stack(self.encoder(self.post_extract_proj(features), ~spoken)), spoken

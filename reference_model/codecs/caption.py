"""Captions through the umT5-xxl encoder of transformers, under the names of the official `.pth` file."""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reference_model.codecs.extra import require
from reference_model.codecs.named_weights import load_official_names, official_shapes, read_pth

_LAYER_PARTS = {
    "layer.0.layer_norm": "norm1",
    "layer.0.SelfAttention.q": "attn.q",
    "layer.0.SelfAttention.k": "attn.k",
    "layer.0.SelfAttention.v": "attn.v",
    "layer.0.SelfAttention.o": "attn.o",
    "layer.0.SelfAttention.relative_attention_bias": "pos_embedding.embedding",
    "layer.1.layer_norm": "norm2",
    "layer.1.DenseReluDense.wi_0": "ffn.gate.0",
    "layer.1.DenseReluDense.wi_1": "ffn.fc1",
    "layer.1.DenseReluDense.wo": "ffn.fc2",
}
_OUTER_PARTS = {
    "shared": "token_embedding",
    "encoder.embed_tokens": "token_embedding",
    "encoder.final_layer_norm": "norm",
}
_LAYER = re.compile(r"encoder\.block\.(\d+)\.(.+)")


@dataclass(frozen=True)
class UMT5Params:
    """Sizes of the encoder; the defaults are umT5-xxl's. `positions` is the longest caption in tokens."""

    vocabulary: int = 256_384
    dim: int = 4096
    attention_dim: int = 4096
    ffn_dim: int = 10_240
    heads: int = 64
    layers: int = 24
    buckets: int = 32
    max_distance: int = 128
    positions: int = 512


UMT5_XXL = UMT5Params()


def clean_caption(caption: str) -> str:
    """Repair broken encodings, resolve HTML entities (also doubly escaped ones), collapse white space, strip.

    Raises:
        MissingExtraError: ftfy is not installed.
    """
    repaired = require("ftfy", "cleaning captions").fix_text(caption)
    return re.sub(r"\s+", " ", html.unescape(html.unescape(repaired))).strip()


def official_umt5_name(name: str) -> str:
    """Official name of a parameter of transformers' `UMT5EncoderModel`."""
    stem, _, kind = name.rpartition(".")
    layer = _LAYER.fullmatch(stem)
    if layer is not None and layer[2] in _LAYER_PARTS:
        return f"blocks.{layer[1]}.{_LAYER_PARTS[layer[2]]}.{kind}"
    if stem in _OUTER_PARTS:
        return f"{_OUTER_PARTS[stem]}.{kind}"
    raise ValueError(f"no official name is known for {name!r}")


def build_on_meta(params: UMT5Params = UMT5_XXL) -> nn.Module:
    """transformers' encoder of these sizes, without memory for its weights.

    Raises:
        MissingExtraError: transformers is not installed.
        ValueError: the attention width is not divisible by the heads.
    """
    if params.attention_dim % params.heads:
        raise ValueError(f"attention width {params.attention_dim} is not a multiple of {params.heads} heads")
    transformers = require("transformers", "the umT5 caption encoder")
    config = transformers.UMT5Config(
        vocab_size=params.vocabulary,
        d_model=params.dim,
        d_kv=params.attention_dim // params.heads,
        d_ff=params.ffn_dim,
        num_heads=params.heads,
        num_layers=params.layers,
        relative_attention_num_buckets=params.buckets,
        relative_attention_max_distance=params.max_distance,
        feed_forward_proj="gated-gelu",
        layer_norm_epsilon=1e-6,
    )
    with torch.device("meta"):
        network: nn.Module = transformers.UMT5EncoderModel(config)
    return network


def official_umt5_shapes(params: UMT5Params = UMT5_XXL) -> dict[str, tuple[int, ...]]:
    """Official name and shape of each tensor of the encoder (242 of them at full size)."""
    return official_shapes(build_on_meta(params), official_umt5_name)


class UMT5Encoder(nn.Module):
    """The encoder alone: token ids to rows. Always in evaluation mode, in the dtype of its weights."""

    def __init__(self, tensors: Mapping[str, Tensor], params: UMT5Params = UMT5_XXL) -> None:
        """Take over `tensors` (official names) without a copy.

        Raises:
            WeightsMismatchError: a tensor is missing, unexpected or of another shape.
            MissingExtraError: transformers is not installed.
        """
        super().__init__()
        network: Any = build_on_meta(params)
        load_official_names(network, tensors, official_umt5_name, "umT5 encoder")
        # Assigning gave the two names of the token table a parameter each; make them one again.
        network.tie_weights()
        self.network = network.eval().requires_grad_(False)

    @torch.no_grad()
    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Encode ids `[B, L]`; `mask` `[B, L]` is 1 where a token may be attended. Returns `[B, L, dim]`."""
        rows: Tensor = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
        return rows

    def encode_valid(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """Encode padded ids `[B, L]` and cut each item to its own length, the number of ones in its mask."""
        rows = self(ids, mask)
        return [row[:length] for row, length in zip(rows, mask.sum(1).tolist(), strict=True)]


class UMT5CaptionEncoder:
    """A `CaptionEncoder`: cleans, tokenises, pads to `params.positions`, encodes, cuts the padding off."""

    def __init__(self, encoder: UMT5Encoder, tokenizer: Any, positions: int = UMT5_XXL.positions) -> None:
        """`tokenizer` is one of transformers', with an end token that it appends by itself."""
        self.encoder, self.tokenizer, self.positions = encoder, tokenizer, positions

    @classmethod
    def from_files(
        cls,
        weights: Path,
        tokenizer_folder: Path,
        params: UMT5Params = UMT5_XXL,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
    ) -> "UMT5CaptionEncoder":
        """Load the official `.pth` file and the tokeniser's folder; nothing is fetched from a network.

        Raises:
            FileNotFoundError: the weights or the tokeniser's configuration are absent.
            WeightsMismatchError: the weights are of another network.
            MissingExtraError: transformers is not installed.
        """
        for path in (weights, tokenizer_folder / "tokenizer_config.json"):
            if not path.is_file():
                raise FileNotFoundError(f"the caption encoder needs {path}")
        transformers = require("transformers", "the umT5 tokeniser")
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(tokenizer_folder), local_files_only=True)
        encoder = UMT5Encoder(read_pth(weights), params).to(device=device, dtype=dtype)
        return cls(encoder, tokenizer, params.positions)

    def encode(self, captions: Sequence[str]) -> list[Tensor]:
        """Encode each caption to `[L, dim]`, 1 <= L <= `positions`; longer captions are cut, "" is its end token."""
        if not captions:
            return []
        batch = self.tokenizer(
            [clean_caption(caption) for caption in captions],
            padding="max_length",
            truncation=True,
            max_length=self.positions,
            add_special_tokens=True,
            return_attention_mask=True,
            return_tensors="pt",
        )
        device = next(self.encoder.parameters()).device
        return self.encoder.encode_valid(batch["input_ids"].to(device), batch["attention_mask"].to(device))

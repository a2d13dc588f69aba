"""Where every token of a clip stands: rotations, audio windows and interpolation, for one size.

All of it depends on sizes alone, so it is computed once per size and device and kept.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from reference_model.aligner import a2v_windows, frame_clock, v2a_weights
from reference_model.params import ModelParams
from reference_model.rope import clock_rotation, compose, grid_rotation, line_rotation, place_rotation

MOST_CONTEXTS = 128
"""Interpolated frames that are held at once: 0.4 GB of keys at full size in bf16."""
MOST_TOKENS = 500_000
"""Of a branch: 24 times a clip of 736 x 1312 pixels and 81 frames."""


@dataclass(frozen=True)
class Size:
    """A clip in latents: frames F, height and width of the latent, and audio tokens S."""

    frames: int
    height: int
    width: int
    tokens: int

    def __post_init__(self) -> None:
        if min(self.frames, self.height, self.width, self.tokens) < 1:
            raise ValueError(f"a clip has at least one of each, got {self}")


@dataclass(frozen=True)
class ContextGroup:
    """Audio tokens that look at the same interpolated frames.

    weights `[U, F]` of each of U distinct interpolated frames; query `[U, Q]` int64, the tokens that look at
    each, shorter lists padded with a token whose answer is dropped.
    """

    weights: Tensor
    query: Tensor


@dataclass(frozen=True)
class A2VLayout:
    """Geometry of audio to video: groups G (F, or 1 for `sgi`), window index `[G, W]`, its mask or None.

    query_rotation `[F*N, D/2, 2]`, key_rotation `[W, D/2, 2]`.
    """

    index: Tensor
    mask: Tensor | None
    query_rotation: Tensor
    key_rotation: Tensor


@dataclass(frozen=True)
class V2ALayout:
    """Geometry of video to audio; `groups` is empty for `sgi`, where every token sees every frame.

    `answer` `[S]` finds each token's answer among those of all groups. query_rotation `[S, D/2, 2]` or
    None (position 0), key_rotation `[N, D/2, 2]`, or `[F*N, D/2, 2]` for `sgi`.
    """

    groups: tuple[ContextGroup, ...]
    answer: Tensor
    query_rotation: Tensor | None
    key_rotation: Tensor


@dataclass(frozen=True)
class Layout:
    """Everything that a size decides. Rotations of both branches cover their reference parts."""

    video: Tensor
    audio: Tensor
    a2v: A2VLayout | None
    v2a: V2ALayout | None


@lru_cache(maxsize=16)
def layout(params: ModelParams, size: Size, reference_tokens: int, device: torch.device) -> Layout:
    """The layout of a clip of that size with R reference-audio tokens.

    ValueError if the latent does not divide into patches, or into more than can be held.
    """
    _, patch_h, patch_w = params.patch
    if size.height % patch_h or size.width % patch_w:
        raise ValueError(
            f"a {size.height}x{size.width} latent does not divide into {patch_h}x{patch_w} patches"
        )
    rows, columns = size.height // patch_h, size.width // patch_w
    if (tokens := max((size.frames + 1) * rows * columns, reference_tokens + size.tokens)) > MOST_TOKENS:
        raise ValueError(
            f"a clip of {tokens:,} tokens is beyond the {MOST_TOKENS:,} of one pass: fewer frames or a smaller size"
        )
    # Kept tensors must serve later training too, which inference tensors cannot.
    with torch.inference_mode(False), torch.no_grad():
        return Layout(
            video=grid_rotation(torch.arange(size.frames + 1), rows, columns, params.video.head_dim).to(
                device
            ),
            audio=line_rotation(torch.arange(reference_tokens + size.tokens), params.audio.head_dim).to(
                device
            ),
            a2v=_a2v(params, size, rows, columns, device),
            v2a=_v2a(params, size, rows, columns, device),
        )


def _a2v(params: ModelParams, size: Size, rows: int, columns: int, device: torch.device) -> A2VLayout | None:
    interaction, head_dim = params.interaction, params.video.head_dim
    if interaction.a2v == "none":
        return None
    query = place_rotation(size.frames, rows, columns, head_dim)
    if interaction.a2v == "sgi":
        clock = frame_clock(size.frames, size.tokens, interaction.aligner).repeat_interleave(rows * columns)
        query = compose(query, clock_rotation(clock, head_dim))
        index = torch.arange(size.tokens)[None]
        valid = torch.ones_like(index, dtype=torch.bool)
    else:
        windows = a2v_windows(
            size.frames, size.tokens, interaction.a2v, interaction.aligner, interaction.window
        )
        index, valid = windows.index, windows.valid
    return A2VLayout(
        index=index.to(device),
        mask=None if bool(valid.all()) else valid.to(device),
        query_rotation=query.to(device),
        key_rotation=clock_rotation(torch.arange(index.shape[1]), head_dim).to(device),
    )


def _v2a(params: ModelParams, size: Size, rows: int, columns: int, device: torch.device) -> V2ALayout | None:
    interaction, head_dim = params.interaction, params.audio.head_dim
    if interaction.v2a == "none":
        return None
    if interaction.v2a == "sgi":
        clock = frame_clock(size.frames, size.tokens, interaction.aligner).repeat_interleave(rows * columns)
        key = compose(place_rotation(size.frames, rows, columns, head_dim), clock_rotation(clock, head_dim))
        query = clock_rotation(torch.arange(size.tokens), head_dim)
        return V2ALayout((), torch.arange(size.tokens, device=device), query.to(device), key.to(device))
    weights = v2a_weights(size.frames, size.tokens, interaction.v2a, interaction.aligner)
    groups, answer = group_contexts(weights)
    return V2ALayout(
        tuple(ContextGroup(group.weights.to(device), group.query.to(device)) for group in groups),
        answer.to(device),
        None,
        place_rotation(1, rows, columns, head_dim).to(device),
    )


def group_contexts(weights: Tensor) -> tuple[tuple[ContextGroup, ...], Tensor]:
    """Gather audio tokens with equal weights `[S, F]`, and say where each token's answer will be `[S]`.

    About three quarters of the tokens see one pure latent frame: its keys are made once for all of them.
    """
    distinct, owner = torch.unique(weights.round(decimals=10), dim=0, return_inverse=True)
    members = [torch.nonzero(owner == context).flatten() for context in range(len(distinct))]
    shared = [context for context, tokens in enumerate(members) if len(tokens) > 1]
    single = [context for context, tokens in enumerate(members) if len(tokens) == 1]
    chunks = [
        part[start : start + MOST_CONTEXTS]
        for part in (shared, single)
        for start in range(0, len(part), MOST_CONTEXTS)
    ]
    groups, answer, offset = [], torch.empty(len(weights), dtype=torch.int64), 0
    for chunk in chunks:
        longest = max(len(members[context]) for context in chunk)
        query = torch.stack([_pad(members[context], longest) for context in chunk])
        for row, context in enumerate(chunk):
            tokens = members[context]
            answer[tokens] = offset + row * longest + torch.arange(len(tokens))
        offset += query.numel()
        groups.append(ContextGroup(distinct[chunk].float(), query))
    return tuple(groups), answer


def _pad(tokens: Tensor, length: int) -> Tensor:
    return torch.cat((tokens, tokens[:1].expand(length - len(tokens))))

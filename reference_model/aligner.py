"""Which audio a latent frame hears, and which latent frames an audio token sees.

Pure functions of the number of latent frames F and of audio tokens S (paper: asymmetric cross-modal
interaction; spec topic: A2V and V2A blocks). Under `released` time runs in decoded frames, of which the first
latent holds one and each other four; under `paper` every latent frame lasts k = S/F tokens.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from reference_model.params import Alignment, Convention


@dataclass(frozen=True)
class Windows:
    """Audio tokens heard by each latent frame: index `[F, W]` int64 in 0..S-1, valid `[F, W]` bool.

    Entries that are not valid are no keys at all.
    """

    index: Tensor
    valid: Tensor


def decoded_frames(latent_frames: int) -> int:
    """Decoded frames of a clip: the first latent gives one, each further one four."""
    return 4 * (latent_frames - 1) + 1


def a2v_windows(
    latent_frames: int, tokens: int, alignment: Alignment, convention: Convention, window: int
) -> Windows:
    """Windows of the audio-to-video attention.

    `ati` adds to a frame's own segment (window - 1) / 2 decoded frames on either side, for an even `window` as for
    the next odd one (released), or `window` latent frames (paper); `sti` hears the own segment only. ValueError for
    `sgi` and `none`, which have no windows, and for a single latent frame under `ati` and `released`.
    """
    _check(latent_frames, tokens)
    if alignment == "ati":
        if convention == "released":
            return _released_windows(latent_frames, tokens, window)
        return _segments(latent_frames, tokens, "paper", neighbours=window)
    if alignment == "sti":
        return _segments(latent_frames, tokens, convention, neighbours=0)
    raise ValueError(f"an alignment of {alignment!r} has no windows")


def _released_windows(latent_frames: int, tokens: int, window: int) -> Windows:
    if latent_frames < 2:
        raise ValueError("the released windows need at least 2 latent frames; use aligner 'paper' for one")
    rate = tokens / decoded_frames(latent_frames)
    half = (window + 1 - window % 2) // 2
    before, after = math.floor(half * rate), math.ceil(half * rate)
    # Quirk kept: frame 0 ends one token, not one decoded frame, after its start.
    spans = [(-before, 1 + after)]
    spans += [
        (math.floor((4 * i - 3) * rate) - before, math.ceil((4 * i + 1) * rate) + after)
        for i in range(1, latent_frames)
    ]
    width = max(stop - start for start, stop in spans[1:])
    rows = []
    for start, stop in spans:
        lacking = width - (stop - start)
        if start < 0:
            start -= lacking
        elif stop < tokens:
            start -= lacking // 2
        rows.append(torch.arange(start, start + width))
    # Quirk kept: tokens beyond the ends repeat the first or last one and are attended like any other.
    index = torch.stack(rows).clamp(0, tokens - 1)
    return Windows(index, torch.ones_like(index, dtype=torch.bool))


def _segments(latent_frames: int, tokens: int, convention: Convention, neighbours: int) -> Windows:
    frame_of_token = own_frame(latent_frames, tokens, convention)
    frames = torch.arange(latent_frames)
    near = (frame_of_token[None] - frames[:, None]).abs() <= neighbours
    # With fewer tokens than frames some frame may own none; it then hears the token nearest to it.
    nearest = (torch.arange(latent_frames) * tokens // latent_frames).clamp(max=tokens - 1)
    alone = ~near.any(dim=1)
    near[alone, nearest[alone]] = True
    width = int(near.sum(dim=1).max())
    order = torch.argsort(~near, dim=1, stable=True)[:, :width]
    return Windows(order, near.gather(1, order))


def own_frame(latent_frames: int, tokens: int, convention: Convention) -> Tensor:
    """The latent frame `[S]` int64 that sounds at each audio token."""
    _check(latent_frames, tokens)
    token = torch.arange(tokens)
    if convention == "paper":
        return token * latent_frames // tokens
    decoded = token * decoded_frames(latent_frames) // tokens
    return (decoded + 3) // 4


def frame_clock(latent_frames: int, tokens: int, convention: Convention) -> Tensor:
    """The audio time `[F]`, in tokens, at the middle of each latent frame; the common clock of `sgi`."""
    frames = torch.arange(latent_frames, dtype=torch.float64)
    if convention == "paper":
        return (frames + 0.5) * tokens / latent_frames
    middle = torch.where(frames == 0, 0.5, 4 * frames - 1)
    return middle * tokens / decoded_frames(latent_frames)


def v2a_weights(
    latent_frames: int,
    tokens: int,
    alignment: Alignment,
    convention: Convention,
    dtype: torch.dtype = torch.float64,
) -> Tensor:
    """Weight `[S, F]` of each latent frame in what each audio token sees.

    `ati` under `paper` is (1-a) of frame i = floor(j/k) and a = (j mod k)/k of frame i+1, the last frame alone at
    the end; under `released` it interpolates only across latent boundaries. `sti` is the token's own frame.
    `dtype` is that of the interpolation grid: the release uses its activation dtype, we the exact one.
    """
    _check(latent_frames, tokens)
    weights = torch.zeros(tokens, latent_frames, dtype=dtype)
    row = torch.arange(tokens)
    if alignment == "sti":
        weights[row, own_frame(latent_frames, tokens, convention)] = 1
        return weights
    if alignment != "ati":
        raise ValueError(f"an alignment of {alignment!r} has no interpolation")
    if convention == "paper":
        position = torch.arange(tokens, dtype=dtype) * latent_frames / tokens
        lower = position.floor().long().clamp(max=latent_frames - 1)
        upper = (lower + 1).clamp(max=latent_frames - 1)
        alpha = position - lower
        weights.index_put_((row, lower), 1 - alpha, accumulate=True)
        weights.index_put_((row, upper), alpha, accumulate=True)
        return weights
    last = decoded_frames(latent_frames) - 1
    position = torch.arange(tokens, dtype=dtype) / (tokens / (last + 1))
    down = position.floor().clamp(0, last)
    up = (down + 1).clamp(0, last)
    # Quirk kept: at the last decoded frame both neighbours are that frame and its weight is 2.
    weights.index_put_((row, _latent(up)), 1 - (up - position), accumulate=True)
    weights.index_put_((row, _latent(down)), 1 - (position - down), accumulate=True)
    return weights


def _latent(decoded: Tensor) -> Tensor:
    return (decoded.long() + 3) // 4


def _check(latent_frames: int, tokens: int) -> None:
    if latent_frames < 1 or tokens < 1:
        raise ValueError(f"need at least one latent frame and one audio token, got {latent_frames}, {tokens}")

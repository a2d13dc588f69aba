"""Rotary position embeddings of the video grid, the audio line and the two cross-modal attentions.

A rotation holds cos and sin as fp32 `[L, D/2, 2]`; adjacent pairs of a head of size D are read as complex numbers and
multiplied by it. Angles are computed in float64 and rounded once (spec topic: rotary embeddings).
"""

import torch
from torch import Tensor

THETA = 10000.0


def axis_columns(head_dim: int) -> tuple[int, int, int]:
    """How the D/2 columns are shared between time, row and column: 22, 21, 21 for D = 128."""
    columns = head_dim // 2
    return columns - 2 * (columns // 3), columns // 3, columns // 3


def turn(positions: Tensor, columns: int) -> Tensor:
    """Unit complex numbers `[L, columns]` for positions `[L]`: angle = position / 10000^(i / columns)."""
    rates = THETA ** (-torch.arange(columns, dtype=torch.float64, device=positions.device) / columns)
    angles = positions.to(torch.float64)[:, None] * rates
    return torch.polar(torch.ones_like(angles), angles)


def line_rotation(positions: Tensor, head_dim: int) -> Tensor:
    """Rotation `[L, D/2, 2]` of audio or text tokens at positions `[L]` along their line."""
    return _rounded(turn(positions, head_dim // 2))


def grid_rotation(frames: Tensor, rows: int, columns: int, head_dim: int) -> Tensor:
    """Rotation `[F*rows*columns, D/2, 2]` of video tokens in (frame, row, column) order at frame positions `[F]`."""
    time_c, row_c, column_c = axis_columns(head_dim)
    shape = (len(frames), rows, columns)
    row, column = torch.arange(rows), torch.arange(columns)
    parts = (
        turn(frames, time_c)[:, None, None].expand(*shape, -1),
        turn(row, row_c)[None, :, None].expand(*shape, -1),
        turn(column, column_c)[None, None].expand(*shape, -1),
    )
    return _rounded(torch.cat(parts, dim=-1).flatten(0, 2))


def place_rotation(frames: int, rows: int, columns: int, head_dim: int) -> Tensor:
    """Rotation of video tokens in a cross-modal attention: row and column turn, time stands at 0."""
    return grid_rotation(torch.zeros(frames), rows, columns, head_dim)


def clock_rotation(positions: Tensor, head_dim: int) -> Tensor:
    """Rotation `[L, D/2, 2]` of tokens at audio times `[L]`: audio table on the time columns, identity on the others.

    Quirk kept under both conventions: keys of a window turn by the audio table, queries by the video table, on
    disjoint columns (release; the paper does not say).
    """
    rotation = turn(positions, head_dim // 2)
    rotation[:, axis_columns(head_dim)[0] :] = 1
    return _rounded(rotation)


def compose(first: Tensor, second: Tensor) -> Tensor:
    """One rotation after the other, both `[L, D/2, 2]`."""
    return torch.view_as_real(torch.view_as_complex(first) * torch.view_as_complex(second))


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn heads x `[B, L, H, D]` by rotation `[L, D/2, 2]`; computed in fp32, returned in x's dtype."""
    if torch.compiler.is_compiling():
        # The compiler fuses real arithmetic and knows no complex numbers; eagerly one complex product is faster.
        real, imaginary = torch.unflatten(x.float(), -1, (-1, 2)).unbind(-1)
        cos, sin = rotation[:, None].unbind(-1)
        return (
            torch.stack((real * cos - imaginary * sin, real * sin + imaginary * cos), -1)
            .flatten(-2)
            .to(x.dtype)
        )
    pairs = torch.view_as_complex(torch.unflatten(x.float(), -1, (-1, 2)))
    return torch.view_as_real(pairs * torch.view_as_complex(rotation)[:, None]).flatten(-2).to(x.dtype)


def _rounded(rotation: Tensor) -> Tensor:
    return torch.view_as_real(rotation.to(torch.complex64))

"""Bilinear resizing of 8-bit pictures, equal to the last bit to the Pillow that the release uses.

The filter is a triangle that widens when a picture shrinks, applied along the rows first and along the columns
second, with weights in fixed point and a rounding to 8 bits after each of the two passes. It is written out because
Pillow changed the order of the passes for shrinking pictures in version 13, and with it single grey levels.
"""

import torch
from torch import Tensor

# Pillow's weights have 22 fractional bits, so that 8-bit pixels and sums of weights fit into 32 bits.
_FRACTION_BITS = 22


def _fixed_point_weights(size: int, target: int) -> Tensor:
    """Weight of each of `size` input pixels in each of `target` output pixels, `[target, size]` int64."""
    scale = size / target
    reach = max(scale, 1.0)
    centres = (torch.arange(target, dtype=torch.float64) + 0.5) * scale
    first = (centres - reach + 0.5).long().clamp(min=0)
    last = (centres + reach + 0.5).long().clamp(max=size)
    pixels = torch.arange(size, dtype=torch.float64)
    inside = (pixels >= first[:, None]) & (pixels < last[:, None])
    weights = (1.0 - ((pixels + 0.5 - centres[:, None]) / reach).abs()).clamp(min=0.0) * inside
    fixed: Tensor = (weights / weights.sum(1, keepdim=True) * 2**_FRACTION_BITS + 0.5).long()
    return fixed


def _resize_last(pixels: Tensor, target: int) -> Tensor:
    """Resize the last dimension of integers `[..., size]` to `[..., target]`, rounded and limited to 0..255."""
    if pixels.shape[-1] == target:
        return pixels
    # Products of 8 and 23 bits, summed, stay far below 2**53: float64 multiplies them exactly, and fast.
    weights = _fixed_point_weights(pixels.shape[-1], target).double()
    sums = (pixels.double() @ weights.T).long() + (1 << (_FRACTION_BITS - 1))
    return (sums >> _FRACTION_BITS).clamp(0, 255)


def resize_bilinear(pixels: Tensor, height: int, width: int) -> Tensor:
    """Resize 8-bit pictures `[..., H, W]` to `[..., height, width]`.

    Raises:
        ValueError: the pixels are not 8-bit, or a side is not positive.
    """
    if pixels.dtype != torch.uint8:
        raise ValueError(f"pictures are resized as uint8, got {pixels.dtype}")
    if min(height, width, *pixels.shape[-2:]) < 1:
        raise ValueError(f"sides must be positive, got {tuple(pixels.shape[-2:])} to {height} x {width}")
    narrowed = _resize_last(pixels.long(), width)
    return _resize_last(narrowed.transpose(-1, -2), height).transpose(-1, -2).to(torch.uint8)

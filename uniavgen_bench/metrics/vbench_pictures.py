"""Pictures as VBench's networks get them: floats, resampled bilinearly without smoothing. Imports torch when called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from uniavgen_bench.analysis.artefacts import UInt8
from uniavgen_bench.media.decode import VideoFrame

if TYPE_CHECKING:
    from torch import Tensor


def batches(frames: Iterable[VideoFrame], size: int) -> Iterator[tuple[list[float], list[UInt8]]]:
    """Yield times in s and pictures `[H, W, 3]` RGB, `size` at a time: memory does not grow with the clip."""
    waiting = iter(frames)
    while some := [(frame.time, frame.image) for frame in islice(waiting, size)]:
        yield [time for time, _ in some], [picture for _, picture in some]


def tensor_of(pictures: list[UInt8], device: str) -> Tensor:
    """Stack pictures `[H, W, 3]` as floats 0 … 255 `[B, 3, H, W]`."""
    import torch

    return torch.from_numpy(np.stack(pictures)).to(device).permute(0, 3, 1, 2).float()


def resampled(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring pictures `[B, 3, H, W]` to `size` (height, width), each px from its four neighbours only."""
    from torch.nn.functional import interpolate

    if tuple(pictures.shape[2:]) == size:
        return pictures
    return interpolate(pictures, size, mode="bilinear", align_corners=False, antialias=False)


def shorter_side(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the size whose shorter side is `side` px; the longer one is rounded down."""
    if height <= width:
        return side, int(side * width / height)
    return int(side * height / width), side


def longer_side_at_most(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the size whose longer side is at most `side` px, rounded down; a smaller picture stays."""
    if max(height, width) <= side:
        return height, width
    scale = side / max(height, width)
    return int(scale * height), int(scale * width)

"""From coded pictures to pictures as they are seen: square pixels, upright."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av.video.frame import VideoFrame as DecodedPicture

MAX_STRETCH = 4
"""A sample aspect ratio beyond this (or below its inverse) is taken for a mistake of the file, and left alone."""


@dataclass(frozen=True)
class Geometry:
    """How a coded picture is shown: scaled to `width` x `height` px, then transposed, then mirrored.

    Non-square pixels are made square by scaling the coded width. Of the display matrix the quarter turns and
    mirrorings are applied; an angle between them is rounded to the nearest quarter turn.
    """

    width: int
    height: int
    transpose: bool = False
    mirror_x: bool = False
    mirror_y: bool = False

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height in px of the picture as it is seen."""
        return (self.height, self.width) if self.transpose else (self.width, self.height)

    def upright(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a scaled picture `[height, width, ...]` upright; the result is contiguous."""
        if self.transpose:
            image = image.swapaxes(0, 1)
        if self.mirror_y:
            image = image[::-1]
        if self.mirror_x:
            image = image[:, ::-1]
        return np.ascontiguousarray(image)


def geometry(picture: DecodedPicture, aspect: Fraction | None) -> Geometry:
    """Read the geometry from a decoded picture and the stream's sample aspect ratio."""
    width = picture.width
    if aspect and Fraction(1, MAX_STRETCH) <= aspect <= MAX_STRETCH:
        width = max(1, round(picture.width * aspect))
    try:
        side_data: Mapping[str, Any] = picture.side_data
        matrix = bytes(side_data["DISPLAYMATRIX"])
    except KeyError:
        return Geometry(width, picture.height)
    a, b, _, c, d = struct.unpack("=5i", matrix[:20])
    if abs(b) + abs(c) > abs(a) + abs(d):
        return Geometry(width, picture.height, transpose=True, mirror_x=c < 0, mirror_y=b < 0)
    return Geometry(width, picture.height, mirror_x=a < 0, mirror_y=d < 0)

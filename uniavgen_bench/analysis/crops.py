"""Square face crops, generous enough for every protocol, and thumbnails of whole pictures."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.analysis.artefacts import UInt8
from uniavgen_bench.analysis.landmarks import ROI_SCALE, Roi
from uniavgen_bench.analysis.shrink import shrunk

CROP_SIDE = 256
JPEG_QUALITY = 95
FILL = 110
CROP_SCALE = 2.1
"""Side of a crop in sides of the box around the landmarks."""

CROP_DOWN = 0.08
"""How far the crop's centre lies below the face's, in sides of that box: protocols cut below the chin."""

THUMBNAIL_SIDE = 256
WHOLE_SIDE = 224
THUMBNAIL_HZ = 8.0


def crop_region(roi: Roi) -> tuple[int, int, int]:
    """Return left, top and side in whole px of the upright square around a face, from its landmark region.

    The side is a multiple of four, which shrinks fastest.
    """
    face = roi.side / ROI_SCALE
    side = max(8, 4 * round(face * CROP_SCALE / 4))
    return round(roi.x - side / 2), round(roi.y + face * CROP_DOWN - side / 2), side


def crop(picture: UInt8, left: int, top: int, side: int, *, size: int = CROP_SIDE) -> UInt8:
    """Cut a square of a picture [H, W, 3] and resample it to `size` px; outside the picture it is grey 110."""
    height, width = picture.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    part = picture[y0 : max(y0, y1), x0 : max(x0, x1)]
    if part.shape[:2] != (side, side):
        square = np.full((side, side, 3), FILL, np.uint8)
        if part.size:
            square[y0 - top : y1 - top, x0 - left : x1 - left] = part
        part = square
    return shrunk(part, (size, size))


def thumbnail(picture: UInt8, side: int = THUMBNAIL_SIDE) -> UInt8:
    """Shrink a picture [H, W, 3] so that its short side is `side` px; a smaller one is kept as it is."""
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    if scale >= 1.0:
        return picture
    return shrunk(picture, (max(1, round(width * scale)), max(1, round(height * scale))))


def squeezed(picture: UInt8, side: int = WHOLE_SIDE) -> UInt8:
    """Squeeze a picture [H, W, 3] to a square, by bilinear interpolation without smoothing: so SyncNet's users do."""
    import cv2

    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def jpeg(picture: UInt8, quality: int = JPEG_QUALITY) -> bytes:
    """Encode a picture [H, W, 3] RGB as JPEG."""
    import cv2

    done, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of shape {picture.shape} cannot be encoded as JPEG")
    return bytes(data)

"""Which pictures a clip is made from: neither too long for their height nor too large to hold."""

from pathlib import Path

import av
from av.error import FFmpegError

LONGEST = 4
"""Long sides in short ones: the short side is generated at a fixed size, so the ratio decides what a clip costs."""
MOST_PIXELS = 50_000_000
MOST_HELD = 700_000_000
"""Pixels of all frames of a video, 2.1 GB: 84 frames of 3840 x 2160."""


def check_picture(path: Path) -> None:
    """Raise a ValueError where the pictures of a file are beyond the limits; nothing is decoded for it."""
    try:
        with av.open(str(path)) as container:
            sizes = [(stream.height, stream.width) for stream in container.streams.video[:1]]
    except FFmpegError as error:
        raise ValueError(f"cannot decode {path}: {error.strerror}") from error
    for height, width in sizes:
        if max(height, width) > LONGEST * min(height, width) or height * width > MOST_PIXELS:
            raise ValueError(
                f"{path} is {width} x {height} pixels; the long side may be {LONGEST} times the short one, "
                f"and all pixels at most {MOST_PIXELS:,}: crop or shrink it"
            )


def check_held(path: Path, height: int, width: int, frames: int) -> None:
    """Raise a ValueError where so many frames of a video are more than can be held at once."""
    if frames * height * width > MOST_HELD and frames > 1:
        raise ValueError(
            f"{path}: {frames} frames of {width} x {height} are more than {MOST_HELD:,} pixels together: "
            "shrink or shorten it"
        )

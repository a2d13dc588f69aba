"""Sizes and lengths of clips: pixels, frames, latent frames, mel frames (audio tokens)."""

import math
from fractions import Fraction
from typing import Literal

# Both sides are multiples of two latent pixels of 16; the short side is 720 rounded up to such a multiple.
SIDE_MULTIPLE = 32
SHORT_SIDE = 736

# exact: the quotient is rounded up in integers. released: it is divided in floating point as the release does, so
# that for 190 short sides up to 4096 (740, 743, 746, 763, 766, …) it exceeds 736 by one ulp and the side is 768.
SizeRule = Literal["exact", "released"]


def generation_size(
    height: int,
    width: int,
    rule: SizeRule = "exact",
    short_side: int = SHORT_SIDE,
    multiple: int = SIDE_MULTIPLE,
) -> tuple[int, int]:
    """Height and width in pixels at which a picture of `height` x `width` is generated.

    The short side becomes `short_side`, the long one keeps the ratio, both are rounded up to `multiple`. Nothing
    is cut off; the ratio of the sides changes slightly instead.

    Raises:
        ValueError: a size is not positive, or `short_side` is not a multiple of `multiple`.
    """
    if min(height, width, short_side, multiple) < 1:
        raise ValueError(f"sizes must be positive, got {height} x {width}, {short_side=}, {multiple=}")
    if short_side % multiple:
        raise ValueError(f"short side {short_side} is not a multiple of {multiple}")
    shorter = min(height, width)

    def rounded_up(side: int) -> int:
        if rule == "released":
            return multiple * math.ceil((side / (shorter / short_side)) / multiple)
        return multiple * -(-side * short_side // (shorter * multiple))

    return rounded_up(height), rounded_up(width)


def latent_frames(frames: int, temporal_factor: int = 4) -> int:
    """Latent frames of a video of `frames` frames; those after the last full group are lost.

    Raises:
        ValueError: there is no frame.
    """
    if frames < 1:
        raise ValueError(f"a video has at least one frame, got {frames}")
    return 1 + (frames - 1) // temporal_factor


def video_frames(latent: int, temporal_factor: int = 4) -> int:
    """Video frames that `latent` latent frames decode to.

    Raises:
        ValueError: there is no latent frame.
    """
    if latent < 1:
        raise ValueError(f"a video has at least one latent frame, got {latent}")
    return 1 + (latent - 1) * temporal_factor


def mel_frames(seconds: Fraction, sample_rate: int = 24_000, hop_length: int = 240) -> int:
    """Mel frames (audio tokens) of a clip: whole hops in its whole samples; 81 frames at 16 per second give 506.

    Raises:
        ValueError: the duration is negative.
    """
    if seconds < 0:
        raise ValueError(f"a duration is not negative, got {seconds} s")
    return int(seconds * sample_rate) // hop_length

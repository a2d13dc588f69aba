"""What a sample gives to a system, read from its files; what is absent or broken is a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.media.errors import MediaError
from uniavgen_bench.media.sound import audio

UInt8 = NDArray[np.uint8]
Float32 = NDArray[np.float32]


def reference_picture(sample: Sample) -> UInt8:
    """Return the reference image [H, W, 3] RGB.

    Raises:
        MissingError: `no_reference` when there is none, `unreadable`.
    """
    import cv2

    if sample.image is None:
        raise MissingError(Reason.NO_REFERENCE, "the sample has no reference image")
    try:
        if sample.image.exists() and not sample.image.is_file():  # reading a pipe or device may never end
            raise MissingError(Reason.UNREADABLE, f"{sample.image.name} is no regular file")
        data = np.frombuffer(sample.image.read_bytes(), np.uint8)
    except OSError as error:
        raise MissingError(Reason.UNREADABLE, f"{sample.image.name}: {error.strerror}") from error
    try:
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:  # a header that asks for more pixels than there can be
        picture = None
    if picture is None:
        raise MissingError(Reason.UNREADABLE, f"{sample.image.name} is no picture")
    return np.ascontiguousarray(picture[..., ::-1]).astype(np.uint8, copy=False)


def spoken_text(sample: Sample) -> str:
    """Return the text to speak; raises `MissingError(no_transcript)`."""
    if not sample.speech:
        raise MissingError(Reason.NO_TRANSCRIPT, "the sample has no text to speak")
    return sample.speech


def sound_of(path: Path, rate: int) -> Float32:
    """Return the sound of a file, mono [N] at `rate` Hz from 0 s; raises `MissingError` when it cannot be read."""
    from uniavgen_bench.media.writing import placed

    try:
        heard = audio(path, rate=rate, mono=True)
    except MediaError as error:
        raise MissingError(error.reason, str(error)) from error
    return np.asarray(np.squeeze(placed(heard.samples, rate, heard.start), 0), np.float32)


def laid_out(samples: Float32, start: int, length: int) -> Float32:
    """Return `length` samples of silence with a sound that begins at sample `start`; what does not fit is cut."""
    laid = np.zeros(length, np.float32)
    kept = samples[: max(0, length - start)]
    laid[start : start + len(kept)] = kept
    return laid

"""Shorten the edit list of an mp4, which the muxer always lets run to the last packet."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

VERSION_1 = 1


def end_picture_at(path: Path, seconds_times_scale: int) -> bool:
    """Make the edit of the video track of an mp4 or mov last for so many units of the movie's time scale.

    Pictures behind it stay in the file, because others are predicted from them, and are not shown.
    Source: ISO/IEC 14496-12, boxes `moov`, `trak`, `hdlr`, `edts` and `elst`.

    Returns:
        False when the file has no edit list of a video track; it is then unchanged.
    """
    with path.open("r+b") as file:
        end = file.seek(0, 2)
        for moov in _boxes(file, 0, end, b"moov"):
            for trak in _boxes(file, *moov, b"trak"):
                if not _is_video(file, trak):
                    continue
                for edts in _boxes(file, *trak, b"edts"):
                    for elst in _boxes(file, *edts, b"elst"):
                        return _set_last_duration(file, elst[0], seconds_times_scale)
    return False


def _boxes(file: BinaryIO, start: int, end: int, kind: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the content of each box of a kind begins and ends, between two places."""
    while start + 8 <= end:
        file.seek(start)
        size, name = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        elif size == 0:
            size = end - start
        if size < head:
            return
        if name == kind:
            yield start + head, min(start + size, end)
        start += size


def _is_video(file: BinaryIO, trak: tuple[int, int]) -> bool:
    for mdia in _boxes(file, *trak, b"mdia"):
        for start, _ in _boxes(file, *mdia, b"hdlr"):
            file.seek(start + 8)
            return file.read(4) == b"vide"
    return False


def _set_last_duration(file: BinaryIO, start: int, duration: int) -> bool:
    file.seek(start)
    version, count = struct.unpack(">B3xI", file.read(8))
    if count == 0:
        return False
    form, entry = (">Q", 20) if version == VERSION_1 else (">I", 12)
    file.seek(start + 8 + (count - 1) * entry)
    file.write(struct.pack(form, duration))
    return True

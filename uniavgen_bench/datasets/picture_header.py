"""Whether a file begins as a picture does: what is called a picture and is none is told when a dataset is read."""

from __future__ import annotations

from pathlib import Path

from uniavgen_bench.core.errors import InputError, Where

HEADERS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"GIF8", b"II*\0", b"MM\0*")
"""First bytes of PNG, JPEG, BMP, GIF and TIFF (their specifications); WebP has its name at byte 8 of a RIFF file."""
LONGEST = 12


def is_picture(head: bytes) -> bool:
    """Tell whether the first bytes of a file are those of a picture."""
    return head.startswith(HEADERS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def check_picture(path: Path, where: Where) -> None:
    """Look at the header of a picture; one that is not there is left to whom it is given to.

    Raises:
        InputError: the file is there and is no picture.
    """
    try:
        if not path.is_file():
            return
        with path.open("rb") as stream:
            head = stream.read(LONGEST)
    except OSError as error:
        raise InputError(f"{path.name!r} cannot be read: {error.strerror}", where=where) from None
    if not is_picture(head):
        raise InputError(
            f"{path.name!r} is no picture",
            where=where,
            way_out="it must be PNG, JPEG, WebP, BMP, GIF or TIFF",
        )

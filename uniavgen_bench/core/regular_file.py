"""Files of somebody else, opened only when they are files: a pipe, a device or a folder may never end."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

_CHUNK = 1 << 20


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file for reading.

    Raises:
        OSError: it cannot be opened, or is something else.
    """
    if not stat.S_ISREG(path.stat().st_mode):  # some devices do something when they are opened
        raise _not_a_file(path)
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # it may have become a pipe meanwhile
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise _not_a_file(path)
        return os.fdopen(file, "rb")
    except BaseException:
        os.close(file)
        raise


def lines_of(path: Path, *, longest: int, most: int) -> Iterator[bytes | None]:
    """Yield the lines of a regular file, each with its end; None in the place of one of more than `longest` bytes.

    Raises:
        OSError: as `open_regular`, or it has more than `most` bytes.
    """
    with open_regular(path) as stream:
        if os.fstat(stream.fileno()).st_size > most:
            raise OSError(errno.EFBIG, f"is larger than {most >> 20} MiB", str(path))
        while line := stream.readline(longest):
            if len(line) < longest or line.endswith(b"\n"):
                yield line
                continue
            while (rest := stream.readline(_CHUNK)) and not rest.endswith(b"\n"):
                pass
            yield None


def _not_a_file(path: Path) -> OSError:
    return OSError(errno.EINVAL, "is no regular file", str(path))

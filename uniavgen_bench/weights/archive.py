"""Take a file, or the parts of one, out of wheels or sdists. No name from the archive is ever used as a path."""

from __future__ import annotations

import contextlib
import hashlib
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from lzma import LZMAError
from pathlib import Path
from typing import IO

from uniavgen_bench.core.hashing import CHUNK
from uniavgen_bench.weights.manifest import WeightFile

DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


class FetchError(Exception):
    """A source did not give the file; the text is one clause for the user."""


def extract_member(archive: Path, member: str, file: WeightFile, target: Path) -> None:
    """Write one member of an archive to `target`, checking size and SHA-256 against the manifest.

    At most `file.bytes` are unpacked, whatever the archive claims. `target` is left only when it is right.

    Raises:
        FetchError: no archive, no such member, no plain file, another size, or another hash.
    """
    join_members([(archive, member)], file, target)


def join_members(parts: Sequence[tuple[Path, str | None]], file: WeightFile, target: Path) -> None:
    """Write the members of archives one behind the other to `target`, checked as one file; None: the download itself.

    Raises:
        FetchError: as `extract_member`, of any part.
    """
    write_checked(_blocks(parts), file, target)


def _blocks(parts: Sequence[tuple[Path, str | None]]) -> Iterator[bytes]:
    for archive, member in parts:
        try:
            with contextlib.ExitStack() as stack:
                stream = _open(archive, member, stack)
                while block := stream.read(CHUNK):
                    yield block
        except DAMAGED as error:
            raise FetchError(f"{archive.name} is damaged: {error}") from error


def _open(archive: Path, member: str | None, stack: contextlib.ExitStack) -> IO[bytes]:
    if not archive.is_file():
        raise FetchError(f"{archive.name} is no regular file")
    if member is None:
        return stack.enter_context(archive.open("rb"))
    if zipfile.is_zipfile(archive):
        zipped = stack.enter_context(zipfile.ZipFile(archive))
        if member not in zipped.namelist():
            raise FetchError(f"{archive.name} has no member {member}")
        return stack.enter_context(zipped.open(member))
    tarred = stack.enter_context(tarfile.open(archive, "r:*"))  # noqa: SIM115
    info = next((i for i in tarred if i.name == member), None)
    if info is None:
        raise FetchError(f"{archive.name} has no member {member}")
    stream = tarred.extractfile(info) if info.isreg() else None
    if stream is None:
        raise FetchError(f"{member} in {archive.name} is not a plain file")
    return stack.enter_context(stream)


def write_checked(blocks: Iterable[bytes], file: WeightFile, target: Path) -> None:
    """Write blocks to `target`, which stays only if size and SHA-256 are those of the manifest.

    Raises:
        FetchError: the bytes are not the manifest's.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("xb") as out:
            for block in blocks:
                size += len(block)
                if size > file.bytes:
                    raise FetchError(f"{file.file} is larger than the {file.bytes} bytes of the manifest")
                digest.update(block)
                out.write(block)
        if size != file.bytes:
            raise FetchError(
                f"{file.file} has {size} bytes instead of {file.bytes}: truncated or another version"
            )
        if digest.hexdigest() != file.sha256:
            raise FetchError(f"{file.file} has sha256 {digest.hexdigest()}, expected {file.sha256}")
    except BaseException:
        target.unlink(missing_ok=True)
        raise

"""Take one file out of a wheel or sdist. No name from the archive is ever used as a path."""

from __future__ import annotations

import hashlib
import tarfile
import zipfile
import zlib
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
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                if member not in zipped.namelist():
                    raise FetchError(f"{archive.name} has no member {member}")
                with zipped.open(member) as stream:
                    write_checked(stream, file, target)
        else:
            _extract_from_tar(archive, member, file, target)
    except DAMAGED as error:
        target.unlink(missing_ok=True)
        raise FetchError(f"{archive.name} is damaged: {error}") from error


def _extract_from_tar(archive: Path, member: str, file: WeightFile, target: Path) -> None:
    with tarfile.open(archive, "r:*") as tarred:
        for info in tarred:
            if info.name != member:
                continue
            stream = tarred.extractfile(info) if info.isreg() else None
            if stream is None:
                raise FetchError(f"{member} in {archive.name} is not a plain file")
            write_checked(stream, file, target)
            return
    raise FetchError(f"{archive.name} has no member {member}")


def write_checked(stream: IO[bytes], file: WeightFile, target: Path) -> None:
    """Copy a stream to `target`, which stays only if size and SHA-256 are those of the manifest.

    Raises:
        FetchError: the bytes are not the manifest's.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("xb") as out:
            while block := stream.read(CHUNK):
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

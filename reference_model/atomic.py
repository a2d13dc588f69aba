"""Files that appear whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write beside the target, flush to disk, and rename. OSError names the target."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise a ValueError where `write_whole`, which makes folders, could not write; nothing stays behind."""
    folder = next((p for p in path.absolute().parents if p.exists()), path.parent)
    beside = _beside(folder / path.name)
    try:
        beside.touch()
        beside.unlink()
    except OSError as error:
        raise ValueError(
            f"cannot write {path}: {error.strerror}; name a folder that may be written to"
        ) from error


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")

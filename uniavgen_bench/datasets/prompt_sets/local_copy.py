"""The files of a local copy: they are there, they lie below its root, and they are what they are named."""

from __future__ import annotations

import stat
from pathlib import Path

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.manifest import confined

POINTER = b"version https://git-lfs.github.com/"
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def exists(path: Path) -> bool:
    """Tell whether a path exists; a name that no file system takes does not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def local_copy(path: Path, card: SetCard) -> Path:
    """Return the path of a local copy; raises InputError that says where the set lives when it is not there."""
    if exists(path):
        return path
    what = f"no such file or folder; {card.title} is never fetched by itself, it lives at {card.home}"
    raise InputError(what, where=Where(path), way_out=f"{card.get}; then --set dataset.path=…")


def part(root: Path, names: tuple[str, ...], card: SetCard) -> Path:
    """Return the first of some files or folders below a root that is there.

    Raises:
        InputError: none is; names what the root should hold. Or it is a link that leads out of the root.
    """
    found = next((root / name for name in names if exists(root / name)), None)
    if found is None:
        raise InputError(f"holds no {names[0]}", where=Where(root), way_out=f"expected: {card.layout}")
    return inside(root, found)


def inside(root: Path, path: Path) -> Path:
    """Return a path; raises InputError when it is a link that leads out of the root."""
    if exists(path) and not path.resolve().is_relative_to(root.resolve()):
        what, way_out = f"is a link that leads out of {root}", "lay the file itself there, not a link to it"
        raise InputError(what, where=Where(path), way_out=way_out)
    return path


def listed(folder: Path, suffix: str) -> list[Path]:
    """Return the files of a folder with an ending, by name; hidden ones are left out.

    Raises:
        InputError: not a folder, it may not be read, a name is not UTF-8, or a file is a link that leads out of it.
    """
    try:
        names = sorted(p for p in folder.iterdir() if p.suffix.lower() == suffix and p.name[0] != ".")
        for path in names:
            path.name.encode()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=Where(folder)) from None
    except UnicodeEncodeError:
        raise InputError(
            "holds a file whose name is not UTF-8", where=Where(folder), way_out="rename it"
        ) from None
    return [inside(folder, path) for path in names if path.is_file()]


def file_below(root: Path, name: str, where: Where, card: SetCard | None = None) -> Path:
    """Return the absolute path of a file that a set names.

    Raises:
        InputError: it leads out of the root, is absent or empty, or is a pointer that Git LFS left in its place.
    """
    path = confined(name, root, where)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "folder" if stat.S_ISDIR(mode) else "pipe or device"
            raise InputError(f"{name!r} is a {what}, not a file", where=where)
        with path.open("rb") as stream:
            head = stream.read(len(POINTER))
    except FileNotFoundError:
        raise InputError(
            f"no file {name!r} in {root}", where=where, way_out=_below(root, name, card)
        ) from None
    except OSError as error:
        raise InputError(f"{name!r} cannot be read: {error.strerror}", where=where) from None
    if not head:
        raise InputError(f"{name!r} is empty", where=where, way_out="get it again")
    if head == POINTER:
        raise InputError(
            f"{name!r} is a pointer of Git LFS, not the file", where=where, way_out="git lfs pull"
        )
    return path


def _below(root: Path, name: str, card: SetCard | None) -> str:
    above = next((p for p in root.resolve().parents[:4] if exists(p / name)), None)
    if above is not None:
        return f"it lies below {above}: --set dataset.root={above}"
    return f"the copy is not whole: {card.get}" if card else "set dataset.root to the folder it lies in"


def picture_of(root: Path, stem: str, where: Where, card: SetCard) -> Path:
    """Return the picture `stem.*` below a root, `.jpg` first; raises InputError as `file_below`."""
    names = [f"{stem}{suffix}" for suffix in PICTURES]
    found = next((name for name in names if exists(confined(name, root, where))), names[0])
    return file_below(root, found, where, card)

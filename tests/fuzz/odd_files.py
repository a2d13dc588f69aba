"""What may lie in the place of a file, and what hostile texts name: pipes, devices, folders, links."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path


def odd_file(rng: random.Random, files: Sequence[Path]) -> None:
    """Put something else in the place of a file: a folder, a pipe, a link out, a link to itself, nothing."""
    path = rng.choice(files)
    path.unlink()
    match rng.randrange(6):
        case 0:
            path.mkdir()
        case 1:
            os.mkfifo(path)
        case 2:
            path.symlink_to(os.path.relpath(_given(path).parent / "outside" / "secret.txt", path.parent))
        case 3:
            path.symlink_to(path.name)
        case 4:
            path.symlink_to("/dev/zero")
        case _:
            pass


def _given(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.name == "given")


def traps(folder: Path) -> None:
    """Lay what hostile texts name: a link out of the folder, a link in a circle, a pipe, a folder."""
    (folder / "link").symlink_to(folder.parent / "outside")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()

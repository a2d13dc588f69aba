"""The dataset `folder`: every media file below a folder is a finished clip."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin, FinishedClip
from uniavgen_bench.datasets.manifest import MEDIA


class FolderOptions(Frozen):
    """`path`: a folder (or one file). `systems`: what the folders directly below it mean.

    `auto`: when all clips lie in subfolders, each subfolder is a system; `one`: all clips are of one system.
    """

    path: Path
    systems: Literal["auto", "one"] = "auto"


def media_files(folder: Path) -> list[Path]:
    """Return the media files below a folder, in the order of their names; hidden ones are left out.

    Pipes and devices are left out too: reading one may never end. A link that leads nowhere stays, so that its clip
    counts as missing.

    Raises:
        InputError: a folder that may not be read, or a name that is not UTF-8.
    """

    def stop(error: OSError) -> None:
        raise InputError(f"cannot be read: {error.strerror}", where=Where(error.filename))

    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        named = (Path(parent) / name for name in sorted(files) if not name.startswith("."))
        found += [path for path in named if path.suffix.lower() in MEDIA and not _endless(path)]
    for path in found:
        if not _is_text(path):
            raise InputError(
                "the name of a clip is not UTF-8", where=Where(ascii(str(path))), way_out="rename it"
            )
    return sorted(found)


def _endless(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_text(path: Path) -> bool:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def load_folder(options: FolderOptions) -> Dataset:
    """Take every media file below a folder for a finished clip.

    Clips of one name in different system folders are clips for the same sample, so systems can be compared pair
    by pair.

    Raises:
        InputError: no such folder, or no media file in it.
    """
    path = options.path
    try:
        exists = path.exists()
    except (OSError, ValueError) as error:  # a name that no file system takes
        raise InputError(f"cannot be a path: {error}", where=Where(repr(str(path)[:200]))) from None
    if not exists:
        raise InputError("no such file or folder", where=Where(path))
    root = path.parent if path.is_file() else path
    files = [path] if path.is_file() else media_files(path)
    if not files:
        endings = ", ".join(sorted(MEDIA))
        raise InputError("holds no clip", where=Where(path), way_out=f"clips end in {endings}")
    relative = [file.relative_to(root) for file in files]
    by_folder = options.systems == "auto" and all(len(r.parts) > 1 for r in relative)
    clips: list[FinishedClip] = []
    seen: dict[tuple[str, str], Path] = {}
    for file, name in zip(files, relative, strict=True):
        system = name.parts[0] if by_folder else root.resolve().name
        inside = name.relative_to(name.parts[0]) if by_folder else name
        sample = inside.with_suffix("").as_posix()
        if (system, sample) in seen:
            sample = inside.as_posix()
        seen[system, sample] = file
        clips.append(FinishedClip(system, sample, file))
    samples = tuple(Sample(id=name) for name in dict.fromkeys(clip.sample for clip in clips))
    return Dataset(
        root.resolve().name, samples, tuple(clips), {"folder": root.name, "clips": str(len(clips))}
    )


PLUGIN = DatasetPlugin(
    name="folder",
    summary="every media file below a folder; subfolders are systems",
    options=FolderOptions,
    load=load_folder,
)

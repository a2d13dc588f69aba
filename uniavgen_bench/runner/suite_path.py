"""Where suites lie: a path that the user gives, or the name of a bundled one; and what their paths are relative to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from uniavgen_bench.core.errors import InputError, nearest


def bundled_folder() -> Path:
    """Return the folder of bundled suites: package data when installed, the checkout's `suites/` otherwise."""
    package = Path(__file__).parent.parent
    installed = package / "suites"
    return installed if installed.is_dir() else package.parent / "suites"


def bundled_suites() -> dict[str, Path]:
    """Return the bundled suites by name."""
    return {path.stem: path for path in sorted(bundled_folder().glob("*.yaml"))}


def find_suite(name: str) -> Path:
    """Return the file of a suite: `name` is a path, or the name of a bundled suite with or without `.yaml`.

    Raises:
        InputError: there is no such file and no such suite; the message gives the nearest name.
    """
    path = Path(name)
    if path.is_file():
        return path
    bundled = bundled_suites()
    stem = name.removeprefix("suites/").removesuffix(".yaml").removesuffix(".yml")
    if stem in bundled:
        return bundled[stem]
    close = nearest(stem, bundled)
    known = f"bundled suites: {', '.join(bundled)}" if bundled else "give the path of a YAML file"
    raise InputError(f"no suite {name!r}", way_out=f"did you mean {close!r}?" if close else known)


def absolute_paths(data: dict[str, Any], base: Path) -> dict[str, Any]:
    """Make the dataset's and the systems' paths in a suite file absolute, before the command line's are put in."""
    systems = data.get("systems")
    if isinstance(systems, list):
        data = {**data, "systems": [_absolute_system(entry, base) for entry in systems]}
    block = data.get("dataset")
    if not isinstance(block, dict):
        return data
    return {**data, "dataset": _absolute(block, base, ("path", "root", "clips"))}


def _absolute_system(entry: Any, base: Path) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("options"), dict):
        return entry
    options = entry["options"]
    named = ("root", "clips", "voice", "motion")
    parts = {
        k: _absolute(options[k], base, named) for k in ("speech", "video") if isinstance(options.get(k), dict)
    }
    return {**entry, "options": _absolute({**options, **parts}, base, named)}


def _absolute(block: dict[str, Any], base: Path, named: tuple[str, ...]) -> dict[str, Any]:
    return {**block, **{key: str(base / block[key]) for key in named if isinstance(block.get(key), str)}}

"""Where suites lie: a path that the user gives, or the name of a bundled one."""

from __future__ import annotations

from pathlib import Path

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

"""The page of a comparison of runs, written as a folder that opens from disk: index.html, compare.md, compare.json."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.report.compare_rows import mover_groups, sentences, verdict_rows
from uniavgen_bench.report.compare_table import legend, markdown_comparison
from uniavgen_bench.report.comparison import Comparison
from uniavgen_bench.report.render import asset, asset_names, page

DATA = "compare.json"


def write_comparison(comparison: Comparison, folder: Path) -> Path:
    """Write the comparison into a folder and return its index.html; an earlier comparison is replaced as a whole.

    Raises:
        InputError: the folder holds something else.
        BenchError: it cannot be written.
    """
    check_folder(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise BenchError(f"{folder} cannot be written: {error.strerror} (choose another --out)") from error
    try:
        _write(comparison, fresh)
        fresh.chmod(0o755)
        old = fresh.with_name(f"{fresh.name}.old")
        if folder.exists():
            folder.replace(old)
        fresh.replace(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise BenchError(f"{folder} cannot be written: {error.strerror} (choose another --out)") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder / "index.html"


def check_folder(folder: Path) -> None:
    """Make sure that a folder is free, or holds an earlier comparison.

    Raises:
        InputError: it is a file, or holds something else.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder} is a file", way_out="choose another --out")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / DATA).is_file():
        raise InputError(f"{folder} holds something else than a comparison", way_out="choose another --out")


def _write(comparison: Comparison, folder: Path) -> None:
    (folder / "assets").mkdir()
    for name in asset_names():
        if name.endswith(".css"):
            (folder / "assets" / name).write_bytes(asset(name))
    write_json(folder / DATA, comparison.model_dump(mode="json"))
    (folder / "compare.md").write_text(markdown_comparison(comparison), encoding="utf-8")
    (folder / "index.html").write_bytes(page("compare_runs.html.j2", **_context(comparison)))


def _context(comparison: Comparison) -> dict[str, Any]:
    first, *others = comparison.runs
    rows = verdict_rows(comparison)
    groups = mover_groups(comparison)
    return {
        "comparison": comparison,
        "manifest": {"version": comparison.version},
        "first": first,
        "others": others,
        "title": f"{first.suite}: {', '.join(run.name for run in others)} beside {first.name}",
        "findings": sentences(comparison),
        "bodies": [(run, [row for row in rows if row.run == run.name]) for run in others],
        "groups": [(run, [group for group in groups if group.run == run.name]) for run in others],
        "legend": legend(comparison),
    }

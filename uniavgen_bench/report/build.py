"""Builds the report of a run: static pages that open from disk, with no network."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.report.clip_data import clip_shards
from uniavgen_bench.report.clip_page import ClipPages
from uniavgen_bench.report.failures import failure_groups, failures
from uniavgen_bench.report.method_page import method
from uniavgen_bench.report.overview import overview
from uniavgen_bench.report.page_data import page_data
from uniavgen_bench.report.player_page import player, viewer
from uniavgen_bench.report.render import asset, asset_names, page, plotly_script
from uniavgen_bench.report.run_data import RunData, read_run
from uniavgen_bench.report.shards import shard
from uniavgen_bench.stats.table import to_csv, to_markdown
from uniavgen_bench.stats.verdict_table import to_csv as verdicts_csv
from uniavgen_bench.stats.verdict_table import to_markdown as verdicts_markdown

FOLDER = "report"


def build_report(run: Path) -> Path:
    """Write `report/` into a run directory and return its index.html; an earlier report is replaced as a whole.

    It holds index.html, method.html, failures.html, compare.html (the player of two to four systems), clip.html
    (any clip, by `#KEY`), a page per clip under `clips/` unless there are too many, data, assets, summary.csv and
    summary.md. Media stay where they are and are named by relative paths, so the run directory may be moved or zipped.

    Raises:
        InputError: `run` is no run directory, or a file of it is damaged.
        BenchError: the report cannot be written.
    """
    return write_report(read_run(run), run)


def write_report(data: RunData, run: Path) -> Path:
    """Write the report of a run that was read already (see `build_report`)."""
    target = run / FOLDER
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise InputError(f"{target} is in the way: the report needs a folder of that name")
    try:
        fresh = Path(tempfile.mkdtemp(dir=run, prefix=f".{FOLDER}."))
    except OSError as error:
        raise BenchError(f"the report of {run} cannot be written: {error.strerror}") from error
    try:
        _write(data, fresh)
        fresh.chmod(0o755)
        _swap(fresh, target)
    except OSError as error:
        raise BenchError(f"the report of {run} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return target / "index.html"


def _write(data: RunData, folder: Path) -> None:
    (folder / "assets").mkdir()
    for name in asset_names():
        (folder / "assets" / name).write_bytes(asset(name))
    (folder / "assets" / "plotly.min.js").write_bytes(plotly_script())
    (folder / "summary.csv").write_text(to_csv(data.summaries), encoding="utf-8")
    (folder / "summary.md").write_text(to_markdown(data.summaries), encoding="utf-8")
    if data.stats is not None:
        (folder / "verdicts.csv").write_text(verdicts_csv(data.stats), encoding="utf-8")
        (folder / "verdicts.md").write_text(verdicts_markdown(data.stats, data.systems), encoding="utf-8")
    (folder / "index.html").write_bytes(page("index.html.j2", **overview(data)))
    (folder / "method.html").write_bytes(page("method.html.j2", **method(data)))
    (folder / "failures.html").write_bytes(page("failures.html.j2", **failures(data, failure_groups(data))))
    (folder / "compare.html").write_bytes(page("player.html.j2", **player(data)))
    (folder / "clip.html").write_bytes(page("viewer.html.j2", **viewer(data)))
    _write_data(data, folder / "data")
    if data.large:
        return
    (folder / "clips").mkdir()
    pages = ClipPages(data)
    for clip, name in enumerate(data.page_names):
        (folder / "clips" / name).write_bytes(page("clip.html.j2", **pages.context(clip)))


def _write_data(data: RunData, folder: Path) -> None:
    folder.mkdir()
    (folder / "run.js").write_bytes(shard("run", page_data(data)))
    for name, content in clip_shards(data):
        (folder / name).write_bytes(content)


def _swap(fresh: Path, target: Path) -> None:
    """Put the new folder in the place of the old one."""
    if not target.exists():
        fresh.replace(target)
        return
    old = fresh.with_name(f"{fresh.name}.old")
    target.replace(old)
    fresh.replace(target)
    shutil.rmtree(old, ignore_errors=True)

"""The web pages of a board: static, escaped, readable from disk, and the same bytes for the same entries."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import jinja2

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.report.leaderboard.board import Board, Stored, Track, last_of
from uniavgen_bench.report.leaderboard.entry_page import entry_page, state_of
from uniavgen_bench.report.leaderboard.tables import TASK_TEXT, Section, sections_of
from uniavgen_bench.report.render import POLICY, asset, plural
from uniavgen_bench.version import VERSION

MARKER = "site.json"
"""Says that a folder was written by `build_site`, and may be replaced by it."""

OWN_ASSETS = ("leaderboard.css", "leaderboard.js")


@cache
def _environment() -> jinja2.Environment:
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("uniavgen_bench.report.leaderboard", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(policy=POLICY, version=VERSION)
    env.filters.update(plural=plural)
    return env


def _page(template: str, context: Mapping[str, object]) -> bytes:
    return _environment().get_template(template).render(**context).encode("utf-8", "replace")


def build_site(board: Board, stored: Sequence[Stored], out: Path) -> Path:
    """Write index.html, a page per entry, the entries themselves and the assets into `out`; return index.html.

    `stored` are entries that were verified. An earlier site in `out` is replaced as a whole.

    Raises:
        InputError: `out` is a file, or a folder that holds something else.
        BenchError: it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", way_out="choose another --out")
    if out.is_dir() and any(out.iterdir()) and not (out / MARKER).is_file():
        raise InputError(f"{out} is not empty and no leaderboard", way_out="choose another --out")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name[:40]}."))
    except OSError as error:
        raise BenchError(f"{out} cannot be written: {error.strerror}") from None
    try:
        _write(board, stored, fresh)
        fresh.chmod(0o755)
        if out.exists():
            old = fresh.with_name(f"{fresh.name}.old")
            out.replace(old)
            fresh.replace(out)
            shutil.rmtree(old, ignore_errors=True)
        else:
            fresh.replace(out)
    except OSError as error:
        raise BenchError(f"{out} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return out / "index.html"


def labels_of(stored: Sequence[Stored]) -> dict[str, str]:
    """Return what an entry's system is called, by head; where two submitters use one name, the key's name is added."""
    signers: dict[tuple[Track, str], set[str]] = {}
    for each in stored:
        signers.setdefault((each.track, _name(each)), set()).add(each.entry.signature.key)
    return {
        s.head: f"{_name(s)} ({s.entry.signature.key})" if len(signers[(s.track, _name(s))]) > 1 else _name(s)
        for s in stored
    }


def _name(stored: Stored) -> str:
    system = stored.entry.body.system
    return system.label or system.id


def _write(board: Board, stored: Sequence[Stored], folder: Path) -> None:
    for name in ("assets", "entries", "data"):
        (folder / name).mkdir()
    (folder / "assets" / "report.css").write_bytes(asset("report.css"))
    own = resources.files("uniavgen_bench.report.leaderboard") / "assets"
    for name in OWN_ASSETS:
        (folder / "assets" / name).write_bytes((own / name).read_bytes())
    labels = labels_of(stored)
    pages = {s.head: f"entries/{s.path.stem}.html" for s in stored}
    sections = sections_of(stored, board.policy, labels, pages)
    (folder / "index.html").write_bytes(
        _page("board_index.html.j2", _index(board, stored, sections, labels, pages))
    )
    for each in stored:
        shutil.copyfile(each.path, folder / "data" / each.path.name)
        context = entry_page(each, stored, board.policy, labels)
        (folder / pages[each.head]).write_bytes(_page("board_entry.html.j2", context))
    heads = sorted(s.head for s in stored)
    marker = json.dumps({"made_by": "uniavgen-bench leaderboard build", "entries": heads}, indent=1)
    (folder / MARKER).write_text(marker + "\n", encoding="utf-8")


def _index(
    board: Board,
    stored: Sequence[Stored],
    sections: Sequence[Section],
    labels: Mapping[str, str],
    pages: Mapping[str, str],
) -> dict[str, object]:
    last = {s.head for s in last_of(stored).values()}
    tables = [table for section in sections for table in section.tables]
    tasks = {s.task: s.task_text for s in sections}
    datasets = {
        s.anchor: f"{s.dataset}, {plural(s.samples, 'sample')} ({s.samples_hash[:6]})" for s in sections
    }
    filters = [
        {"name": "task", "label": "Task", "options": [(k, v) for k, v in tasks.items() if k]},
        {"name": "dataset", "label": "Samples", "options": list(datasets.items())},
        {"name": "tier", "label": "Tier", "options": [(t, t) for t in sorted({t.tier for t in tables})]},
        {
            "name": "protocol",
            "label": "Protocol",
            "options": [(n, n) for n in sorted({t.name for t in tables})],
        },
    ]
    entries = [
        {
            "date": s.entry.body.date,
            "label": labels[s.head],
            "page": pages[s.head],
            "task_text": TASK_TEXT.get(s.track.task, s.track.task),
            "dataset": s.entry.body.dataset.name,
            "submitter": s.entry.body.submitter,
            "key": s.entry.signature.key,
            "state": state_of(s, last, board.policy),
            "links": s.entry.body.links,
        }
        for s in sorted(stored, key=lambda s: (s.entry.body.date, s.head), reverse=True)
    ]
    return {
        "sections": sections,
        "tables": len(tables),
        "systems": len({(s.entry.body.system.id, s.entry.signature.key) for s in stored}),
        "filters": filters,
        "entries": entries,
        "newest": max((s.entry.body.date for s in stored), default=""),
    }

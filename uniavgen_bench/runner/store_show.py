"""What `store verify` and `store gc` print."""

from __future__ import annotations

import json as jsonlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.remote_address import VARIABLE, RemoteAddress, read_address
from uniavgen_bench.core.remote_care import collect_remote, verify_remote
from uniavgen_bench.core.run_events import read_entries
from uniavgen_bench.core.store import home
from uniavgen_bench.core.store_gc import Amount, Sorted, Unwanted, collect
from uniavgen_bench.core.store_verify import Verified, verify_store
from uniavgen_bench.core.terminal import SafeConsole, printable_json

SCORES, ANSWERS = "store", "judge"
"""Folders of the home: what is computed of clips, and what judges answered."""
SHOWN = 20
"""Damaged entries that are printed one by one."""


def show_verified(store: str | None, *, repair: bool, json: bool) -> bool:
    """Verify one store, or all of the home; return whether no damaged entry is left."""
    with _readable(), _counted(quiet=json) as seen:
        found = [_verify(place, repair=repair, seen=seen) for place in _stores(store)]
    left = sum(1 for v in found for d in v.damaged if not d.removed)
    if json:
        typer.echo(
            printable_json(jsonlib.dumps([_verified_row(v) for v in found], indent=2, ensure_ascii=False))
        )
        return left == 0
    console = SafeConsole()
    table = _table("store", "entries", "MB", "damaged", "removed")
    for v in found:
        removed = sum(1 for d in v.damaged if d.removed)
        style = "red" if len(v.damaged) > removed else ""
        table.add_row(
            Text(str(v.root)),
            str(v.entries),
            _mb(v.bytes),
            Text(str(len(v.damaged)), style=style),
            str(removed),
        )
    console.print(table)
    damaged = [d for v in found for d in v.damaged]
    for d in damaged[:SHOWN]:
        word = Text("removed" if d.removed else "damaged", style="yellow" if d.removed else "red")
        console.print(word, Text(f" {d.path}: {d.problem}"), soft_wrap=True)
    if len(damaged) > SHOWN:
        console.print(f"and {len(damaged) - SHOWN} more (--json lists all)", highlight=False)
    if left:
        said = "could not be removed" if repair else "--repair removes them; the next run makes them anew"
        console.print(f"{left} damaged: {said}", highlight=False)
    return left == 0


def show_collected(
    runs: Sequence[Path], days: float | None, store: str | None, *, delete: bool, json: bool
) -> None:
    """Tell or delete what can go.

    Raises:
        InputError: a run does not tell which entries it used, or a store cannot be read.
    """
    used = frozenset[str]().union(*(read_entries(run) for run in runs)) if runs else None
    wanted = Unwanted(used, days)
    with _readable():
        found = {place: _collect(place, wanted, delete=delete) for place in _stores(store)}
    if json:
        rows = [
            {"store": _shown(place), "deleted": delete, **_sorted_row(what)} for place, what in found.items()
        ]
        typer.echo(printable_json(jsonlib.dumps(rows, indent=2, ensure_ascii=False)))
        return
    console = SafeConsole()
    table = _table("store", "what", "files", "MB")
    for place, what in found.items():
        table.add_row(Text(_shown(place)), "half-written, left over", *_cells(what.parts))
        if not _of_judges(place):
            table.add_row("", f"entries, {_why(used is not None, days)}", *_cells(what.unused))
        table.add_row("", "entries that stay", *_cells(what.kept))
        if what.stays.files:
            table.add_row("", Text("could not be deleted", style="red"), *_cells(what.stays))
    console.print(table)
    files = sum(w.parts.files + w.unused.files for w in found.values())
    size = sum(w.parts.bytes + w.unused.bytes for w in found.values())
    amount = f"{files} files, {_mb(size)} MB"
    console.print(
        f"deleted {amount}" if delete else f"{amount} can go; nothing was deleted (--delete does it)",
        highlight=False,
    )


def _stores(store: str | None) -> list[Path | RemoteAddress]:
    if store is None:
        if os.environ.get(VARIABLE):
            said = f"the store of {VARIABLE} is left alone: name it with --store"
            SafeConsole(stderr=True).print(f"[yellow]note[/]  {said}", highlight=False)
        return [home() / SCORES, home() / ANSWERS]
    if "://" in store:
        return [read_address(store)]
    if not Path(store).is_dir():
        raise InputError(f"there is no folder {store}")
    return [Path(store)]


def _verify(place: Path | RemoteAddress, *, repair: bool, seen: Callable[[], None]) -> Verified:
    if isinstance(place, RemoteAddress):
        return verify_remote(place, repair=repair, seen=seen)
    return verify_store(place, repair=repair, seen=seen)


def _collect(place: Path | RemoteAddress, wanted: Unwanted, *, delete: bool) -> Sorted:
    if _of_judges(place):
        wanted = Unwanted()
    if isinstance(place, RemoteAddress):
        return collect_remote(place, wanted, delete=delete)
    return collect(place, wanted, delete=delete)


def _of_judges(place: Path | RemoteAddress) -> bool:
    """Tell whether answers of judges lie there, of this home or another, under whatever name it is asked for."""
    folder = place.folder if isinstance(place, RemoteAddress) else place
    if folder is None:
        return False
    found = folder.resolve()
    return ANSWERS in (folder.name, found.name) or found == (home() / ANSWERS).resolve()


def _shown(place: Path | RemoteAddress) -> str:
    return place.shown if isinstance(place, RemoteAddress) else str(place)


def _why(by_run: bool, days: float | None) -> str:
    reasons = ["used by none of the runs"] if by_run else []
    if days is not None:
        reasons.append(f"not of use for {days:g} days")
    return ", ".join(reasons) or "not asked for"


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename}: {error.strerror}") from None


@contextmanager
def _counted(*, quiet: bool) -> Iterator[Callable[[], None]]:
    """Count entries on a terminal while they are read."""
    console = SafeConsole(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda: None
        return
    count = 0
    with console.status("reading") as status:

        def seen() -> None:
            nonlocal count
            count += 1
            if count % 100 == 0:
                status.update(f"read {count} entries")

        yield seen


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        words = name in ("store", "what")
        table.add_column(name, justify="left" if words else "right", no_wrap=not words, overflow="fold")
    return table


def _cells(amount: Amount) -> tuple[str, str]:
    return str(amount.files), _mb(amount.bytes)


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f}"


def _verified_row(found: Verified) -> dict[str, Any]:
    damaged = [
        {"path": str(d.path), "bytes": d.bytes, "problem": d.problem, "removed": d.removed}
        for d in found.damaged
    ]
    return {"store": str(found.root), "entries": found.entries, "bytes": found.bytes, "damaged": damaged}


def _sorted_row(found: Sorted) -> dict[str, Any]:
    amounts = {
        "left_over": found.parts,
        "unused": found.unused,
        "kept": found.kept,
        "not_deleted": found.stays,
    }
    return {name: {"files": amount.files, "bytes": amount.bytes} for name, amount in amounts.items()}

"""What is seen of a run: a table that lives in the terminal, lines where there is none, and a log in JSON lines."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from reference_model.atomic import write_whole

LOG = "log.jsonl"
_SHOWN = 12
_COLUMNS = (
    *("stage", "step", "of", "what", "total"),
    *("video", "audio", "lips", "mask", "psnr_db", "psnr_lips_db"),
    *("rate", "s/step"),
)


class Watcher:
    """Writes every entry to the log and shows the last ones."""

    def __init__(self, folder: Path, console: Console, live: Live | None) -> None:
        self._path, self._console, self._live = folder / LOG, console, live
        self._rows: list[dict[str, Any]] = []

    def tell(self, entry: dict[str, Any]) -> None:
        """Log an entry and show it."""
        with self._path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")
        self._rows = [*self._rows, entry][-_SHOWN:]
        if self._live is not None:
            self._live.update(_table(self._rows))
        else:
            self._console.print(_line(entry), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def watching(folder: Path, after: int) -> Iterator[Watcher]:
    """Watch a run; what the log says of steps after `after` belongs to a run that was cut off, and is taken out."""
    path = folder / LOG
    if path.is_file():
        lines = path.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if _whole(line) and json.loads(line).get("total_steps", 0) <= after]
        write_whole(path, "".join(line + "\n" for line in kept).encode())
    console = Console()
    if not console.is_terminal:
        yield Watcher(folder, console, None)
        return
    with Live(_table([]), console=console, refresh_per_second=2) as live:
        yield Watcher(folder, console, live)


def _whole(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _line(entry: dict[str, Any]) -> str:
    return "  ".join(f"{name} {_text(value)}" for name, value in entry.items())


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table()
    told = [column for column in _COLUMNS if any(column in row for row in rows)]
    for column in told:
        table.add_column(column, justify="left" if column in ("stage", "what") else "right")
    for row in rows:
        table.add_row(*(_text(row.get(column, "")) for column in told))
    return table

"""Shows how far a run is: a table, JSON, or a table that is drawn anew."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from uniavgen_bench.core.terminal import SafeConsole, printable, printable_json
from uniavgen_bench.runner.run_status import RunStatus, run_status

if TYPE_CHECKING:
    from rich.console import RenderableType

STYLE = {
    "running": "green", "complete": "green", "stopped": "yellow", "failed": "red", "killed": "red",
    "incomplete": "yellow",
}  # fmt: skip
SAID = {
    "running": "running",
    "complete": "complete",
    "stopped": "stopped by hand; the same command goes on from here",
    "failed": "ended with an error",
    "killed": "killed: nobody works on it; the same command goes on from here",
    "incomplete": "nobody works on it, and it is not complete; the same command goes on from here",
}
MAY_BE_OVER = "not complete; whether somebody works on it cannot be told on this file system"


def show_status(run: Path, *, json: bool) -> None:
    """Print the status of a run once."""
    status = run_status(run)
    if json:
        import typer

        typer.echo(printable_json(status.model_dump_json(indent=2)))
        return
    SafeConsole().print(drawn(status), highlight=False)


def watch_status(run: Path, seconds: float) -> None:
    """Draw the status anew every so many seconds until nobody works on the run any more."""
    from rich.live import Live

    status = run_status(run)
    with Live(drawn(status), console=SafeConsole(), auto_refresh=False) as live:
        while status.state == "running":
            time.sleep(seconds)
            status = run_status(run)
            live.update(drawn(status), refresh=True)


def drawn(status: RunStatus) -> RenderableType:
    """Return the status as a table with its facts around it."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    said = MAY_BE_OVER if status.state == "running" and not status.alive else SAID[status.state]
    head = Text.assemble(printable(status.run), "  ", (said, STYLE[status.state]))
    lines: list[RenderableType] = [head]
    if status.stages:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("system")
        table.add_column("stage", no_wrap=True)
        for name in ("done", "missing", "to do", "clips/min", "s/clip", "left"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in status.stages:
            to_do = f"{row.to_do} ({row.kept} kept)" if row.kept else str(row.to_do)
            rate = f"{60 / row.pace:.1f}" if row.pace else "-"
            each = f"{row.seconds_each:.2f}" if row.seconds_each is not None else "-"
            missing = Text(str(row.missing), style="yellow" if row.missing else "")
            table.add_row(
                Text(printable(row.system)),
                row.stage,
                str(row.done),
                missing,
                to_do,
                rate,
                each,
                span(row.eta),
            )
        lines.append(table)
    lines += [Text(f"missing  {printable(reason)}", style="dim") for reason in _reasons(status)]
    facts = [f"{status.workers} workers", f"session {status.sessions}" if status.sessions else ""]
    if status.elapsed is not None:
        facts.append(f"{span(status.elapsed)} so far" if status.state == "running" else span(status.elapsed))
    if status.state == "running":
        facts.append(f"{span(status.eta)} left" if status.eta is not None else "time left not known yet")
    lines.append(Text(" · ".join(f for f in facts if f)))
    if status.last is not None:
        ago = f", {span(status.last.age)} ago" if status.state == "running" else f", {status.last.time}"
        lines.append(Text(printable(f"last event: {status.last.text}{ago}"), style="dim"))
    lines += [Text(f"problem  {printable(problem)}", style="red") for problem in status.problems]
    return Group(*lines)


def _reasons(status: RunStatus) -> list[str]:
    return [
        f"{row.system}, {row.stage}: "
        + ", ".join(f"{count} {reason}" for reason, count in row.reasons.items())
        for row in status.stages
        if row.reasons
    ]


def span(seconds: float | None) -> str:
    """Return a length of time in two units: `42 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    if seconds is None or not math.isfinite(seconds):
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"

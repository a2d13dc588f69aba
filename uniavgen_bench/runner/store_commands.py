"""`uniavgen-bench store verify | gc`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

store_app = typer.Typer(
    no_args_is_help=True, help="What is kept between runs: artefacts and scores of clips, answers of judges."
)
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Place = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="FOLDER|URL",
        help="Another store than those of UNIAVGEN_BENCH_HOME, for example s3://bucket/folder.",
    ),
]


@store_app.command("verify")
def verify_command(
    repair: Annotated[
        bool, typer.Option("--repair", help="Remove the damaged entries: they are made anew when needed.")
    ] = False,
    store: Place = None,
    json: Json = False,
) -> None:
    """Read every entry and compare it with the digest that was written with it.

    Exit status 1: an entry is damaged, and still there.

    Examples:

        uniavgen-bench store verify

        uniavgen-bench store verify --repair

        uniavgen-bench store verify --store s3://bucket/uniavgen-bench
    """
    from uniavgen_bench.runner.store_show import show_verified

    if not show_verified(store, repair=repair, json=json):
        raise typer.Exit(1)


@store_app.command("gc")
def gc_command(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[RUN]...", help="Runs whose entries stay; what none of them used may go."),
    ] = None,
    older_than: Annotated[
        float | None,
        typer.Option(min=0, metavar="DAYS", help="Only entries that nobody read or wrote for so many days."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete/--dry-run", help="Delete it, or only tell what would go.")
    ] = False,
    store: Place = None,
    json: Json = False,
) -> None:
    """Tell what the store can do without, or delete it: files that a killed process left, and entries.

    An entry may go when none of the runs given used it, or when it was not of use for --older-than days; with both,
    only when both hold; with neither, no entry goes. What is being written, or is younger than an hour, stays.
    Answers of judges stay: they were paid for. At a URL, days are counted from when an entry was written.

    Examples:

        uniavgen-bench store gc --older-than 90

        uniavgen-bench store gc runs/joint/* --delete
    """
    from uniavgen_bench.runner.store_show import show_collected

    show_collected(runs or (), older_than, store, delete=delete, json=json)

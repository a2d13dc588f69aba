"""`uniavgen-bench status RUN`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def status(
    run: Annotated[Path, typer.Argument(help="A run directory: running, finished, killed or damaged.")],
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Draw it anew until nobody works on the run any more.")
    ] = False,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks of --watch.")] = 2.0,
) -> None:
    """Tell how far a run is, from another terminal: by system and stage what is done, missing and to do, and when.

    Exit status 0 whatever the state of the run; 2: that is no run.

    Examples:

        uniavgen-bench status runs/joint --watch

        uniavgen-bench status runs/joint --json
    """
    from uniavgen_bench.core.errors import InputError
    from uniavgen_bench.runner.status_show import show_status, watch_status

    if json and watch:
        raise InputError("--json and --watch do not go together", way_out="leave one out")
    if watch:
        watch_status(run, every)
    else:
        show_status(run, json=json)

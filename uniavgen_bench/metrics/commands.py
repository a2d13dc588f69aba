"""`uniavgen-bench metrics list` and `metrics show`."""

from __future__ import annotations

from typing import Annotated

import typer

metrics_app = typer.Typer(no_args_is_help=True, help="What is measured: units, ranges, directions, sources.")
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@metrics_app.command("list")
def metrics_list(json: Json = False) -> None:
    """List the metrics that are installed.

    Example: uniavgen-bench metrics list --json
    """
    from uniavgen_bench.metrics.catalogue import show_list

    show_list(json=json)


@metrics_app.command("show")
def metrics_show(
    name: Annotated[str, typer.Argument(help="A metric, for example lipsync.mouth_audio.")],
    json: Json = False,
) -> None:
    """Print all facts of a metric: unit, range, direction, sign, needs, weights, licence, source, deviations.

    Example: uniavgen-bench metrics show lipsync.mouth_audio
    """
    from uniavgen_bench.metrics.catalogue import show_metric

    show_metric(name, json=json)

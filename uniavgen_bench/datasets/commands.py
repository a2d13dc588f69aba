"""`uniavgen-bench dataset export`: datasets on disk for those who do not run the suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uniavgen_bench.core.errors import InputError, Where, unknown_name

EXPORTED = ("portraits",)

dataset_app = typer.Typer(no_args_is_help=True, help="Datasets: export what a model trains on.")


@dataset_app.callback()
def _group() -> None:
    """Keep `export` a command of its own."""


@dataset_app.command("export")
def export(
    name: Annotated[str, typer.Argument(help="The dataset: portraits.")],
    out: Annotated[
        Path, typer.Argument(help="A folder for the shards; the same one goes on where it was stopped.")
    ],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="An option of the dataset, as in a suite; repeatable."
        ),
    ] = None,
    clips_per_shard: Annotated[int, typer.Option(min=1, help="Clips in a shard, at most.")] = 64,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per processor.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the index as JSON.")] = False,
) -> None:
    """Write clips with their truth as tensors: safetensors shards and `index.json`.

    Examples:

        uniavgen-bench dataset export portraits shards --set split=train --set samples=1000

        uniavgen-bench dataset export portraits shards --set size=96 --set sentences=free --set seconds=3
    """
    from uniavgen_bench.core.located import Located, parse_yaml, validate
    from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions
    from uniavgen_bench.datasets.portraits.export import export_portraits

    if name not in EXPORTED:
        raise unknown_name("dataset to export", name, EXPORTED)
    data = {}
    for setting in settings or ():
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise InputError(f"{setting!r} is not KEY=VALUE", where=Where("--set"))
        data[key] = parse_yaml(text, f"--set {key}").data
    options = validate(PortraitsOptions, Located(data, {}, "--set", ()))
    index = export_portraits(options, out, clips_per_shard=clips_per_shard, workers=workers)
    if json:
        typer.echo(index.model_dump_json(indent=2))
        return
    typer.echo(
        f"{index.clips} clips of {index.identities} people in {len(index.shards)} shards: {out} "
        f"({index.frames} frames of {index.size} px at {index.fps} fps each)"
    )

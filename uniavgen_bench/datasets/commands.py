"""`uniavgen-bench dataset`: what is installed, what a local copy holds, and datasets on disk for training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from uniavgen_bench.core.errors import unknown_name

EXPORTED = ("portraits",)

dataset_app = typer.Typer(
    no_args_is_help=True, help="Datasets: what there is, what a copy holds, export for training."
)
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="An option of the dataset, as in a suite; repeatable."),
]


@dataset_app.command("list")
def list_datasets(
    json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """List the datasets that are installed: tasks, size, licence, citation.

    Example: uniavgen-bench dataset list
    """
    from uniavgen_bench.datasets.catalogue import show_list

    show_list(json=json)


@dataset_app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A dataset, for example verse-bench.")],
    settings: Settings = None,
    json: Annotated[bool, typer.Option("--json", help="Print the facts and counts as JSON.")] = False,
) -> None:
    """Print the facts of a dataset and, with its options, what a local copy holds by category.

    Examples:

        uniavgen-bench dataset show verse-bench

        uniavgen-bench dataset show verse-bench --set path=verse_bench --set task=joint
    """
    from uniavgen_bench.datasets.catalogue import show_dataset

    show_dataset(name, settings or (), json=json)


@dataset_app.command("export")
def export(
    name: Annotated[str, typer.Argument(help="The dataset: portraits.")],
    out: Annotated[
        Path, typer.Argument(help="A folder for the shards; the same one goes on where it was stopped.")
    ],
    settings: Settings = None,
    clips_per_shard: Annotated[int, typer.Option(min=1, help="Clips in a shard, at most.")] = 64,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one per processor.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the index as JSON.")] = False,
) -> None:
    """Write clips with their truth as tensors: safetensors shards and `index.json`.

    Examples:

        uniavgen-bench dataset export portraits shards --set split=train --set samples=1000

        uniavgen-bench dataset export portraits shards --set size=96 --set sentences=free --set seconds=3
    """
    from uniavgen_bench.datasets.catalogue import read_options
    from uniavgen_bench.datasets.portraits.dataset import PLUGIN
    from uniavgen_bench.datasets.portraits.export import export_portraits

    if name not in EXPORTED:
        raise unknown_name("dataset to export", name, EXPORTED)
    options = read_options(PLUGIN, settings or ())
    index = export_portraits(options, out, clips_per_shard=clips_per_shard, workers=workers)
    if json:
        typer.echo(index.model_dump_json(indent=2))
        return
    people = "1 person" if index.identities == 1 else f"{index.identities} people"
    typer.echo(
        f"{_count(index.clips, 'clip')} of {people} in {_count(len(index.shards), 'shard')}: {out} "
        f"({index.frames} frames of {index.size} px at {index.fps} fps each)"
    )


def _count(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"

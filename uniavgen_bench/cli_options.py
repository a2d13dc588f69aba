"""The options that commands which run something share: their types, limits and help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path | None, typer.Option(help="Run directory; the same one goes on where it was stopped.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first N clips of each system.")]
Systems = Annotated[str | None, typer.Option(help="Only these systems, separated by commas.")]
Metrics = Annotated[str | None, typer.Option(help="Only these metrics, separated by commas.")]
Workers = Annotated[int | None, typer.Option(min=1, max=256, help="Processes; default: one per processor.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]
Timeout = Annotated[
    float, typer.Option(min=1, help="Seconds for one clip; twice that then, metric by metric.")
]
Spread = Annotated[
    str,
    typer.Option("--executor", help="local: processes of this machine; ray: a cluster (docs/executors.md)."),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        help="Cluster, host:port or auto; default: RAY_ADDRESS, else one on this machine for this run."
    ),
]
RayCpus = Annotated[float, typer.Option(min=0.1, help="Processors of a Ray worker.")]
RayGpus = Annotated[
    float | None,
    typer.Option(min=0.0, help="GPUs of a Ray worker, 0.5 for two on one; default: 1 with --device cuda."),
]
RayMemory = Annotated[float | None, typer.Option(min=0.1, help="GiB of memory of a Ray worker.")]
SharedStore = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Share results at an address of fsspec, s3://… or a folder; default: UNIAVGEN_BENCH_STORE.",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Refuse to fetch anything.")]
Replace = Annotated[bool, typer.Option("--replace", help="Replace another run in --out.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the suite; repeatable.")
]
Factors = Annotated[
    list[str] | None,
    typer.Option(
        "--factor",
        metavar="NAME=LEVEL,LEVEL…",
        help="Vary an option or a factor of a system, the reference level first; repeatable.",
    ),
]
Of = Annotated[
    str | None, typer.Option(help="The system that --factor varies; default: the first that is made.")
]
Design = Annotated[
    str | None, typer.Option(metavar="DESIGN", help="one_at_a_time, or full: every combination of --factor.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

"""`uniavgen-bench validate`: what each metric is worth."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from uniavgen_bench.core.errors import InputError


def validate(
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Only these metrics, separated by commas; default: those of the run in --out, else all."
        ),
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="portraits, another dataset with finished clips, or none (only --clips).")
    ] = "portraits",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the dataset; repeatable."),
    ] = None,
    clips: Annotated[
        Path | None, typer.Option(help="Finished clips as well: a folder, with its clips.csv if it has one.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many clips of the dataset, and of --clips.")
    ] = None,
    clips_limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many of --clips, whatever --limit says.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for validity.json; that of a run, to show it in its report.")
    ] = Path("validity"),
    workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes; default: one per processor.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that one clip may take.")] = 1800,
    repeats: Annotated[
        bool, typer.Option("--repeats/--no-repeats", help="Score some clips again from nothing.")
    ] = True,
    offline: Annotated[bool, typer.Option("--offline", help="Refuse to fetch anything.")] = False,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Share results at an address of fsspec; default: UNIAVGEN_BENCH_STORE."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Test the metrics themselves: known changes of clips, controls, repeats; a verdict on each.

    Exit status 0: at least one metric was tested, whatever its verdict; 1: no metric gave a number on any clip (the
    verdicts say why); 2: it cannot be carried out; 130: stopped by hand.

    Examples:

        uniavgen-bench validate

        uniavgen-bench validate --limit 8 --metrics lipsync.mouth_audio,speech.wer

        uniavgen-bench validate --clips clips --dataset none --out validity/real

        uniavgen-bench validate --clips clips --clips-limit 12

        uniavgen-bench validate --out runs/joint
    """
    from uniavgen_bench.core.redaction import told_command
    from uniavgen_bench.validity.validate_show import Asked, validate_and_show

    names = tuple(n.strip() for n in re.split(r",(?![^\[\]]*\])", metrics or "") if n.strip())
    if metrics is not None and not names:
        raise InputError("--metrics names no metric", way_out="leave it out to test all")
    asked = Asked(
        metrics=names,
        dataset=dataset,
        settings=tuple(settings or ()),
        clips=clips,
        limit=limit,
        clips_limit=clips_limit,
        out=out,
        workers=workers,
        device=device,
        timeout=timeout,
        repeats=repeats,
        offline=offline,
        command=told_command(["uniavgen-bench", *map(shlex.quote, sys.argv[1:])]),
        store=store,
    )
    try:
        tested = validate_and_show(asked, json=json)
    except KeyboardInterrupt:
        typer.echo("stopped: what was scored is kept; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    if not tested:
        raise typer.Exit(1)

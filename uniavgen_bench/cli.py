"""The command line: argument parsing only; what it does lies in the packages."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from uniavgen_bench.cli_options import (
    Design,
    Device,
    Factors,
    Json,
    Limit,
    Metrics,
    Of,
    Offline,
    Out,
    RayAddress,
    RayCpus,
    RayGpus,
    RayMemory,
    Replace,
    Settings,
    SharedStore,
    Spread,
    Systems,
    Timeout,
    Workers,
)
from uniavgen_bench.core.errors import BenchError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Numbers that can be trusted for generated talking people: lip sync, voice, speech, sound and picture.",
)


def _names(text: str | None) -> tuple[str, ...]:
    """Split at commas, but not inside brackets: cells of an ablation are called `system[a=1,b=2]`."""
    parts = re.split(r",(?![^\[\]]*\])", text or "")
    return tuple(name.strip() for name in parts if name.strip())


def _run(
    resolved: Any, json: bool, ray: tuple[str | None, float, float | None, float | None], **options: Any
) -> None:
    from uniavgen_bench.core.redaction import told_command
    from uniavgen_bench.runner.executors.executor import RayOptions
    from uniavgen_bench.runner.run import RunOptions
    from uniavgen_bench.runner.show import run_and_show

    command = told_command(["uniavgen-bench", *sys.argv[1:]])
    try:
        finished = run_and_show(
            resolved, RunOptions(command=command, ray=RayOptions(*ray), **options), json=json
        )
    except KeyboardInterrupt:
        typer.echo("stopped: what was scored is kept; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    if finished.without_result:
        raise typer.Exit(1)


@app.command()
def score(
    clips: Annotated[Path, typer.Argument(help="A folder of clips, or one clip.")],
    manifest: Annotated[
        Path | None, typer.Option(help="CSV, TSV or JSONL: systems, transcripts, references of the clips.")
    ] = None,
    controls: Annotated[
        str, typer.Option(help="Floors beside the scores: shuffled-audio, shifted-audio:MS, or none.")
    ] = "shuffled-audio",
    out: Out = None,
    limit: Limit = None,
    systems: Systems = None,
    metrics: Metrics = None,
    workers: Workers = None,
    device: Device = "cpu",
    timeout: Timeout = 1800,
    executor: Spread = "local",
    ray_address: RayAddress = None,
    ray_cpus: RayCpus = 1.0,
    ray_gpus: RayGpus = None,
    ray_memory: RayMemory = None,
    store: SharedStore = None,
    offline: Offline = False,
    replace: Replace = False,
    settings: Settings = None,
    json: Json = False,
) -> None:
    """Score finished clips and write a run directory with a report.

    Exit status 0: every system, controls aside, has at least one score; 1: one has no clip or no score at all (the
    report is there all the same); 2: it cannot be carried out; 130: stopped by hand.

    Examples:

        uniavgen-bench score my_clips

        uniavgen-bench score clips --manifest clips/clips.csv --out runs/real --workers 2

        uniavgen-bench score clips --metrics lipsync.mouth_audio,speech.wer --controls shifted-audio:200
    """
    from uniavgen_bench.api import DEFAULT_METRICS, score_suite

    resolved = score_suite(
        clips,
        manifest=manifest,
        metrics=_names(metrics) or DEFAULT_METRICS,
        controls=() if controls == "none" else _names(controls),
        settings=settings or (),
    )
    chosen = _names(systems)
    if chosen:
        chosen += tuple(s.info.id for s in resolved.systems if s.plugin.derived and s.info.id not in chosen)
    _run(resolved, json, out=out, limit=limit, systems=chosen, workers=workers, device=device,
         timeout=timeout, offline=offline, replace=replace, executor=executor,
         ray=(ray_address, ray_cpus, ray_gpus, ray_memory), store=store)  # fmt: skip


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="A suite file, or the name of a bundled suite.")],
    out: Out = None,
    limit: Limit = None,
    systems: Systems = None,
    metrics: Metrics = None,
    factors: Factors = None,
    of: Of = None,
    design: Design = None,
    workers: Workers = None,
    device: Device = "cpu",
    timeout: Timeout = 1800,
    executor: Spread = "local",
    ray_address: RayAddress = None,
    ray_cpus: RayCpus = 1.0,
    ray_gpus: RayGpus = None,
    ray_memory: RayMemory = None,
    store: SharedStore = None,
    offline: Offline = False,
    replace: Replace = False,
    settings: Settings = None,
    json: Json = False,
) -> None:
    """Run a suite: generate what is to be generated, score, and report.

    Exit status 0: every system, controls aside, has at least one score; 1: one has no clip or no score at all (the
    report is there all the same); 2: it cannot be carried out; 130: stopped by hand.

    Examples:

        uniavgen-bench run published --set dataset.path=clips/clips.csv --out runs/published

        uniavgen-bench run my_suite.yaml --limit 4 --metrics video.motion

        uniavgen-bench run smoke --factor milliseconds=0,80,200 --of shifted-audio

        uniavgen-bench run smoke --factor fps=16,25 --factor start=0.2,0.5 --design full
    """
    from uniavgen_bench.runner.ablation import FactorOptions
    from uniavgen_bench.runner.suite import read_suite, resolve
    from uniavgen_bench.runner.suite_path import find_suite

    read, located = read_suite(find_suite(suite), settings or (), _names(metrics))
    varied = FactorOptions(tuple(factors or ()), of, design)
    _run(resolve(read, located, varied), json, out=out, limit=limit, systems=_names(systems), workers=workers,
         device=device, timeout=timeout, offline=offline, replace=replace, executor=executor,
         ray=(ray_address, ray_cpus, ray_gpus, ray_memory), store=store)  # fmt: skip


@app.command()
def report(run: Annotated[Path, typer.Argument(help="A run directory.")], json: Json = False) -> None:
    """Write the HTML report of a run again.

    Example: uniavgen-bench report runs/real
    """
    from uniavgen_bench.runner.show import show_report

    show_report(run, json=json)


@app.command()
def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN_A RUN_B [RUN_C…]", help="Run directories; the first is the baseline."),
    ],
    systems: Annotated[
        list[str] | None,
        typer.Option(
            "--system", metavar="A=B", help="Compare system A of RUN_A with B of the others; repeatable."
        ),
    ] = None,
    fields: Annotated[
        str | None,
        typer.Option(help="Only these fields, metric.field separated by commas; default: headlines."),
    ] = None,
    common: Annotated[
        bool, typer.Option("--common", help="Compare the samples that both runs have.")
    ] = False,
    out: Annotated[Path, typer.Option(help="Folder for index.html, compare.md and compare.json.")] = Path(
        "compare"
    ),
    json: Json = False,
) -> None:
    """Compare runs sample by sample: what is better, what is worse, which clips changed most, what is not comparable.

    Examples:

        uniavgen-bench compare runs/before runs/after

        uniavgen-bench compare runs/a runs/b --system uniavgen=uniavgen-2 --common --out compare/a-b

        uniavgen-bench compare runs/a runs/b --fields lipsync.mouth_audio.confidence,speech.wer.wer --json
    """
    from uniavgen_bench.report.compare_show import compare_and_show

    compare_and_show(runs, systems=systems or (), fields=_names(fields), common=common, out=out, json=json)


@app.command()
def doctor(json: Json = False) -> None:
    """Check this machine: packages, devices, decoders, weights, disk; each problem with its way out.

    Example: uniavgen-bench doctor
    """
    from uniavgen_bench.weights.doctor import doctor as examine

    examine(json=json)


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Print the version when asked to."""
    if show:
        from uniavgen_bench.version import VERSION

        typer.echo(VERSION)
        raise typer.Exit


def _scorer() -> Any:
    from uniavgen_bench.rescore import scorer

    return scorer()


def _with_weights() -> typer.Typer:
    """Add the groups of commands only when they may be needed; their imports cost time."""
    from uniavgen_bench.datasets.commands import dataset_app
    from uniavgen_bench.metrics.commands import metrics_app
    from uniavgen_bench.report.gate_commands import gate_app
    from uniavgen_bench.report.leaderboard.commands import leaderboard_app
    from uniavgen_bench.runner.status_command import status
    from uniavgen_bench.runner.store_commands import store_app
    from uniavgen_bench.runner.system_commands import systems_app
    from uniavgen_bench.validity.validate_command import validate
    from uniavgen_bench.weights.commands import weights_app

    app.command()(status)
    app.command()(validate)
    app.add_typer(dataset_app, name="dataset")
    app.add_typer(gate_app, name="gate")
    app.add_typer(leaderboard_app(_scorer), name="leaderboard")
    app.add_typer(metrics_app, name="metrics")
    app.add_typer(store_app, name="store")
    app.add_typer(systems_app, name="systems")
    app.add_typer(weights_app, name="weights")
    return app


def main() -> None:
    """Run the command line; an error that a user can act on is one line on stderr and exit status 2."""
    try:
        _with_weights()()
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("stopped: what was scored is kept; the same command goes on from here", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


if __name__ == "__main__":
    main()

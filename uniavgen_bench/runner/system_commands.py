"""`uniavgen-bench systems list | doctor`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from uniavgen_bench.systems.external.doctor import Check, Shown

systems_app = typer.Typer(no_args_is_help=True, help="What makes clips: models, controls, finished clips.")
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
MARKS = {"ok": "[green]ok[/]  ", "note": "[yellow]note[/]", "bad": "[red]bad[/] "}


@systems_app.command("list")
def systems_list(json: Json = False) -> None:
    """List the systems that are installed: tasks, frame rate, whether a checkout is here; licences with --json.

    Example: uniavgen-bench systems list
    """
    from uniavgen_bench.runner.system_list import show_list

    show_list(json=json)


@systems_app.command("doctor")
def systems_doctor(
    name: Annotated[str | None, typer.Argument(help="A system; may be left out with --dry-run.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="An option of the system, as in a suite; repeatable."
        ),
    ] = None,
    dry_run: Annotated[
        str | None, typer.Option(metavar="SUITE", help="Print every command that a suite would start.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N samples of the suite.")] = None,
    json: Json = False,
) -> None:
    """Check a system of another project: checkout, commit, environment, weights, GPU memory; print its commands.

    With --dry-run the settings are those of the suite, and NAME is the id of one of its systems.

    Examples:

        uniavgen-bench systems doctor ovi --set root=/checkouts/Ovi --set python=.venv/bin/python

        uniavgen-bench systems doctor ovi --dry-run my_suite.yaml
    """
    if dry_run is not None:
        _dry_run(dry_run, name, settings or [], limit, json=json)
        return
    if name is None:
        from uniavgen_bench.core.errors import InputError

        raise InputError("no system is named", way_out="uniavgen-bench systems doctor NAME")
    _examine(name, settings or [], json=json)


@systems_app.command("match")
def systems_match(
    suite: Annotated[str, typer.Argument(help="A suite file, or the name of a bundled suite.")],
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Set a key of the suite; repeatable."),
    ] = None,
    json: Json = False,
) -> None:
    """Show how finished clips of a suite match its samples: what has a clip, what has none, what is left over.

    Example: uniavgen-bench systems match my_suite.yaml --set systems.0.options.match=prompt
    """
    import json as jsonlib

    from uniavgen_bench.core.errors import InputError
    from uniavgen_bench.runner.plan import has_own_clips, matched_clips
    from uniavgen_bench.runner.suite import read_suite, resolve
    from uniavgen_bench.runner.suite_path import find_suite

    read, located = read_suite(find_suite(suite), settings or [])
    resolved = resolve(read, located)
    found = {
        s.info.id: matched_clips(s, resolved.dataset, read.repeats)
        for s in resolved.systems
        if has_own_clips(s)
    }
    if not found:
        raise InputError(f"suite {read.name!r} has no system precomputed with clips of its own")
    if json:
        rows = {
            name: {
                "clips": [{"sample": s, "repeat": r, "clip": str(p)} for (s, r), p in matched.clips.items()],
                "samples_without": matched.samples_without, "files_without": matched.files_without,
                "several": matched.several,
            }
            for name, matched in found.items()
        }  # fmt: skip
        typer.echo(jsonlib.dumps(rows, indent=2, ensure_ascii=False))
        return
    for name, matched in found.items():
        typer.echo(matched.note(name, show=1_000_000).replace("; ", "\n  "))


def _examine(name: str, settings: list[str], *, json: bool) -> None:
    import tempfile

    from uniavgen_bench.core.errors import BenchError, InputError, Where
    from uniavgen_bench.core.located import Located, parse_yaml, validate
    from uniavgen_bench.core.registry import SYSTEMS, Registry
    from uniavgen_bench.systems.external.doctor import Shows, examine, example_sample, shown_commands
    from uniavgen_bench.systems.system import Job, SystemPlugin

    plugin = Registry(SYSTEMS, "system", SystemPlugin).load(name)
    data: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise InputError(f"{setting!r} is not KEY=VALUE", where=Where("--set"))
        _set(data, key.split("."), parse_yaml(text, f"--set {key}").data)
    options = validate(plugin.options, Located(data, {}, "--set", ()))
    system = plugin.make(options)
    if not isinstance(system, Shows):
        raise InputError(f"{name} is part of this package: there is no checkout to look at")
    checks: list[Check] = [c for part in system.parts for c in examine(part.external, part.options)]
    shown: dict[str, list[Shown]] = {}
    problem = ""
    with tempfile.TemporaryDirectory(prefix="uniavgen-bench-doctor-") as folder:
        for task in plugin.tasks or (None,):
            scratch = Path(folder) / (task.value if task else "any")
            sample = example_sample(scratch / "given", task)
            try:
                shown[task.value if task else "any"] = shown_commands(
                    system, [Job(sample, 0, 2025, scratch / "clip.mp4")], scratch
                )
            except BenchError as error:
                problem = str(error)
    _show_examined(name, checks, shown, problem, json=json)
    if any(check.state == "bad" for check in checks):
        raise typer.Exit(1)


def _set(data: dict[str, Any], path: list[str], value: Any) -> None:
    from uniavgen_bench.core.errors import InputError, Where

    for i, part in enumerate(path[:-1]):
        data = data.setdefault(part, {})
        if not isinstance(data, dict):
            raise InputError(
                f"{'.'.join(path[: i + 1])} was set to {data!r}, so {'.'.join(path)} cannot be set",
                where=Where("--set"), way_out="leave one of the two out",
            )  # fmt: skip
    data[path[-1]] = value


def _show_examined(
    name: str, checks: list[Check], shown: dict[str, list[Shown]], problem: str, *, json: bool
) -> None:
    import dataclasses
    import json as jsonlib

    from rich.console import Console
    from rich.markup import escape

    if json:
        result = {
            "system": name,
            "checks": [dataclasses.asdict(check) for check in checks],
            "commands": {task: [dataclasses.asdict(s) for s in found] for task, found in shown.items()},
            "problem": problem,
        }
        typer.echo(jsonlib.dumps(result, indent=2, ensure_ascii=False))
        return
    console = Console()
    for check in checks:
        console.print(
            f"{MARKS[check.state]}  {check.name:<12}{escape(check.text)}", highlight=False, soft_wrap=True
        )
    for task, found in shown.items():
        typer.echo(f"\n{task}:")
        _print_commands(found)
    if problem and not shown:
        typer.echo("\nno command can be shown yet")


def _print_commands(found: list[Shown]) -> None:
    for one in found:
        if one.command:
            typer.echo(f"  cd {one.cwd}")
            for key, value in one.variables.items():
                typer.echo(f"  export {key}={value}")
            typer.echo(f"  {one.command}")
        for file, text in one.inputs.items():
            typer.echo(f"  # {file}")
            for line in text.splitlines():
                typer.echo(f"  #   {line}")
        for item, why in one.refused.items():
            typer.echo(f"  # {item}: no clip: {why}")


def _dry_run(suite: str, name: str | None, settings: list[str], limit: int | None, *, json: bool) -> None:
    import dataclasses
    import json as jsonlib
    import tempfile

    from uniavgen_bench.core.errors import unknown_name
    from uniavgen_bench.runner.plan import make_plan
    from uniavgen_bench.runner.staged import seen_jobs, staged_systems
    from uniavgen_bench.runner.suite import read_suite, resolve
    from uniavgen_bench.runner.suite_path import find_suite
    from uniavgen_bench.systems.external.doctor import Shows, shown_commands

    read, located = read_suite(find_suite(suite), settings)
    resolved = resolve(read, located)
    plan = make_plan(resolved, limit=limit)
    staged = staged_systems(resolved, plan)
    names = [s.configured.info.id for s in staged]
    if name is not None and name not in names:
        raise unknown_name("system with commands in the suite", name, names)
    results: dict[str, list[Any]] = {}
    for one in staged:
        system, title = one.system, one.configured.info.id
        if name not in (None, title) or not isinstance(system, Shows):
            continue
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="uniavgen-bench-dry-"))
            found = shown_commands(system, seen_jobs(one, stack), Path(folder))
        results[title] = [dataclasses.asdict(shown) for shown in found]
        if not json:
            typer.echo(f"# {title}: {len(one.clips)} clips, {sum(bool(s.command) for s in found)} processes")
            _print_commands(found)
    if json:
        typer.echo(jsonlib.dumps(results, indent=2, ensure_ascii=False))

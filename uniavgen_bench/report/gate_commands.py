"""`uniavgen-bench gate RUN --baseline FILE` and `gate update RUN --to FILE`: argument parsing only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


class CheckByDefault(TyperGroup):
    """A group whose first argument may be a run: `gate RUN` stands for `gate check RUN`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `check` before anything that is no command of the group and no call for help."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = ["check", *args]
        return super().parse_args(ctx, args)


gate_app = typer.Typer(
    cls=CheckByDefault,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="May a change be merged? A run beside its baseline: `gate RUN --baseline FILE`, `gate update RUN --to FILE`.",
)

Run = Annotated[Path, typer.Argument(help="A run directory.")]
System = Annotated[str | None, typer.Option(help="The system of the run; default: the baseline's.")]
Margins = Annotated[
    list[str] | None,
    typer.Option("--margin", metavar="FIELD=MARGIN", help="Largest loss allowed: 0.03, or 15%; repeatable."),
]
Alpha = Annotated[
    float | None,
    typer.Option(help="Chance that a loss as large as the margin passes; default: the suite's, 0.05."),
]
Coverage = Annotated[
    float | None,
    typer.Option(help="Largest share of samples (0 to 1) that may lose their number; default 0."),
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@gate_app.command("check")
def check(
    run: Run,
    baseline: Annotated[
        Path | None, typer.Option(help="A baseline file or another run; default: the suite's gate.baseline.")
    ] = None,
    system: System = None,
    baseline_system: Annotated[
        str | None, typer.Option(help="The system of a baseline that is a run; default: that of the run.")
    ] = None,
    margin: Margins = None,
    alpha: Alpha = None,
    coverage: Coverage = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a summary for a pull request.")
    ] = None,
    json: Json = False,
) -> None:
    """Hold a run against a baseline: no gated field may be worse by more than its margin.

    Exit status 0: every gated field passed. 1: one is worse, inconclusive, or lost coverage. 2: not comparable, or
    bad input.

    Examples:

        uniavgen-bench gate runs/new --baseline reports/baselines/joint.json --junit gate.xml

        uniavgen-bench gate runs/new --baseline runs/old --margin lipsync.mouth_audio.in_place=15%
    """
    from uniavgen_bench.report.gate_judge import GateRequest
    from uniavgen_bench.report.gate_outputs import Outputs, check_and_write

    request = GateRequest(
        run=run,
        baseline=baseline,
        system=system,
        baseline_system=baseline_system,
        margins=tuple(margin or ()),
        alpha=alpha,
        coverage=coverage,
    )
    if not check_and_write(request, Outputs(junit=junit, markdown=markdown, json=json)).passed:
        raise typer.Exit(1)


@gate_app.command("update")
def update(
    run: Run,
    to: Annotated[Path, typer.Option(metavar="FILE", help="The baseline file to write.")],
    system: System = None,
    margin: Margins = None,
    suggested: Annotated[
        bool,
        typer.Option(
            "--suggested", help="Take the suggested margin for each metric's headline that has none."
        ),
    ] = False,
    alpha: Alpha = None,
    coverage: Coverage = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Write even where it lowers the bar, without asking.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a run's scores and margins as a baseline, after showing what changes.

    Margins come from --margin, the suite, and the file that is replaced, in this order.

    Examples:

        uniavgen-bench gate update runs/main --to reports/baselines/joint.json --suggested

        uniavgen-bench gate update runs/main --to joint.json --margin lipsync.mouth_audio.in_place=0.05 --yes
    """
    from uniavgen_bench.report.gate_update import UpdateRequest, update_and_show

    request = UpdateRequest(
        run=run,
        to=to,
        system=system,
        margins=tuple(margin or ()),
        suggested=suggested,
        alpha=alpha,
        coverage=coverage,
        yes=yes,
    )
    update_and_show(request, json=json)

"""Command line: describe the model, prove its numbers, train it, make a clip."""

import re
from pathlib import Path
from typing import Annotated, NoReturn

import torch
import typer
from rich.console import Console
from rich.table import Table

from reference_model.conformance import cases, without_case
from reference_model.conformance_case import Case
from reference_model.describe import parts, pass_costs
from reference_model.generate_command import generate_command
from reference_model.layout import Size
from reference_model.params import ModelParams, preset, read_params
from reference_model.training.commands import encode_command, train_command

app = typer.Typer(
    help="UniAVGen: joint generation of a talking person's picture and voice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command("train")(train_command)
app.command("encode")(encode_command)
app.command("generate")(generate_command)
console = Console()
errors = Console(stderr=True)
_RELEASED, _NANO = (81, 736, 1312, 16), (33, 128, 128, 8)
"""Frames, height, width and stride of a clip: of the release, and of what its small codec makes."""
_RELEASED_CHANNELS = 48


@app.command()
def describe(
    model: Annotated[str, typer.Argument(help="A preset (ti2v_5b, nano) or a params.json.")],
    frames: Annotated[int | None, typer.Option(help="Decoded frames, 4n + 1 (81; nano 33).")] = None,
    height: Annotated[int | None, typer.Option(help="Height in pixels (736; nano 128).")] = None,
    width: Annotated[int | None, typer.Option(help="Width in pixels (1312; nano 128).")] = None,
    stride: Annotated[
        int | None, typer.Option(help="Pixels per latent pixel of the video codec (16; nano 8).")
    ] = None,
) -> None:
    """Print the parts of a model, and what one pass costs.

    Examples:

        python -m reference_model describe ti2v_5b

        python -m reference_model describe ti2v_5b --height 736 --width 736 --frames 41

        python -m reference_model describe nano

        python -m reference_model describe runs/nano/params.json --frames 65
    """
    params = read_params(Path(model)) if model.endswith(".json") else preset(model)
    usual = _RELEASED if params.latent_channels == _RELEASED_CHANNELS else _NANO
    asked = (frames, height, width, stride)
    frames, height, width, stride = (
        own if one is None else one for one, own in zip(asked, usual, strict=True)
    )
    if frames < 1 or stride < 1 or (frames - 1) % 4 or height % stride or width % stride:
        raise ValueError(
            f"frames must be 4n + 1 and sides multiples of the stride {stride}, got {frames}, {height}x{width}"
        )
    latents = 1 + (frames - 1) // 4
    size = Size(latents, height // stride, width // stride, params.audio_tokens(latents))
    costs = pass_costs(params, size)
    _print_parts(params, model)
    table = Table(title=f"One pass at {height}x{width}, {frames} frames, {size.tokens} audio tokens")
    for column in ("part", "here, GFLOP", "released, GFLOP"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for cost in costs:
        table.add_row(cost.name, f"{cost.here / 1e9:,.1f}", f"{cost.released / 1e9:,.1f}")
    table.add_section()
    here, released = sum(cost.here for cost in costs), sum(cost.released for cost in costs)
    table.add_row("all", f"{here / 1e9:,.1f}", f"{released / 1e9:,.1f}")
    console.print(table)


def _print_parts(params: ModelParams, name: str) -> None:
    table = Table(title=f"{name}: parts")
    table.add_column("part")
    table.add_column("tensors", justify="right")
    table.add_column("parameters", justify="right")
    found = parts(params)
    for part in sorted(found, key=lambda part: -part.parameters):
        table.add_row(part.name, f"{part.tensors:,}", f"{part.parameters:,}")
    table.add_section()
    table.add_row(
        "all", f"{sum(part.tensors for part in found):,}", f"{sum(part.parameters for part in found):,}"
    )
    console.print(table)


@app.command()
def conformance(
    folder: Annotated[Path, typer.Argument(help="Folder of golden vectors (*.safetensors).")],
    vocabulary: Annotated[
        Path | None, typer.Option(help="The release's speech vocabulary, vocab.txt.")
    ] = None,
    failed_only: Annotated[bool, typer.Option("--failed-only", help="Print only what fails.")] = False,
) -> None:
    """Run every golden vector of a folder; exit code 1 if any fails.

    Example:

        python -m reference_model conformance golden/ --failed-only
    """
    table = Table(title=f"Conformance with {folder}")
    table.add_column("case", overflow="fold")
    table.add_column("max abs error", justify="right")
    table.add_column("tolerance", justify="right")
    table.add_column("verdict")
    table.add_column("note", overflow="fold")
    found = list(cases(folder, vocabulary))
    for case in found:
        if not (failed_only and case.passed):
            table.add_row(*_row(case))
    console.print(table)
    failed = sum(not case.passed for case in found)
    console.print(f"{len(found)} cases, {len(found) - failed} passed, {failed} failed")
    if unread := without_case(folder):
        console.print(f"not compared, for no case reads them: {', '.join(unread)}", markup=False)
    if failed or not found:
        raise typer.Exit(1)


def _row(case: Case) -> tuple[str, ...]:
    verdict = "[green]pass[/]" if case.passed else "[red]FAIL[/]"
    return case.name, f"{case.max_error:.1e}", f"{case.tolerance:.0e}", verdict, case.note


# The base of all usage errors, whether typer brings click along or imports it.
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]


def main() -> None:
    """Run the command line; bad input is one line on stderr and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except _USAGE_ERROR as error:
        # Only the formatted message names the option.
        _fail(str(getattr(error, "format_message", error.__str__)()))
    except (ValueError, OSError, ImportError, torch.cuda.OutOfMemoryError) as error:
        _fail(str(error))
    except (MemoryError, RuntimeError) as error:
        if (said := _no_room(error)) is None:
            raise
        _fail(said)
    raise SystemExit(code or 0)


def _no_room(error: MemoryError | RuntimeError) -> str | None:
    """What to say where memory did not suffice; None: the error is another one, and a bug."""
    # torch has no class of its own for the CPU's memory.
    if not isinstance(error, MemoryError) and "can't allocate memory" not in str(error):
        return None
    wanted = re.search(r"allocate (\d+) bytes", str(error))
    size = f" for {int(wanted[1]) / 1e9:,.1f} GB" if wanted else ""
    return f"no room in memory{size}: fewer frames, a smaller size, window or batch need less"


def _fail(message: str) -> NoReturn:
    message = message.replace("Value error, ", "")
    if message.strip():
        errors.print(
            f"error: {' '.join(message.split())}", style="red", markup=False, highlight=False, soft_wrap=True
        )
    raise SystemExit(2)


if __name__ == "__main__":
    main()

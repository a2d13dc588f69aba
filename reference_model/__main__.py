"""Command line: describe the model, prove its numbers, train it, make a clip."""

from pathlib import Path
from typing import Annotated, Literal, NoReturn

import torch
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from reference_model.checkpoint import load_official
from reference_model.conformance import cases, without_case
from reference_model.conformance_case import Case
from reference_model.describe import parts, pass_costs
from reference_model.generate import Script, generate, official_codecs
from reference_model.guidance import Cfg, Guidance, MaCfg, NoGuidance, Task
from reference_model.layout import Size
from reference_model.media import write_clip
from reference_model.nano_model import FRAMES, is_nano, load, nano_sampling
from reference_model.params import (
    Alignment,
    Convention,
    ModelParams,
    Switch,
    preset,
    read_params,
    with_ablation,
)
from reference_model.pipeline import Sampling
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
console = Console()
errors = Console(stderr=True)


@app.command()
def describe(
    model: Annotated[str, typer.Argument(help="A preset (ti2v_5b, nano) or a params.json.")],
    frames: Annotated[int, typer.Option(help="Decoded frames, 4n + 1.")] = 81,
    height: Annotated[int, typer.Option(help="Height in pixels.")] = 736,
    width: Annotated[int, typer.Option(help="Width in pixels.")] = 1312,
    stride: Annotated[int, typer.Option(help="Pixels per latent pixel of the video codec.")] = 16,
) -> None:
    """Print the parts of a model, and what one pass costs.

    Examples:

        python -m reference_model describe ti2v_5b

        python -m reference_model describe ti2v_5b --height 736 --width 736 --frames 41

        python -m reference_model describe weights/nano/params.json
    """
    params = read_params(Path(model)) if model.endswith(".json") else preset(model)
    if frames < 1 or stride < 1 or (frames - 1) % 4 or height % stride or width % stride:
        raise ValueError(
            f"frames must be 4n + 1 and sides multiples of the stride {stride}, got {frames}, {height}x{width}"
        )
    latents = 1 + (frames - 1) // 4
    size = Size(latents, height // stride, width // stride, params.audio_tokens(latents))
    _print_parts(params, model)
    table = Table(title=f"One pass at {height}x{width}, {frames} frames, {size.tokens} audio tokens")
    for column in ("part", "here, GFLOP", "released, GFLOP"):
        table.add_column(column, justify="left" if column == "part" else "right")
    costs = pass_costs(params, size)
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


@app.command("generate")
def generate_command(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of the weights and codecs.")],
    output: Annotated[Path, typer.Argument(help="The mp4 to write.")],
    task: Annotated[Task, typer.Option(help="What is given and what is made.")] = "joint",
    speech: Annotated[str, typer.Option(help="What is said.")] = "",
    caption: Annotated[str, typer.Option(help="What is seen.")] = "",
    vocabulary: Annotated[Path, typer.Option(help="The speech vocabulary.")] = Path("vocab.txt"),
    image: Annotated[
        Path | None, typer.Option(help="Reference picture of the person.", exists=True, dir_okay=False)
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="Video to dub or continue.", exists=True, dir_okay=False)
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(help="Sound to animate or continue.", exists=True, dir_okay=False)
    ] = None,
    reference_audio: Annotated[
        Path | None, typer.Option(help="A voice to speak in.", exists=True, dir_okay=False)
    ] = None,
    reference_speech: Annotated[str | None, typer.Option(help="What that voice says.")] = None,
    language: Annotated[Literal["en", "zh"], typer.Option(help="Language of the speech.")] = "en",
    frames: Annotated[int | None, typer.Option(help="Decoded frames, 4n + 1 (81; nano 33).")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same clip.")] = 2025,
    steps: Annotated[int | None, typer.Option(help="Euler steps (50; nano 16).")] = None,
    shift: Annotated[float | None, typer.Option(help="Time shift towards noise (5; nano 1).")] = None,
    guidance: Annotated[Literal["ma_cfg", "cfg", "none"], typer.Option(help="Kind of guidance.")] = "ma_cfg",
    scale_video: Annotated[
        float | None, typer.Option(help="Guidance scale of the picture (3; nano 2).")
    ] = None,
    scale_audio: Annotated[float, typer.Option(help="Guidance scale of the sound.")] = 2.0,
    share: Annotated[float, typer.Option(help="Share of steps with a unimodal null pass.")] = 0.5,
    skip_layer: Annotated[
        int | None, typer.Option(help="Layer that the null pass lacks; -1 for none (11; nano none).")
    ] = None,
    a2v: Annotated[Alignment | None, typer.Option(help="Ablation: ati, sti, sgi or none.")] = None,
    v2a: Annotated[Alignment | None, typer.Option(help="Ablation: ati, sti, sgi or none.")] = None,
    window: Annotated[int | None, typer.Option(help="Ablation: width of the audio window.")] = None,
    aligner: Annotated[Convention | None, typer.Option(help="Ablation: released or paper.")] = None,
    face_modulation: Annotated[Switch | None, typer.Option(help="Ablation: on or off.")] = None,
    convention: Annotated[
        Convention | None, typer.Option(help="Whose reading of the tasks (released; nano paper).")
    ] = None,
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu",
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the transformer blocks.")] = False,
) -> None:
    """Make one clip from a checkpoint folder.

    Examples:

        python -m reference_model generate UniAVGen out.mp4 --task joint --image face.png --speech "Hello."
          --caption "A woman speaks to the camera." --vocabulary vocab.txt --device cuda

        python -m reference_model generate UniAVGen out.mp4 --task dubbing --video silent.mp4 --speech "Hello."
          --caption "A man speaks." --vocabulary vocab.txt --guidance cfg

        python -m reference_model generate weights/nano out.mp4 --image face.png --speech "place blue at f two now"
    """
    small = is_nano(checkpoint)
    usual = nano_sampling() if small else Sampling()
    script = Script(
        task, speech, caption, image, video, audio, reference_audio, reference_speech, language,
        frames=frames or (FRAMES if small else 81), seed=seed,
    )  # fmt: skip
    assert isinstance(usual.guidance, MaCfg)
    skip = usual.guidance.skip_layer if skip_layer is None else skip_layer if skip_layer >= 0 else None
    scale_video = usual.guidance.scale_video if scale_video is None else scale_video
    kinds: dict[str, Guidance] = {
        "ma_cfg": MaCfg(scale_video, scale_audio, share, skip),
        "cfg": Cfg(scale_video, scale_audio, skip),
        "none": NoGuidance(),
    }
    sampling = Sampling(
        steps=usual.steps if steps is None else steps,
        shift=usual.shift if shift is None else shift,
        guidance=kinds[guidance],
        convention=convention or usual.convention,
    )
    if output.suffix != ".mp4" or output.is_dir():
        raise ValueError(f"the output is an .mp4 file, got {output}")
    _require_device(device)
    if not checkpoint.is_dir():
        raise FileNotFoundError(f"no checkpoint folder {checkpoint}")
    described = checkpoint / "params.json"
    params = with_ablation(
        read_params(described) if described.exists() else preset("ti2v_5b"),
        a2v=a2v,
        v2a=v2a,
        window=window,
        aligner=aligner,
        face_modulation=face_modulation,
    )
    # Codecs first: what they lack shows before the weights are read.
    if small:
        nano = load("nano", checkpoint, params=params, device=device)
        model, codecs = nano.model, nano.codecs
    else:
        codecs = official_codecs(checkpoint, vocabulary, device)
        model = load_official(checkpoint, params, device=device)
    if compiled:
        model.compile_blocks()
    with Progress(console=errors, transient=True) as bar:
        steps_done = bar.add_task("sampling", total=sampling.steps)
        clip = generate(
            model,
            codecs,
            script,
            sampling,
            lambda done, due: bar.update(steps_done, completed=done, total=due),
        )
    write_clip(output, clip.frames, clip.samples, model.params.video_rate)
    console.print(f"{output}: {len(clip.frames)} frames, {len(clip.samples) / 24_000:.2f} s")


def _require_device(name: str) -> None:
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"no device {name!r}: {error}") from error


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
    raise SystemExit(code or 0)


def _fail(message: str) -> NoReturn:
    if message.strip():
        errors.print(
            f"error: {' '.join(message.split())}", style="red", markup=False, highlight=False, soft_wrap=True
        )
    raise SystemExit(2)


if __name__ == "__main__":
    main()

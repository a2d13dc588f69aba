"""The command `generate`: from a checkpoint folder and files to a clip, in one process or in several."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Literal

import torch
import typer
from rich.console import Console
from rich.progress import Progress

from reference_model.checkpoint import WEIGHTS, load_official
from reference_model.codecs.speech_text import Language, SpeechVocabulary
from reference_model.generate import Codecs, Script, generate, official_codecs
from reference_model.generate_options import (
    chosen_guidance,
    chosen_params,
    require_device,
    require_known_symbols,
    require_mp4,
    require_speech,
)
from reference_model.guidance import Task
from reference_model.media import write_clip
from reference_model.model import UniAVGen
from reference_model.nano_model import (
    CAPTIONS,
    FRAMES,
    HERE,
    VIDEO_CODEC,
    is_nano,
    load,
    nano_codecs,
    nano_note,
    nano_sampling,
)
from reference_model.params import (
    Alignment,
    Convention,
    FaceModulation,
    ModelParams,
    preset,
    read_params,
)
from reference_model.pipeline import Sampling
from reference_model.place import Place
from reference_model.repeatable import repeatable

console = Console()
errors = Console(stderr=True)


def generate_command(
    checkpoint: Annotated[
        Path, typer.Argument(help="Folder of the weights and codecs; nano: those of the package.")
    ],
    output: Annotated[Path, typer.Argument(help="The mp4 to write.")],
    task: Annotated[Task, typer.Option(help="What is given and what is made.")] = "joint",
    speech: Annotated[str, typer.Option(help="What is said.")] = "",
    caption: Annotated[str, typer.Option(help="What is seen.")] = "",
    vocabulary: Annotated[
        Path | None, typer.Option(help="The speech vocabulary (vocab.txt; nano needs none).")
    ] = None,
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
    language: Annotated[Language, typer.Option(help="Language of the speech.")] = "en",
    frames: Annotated[int | None, typer.Option(help="Decoded frames, 4n + 1 (81; nano 33).")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same clip.")] = 2025,
    steps: Annotated[int | None, typer.Option(help="Euler steps (50; nano 16).")] = None,
    shift: Annotated[float | None, typer.Option(help="Time shift towards noise (5; nano 1).")] = None,
    guidance: Annotated[Literal["ma_cfg", "cfg", "none"], typer.Option(help="Kind of guidance.")] = "ma_cfg",
    scale_video: Annotated[
        float | None, typer.Option(help="Guidance scale of the picture (3; nano 2).")
    ] = None,
    scale_audio: Annotated[float | None, typer.Option(help="Guidance scale of the sound (2).")] = None,
    share: Annotated[
        float | None, typer.Option(max=1, help="Share of steps with a unimodal null pass, of ma_cfg (0.5).")
    ] = None,
    skip_layer: Annotated[
        int | None, typer.Option(min=-1, help="Layer that the null pass lacks; -1 for none (11; nano none).")
    ] = None,
    a2v: Annotated[Alignment | None, typer.Option(help="Ablation: ati, sti, sgi or none.")] = None,
    v2a: Annotated[Alignment | None, typer.Option(help="Ablation: ati, sti, sgi or none.")] = None,
    window: Annotated[
        int | None,
        typer.Option(
            help="Ablation: the audio window of ati. Released: odd, (window - 1) / 2 decoded frames on either side; "
            "paper: so many latent frames on either side."
        ),
    ] = None,
    aligner: Annotated[Convention | None, typer.Option(help="Ablation: released or paper.")] = None,
    face_modulation: Annotated[
        FaceModulation | None,
        typer.Option(help="Ablation: on, even (each frame's mean mask, so no place), or off."),
    ] = None,
    convention: Annotated[
        Convention | None, typer.Option(help="Whose reading of the tasks (released; nano paper).")
    ] = None,
    device: Annotated[str, typer.Option(help="Torch device.")] = "cpu",
    compiled: Annotated[bool, typer.Option("--compile", help="Compile the transformer blocks.")] = False,
    shard: Annotated[
        bool, typer.Option("--shard", help="Share the weights between the processes of torchrun.")
    ] = False,
    deterministic: Annotated[
        bool, typer.Option("--deterministic", help="Refuse kernels that sum in an order of their own.")
    ] = False,
) -> None:
    """Make one clip from a checkpoint folder; with --shard one per process: number k takes seed + k, writes out-k.mp4.

    Examples:

        python -m reference_model generate UniAVGen out.mp4 --task joint --image face.png --speech "Hello."
          --caption "A woman speaks to the camera." --vocabulary vocab.txt --device cuda

        python -m reference_model generate UniAVGen out.mp4 --task dubbing --video silent.mp4 --speech "Hello."
          --caption "A man speaks." --vocabulary vocab.txt --guidance cfg

        python -m reference_model generate nano out.mp4 --image face.png --speech "place blue at f two now"

        torchrun --nproc-per-node 4 -m reference_model generate UniAVGen out.mp4 --image face.png --speech "Hello."
          --caption "A woman speaks." --vocabulary vocab.txt --device cuda --shard
    """
    number = _number(shard, compiled)
    if checkpoint == Path("nano") and not checkpoint.exists():
        checkpoint = HERE
    small = is_nano(checkpoint)
    usual = nano_sampling() if small else Sampling()
    script = Script(
        task, speech, caption, image, video, audio, reference_audio, reference_speech, language,
        frames=frames if frames is not None else FRAMES if small else 81, seed=seed + number,
    )  # fmt: skip
    sampling = Sampling(
        steps=usual.steps if steps is None else steps,
        shift=usual.shift if shift is None else shift,
        guidance=chosen_guidance(guidance, usual.guidance, scale_video, scale_audio, share, skip_layer),
        convention=convention or usual.convention,
        out_of_memory="raise" if shard else "halve",
    )
    if number:
        output = output.with_name(f"{output.stem}-{number}.mp4")
    require_mp4(output)
    if small:
        if vocabulary is not None:
            raise ValueError(
                "--vocabulary has no effect with nano, which knows printable ASCII; leave it out"
            )
        known = SpeechVocabulary.printable_ascii()
        require_known_symbols(known, language, speech=speech, reference_speech=reference_speech)
    device = _own_device(device) if shard else device
    require_device(device)
    if not checkpoint.is_dir():
        raise FileNotFoundError(f"no checkpoint folder {checkpoint}")
    described = checkpoint / "params.json"
    params = chosen_params(
        read_params(described) if described.exists() else preset("ti2v_5b"),
        task,
        sampling,
        a2v=a2v,
        v2a=v2a,
        window=window,
        aligner=aligner,
        face_modulation=face_modulation,
    )
    if skip_layer is not None and skip_layer >= params.layers:
        raise ValueError(
            f"no layer {skip_layer} to skip: the model has layers 0 to {params.layers - 1}; -1 skips none"
        )
    require_speech(task, speech)
    with ExitStack() as stack:
        if deterministic:
            stack.enter_context(repeatable())
        model, codecs = stack.enter_context(
            _loaded(checkpoint, params, vocabulary or Path("vocab.txt"), device, shard)
        )
        if compiled:
            model.compile_blocks()
        bar = stack.enter_context(
            Progress(console=errors, transient=True, disable=number > 0 or not errors.is_terminal)
        )
        steps_done = bar.add_task("sampling", total=sampling.steps)
        clip = generate(
            model,
            codecs,
            script,
            sampling,
            lambda done, due: bar.update(steps_done, completed=done, total=due),
        )
    if small and number == 0 and (note := nano_note(clip.frames)):
        errors.print(note, markup=False, highlight=False, soft_wrap=True)
    write_clip(output, clip.frames, clip.samples, model.params.video_rate)
    console.print(f"{output}: {len(clip.frames)} frames, {len(clip.samples) / 24_000:.2f} s", soft_wrap=True)


@contextmanager
def _loaded(
    checkpoint: Path, params: ModelParams, vocabulary: Path, device: str, shard: bool
) -> Iterator[tuple[UniAVGen, Codecs]]:
    small = is_nano(checkpoint)
    if small and not shard:
        nano = load("nano", checkpoint, params=params, device=device)
        yield nano.model, nano.codecs
        return
    with ExitStack() as stack:
        mesh = None
        if shard:
            # torch's distributed part takes half as long to import as torch.
            from reference_model.distributed import joined, load_shard

            mesh = stack.enter_context(joined(device, params))
        # Codecs first: what they lack shows before the weights are read.
        codecs = (
            nano_codecs(checkpoint / CAPTIONS, checkpoint / VIDEO_CODEC, params, device)
            if small
            else official_codecs(checkpoint, vocabulary, device)
        )
        if mesh is None:
            yield load_official(checkpoint, params, device=device), codecs
        elif small:
            yield load_shard(checkpoint / WEIGHTS, params, mesh, torch.float32), codecs
        else:
            yield load_shard(checkpoint, params, mesh), codecs


def _number(shard: bool, compiled: bool) -> int:
    if shard and compiled:
        raise ValueError("--shard and --compile do not go together: weights come and go while the blocks run")
    if not shard:
        if (started := Place.from_environment()) is not None and started.count > 1:
            raise ValueError("several processes were started and would write the same clip; add --shard")
        return 0
    from reference_model.distributed import place

    return place().number


def _own_device(name: str) -> str:
    from reference_model.distributed import place

    return place().device(name)

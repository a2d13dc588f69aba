"""`train` and `encode` of the command line."""

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import Progress

from reference_model.codecs.nano_video import NanoVideoCodec, load_nano_video
from reference_model.params import ModelParams
from reference_model.training.config import MOST_THREADS, Recipe, TrainModel, changed, read_recipe
from reference_model.training.encode import encode_shards
from reference_model.training.loop import Loop, make_repeatable, told_steps
from reference_model.training.origins import codec_key
from reference_model.training.processes import processes
from reference_model.training.shards import ShardFolder, read_shards
from reference_model.training.train_model import TrainsModel
from reference_model.training.train_video_codec import TrainsVideoCodec

INTERRUPTED = 130
"""Exit code of what Ctrl-C ended: 128 and the number of the signal."""
RecipeName = Annotated[
    str,
    typer.Argument(metavar="RECIPE", help="A YAML or TOML file, or a recipe of the package, as nano_cpu."),
]
DeviceOption = Annotated[str | None, typer.Option(help="Instead of the recipe's device: cpu, cuda.")]


def train_command(
    recipe: RecipeName,
    device: DeviceOption = None,
    out: Annotated[Path | None, typer.Option(help="Instead of the recipe's folder.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=MOST_THREADS, help="Instead of the recipe's threads.")
    ] = None,
    restart: Annotated[bool, typer.Option("--restart", help="Forget the checkpoint in the folder.")] = False,
) -> None:
    """Train by a recipe; the same command goes on where a run was cut off.

    Examples:

        python -m reference_model train nano_codec

        python -m reference_model train nano_cpu --threads 2

        torchrun --nproc-per-node 2 -m reference_model train nano_gpu
    """
    chosen = changed(read_recipe(recipe), device=device, out=out, threads=threads)
    with processes(chosen.device) as here:
        make_repeatable(chosen, chosen.out)
        objective = objective_of(chosen, here.device)
        if here.first:
            begins = f"{Path(recipe).stem}: {objective.clips} clip{'' if objective.clips == 1 else 's'}, "
            begins += f"{told_steps(chosen.stages)} steps, on {here.device}, into {chosen.out}"
            Console().print(begins, markup=False, highlight=False, soft_wrap=True)
        loop = Loop(chosen, chosen.stages, objective, here, objective.data_key)
        try:
            loop.go(restart)
        except KeyboardInterrupt:
            if here.first:
                Console(stderr=True).print(stopped(loop, restart), highlight=False, soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from None
        if here.first:
            Console().print(f"{chosen.out}: done", markup=False)


def stopped(loop: Loop, restart: bool) -> str:
    """What to say of a run that was interrupted."""
    command = "the same command without --restart" if restart and loop.kept else "the same command"
    begins = f"goes on from step {loop.kept}" if loop.kept else "begins anew: there is no checkpoint yet"
    return f"stopped at step {loop.step}; {command} {begins}"


def encode_command(
    recipe: RecipeName,
    device: DeviceOption = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=MOST_THREADS, help="Instead of the recipe's threads.")
    ] = None,
) -> None:
    """Turn the shards of a recipe into latents and mels, once; what is there is kept.

    Example:

        python -m reference_model encode nano_cpu
    """
    chosen = changed(read_recipe(recipe), device=device, threads=threads)
    if not isinstance(chosen, TrainModel):
        raise ValueError(f"{recipe} trains a {chosen.kind} on pictures: there is nothing to encode")
    torch.set_num_threads(chosen.threads)
    with processes(chosen.device) as here:
        key = codec_key(chosen.video_codec)
        codec = load_nano_video(chosen.video_codec).to(here.device)
        params = chosen.model.params()
        if codec.latent_channels != params.latent_channels:
            raise ValueError(
                f"{chosen.video_codec} makes {codec.latent_channels} channels, the model takes {params.latent_channels}"
            )
        folders = [(chosen.shards, chosen.latents)]
        if chosen.validation_shards is not None and chosen.validation_latents is not None:
            folders.append((chosen.validation_shards, chosen.validation_latents))
        for shards, latents in folders:
            done = _encode(read_shards(shards), latents, codec, key, params, here.device)
            Console().print(f"{latents}: {done} clips", markup=False)


def _encode(
    shards: ShardFolder,
    latents: Path,
    codec: NanoVideoCodec,
    key: str,
    params: ModelParams,
    device: torch.device,
) -> int:
    with Progress(console=Console(stderr=True), transient=True) as bar:
        clips = bar.add_task("encoding", total=None)
        patch = (params.patch[1], params.patch[2])
        return encode_shards(
            shards,
            latents,
            codec,
            key,
            patch,
            device,
            lambda done, due: bar.update(clips, completed=done, total=due),
        )


def objective_of(recipe: Recipe, device: torch.device) -> TrainsModel | TrainsVideoCodec:
    """The objective of a recipe. ValueError if what it names is absent."""
    return TrainsModel(recipe, device) if isinstance(recipe, TrainModel) else TrainsVideoCodec(recipe, device)

"""A model small enough to run in milliseconds, and inputs for it."""

import torch
from torch import Tensor, nn

from reference_model.conditions import Conditions
from reference_model.guidance import Task
from reference_model.layout import Size
from reference_model.model import UniAVGen
from reference_model.params import BranchParams, InteractionParams, ModelParams, SpeechTextParams
from reference_model.pipeline import Request

SIZE = Size(frames=4, height=4, width=4, tokens=61)


def small_params(**interaction: object) -> ModelParams:
    return ModelParams(
        video=BranchParams(24, 32, 2),
        audio=BranchParams(16, 24, 2),
        layers=3,
        interaction=InteractionParams(layers=(0, 2), **interaction),  # type: ignore[arg-type]
        speech_text=SpeechTextParams(vocabulary=20, width=12, blocks=2, positions=64),
        latent_channels=5,
        mel_bands=6,
        frequency=16,
        caption_length=7,
        caption_width=9,
    )


def small_model(params: ModelParams | None = None, seed: int = 0) -> UniAVGen:
    """A model whose every parameter is random, so that each of them matters."""
    model = UniAVGen(params or small_params()).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            scale = 0.3 if parameter.ndim < 2 else 1.0 / max(parameter[0].numel(), 1) ** 0.5
            drawn = torch.randn(parameter.shape, generator=generator) * scale
            parameter.copy_(drawn + 1 if "norm" in name and name.endswith("weight") else drawn)
    return model.requires_grad_(False)


def small_request(params: ModelParams, task: Task = "joint", seed: int = 1, size: Size = SIZE) -> Request:
    draw = torch.Generator().manual_seed(seed)
    channels, bands = params.latent_channels, params.mel_bands

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw)

    frames = {"continuation": 2, "dubbing": size.frames}.get(task, 0)
    tokens = {"continuation": 25, "audio_driven": size.tokens}.get(task, 0)
    said = int(torch.randint(3, 15, (1,), generator=draw))
    return Request(
        task=task,
        size=size,
        reference_image=random(channels, 1, size.height, size.width),
        caption=random(int(torch.randint(1, 6, (1,), generator=draw)), params.caption_width),
        negative_caption=random(1, params.caption_width),
        speech=torch.randint(0, 20, (said,), generator=draw),
        negative_speech=torch.tensor([0] + [-1] * 9),
        given_video=random(channels, frames, size.height, size.width) if frames else None,
        reference_audio=random(11, bands) if task == "joint_ref_audio" else None,
        given_audio=random(tokens, bands) if tokens else None,
        seed=seed,
    )


def inputs(conditions: Conditions, params: ModelParams, size: Size = SIZE) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy video and audio and times for a batch of conditions."""
    batch = len(conditions.reference_image)
    draw = torch.Generator().manual_seed(99)
    video = torch.randn(batch, params.latent_channels, size.frames, size.height, size.width, generator=draw)
    audio = torch.randn(batch, size.tokens, params.mel_bands, generator=draw)
    return video, audio, torch.linspace(900, 100, batch)


def silence_interactions(model: UniAVGen) -> None:
    """Set the output projections of every interaction to zero, as training starts."""
    for block in (*model.a2v_blocks, *model.v2a_blocks):
        assert isinstance(block.o, nn.Linear)
        block.o.weight.zero_()
        block.o.bias.zero_()

"""Guidance as pure functions: which passes a step makes, and how their velocities combine.

Paper: modality-aware classifier-free guidance; spec topic: sampler and guidance.
"""

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from reference_model.conditions import Exchange
from reference_model.params import Convention

Task = Literal["joint", "joint_ref_audio", "continuation", "dubbing", "audio_driven"]
Prompt = Literal["positive", "negative"]
LARGEST_SCALE = 100
"""What lies beyond pushes latents out of all bounds; useful scales are below 10."""
TASKS: tuple[Task, ...] = ("joint", "joint_ref_audio", "continuation", "dubbing", "audio_driven")


@dataclass(frozen=True)
class MaCfg:
    """Modality-aware guidance: push away from a pass without interaction, u + s (u_joint - u_uni).

    For the first `share` of the steps the null pass has no interaction, afterwards that of plain guidance. It reads
    `unimodal_prompt` (the release takes the negative texts, so both guidances act at once) and lacks `skip_layer`.
    """

    scale_video: float = 3.0
    scale_audio: float = 2.0
    share: float = 0.5
    skip_layer: int | None = 11
    unimodal_prompt: Prompt = "negative"

    def __post_init__(self) -> None:
        _check_scales(self.scale_video, self.scale_audio)
        if not 0 <= self.share < math.inf:
            raise ValueError(f"the share of steps must not be negative and be finite, got {self.share}")


@dataclass(frozen=True)
class Cfg:
    """Classifier-free guidance on the texts alone; with `skip_layer` also skip-layer guidance."""

    scale_video: float = 3.0
    scale_audio: float = 2.0
    skip_layer: int | None = None

    def __post_init__(self) -> None:
        _check_scales(self.scale_video, self.scale_audio)


@dataclass(frozen=True)
class NoGuidance:
    """The conditional pass as it is."""


Guidance = MaCfg | Cfg | NoGuidance


@dataclass(frozen=True)
class TaskExchange:
    """What flows in the conditional pass of a task, and in the null pass of plain guidance."""

    conditional: Exchange
    null: Exchange


@dataclass(frozen=True)
class Pass:
    """One run of the model: what flows, which texts it reads, which layer it lacks."""

    exchange: Exchange
    prompt: Prompt
    skip_layer: int | None = None


def task_exchange(task: Task, convention: Convention) -> TaskExchange:
    """What flows in a task: nothing into a branch that is given.

    ValueError for an unknown task.
    """
    both, to_video, to_audio = Exchange.BOTH, Exchange.TO_VIDEO, Exchange.TO_AUDIO
    if task in ("joint", "continuation"):
        return TaskExchange(both, both)
    if task == "joint_ref_audio":
        # Quirk kept: with a reference voice the conditional pass is deaf to the video and the null pass is not, so
        # that guidance pushes away from it.
        return TaskExchange(to_video, both) if convention == "released" else TaskExchange(both, both)
    if task == "dubbing":
        return TaskExchange(to_audio, to_audio)
    if task == "audio_driven":
        return TaskExchange(to_video, to_video)
    raise ValueError(f"no task {task!r}; there are: {', '.join(TASKS)}")


def passes(guidance: Guidance, exchange: TaskExchange, step: int, steps: int) -> tuple[Pass, ...]:
    """The passes of one of `steps` steps: conditional, and null if there is guidance."""
    conditional = Pass(exchange.conditional, "positive")
    if isinstance(guidance, NoGuidance):
        return (conditional,)
    if isinstance(guidance, MaCfg) and step < int(guidance.share * steps):
        return conditional, Pass(Exchange.NONE, guidance.unimodal_prompt, guidance.skip_layer)
    return conditional, Pass(exchange.null, "negative", guidance.skip_layer)


def _check_scales(video: float, audio: float) -> None:
    # Not a number is in no range either.
    if not (abs(video) <= LARGEST_SCALE and abs(audio) <= LARGEST_SCALE):
        raise ValueError(
            f"guidance scales must be at most {LARGEST_SCALE}, got {video} of video and {audio} of audio"
        )


def combine(conditional: Tensor, null: Tensor, scale: float) -> Tensor:
    """null + scale * (conditional - null), in any shape."""
    return null + scale * (conditional - null)


def scales(guidance: Guidance) -> tuple[float, float]:
    """Guidance scale of video and of audio; 1 each where there is no guidance."""
    if isinstance(guidance, NoGuidance):
        return 1.0, 1.0
    return guidance.scale_video, guidance.scale_audio

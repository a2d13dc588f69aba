"""The five tasks, from latents to latents: any length, size and batch (paper: unified tasks).

Media come in and go out through the codecs; here everything is a latent, a normalised mel or a text embedding.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from reference_model.conditions import Conditions, pad_rows
from reference_model.denoise import Reuse, StepReport, denoise
from reference_model.guidance import Guidance, MaCfg, Task, task_exchange
from reference_model.layout import Size
from reference_model.model import UniAVGen
from reference_model.params import Convention
from reference_model.sampler import draw_noise, timesteps

MOST_STEPS = 10_000
LARGEST_SHIFT = 100


@dataclass(frozen=True)
class Request:
    """One sample to make.

    reference_image `[48, 1, H, W]`; caption and negative_caption `[Lc, width]`; speech and negative_speech `[L]` int64;
    given_video `[48, k, H, W]`, reference_audio `[R, 80]`, given_audio `[C, 80]` as the task needs; the same seed makes
    the same clip in any batch. `noise` (video `[48, F, H, W]`, audio `[S, 80]`) replaces the seed's.
    """

    task: Task
    size: Size
    reference_image: Tensor
    caption: Tensor
    negative_caption: Tensor
    speech: Tensor
    negative_speech: Tensor
    given_video: Tensor | None = None
    reference_audio: Tensor | None = None
    given_audio: Tensor | None = None
    seed: int = 2025
    noise: tuple[Tensor, Tensor] | None = None

    def __post_init__(self) -> None:
        check_request(self)


@dataclass(frozen=True)
class Sample:
    """One clip in latents: video `[48, F, H, W]`, normalised mel `[S, 80]`, both fp32 on the CPU.

    face_masks: the masks `[F, h, w]` of the conditional pass of the last step, one per interaction layer; empty unless
    asked for, and in dubbing, where the video does not run at every step.
    """

    video: Tensor
    audio: Tensor
    face_masks: tuple[Tensor, ...] = ()


@dataclass(frozen=True)
class Sampling:
    """How to sample: Euler steps, time shift, guidance, and whose reading of the tasks.

    `batch` is the most samples that run together. `out_of_memory`: `halve` makes a batch that the device has no room
    for in two halves, and all later ones no larger; a single sample then runs its passes apart. `raise` does not: of
    processes that share a model none may run other passes than the others.
    """

    steps: int = 50
    shift: float = 5.0
    guidance: Guidance = field(default_factory=MaCfg)
    convention: Convention = "released"
    batch: int = 8
    reuse: Reuse = field(default_factory=Reuse)
    face_masks: Literal["none", "last"] = "none"
    out_of_memory: Literal["halve", "raise"] = "halve"

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise ValueError(f"steps must lie in 1..{MOST_STEPS}, got {self.steps}")
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")
        if not 1 / LARGEST_SHIFT <= self.shift <= LARGEST_SHIFT:
            raise ValueError(f"shift must lie in {1 / LARGEST_SHIFT}..{LARGEST_SHIFT}, got {self.shift}")


Progress = Callable[[int, int], None]


def check_request(request: Request) -> None:
    """Raise a ValueError where a task lacks what it is made from, or is given what it cannot use."""
    video, audio = request.given_video, request.given_audio
    frames = 0 if video is None else video.shape[1]
    rows = 0 if audio is None else len(audio)
    size = request.size
    task_rules: dict[Task, tuple[bool, str]] = {
        "joint": (frames == 0 and rows == 0, "takes neither given video nor given audio"),
        "joint_ref_audio": (
            frames == 0 and rows == 0 and request.reference_audio is not None,
            "takes a reference audio, and neither given video nor given audio",
        ),
        "continuation": (
            0 < frames < size.frames and 0 < rows < size.tokens,
            f"takes the first part of the video (of {size.frames} frames) and audio (of {size.tokens} tokens)",
        ),
        "dubbing": (
            frames == size.frames and rows == 0,
            f"takes the whole video ({size.frames} latent frames) and no audio",
        ),
        "audio_driven": (
            frames == 0 and 0 < rows <= size.tokens,
            f"takes audio (up to {size.tokens} tokens) and no video",
        ),
    }
    if request.task not in task_rules:
        raise ValueError(f"no task {request.task!r}; there are: {', '.join(task_rules)}")
    fits, rule = task_rules[request.task]
    if not fits:
        raise ValueError(
            f"task {request.task} {rule}; got {frames} given frames and {rows} given audio tokens"
        )
    if request.task != "joint_ref_audio" and request.reference_audio is not None:
        raise ValueError(f"task {request.task} takes no reference audio")


@torch.no_grad()
def sample(
    model: UniAVGen,
    requests: Sequence[Request],
    sampling: Sampling | None = None,
    progress: Progress | None = None,
) -> list[Sample]:
    """Make one sample per request, in their order; requests of equal shapes run as one batch.

    `progress` is told the steps done and due over all batches; due grows where a batch is halved, which a
    `SmallerBatchWarning` says. torch.OutOfMemoryError if a single sample does not fit.
    """
    sampling = sampling or Sampling()
    groups: dict[object, list[int]] = {}
    for place, request in enumerate(requests):
        groups.setdefault(_shape_key(request), []).append(place)
    waiting = [
        places[start : start + sampling.batch]
        for places in groups.values()
        for start in range(0, len(places), sampling.batch)
    ]
    done: dict[int, Sample] = {}
    finished = 0
    while waiting:
        places = waiting.pop(0)
        offset, due = finished * sampling.steps, (finished + 1 + len(waiting)) * sampling.steps

        def report(step: int, offset: int = offset, due: int = due) -> None:
            if progress is not None:
                progress(offset + step, due)

        try:
            made = _sample_batch(model, [requests[place] for place in places], sampling, report)
        except torch.OutOfMemoryError:
            if (less := smaller(sampling, len(places))) is None:
                raise
            sampling = less
            limit = sampling.batch
            waiting = [part[i : i + limit] for part in (places, *waiting) for i in range(0, len(part), limit)]
            continue
        finished += 1
        done |= dict(zip(places, made, strict=True))
    return [done[place] for place in range(len(requests))]


class SmallerBatchWarning(UserWarning):
    """The device had no room for a batch; it is made in smaller ones."""


def smaller(sampling: Sampling, batch: int) -> Sampling | None:
    """What to sample with after a batch of that size did not fit, or None if nothing is left to make smaller.

    Batches of another size change sums in their last bits.
    """
    apart = replace(sampling, batch=1, reuse=replace(sampling.reuse, passes="apart"))
    if sampling.out_of_memory == "raise" or (batch == 1 and sampling == apart):
        return None
    if batch == 1:
        said, found = "a sample's passes run one after the other", apart
    else:
        said, found = f"batches of {batch // 2}", replace(sampling, batch=batch // 2)
    warnings.warn(
        f"no room on the device for a batch of {batch}; from now on {said}", SmallerBatchWarning, stacklevel=3
    )
    return found


def _shape_key(request: Request) -> object:
    parts = (request.given_video, request.reference_audio, request.given_audio)
    return request.task, request.size, tuple(None if part is None else part.shape for part in parts)


def _sample_batch(
    model: UniAVGen, requests: list[Request], sampling: Sampling, report: Callable[[int], None]
) -> list[Sample]:
    device, dtype = model.device, model.dtype
    conditions = gather(requests).to(device, dtype)
    negative = gather(requests, negative=True).to(device, dtype)
    noises = [r.noise or draw_noise(model.params, r.size, r.seed) for r in requests]
    video, audio = (torch.stack([noise[i] for noise in noises]).to(device) for i in range(2))
    masks: list[tuple[Tensor, ...]] = []

    def observe(step: StepReport) -> None:
        report(step.step + 1)
        masks[:] = [step.predictions[0].face_masks]

    times = timesteps(sampling.steps, sampling.shift).to(device)
    exchange = task_exchange(requests[0].task, sampling.convention)
    video, audio = denoise(
        model,
        video,
        audio,
        conditions,
        negative,
        exchange,
        sampling.guidance,
        times,
        sampling.reuse,
        observe,
        "all" if sampling.face_masks == "last" else "needed",
    )
    given = gather(requests)
    video, audio = put_given(video.cpu(), audio.cpu(), given)
    faces: tuple[Tensor, ...] = ()
    if sampling.face_masks == "last":
        faces = tuple(mask.float().cpu() for mask in masks[-1])
    return [
        Sample(video[item], audio[item], tuple(mask[item] for mask in faces)) for item in range(len(requests))
    ]


def gather(requests: Sequence[Request], negative: bool = False) -> Conditions:
    """Requests of equal shapes as one batch of conditions, with the positive or the negative texts."""
    texts = [(r.negative_caption, r.negative_speech) if negative else (r.caption, r.speech) for r in requests]

    def stacked(parts: list[Tensor | None]) -> Tensor | None:
        present = [part for part in parts if part is not None]
        return torch.stack(present) if present else None

    # Quirk fixed: the release takes one sample at a time; here each keeps the length of its own texts.
    lengths = torch.tensor([len(speech) for _, speech in texts])
    # Without a given video the reference image is also the first frame.
    videos = [r.reference_image if r.given_video is None else r.given_video for r in requests]
    return Conditions(
        reference_image=torch.stack([r.reference_image for r in requests]),
        caption=pad_rows([caption for caption, _ in texts]),
        speech=pad_rows([speech for _, speech in texts], fill=-1),
        speech_lengths=lengths,
        given_video=torch.stack(videos),
        reference_audio=stacked([r.reference_audio for r in requests]),
        given_audio=stacked([r.given_audio for r in requests]),
    )


def put_given(video: Tensor, audio: Tensor, given: Conditions) -> tuple[Tensor, Tensor]:
    """Put the given frames and tokens in place of those of video `[B, 48, F, H, W]` and audio `[B, S, 80]`."""
    # Quirk fixed: the release puts back 21 frames or 1, whatever was given.
    if given.given_video is not None:
        video = torch.cat((given.given_video.to(video), video[:, :, given.given_frames :]), dim=2)
    if given.given_audio is not None:
        audio = torch.cat((given.given_audio.to(audio), audio[:, given.given_tokens :]), dim=1)
    return video, audio

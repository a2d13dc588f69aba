"""The objective `video_codec`: pictures through the codec and back, with care for the lips."""

import copy
import random
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reference_model.codecs.nano_video import (
    GROUP,
    STRIDE,
    NanoVideoCodec,
    load_nano_video,
    same_encoder,
    save_nano_video,
)
from reference_model.nano_model import VIDEO_CODEC
from reference_model.training.batches import Share
from reference_model.training.config import TrainVideoCodec
from reference_model.training.content import content_key
from reference_model.training.encode import lips_of
from reference_model.training.objective import refuse_not_finite
from reference_model.training.origins import require_codec
from reference_model.training.shards import pictures, read_shards

FITTED = 96
"""Clips from which the linear transform is made."""
MEASURED = 96
"""Clips from which the spread of the latents is measured."""
LIPS_FITTED = 20.0
"""How much more a patch of lips counts for the linear transforms."""


class CodecLoss(nn.Module):
    """Absolute differences of pictures, of their averages, and of what changes from frame to frame."""

    def __init__(self, codec: NanoVideoCodec, lips: float) -> None:
        super().__init__()
        self.codec, self.lips = codec, lips

    def forward(self, video: Tensor, mouth: Tensor, noise: Tensor) -> dict[str, Tensor]:
        """Video `[B, 3, T, H, W]`, lips `[B, T, H, W]` in 0, 1, noise `[B, C, F, h, w]` to add to the latents.

        Noise is in standard deviations of a latent's channel: louder latents do not drown it. Scalars: `total` is
        trained; `psnr_db` and `psnr_lips_db` are what the pictures keep, of the whole and where the lips are, in dB.
        """
        latents = self.codec.code(video)
        loud = latents.detach().float().std((0, 2, 3, 4), keepdim=True)
        wrong = self.codec.render(latents + noise * loud) - video
        weight = 1 + self.lips * mouth[:, None]
        weight = weight / weight.mean()
        detail = (wrong.abs() * weight).mean()
        broad = functional.avg_pool3d(wrong, (1, 4, 4)).abs().mean()
        motion = ((wrong[:, :, 1:] - wrong[:, :, :-1]).abs() * weight[:, :, 1:]).mean()
        size = latents.square().mean()
        total = detail + 0.5 * broad + 0.3 * motion + 1e-4 * size
        with torch.no_grad():
            squares = wrong.square()
            lips = (squares * mouth[:, None]).sum() / (3 * mouth.sum()).clamp(min=1)
            told = {"psnr_db": _decibels(squares.mean()), "psnr_lips_db": _decibels(lips)}
        return {"total": total, **told}


class TrainsVideoCodec:
    """An `Objective`; pictures are kept in memory as bytes."""

    def __init__(self, recipe: TrainVideoCodec, device: torch.device) -> None:
        """Read the shards and fit the linear transform.

        Raises:
            ValueError: the shards cannot be used.
        """
        self._recipe, self._device = recipe, device
        if recipe.init is not None:
            require_codec(recipe.init)
        shards = list(read_shards(recipe.shards))
        self._frames = torch.cat([shard.tensor("frames") for shard in shards])
        self._mouth = torch.cat([shard.tensor("mouth") for shard in shards])
        if recipe.crop > (side := min(self._frames.shape[2:4])):
            raise ValueError(
                f"crop: windows of {recipe.crop} pixels do not fit {recipe.shards}, of {side} pixels"
            )
        # What it began from is kept: the file may be trained anew before this run is done.
        self._begun = None if recipe.init is None else load_nano_video(recipe.init)
        begun = {} if self._begun is None else self._begun.state_dict()
        self.data_key = content_key({"frames": self._frames, "mouth": self._mouth, **begun})
        torch.manual_seed(recipe.seed)
        if self._begun is not None:
            codec = copy.deepcopy(self._begun).requires_grad_(True)
        else:
            codec = NanoVideoCodec(recipe.params())
            some = slice(None, None, max(1, len(self._frames) // FITTED))
            fit_transforms(codec, self._frames[some][:FITTED], self._mouth[some][:FITTED])
        self.module = CodecLoss(codec, recipe.lips).to(device).train()

    @property
    def clips(self) -> int:
        """How many clips are trained on."""
        return len(self._frames)

    def inputs(self, stage: int, step: int, progress: float, share: Share) -> tuple[tuple[Any, ...], str]:
        """First frame and some neighbouring groups of some clips, where their lips are, and noise."""
        own = self._recipe.stages[stage]
        draw = random.Random(f"{self._recipe.seed} {stage} {step}")
        rows = torch.tensor([draw.randrange(len(self._frames)) for _ in range(own.batch)])
        groups = min(self._recipe.groups, (self._frames.shape[1] - 1) // GROUP)
        start = GROUP * draw.randint(0, (self._frames.shape[1] - 1) // GROUP - groups)
        place = torch.tensor([0, *range(1 + start, 1 + start + GROUP * groups)])
        mine = share.of(own.batch)
        frames, boxes = self._frames[rows][:, place], self._mouth[rows][:, place]
        if self._recipe.crop:
            cut = [
                cropped(f, b, self._recipe.crop, self._recipe.near, draw)
                for f, b in zip(frames, boxes, strict=True)
            ]
            frames, boxes = torch.stack([f for f, _ in cut]), torch.stack([b for _, b in cut])
        video = pictures(frames[mine].to(self._device))
        mouth = lips_of(boxes[mine].to(self._device), video.shape[3], video.shape[4])
        generator = torch.Generator().manual_seed(draw.getrandbits(62))
        codec = self.module.codec
        shape = (
            own.batch,
            codec.latent_channels,
            1 + groups,
            video.shape[3] // STRIDE,
            video.shape[4] // STRIDE,
        )
        noise = self._recipe.noise * torch.randn(shape, generator=generator)[mine]
        return (video, mouth, noise.to(self._device)), "pictures"

    def validate(self, weights: dict[str, Tensor]) -> dict[str, float]:
        """Nothing: the suite measures what the codec leaves of a mouth."""
        return {}

    def show(self, weights: dict[str, Tensor], folder: Path, step: int) -> None:
        """Nothing."""

    @torch.no_grad()
    def finish(self, weights: dict[str, Tensor], folder: Path) -> None:
        """Measure the spread of the latents and write the codec. ValueError if it is not finite in fp16."""
        codec = NanoVideoCodec(self.module.codec.params).to(self._device).eval()
        codec.load_state_dict({name.removeprefix("codec."): t for name, t in weights.items()})
        if self._begun is None or not same_encoder(codec, self._begun):
            set_spread(codec, self._frames[:: max(1, len(self._frames) // MEASURED)], self._device)
        refuse_not_finite({name: t.half() for name, t in codec.state_dict().items()}, folder)
        save_nano_video(codec, folder / VIDEO_CODEC)


@torch.no_grad()
def fit_transforms(codec: NanoVideoCodec, frames: Tensor, boxes: Tensor) -> None:
    """Fit both linear transforms of a codec to UInt8 clips `[n, T, H, W, 3]` whose lips are in boxes `[n, T, 4]`."""
    groups = (frames.shape[1] - 1) // GROUP
    video = pictures(frames).transpose(1, 2)
    lips = lips_of(boxes, *video.shape[3:])
    some, within = video[:, ::GROUP].flatten(0, 1)[:, None], lips[:, ::GROUP].flatten(0, 1)
    codec.plain_first.fit(some, 1 + LIPS_FITTED * functional.avg_pool2d(within, STRIDE))
    changed = torch.unflatten(video[:, 1 : 1 + groups * GROUP] - video[:, :1], 1, (groups, GROUP)).flatten(
        0, 1
    )
    within = torch.unflatten(lips[:, 1 : 1 + groups * GROUP], 1, (groups, GROUP)).mean(2).flatten(0, 1)
    codec.plain_group.fit(changed, 1 + LIPS_FITTED * functional.avg_pool2d(within, STRIDE))


@torch.no_grad()
def set_spread(codec: NanoVideoCodec, frames: Tensor, device: torch.device) -> None:
    """Set centre and spread of a codec's latents from UInt8 clips `[n, T, H, W, 3]`."""
    latents = torch.cat([codec.code(pictures(part).to(device)).cpu() for part in torch.split(frames, 4)])
    rows = latents.transpose(0, 1).flatten(1)
    codec.centre.copy_(rows.mean(1))
    codec.spread.copy_(rows.std(1).clamp(min=1e-3))


def cropped(
    frames: Tensor, boxes: Tensor, side: int, near: float, draw: random.Random
) -> tuple[Tensor, Tensor]:
    """A window of frames `[T, H, W, 3]`, the same in all, and boxes `[T, 4]` in it: near the lips, or anywhere.

    The codec is made of convolutions: what it learns in a window holds for the picture, at a part of the cost.
    """
    height, width = frames.shape[1:3]
    left, top = draw.randint(0, width - side), draw.randint(0, height - side)
    if draw.random() < near:
        x, y = float(boxes[:, 0::2].mean()), float(boxes[:, 1::2].mean())
        left = round(min(max(x - side / 2 + draw.uniform(-side / 4, side / 4), 0), width - side))
        top = round(min(max(y - side / 2 + draw.uniform(-side / 4, side / 4), 0), height - side))
    offset = torch.tensor([left, top, left, top], dtype=boxes.dtype)
    return frames[:, top : top + side, left : left + side], boxes - offset


def _decibels(error: Tensor) -> Tensor:
    return 10 * torch.log10(4 / error.clamp(min=1e-9))

"""Pictures and sound of shards as latents and mels, once, so that a training step costs the model alone."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor
from torch.nn import functional

from reference_model.atomic import write_whole
from reference_model.codecs.interface import VideoCodec
from reference_model.codecs.mel import log_mel, normalise
from reference_model.codecs.preprocess import reference_waveform, rescale_peak
from reference_model.training.shards import INDEX, Shard, ShardFolder, pictures

AT_ONCE = 4
"""Clips that the codec sees together."""
FULL = 255
"""A face mask of 1 in a file."""
AROUND = 4
"""Pixels around the lips that count as lips."""
ROUNDED = 0.05
"""How far values of one clip may lie apart where machines round differently; latents and mels have a spread of 1."""


def encode_shards(
    source: ShardFolder,
    out: Path,
    codec: VideoCodec,
    codec_key: str,
    patch: tuple[int, int],
    device: torch.device,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write one file of latents per shard and an index; files that are there already are kept. Returns the clips.

    A file is named by what is in it: SHA-256 of the shard, codec and patch. One that earlier versions named by shard
    and codec alone is taken over if it proves to hold these clips: all but pictures is made anew and compared, and of
    the pictures the first `AT_ONCE` clips.

    `patch`: latent pixels (rows, columns) of a token, for the face masks. Tensors of a file of n clips: `latents` fp16
    `[n, C, F, h, w]`, normalised; `reference_latent` fp16 `[n, C, 1, h, w]`; `mel` fp16 `[n, S, 80]`, normalised, of
    the sound at full peak; `reference_mel` fp16 `[n, R, 80]` and its true lengths `reference_tokens` `[n]`; `mask`
    uint8 `[n, F, h', w']`, the share of a token that is face, times 255; `lips`
    uint8 `[n, F, h, w]`, the share of a latent pixel that is lips; `opening` `[n, T]`, `identity`, `emotion`.

    Raises:
        ValueError: the shards or the folder cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    due, done, entries = sum(s.clips for s in source), 0, []
    for shard in source:
        shard.check()
        content = f"{shard.sha256} {codec_key} {patch[0]}x{patch[1]}"
        path = out / f"{shard.path.stem}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.safetensors"
        if not path.exists():
            tensors = _all_but_pictures(shard, codec, patch)
            earlier = Shard(out / f"{shard.path.stem}-{codec_key[:8]}.safetensors", shard.clips, "")
            if earlier.path.is_file() and _holds(earlier, shard, tensors, codec, device):
                earlier.path.replace(path)
            else:
                tensors |= _pictures(shard, codec, device)
                described = json.dumps({"texts": shard.texts().__dict__}, ensure_ascii=False)
                write_whole(path, save(tensors, metadata={"clips": described}))
        entries.append({"file": path.name, "clips": shard.clips, "sha256": shard.sha256})
        done += shard.clips
        if progress is not None:
            progress(done, due)
    index = {
        "shards": entries,
        "codec": codec_key,
        "patch": patch,
        "frames": source.frames,
        "fps": source.fps,
        "size": source.size,
        "sample_rate": source.sample_rate,
    }
    write_whole(out / INDEX, json.dumps(index, indent=1).encode())
    return done


@torch.no_grad()
def _pictures(
    shard: Shard, codec: VideoCodec, device: torch.device, clips: int | None = None
) -> dict[str, Tensor]:
    """The latents of a file of `encode_shards`, or of its first clips."""

    def latents(x: Tensor) -> Tensor:
        parts = [codec.encode(pictures(part).to(device)).half().cpu() for part in torch.split(x, AT_ONCE)]
        return torch.cat(parts)

    return {
        "latents": latents(shard.tensor("frames")[:clips]),
        "reference_latent": latents(shard.tensor("reference")[:clips, None]),
    }


def _all_but_pictures(shard: Shard, codec: VideoCodec, patch: tuple[int, int]) -> dict[str, Tensor]:
    """The other tensors of a file of `encode_shards`."""
    mask = shard.tensor("mask")
    sound = rescale_peak(shard.tensor("audio").float() / 32768.0)
    spoken = shard.tensor("reference_samples")
    voices = [
        _reference(row[: int(n)]) for row, n in zip(shard.tensor("reference_audio"), spoken, strict=True)
    ]
    longest = max(len(voice) for voice in voices)
    padded = torch.stack([functional.pad(voice, (0, longest - len(voice))) for voice in voices])
    factor = codec.spatial_factor
    return {
        "mel": normalise(log_mel(sound)).half().contiguous(),
        "reference_mel": normalise(log_mel(padded)).half().contiguous(),
        "reference_tokens": torch.tensor([len(voice) // 240 for voice in voices]),
        "mask": token_mask(mask, (factor * patch[0], factor * patch[1])),
        "lips": token_mask(lips_of(shard.tensor("mouth"), *mask.shape[2:]), (factor, factor)),
        "opening": shard.tensor("opening"),
        "identity": shard.tensor("identity"),
        "emotion": shard.tensor("emotion"),
    }


def _holds(
    file: Shard, shard: Shard, others: dict[str, Tensor], codec: VideoCodec, device: torch.device
) -> bool:
    """Whether a file holds the clips of a shard, so far as it can be told without encoding all their pictures."""
    try:
        if file.texts() != shard.texts() or not all(
            _close(file.tensor(name), t) for name, t in others.items()
        ):
            return False
        whole = {name: file.tensor(name) for name in ("latents", "reference_latent")}
    except ValueError:
        return False
    some = _pictures(shard, codec, device, AT_ONCE)
    return all(len(kept) == file.clips and _close(kept[:AT_ONCE], some[name]) for name, kept in whole.items())


def _close(kept: Tensor, made: Tensor) -> bool:
    if kept.shape != made.shape or kept.dtype != made.dtype:
        return False
    if not kept.is_floating_point():
        return torch.equal(kept, made)
    return torch.allclose(kept.float(), made.float(), atol=ROUNDED, rtol=ROUNDED)


def token_mask(mask: Tensor, cell: tuple[int, int]) -> Tensor:
    """Masks of pixels `[n, T, H, W]` in 0, 1 -> share of each cell, uint8 0..255 `[n, F, h, w]`.

    The first latent frame stands for one picture, each further one for the mean of four.
    """
    share = functional.avg_pool2d(mask.float(), cell)
    groups = (share.shape[1] - 1) // 4
    later = torch.unflatten(share[:, 1 : 1 + 4 * groups], 1, (groups, 4)).mean(2)
    return (torch.cat((share[:, :1], later), 1) * FULL).round().to(torch.uint8)


def lips_of(boxes: Tensor, height: int, width: int) -> Tensor:
    """Boxes `[B, T, 4]` (left, top, right, bottom) -> 1 on and around the lips, `[B, T, H, W]`."""
    left, top, right, low = (boxes[..., i, None, None] for i in range(4))
    x = torch.arange(width, device=boxes.device)[None, None, None]
    y = torch.arange(height, device=boxes.device)[None, None, :, None]
    inside = (x >= left - AROUND) & (x <= right + AROUND) & (y >= top - AROUND) & (y <= low + AROUND)
    return inside.float()


def _reference(samples: Tensor) -> Tensor:
    return reference_waveform(samples.float() / 32768.0)

"""Pictures and sound of shards as latents and mels, once, so that a training step costs the model alone."""

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
        # The name says what is in it, so that latents of another codec are never taken for these.
        path = out / f"{shard.path.stem}-{codec_key[:8]}.safetensors"
        if not path.exists():
            tensors = encode_shard(shard, source, codec, patch, device)
            texts = shard.texts()
            described = json.dumps({"texts": texts.__dict__}, ensure_ascii=False)
            write_whole(path, save(tensors, metadata={"clips": described}))
        entries.append({"file": path.name, "clips": shard.clips, "sha256": shard.sha256})
        done += shard.clips
        if progress is not None:
            progress(done, due)
    index = {
        "shards": entries,
        "codec": codec_key,
        "frames": source.frames,
        "fps": source.fps,
        "size": source.size,
        "sample_rate": source.sample_rate,
    }
    write_whole(out / INDEX, json.dumps(index, indent=1).encode())
    return done


@torch.no_grad()
def encode_shard(
    shard: Shard, source: ShardFolder, codec: VideoCodec, patch: tuple[int, int], device: torch.device
) -> dict[str, Tensor]:
    """The tensors of one file, see `encode_shards`."""
    frames, reference = shard.tensor("frames"), shard.tensor("reference")

    def latents(x: Tensor) -> Tensor:
        parts = [codec.encode(pictures(part).to(device)).half().cpu() for part in torch.split(x, AT_ONCE)]
        return torch.cat(parts)

    sound = rescale_peak(shard.tensor("audio").float() / 32768.0)
    spoken = shard.tensor("reference_samples")
    voices = [
        _reference(row[: int(n)]) for row, n in zip(shard.tensor("reference_audio"), spoken, strict=True)
    ]
    longest = max(len(voice) for voice in voices)
    padded = torch.stack([functional.pad(voice, (0, longest - len(voice))) for voice in voices])
    factor = codec.spatial_factor
    return {
        "latents": latents(frames),
        "reference_latent": latents(reference[:, None]),
        "mel": normalise(log_mel(sound)).half().contiguous(),
        "reference_mel": normalise(log_mel(padded)).half().contiguous(),
        "reference_tokens": torch.tensor([len(voice) // 240 for voice in voices]),
        "mask": token_mask(shard.tensor("mask"), (factor * patch[0], factor * patch[1])),
        "lips": token_mask(lips_of(shard.tensor("mouth"), *frames.shape[2:4]), (factor, factor)),
        "opening": shard.tensor("opening"),
        "identity": shard.tensor("identity"),
        "emotion": shard.tensor("emotion"),
    }


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

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
from reference_model.codecs.mel import RELEASED_MEL, log_mel, normalise
from reference_model.codecs.preprocess import reference_waveform, rescale_peak
from reference_model.training.latents import check_latents, read_latents
from reference_model.training.shards import INDEX, Shard, ShardFolder, pictures, read_shards

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

    A file is named by what it is made of: SHA-256 of the shard, codec and patch. One that is damaged, or another than
    the index lists by its own SHA-256, is made again.

    `patch`: latent pixels (rows, columns) of a token, for the face masks. Tensors of a file of n clips: `latents` fp16
    `[n, C, F, h, w]`, normalised; `reference_latent` fp16 `[n, C, 1, h, w]`; `mel` fp16 `[n, S, 80]`, normalised, of
    the sound at full peak; `reference_mel` fp16 `[n, R, 80]` and its true lengths `reference_tokens` `[n]`; `mask`
    uint8 `[n, F, h', w']`, the share of a token that is face, times 255; `lips`
    uint8 `[n, F, h, w]`, the share of a latent pixel that is lips; `opening` `[n, T]`, `identity`, `emotion`.

    Raises:
        ValueError: the shards or the folder cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    _drop_others(out)
    due, done, entries = sum(s.clips for s in source), 0, []
    for shard in source:
        shard.check()
        content = f"{shard.sha256} {codec_key} {patch[0]}x{patch[1]}"
        path = out / f"{shard.path.stem}-{hashlib.sha256(content.encode()).hexdigest()[:16]}.safetensors"
        sizes = _sizes(shard, source, codec, patch)
        digest = _kept(path, shard, source, sizes)
        if digest is None:
            tensors = _all_but_pictures(shard, codec, patch) | _pictures(shard, codec, device)
            try:
                check_latents(tensors, shard.clips, source, sizes)
            except ValueError as error:
                raise ValueError(f"{shard.path} gives no good latents: {error}; {shard.again}") from error
            described = json.dumps({"texts": shard.texts().__dict__}, ensure_ascii=False)
            made = save(tensors, metadata={"clips": described})
            write_whole(path, made)
            digest = hashlib.sha256(made).hexdigest()
        entries.append({"file": path.name, "clips": shard.clips, "sha256": digest})
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


def _drop_others(out: Path) -> None:
    """Remove the files that are others than the index lists, and the index: what is made from now on would be another
    than it lists too, and would be made again after a run that is cut off."""
    try:
        listed = list(read_shards(out))
    except ValueError:
        listed = []
    for file in listed:
        if file.path.is_file() and _digest(file.path) != file.sha256:
            file.path.unlink()
    (out / INDEX).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sizes(shard: Shard, source: ShardFolder, codec: VideoCodec, patch: tuple[int, int]) -> dict[str, int]:
    """The axes of `TENSORS` that follow from what is encoded."""
    side = source.size // codec.spatial_factor
    return {
        "C": codec.latent_channels,
        "S": shard.tensor("audio").shape[1] // RELEASED_MEL.hop_length,
        **{"h": side, "w": side, "rows": side // patch[0], "columns": side // patch[1]},
    }


def _kept(path: Path, shard: Shard, source: ShardFolder, sizes: dict[str, int]) -> str | None:
    """The SHA-256 of a file that is there already and holds what it should; None if it is to be made."""
    if not path.is_file():
        return None
    digest = _digest(path)
    file = Shard(path, shard.clips, digest)
    try:
        read_latents(file, source, sizes)
        whole = file.texts() == shard.texts()
    except ValueError:
        return None
    return digest if whole else None


@torch.no_grad()
def _pictures(shard: Shard, codec: VideoCodec, device: torch.device) -> dict[str, Tensor]:
    """The latents of a file of `encode_shards`."""

    def latents(x: Tensor) -> Tensor:
        parts = [codec.encode(pictures(part).to(device)).half().cpu() for part in torch.split(x, AT_ONCE)]
        return torch.cat(parts)

    return {
        "latents": latents(shard.tensor("frames")),
        "reference_latent": latents(shard.tensor("reference")[:, None]),
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

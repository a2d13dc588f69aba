"""Encoded clips in memory, and the ids of their texts."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from reference_model.codecs.mel import RELEASED_MEL
from reference_model.codecs.speech_text import Over, SpeechVocabulary, encode_speech
from reference_model.training.content import content_key
from reference_model.training.shards import INDEX, Texts, read_shards

SILENCE = (torch.tensor(RELEASED_MEL.floor).log().item() - RELEASED_MEL.mean) / RELEASED_MEL.std
"""A normalised mel value of no sound."""


@dataclass(frozen=True)
class EncodedClips:
    """All clips of a folder of latents; shapes and dtypes as `encode_shards` writes them, n clips over all files."""

    latents: Tensor
    reference_latent: Tensor
    mel: Tensor
    reference_mel: Tensor
    reference_tokens: Tensor
    mask: Tensor
    lips: Tensor
    opening: Tensor
    identity: Tensor
    texts: Texts
    codec: str
    fps: int

    def __len__(self) -> int:
        return len(self.latents)

    def content_key(self) -> str:
        """A hash of all that is trained on: equal for equal clips in equal order, wherever they lie."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        tensors = {name: value for name, value in values.items() if isinstance(value, Tensor)}
        return content_key(tensors, (self.texts, self.codec, self.fps))


def read_clips(folder: Path, codec: str | None = None, patch: tuple[int, int] | None = None) -> EncodedClips:
    """Read a folder that `encode_shards` wrote.

    Raises:
        ValueError: it holds no latents, those of another codec than `codec`, a SHA-256, or masks of tokens of other
            rows and columns of latent pixels than `patch`.
    """
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder} holds no latents; make them: python -m reference_model encode RECIPE")
    found = read_shards(folder)
    key = _codec_of(folder)
    if codec is not None and key != codec:
        raise ValueError(f"{folder} was encoded by another video codec; encode the shards again")
    shards = list(found)
    references = [shard.tensor("reference_mel") for shard in shards]
    longest = max(mel.shape[1] for mel in references)
    padded = [functional.pad(mel, (0, 0, 0, longest - mel.shape[1]), value=SILENCE) for mel in references]

    def joined(name: str) -> Tensor:
        return torch.cat([shard.tensor(name) for shard in shards])

    texts = [shard.texts() for shard in shards]
    latents, mask = joined("latents"), joined("mask")
    if patch is not None and any(
        side // p != masks for side, p, masks in zip(latents.shape[-2:], patch, mask.shape[-2:], strict=True)
    ):
        raise ValueError(f"{folder} was encoded for tokens of another size; encode the shards again")
    return EncodedClips(
        latents=latents,
        reference_latent=joined("reference_latent"),
        mel=joined("mel"),
        reference_mel=torch.cat(padded),
        reference_tokens=joined("reference_tokens"),
        mask=mask,
        lips=joined("lips"),
        opening=joined("opening"),
        identity=joined("identity"),
        texts=Texts(
            *(
                tuple(row for part in texts for row in getattr(part, name))
                for name in Texts.__dataclass_fields__
            )
        ),
        codec=key,
        fps=found.fps,
    )


def speech_ids(
    vocabulary: SpeechVocabulary, text: str, reference: str | None, over: Over | None = None
) -> Tensor:
    """Ids `[L]` of what is said, after the transcript of the reference voice where there is one."""
    return encode_speech(vocabulary, text, "en", reference, over=over).ids


def _codec_of(folder: Path) -> str:
    return str(json.loads((folder / INDEX).read_text(encoding="utf-8")).get("codec", ""))

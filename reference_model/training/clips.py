"""Encoded clips in memory, and the ids of their texts."""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from reference_model.codecs.mel import RELEASED_MEL
from reference_model.codecs.speech_text import Over, SpeechVocabulary, encode_speech
from reference_model.params import ModelParams
from reference_model.training.content import content_key
from reference_model.training.latents import ENCODE_AGAIN, read_latents
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


def read_clips(folder: Path, codec: str | None = None, params: ModelParams | None = None) -> EncodedClips:
    """Read a folder that `encode_shards` wrote, every file compared with its SHA-256 and with what it should hold.

    Raises:
        ValueError: it holds no latents, damaged ones, those of another codec than `codec`, a SHA-256, or of other
            channels, lengths of sound or tokens than a model of `params` takes.
    """
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder} holds no latents; make them: python -m reference_model encode RECIPE")
    found = read_shards(folder, ENCODE_AGAIN)
    key = _codec_of(folder)
    if codec is not None and key != codec:
        raise ValueError(f"{folder} was encoded by another video codec; {ENCODE_AGAIN}")
    files: list[dict[str, Tensor]] = []
    sizes: dict[str, int] = {}
    for file in found:
        file.check()
        tensors, sizes = read_latents(file, found, sizes)
        files.append(tensors)
    if params is not None:
        _check_for(params, sizes, folder)
    references = [file["reference_mel"] for file in files]
    longest = max(mel.shape[1] for mel in references)
    padded = [functional.pad(mel, (0, 0, 0, longest - mel.shape[1]), value=SILENCE) for mel in references]

    def joined(name: str) -> Tensor:
        return torch.cat([file[name] for file in files])

    texts = [file.texts() for file in found]
    return EncodedClips(
        latents=joined("latents"),
        reference_latent=joined("reference_latent"),
        mel=joined("mel"),
        reference_mel=torch.cat(padded),
        reference_tokens=joined("reference_tokens"),
        mask=joined("mask"),
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


def _check_for(params: ModelParams, sizes: dict[str, int], folder: Path) -> None:
    """Compare the sizes of latents with what a model takes. ValueError if they differ."""
    rows, columns = params.patch[1:]
    if (sizes["rows"], sizes["columns"]) != (sizes["h"] // rows, sizes["w"] // columns):
        raise ValueError(f"{folder} was encoded for tokens of another size; {ENCODE_AGAIN}")
    if sizes["C"] != params.latent_channels:
        raise ValueError(
            f"{folder} holds latents of {sizes['C']} channels, the model takes {params.latent_channels}; {ENCODE_AGAIN}"
        )
    if sizes["S"] != (tokens := params.audio_tokens(sizes["F"])):
        raise ValueError(
            f"{folder} holds {sizes['S']} mel frames for {sizes['F']} latent frames, the model takes {tokens}; "
            f"export clips of {params.video_rate} frames per second, then {ENCODE_AGAIN}"
        )


def _codec_of(folder: Path) -> str:
    return str(json.loads((folder / INDEX).read_text(encoding="utf-8")).get("codec", ""))

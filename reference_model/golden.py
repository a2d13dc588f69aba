"""Reading golden vectors: tensors and metadata of a file, the small model of a folder, and comparing."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from reference_model.conditions import Conditions, Exchange
from reference_model.conformance_case import Case
from reference_model.params import BranchParams, InteractionParams, ModelParams, SpeechTextParams


@dataclass(frozen=True)
class Golden:
    """One golden file: its name, tensors, and metadata read as JSON."""

    name: str
    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, Any]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a damaged golden file raises into a ValueError that names it."""
    try:
        yield
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    except KeyError as error:
        raise ValueError(f"{path} is not what its name promises: it lacks {error}") from error


def read_golden(path: Path) -> Golden:
    """Read a safetensors file; metadata values are JSON, or plain text where they are not."""
    with safe_open(path, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        raw = file.metadata() or {}
    return Golden(path.stem, tensors, {key: _decode(value) for key, value in raw.items()})


def _decode(value: str) -> Any:
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def params_of(metadata: Mapping[str, Any]) -> ModelParams:
    """The params of a small model from the release's names of them.

    ValueError if the two directions interact in different layers, which no release does.
    """
    config, text = metadata["config"], metadata["text_embedding"]
    layers = tuple(metadata["a2v_layers"])
    if layers != tuple(metadata["v2a_layers"]):
        raise ValueError(f"A2V layers {layers} and V2A layers {metadata['v2a_layers']} differ")
    patch_t, patch_h, patch_w = config["patch_size"]
    return ModelParams(
        video=BranchParams(config["dim"], config["ffn_dim"], config["num_heads"]),
        audio=BranchParams(config["audio_dim"], config["audio_ffn_dim"], config["audio_num_heads"]),
        layers=config["num_layers"],
        interaction=InteractionParams(layers=layers),
        speech_text=SpeechTextParams(
            vocabulary=text["text_num_embeds"],
            width=text["text_dim"],
            blocks=text["conv_layers"],
            multiplier=text["conv_mult"],
        ),
        latent_channels=config["in_dim"],
        mel_bands=config["in_audio_dim"],
        patch=(patch_t, patch_h, patch_w),
        frequency=config["freq_dim"],
        caption_length=config["text_len"],
        caption_width=config["text_dim"],
        eps=config["eps"],
    )


def conditions_of(
    tensors: Mapping[str, Tensor], video_cond: int, audio_cond: int, prefix: str = "", negative: bool = False
) -> Conditions:
    """The conditions of a golden's inputs; `negative` takes the texts of the null pass."""
    kind = "neg_" if negative else ""
    reference, given = tensors.get(f"{prefix}ref_audio"), tensors.get(f"{prefix}cond_audio")
    return Conditions(
        reference_image=tensors[f"{prefix}ref_image"],
        caption=tensors[f"{prefix}{kind}caption"][None],
        speech=tensors[f"{prefix}{kind}text_idx"],
        speech_lengths=tensors[f"{prefix}{kind}text_lens"],
        given_video=tensors[f"{prefix}cond_video"],
        reference_audio=None if reference is None else reference[None],
        given_audio=None if given is None or not audio_cond else given[None, :audio_cond],
        clean_frames=video_cond,
    )


def exchange_of(flags: Mapping[str, Any]) -> Exchange:
    """What flows in a pass, from the release's three flags."""
    silent = flags.get("zero_con", False)
    return Exchange((not (silent or flags.get("no_a2v", False)), not (silent or flags.get("no_v2a", False))))


def skipped_layer(slg: int | None) -> int | None:
    """The layer to skip; quirk kept: 0 and -1 mean none, so the release cannot skip its first layer."""
    return slg if slg is not None and slg > 0 else None


def compare(name: str, tolerance: float, *pairs: tuple[Tensor, Tensor], note: str = "") -> Case:
    """The largest absolute difference over pairs (found, golden); infinite if a shape differs."""
    worst = 0.0
    for found, golden in pairs:
        if found.shape != golden.shape:
            shapes = f"shape {tuple(found.shape)} instead of {tuple(golden.shape)}"
            return Case(name, math.inf, tolerance, shapes)
        error = float((found.to(torch.float64) - golden.to(torch.float64)).abs().max())
        worst = error if math.isnan(error) else max(worst, error)
        if math.isnan(worst):
            break
    return Case(name, worst, tolerance, note)


def require_equal(name: str, found: object, golden: object) -> Case:
    """A case of exact equality."""
    if found == golden:
        return Case(name, 0.0, 0.0)
    return Case(name, 1.0, 0.0, f"{found!r} instead of {golden!r}"[:200])

"""Golden cases of the parts: aligners, rotations, times, and the speech text embedding."""

import math
import re
from collections.abc import Iterator

import torch
from torch import Tensor

from reference_model.aligner import a2v_windows, v2a_weights
from reference_model.conformance_case import Case
from reference_model.golden import Golden, compare
from reference_model.layers import time_sinusoid
from reference_model.model import UniAVGen
from reference_model.params import SpeechTextParams
from reference_model.rope import (
    axis_columns,
    clock_rotation,
    grid_rotation,
    line_rotation,
    place_rotation,
    rotate,
    turn,
)
from reference_model.sampler import step_sizes, timesteps
from reference_model.speech_text_embedding import SpeechTextEmbedding

TOLERANCE = 1e-5
_DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def aligner_cases(golden: Golden, window: int = 5) -> Iterator[Case]:
    """Window indices and interpolation weights, exact."""
    for key, tensor in sorted(golden.tensors.items()):
        if match := re.fullmatch(r"a2v_idx_F(\d+)_S(\d+)", key):
            windows = a2v_windows(int(match[1]), int(match[2]), "ati", "released", window)
            yield compare(f"aligners.{key}", 0.0, (windows.index, tensor))
        elif match := re.fullmatch(r"v2a_weight_F(\d+)_S(\d+)_(f32|bf16)", key):
            weights = v2a_weights(int(match[1]), int(match[2]), "ati", "released", _DTYPES[match[3]])
            yield compare(f"aligners.{key}", 0.0, (weights, tensor))


def rope_cases(golden: Golden) -> Iterator[Case]:
    """Rotation tables, rotated heads in all four attentions, and the time sinusoid."""
    tensors = golden.tensors
    frames, rows, columns = golden.metadata["grid3d"]
    for key, tensor in sorted(tensors.items()):
        name = f"rope.{key}"
        if match := re.fullmatch(r"freqs_(video|audio)_hd(\d+)_angle", key):
            head_dim, at = int(match[2]), tensors["freq_rows"]
            parts = axis_columns(head_dim) if match[1] == "video" else (head_dim // 2,)
            table = torch.cat([turn(at, part) for part in parts], dim=1)
            yield compare(name, TOLERANCE, (torch.view_as_real(table), tensor))
        elif match := re.fullmatch(r"time_sinusoid_(\d+)_f64", key):
            yield compare(name, TOLERANCE, (time_sinusoid(tensors["time_pos"], int(match[1])), tensor))
        elif match := re.fullmatch(r"x(3d|1d|_a2v_q|_a2v_k)_hd(\d+)", key):
            head_dim, length = int(match[2]), tensor.shape[1]
            positions = torch.arange(length)
            if match[1] == "3d":
                rotation = grid_rotation(torch.arange(frames), rows, columns, head_dim)
            elif match[1] == "1d":
                rotation = line_rotation(positions, head_dim)
            elif match[1] == "_a2v_q":
                rotation = place_rotation(1, rows, columns, head_dim)
            else:
                rotation = clock_rotation(positions, head_dim)
            yield compare(name, TOLERANCE, (rotate(tensor, rotation), tensors["y" + key[1:]]))


def timestep_cases(golden: Golden) -> Iterator[Case]:
    """Times and step sizes of the sampler, exact."""
    for key, tensor in sorted(golden.tensors.items()):
        match = re.fullmatch(r"(t|dt)_(\d+)_shift([\d.]+)_(f32|bf16)", key)
        if match is None:
            continue
        times = timesteps(int(match[2]), float(match[3]), _DTYPES[match[4]])
        yield compare(f"timesteps.{key}", 0.0, (times if match[1] == "t" else step_sizes(times), tensor))


def speech_text_cases(golden: Golden, model: UniAVGen) -> Iterator[Case]:
    """Embeddings of texts of many lengths by the small model, and of one by a full-size embedding."""
    tensors = golden.tensors
    for key, tensor in sorted(tensors.items()):
        text, _, what = key.partition(".")
        ids = tensors[f"{text}.ids"]
        name = f"speech_text_embedding.{key}"
        if what == "embed_every8":
            yield compare(name, TOLERANCE, (_formula_embedding()(ids)[..., ::8], tensor))
        elif what == "embed_drop":
            yield compare(name, TOLERANCE, (model.text_embedding(ids, spoken="nothing"), tensor))
        elif match := re.fullmatch(r"embed(?:_seq(\d+))?", what):
            length = int(match[1]) if match[1] else ids.shape[1]
            fitted = torch.nn.functional.pad(ids[:, :length], (0, max(0, length - ids.shape[1])), value=-1)
            yield compare(name, TOLERANCE, (model.text_embedding(fitted), tensor))
        elif what == "proj":
            yield compare(name, TOLERANCE, (model.text_proj(model.text_embedding(ids)), tensor))


def _formula_embedding() -> SpeechTextEmbedding:
    """A full-size embedding whose weights are a formula of their position."""
    module = SpeechTextEmbedding(SpeechTextParams())
    for order, (name, parameter) in enumerate(sorted(module.named_parameters())):
        parameter.data = _formula(name, order, parameter)
    return module


def _formula(name: str, order: int, like: Tensor) -> Tensor:
    index = torch.arange(like.numel(), dtype=torch.float64)
    base = torch.sin(0.7310 * index + 1.9170 * (order + 1)).float().reshape(like.shape)
    if name.endswith("norm.weight"):
        return 1 + 0.2 * base
    if ".grn." in name:
        return 0.5 * base
    if name.endswith("bias"):
        return 0.1 * base
    if name == "text_embed.weight":
        return base
    return base * (1.7 / math.sqrt(like[0].numel()))

"""What a file of latents holds: its tensors, their shapes and values, so that no damaged one is trained on."""

from collections.abc import Mapping

import torch
from torch import Tensor

from reference_model.training.shards import Shard, ShardFolder

ENCODE_AGAIN = "encode again: python -m reference_model encode RECIPE"
TENSORS: Mapping[str, tuple[torch.dtype, str]] = {
    "latents": (torch.float16, "n C F h w"),
    "reference_latent": (torch.float16, "n C 1 h w"),
    "mel": (torch.float16, "n S 80"),
    "reference_mel": (torch.float16, "n R 80"),
    "reference_tokens": (torch.int64, "n"),
    "mask": (torch.uint8, "n F rows columns"),
    "lips": (torch.uint8, "n F h w"),
    "opening": (torch.float32, "n T"),
    "identity": (torch.int64, "n"),
}
"""Dtype and axes of every tensor: an axis of one letter or word has one size wherever it stands."""
OF_ONE_FILE = frozenset({"n", "R"})
"""Axes whose sizes may differ from file to file."""


def read_latents(
    file: Shard, folder: ShardFolder, known: Mapping[str, int] | None = None
) -> tuple[dict[str, Tensor], dict[str, int]]:
    """The tensors of a file, and the sizes of the axes that all files of its folder share.

    `known`: those sizes as earlier files had them.

    Raises:
        ValueError: a tensor is absent, or not what training needs; the message says how the file is made anew.
    """
    tensors = {name: file.tensor(name) for name in TENSORS}
    try:
        return tensors, check_latents(tensors, file.clips, folder, known)
    except ValueError as error:
        raise ValueError(f"{file.path}: {error}; {file.again}") from error


def check_latents(
    tensors: Mapping[str, Tensor], clips: int, folder: ShardFolder, known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Compare tensors with `TENSORS`, their number of clips and what holds for their folder; returns shared sizes.

    Raises:
        ValueError: which tensor is wrong, and how.
    """
    sizes = {**(known or {}), "n": clips, "F": 1 + (folder.frames - 1) // 4, "T": folder.frames}
    for name, (dtype, letters) in TENSORS.items():
        tensor, axes = tensors[name], letters.split()
        wanted = tuple(sizes.get(axis, int(axis) if axis.isdigit() else axis) for axis in axes)
        fits = len(axes) == tensor.ndim and all(
            size == want or (isinstance(want, str) and size > 0)
            for size, want in zip(tensor.shape, wanted, strict=True)
        )
        if not fits or tensor.dtype != dtype:
            told = ", ".join(map(str, wanted))
            raise ValueError(
                f"{name} is {_told(tensor.dtype)} {tuple(tensor.shape)}, expected {_told(dtype)} ({told})"
            )
        sizes |= {axis: size for axis, size in zip(axes, tensor.shape, strict=True) if not axis.isdigit()}
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise ValueError(f"{name} has values that are not finite")
    spoken = tensors["reference_tokens"]
    if spoken.min() < 1 or spoken.max() > sizes["R"]:
        raise ValueError(
            f"reference_tokens reach from {spoken.min()} to {spoken.max()}, expected 1 to {sizes['R']}"
        )
    return {axis: size for axis, size in sizes.items() if axis not in OF_ONE_FILE}


def _told(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")

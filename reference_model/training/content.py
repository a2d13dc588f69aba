"""A hash of what a run is trained on, by which a checkpoint knows its data."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def content_key(tensors: Mapping[str, Tensor], texts: object = None) -> str:
    """SHA-256 of names, dtypes, shapes and values of tensors, and of what `repr` says of texts."""
    told = hashlib.sha256(repr(texts).encode())
    for name, tensor in sorted(tensors.items()):
        told.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        told.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return told.hexdigest()

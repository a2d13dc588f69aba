"""Weights that every machine draws alike: tests compare a network with numbers that the original gave for them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np


def drawn(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Draw one tensor by its name: small normal numbers, near one for scales of norms, positive for variances."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    values = rng.standard_normal(shape)
    last = name.rsplit(".", 1)[-1]
    if last == "running_var":
        return (1 + 0.1 * np.abs(values)).astype(np.float32)
    if last == "weight" and len(shape) == 1:
        return (1 + 0.1 * values).astype(np.float32)
    if len(shape) < 2:
        return (0.1 * values).astype(np.float32)
    inputs = float(np.prod(shape[1:])) if last not in {"pos_embed", "position_emb", "scale_emb"} else 4.0
    return (values / np.sqrt(inputs)).astype(np.float32)


def seeded_state(state: Mapping[str, object]) -> dict[str, object]:
    """Return a state dict of the same names and shapes with drawn numbers; counters are zero.

    Names that share one tensor (RAFT's `norm3`) share its drawing.
    """
    import torch

    found: dict[str, object] = {}
    drawings: dict[tuple[int, tuple[int, ...]], object] = {}
    for name in sorted(state):
        tensor = state[name]
        if not tensor.is_floating_point():  # type: ignore[attr-defined]
            found[name] = torch.zeros_like(tensor)  # type: ignore[call-overload]
            continue
        key = (tensor.data_ptr(), tuple(tensor.shape))  # type: ignore[attr-defined]
        if key not in drawings:
            drawings[key] = torch.from_numpy(drawn(name, tuple(tensor.shape)))  # type: ignore[attr-defined]
        found[name] = drawings[key]
    return found


def seeded_input(name: str, shape: tuple[int, ...], high: float = 1.0) -> np.ndarray:
    """Draw an input uniformly in 0 … `high`."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return rng.uniform(0, high, shape).astype(np.float32)

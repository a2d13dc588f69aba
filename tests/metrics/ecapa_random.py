"""Random weights of ECAPA-TDNN's true shapes, drawn by numpy, so that every machine has the same."""

from __future__ import annotations

import numpy as np


def random_state() -> dict[str, object]:
    """Weights with which every layer passes on what it is given, about as strong as it came."""
    import torch

    from uniavgen_bench.metrics.ecapa_network import EcapaTdnn

    rng = np.random.default_rng(20200514)
    state = {}
    for name, value in EcapaTdnn().state_dict().items():
        shape = tuple(value.shape)
        if name.endswith("num_batches_tracked"):
            array = np.zeros((), dtype=np.int64)
        elif name.endswith("running_var"):
            array = rng.uniform(0.5, 1.5, shape).astype(np.float32)
        elif len(shape) == 1:
            array = rng.normal(float(name.endswith("norm.weight")), 0.1, shape).astype(np.float32)
        else:
            array = rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        state[name] = torch.from_numpy(array)
    return state

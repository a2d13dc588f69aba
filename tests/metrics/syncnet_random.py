"""Random weights of SyncNet's true shapes that separate something."""

from __future__ import annotations

import numpy as np


def random_state() -> dict[str, object]:
    """Weights that depend on numpy's generator only, with outputs far enough apart to be compared."""
    import torch

    from uniavgen_bench.metrics.syncnet_network import SyncNet

    rng = np.random.default_rng(20161120)
    shared_mean = rng.normal(0, 0.8, 1024)
    state = {}
    for name, value in SyncNet().state_dict().items():
        shape = tuple(value.shape)
        if name.endswith("num_batches_tracked"):
            array = np.zeros((), dtype=np.int64)
        elif name.endswith("running_var"):
            array = rng.uniform(0.5, 1.5, shape)
        elif len(shape) <= 1:
            array = rng.normal(1.0 if "weight" in name else 0.0, 0.1, shape)
        else:
            array = rng.normal(0, 1.6 / np.sqrt(np.prod(shape[1:])), shape)
        if name == "netcnnlip.0.weight":
            array = array / 50
        if name in {"netfcaud.3.weight", "netfclip.3.weight"}:
            array = array / 300
        if name in {"netfcaud.3.bias", "netfclip.3.bias"}:
            array = shared_mean  # else the zero vectors beyond the edges would always be nearest
        state[name] = torch.from_numpy(array.astype(np.float32) if array.ndim else array)
    return state

"""Seeds that depend on names and numbers alone, never on the order in which things are computed."""

from __future__ import annotations

import numpy as np

from uniavgen_bench.core.hashing import sha256_json


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a random generator that is fixed by `seed` and the names, in this order."""
    return np.random.default_rng(int(sha256_json([seed, *names])[:16], 16))

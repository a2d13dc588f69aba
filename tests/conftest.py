"""Fixtures that several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from uniavgen_bench.core.errors import BenchError
from uniavgen_bench.weights.locate import WeightLocator

# A busy machine makes single examples slow; a test that hangs is stopped from outside.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

TESTED_WEIGHTS = (
    "face-detector-full",
    "face-detector-short",
    "face-landmarks",
    "iris",
    "resemblyzer",
    "whisper-tiny.en",
    "dnsmos-p835",
    "dnsmos-p808",
)

REPOSITORY = Path(__file__).parent.parent


def shared_folder() -> Path | None:
    """Return the folder of real clips and golden vectors, or None on machines that lack it."""
    given = os.environ.get("UNIAVGEN_BENCH_SHARED")
    folder = Path(given) if given else REPOSITORY.parent / "shared"
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and golden vectors; skips where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("the folder of real clips is not here (set UNIAVGEN_BENCH_SHARED)")
    return folder


@pytest.fixture(scope="session")
def weights_home() -> WeightLocator:
    """The weights of the embedded metrics in the user's own home, pulled once; skips where there is no network."""
    locator = WeightLocator()
    try:
        ready = locator.require(TESTED_WEIGHTS, quiet=True)
    except BenchError as error:
        pytest.skip(f"the weights cannot be kept: {error}")
    if ready.unavailable:
        pytest.skip(f"weights cannot be had: {next(iter(ready.unavailable.values()))}")
    return locator

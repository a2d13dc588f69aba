"""Fixtures that several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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

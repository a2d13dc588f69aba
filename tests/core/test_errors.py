"""Errors that cross a process border: they arrive as they were raised, or a pool dies of them."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from uniavgen_bench.core.errors import BenchError, InputError, NotInstalledError, Where
from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.media.errors import MediaError, MediaWriteError


@pytest.mark.parametrize(
    "error",
    [
        BenchError("it does not work"),
        InputError("what", where=Where("file.yaml", 3, "key"), way_out="the way out"),
        NotInstalledError("a library", extra="portraits"),
        MediaError(Path("clip.mp4"), Reason.NO_VIDEO, "detail"),
        MediaWriteError(Path("clip.mp4"), "no space left"),
        MissingError(Reason.FAILED, "detail"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_of_a_worker_arrives_as_it_was_raised(error: Exception) -> None:
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - of our own making
    assert type(arrived) is type(error)
    assert str(arrived) == str(error) and vars(arrived) == vars(error)

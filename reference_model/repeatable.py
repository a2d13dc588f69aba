"""Kernels that give the same bits each time, where torch has a choice of kernels."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def repeatable(*, strict: bool = True) -> Iterator[None]:
    """Let torch use deterministic kernels only, and put its choice back afterwards.

    ValueError for an operation without such a kernel; a warning unless `strict`. On a GPU the matrix products
    need a fixed workspace, which cuBLAS reads when it starts: enter this before anything ran there.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.backends.cudnn.benchmark,
    )
    torch.use_deterministic_algorithms(True, warn_only=not strict)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise ValueError(str(error).split(". ")[0]) from error
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = before[2]

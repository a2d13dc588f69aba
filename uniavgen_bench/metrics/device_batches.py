"""Batches on a device that may have too little room: smaller ones, and a word about it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class SmallerBatchWarning(UserWarning):
    """The device had no room for a batch; smaller ones were used."""


class DeviceBatches:
    """Batches of `size` items, halved for good whenever torch says that the device is out of memory."""

    def __init__(self, size: int, what: str) -> None:
        self._size, self._what = size, what

    def over(self, count: int, compute: Callable[[int, int], T]) -> list[T]:
        """Return `compute(start, stop)` of all batches of `count` items, in order.

        Warns `SmallerBatchWarning`: numbers of another batch can differ in their last bits.

        Raises:
            torch.OutOfMemoryError: not even one item fits.
        """
        import torch

        found: list[T] = []
        start = 0
        while start < count:
            stop = min(count, start + self._size)
            try:
                found.append(compute(start, stop))
            except torch.OutOfMemoryError:
                if stop - start == 1:
                    raise
            else:
                start = stop
                continue
            # Outside of the handler: until there, the error keeps what the batch had on the device.
            self._size = (stop - start) // 2
            warnings.warn(
                f"no room on the device for {stop - start} {self._what} at once; from now on {self._size}",
                SmallerBatchWarning,
                stacklevel=2,
            )
        return found

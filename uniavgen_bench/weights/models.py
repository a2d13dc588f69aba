"""Networks that live as long as a process: verified, loaded once, on the run's device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

Model = TypeVar("Model")


class WeightFiles(Protocol):
    """Gives verified local files of the weights manifest."""

    def path(self, name: str) -> Path:
        """Return the verified local file of a weight; raises `MissingError(weights)` when it is not here."""

    def sha256(self, name: str) -> str:
        """Return the hash that the manifest asks of a weight (of a group: over its members), here or not."""


class Models:
    """The networks of one process.

    `device` is `cpu` or `cuda`. `threads` is how many CPU threads a network may use.
    """

    def __init__(self, weights: WeightFiles, *, device: str = "cpu", threads: int = 1) -> None:
        self.weights, self.device, self.threads = weights, device, threads
        self._loaded: dict[str, Any] = {}

    def weight(self, name: str) -> Path:
        """Return the verified local file of a weight; raises `MissingError(weights)` when it is not here."""
        return self.weights.path(name)

    def get(self, key: str, load: Callable[[], Model]) -> Model:
        """Return the object under `key`, made by `load` at its first use in this process."""
        if key not in self._loaded:
            self._loaded[key] = load()
        model: Model = self._loaded[key]
        return model

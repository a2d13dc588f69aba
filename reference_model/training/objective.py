"""What a loop trains: a module from batches to losses, and where its batches come from."""

from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from reference_model.training.batches import Share


class Objective(Protocol):
    """A thing to train. `module(*inputs)` gives scalars, of which `total` is trained."""

    @property
    def module(self) -> nn.Module:
        """What is trained."""
        ...

    def inputs(self, stage: int, step: int, progress: float, share: Share) -> tuple[tuple[Any, ...], str]:
        """The inputs of the module at a step, and in a word what the step trains; `progress` 0..1 of the stage."""
        ...

    def validate(self, weights: dict[str, Tensor]) -> dict[str, float]:
        """Losses on clips that are not trained on, with the averaged weights; empty where there are none."""
        ...

    def show(self, weights: dict[str, Tensor], folder: Path, step: int) -> None:
        """Write samples made with the averaged weights."""
        ...

    def finish(self, weights: dict[str, Tensor], folder: Path) -> None:
        """Write what training was for."""
        ...

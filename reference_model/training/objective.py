"""What a loop trains: a module from batches to losses, and where its batches come from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from reference_model.training.batches import Share
from reference_model.training.state import CHECKPOINT


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
        """Write what training was for. ValueError if the weights are not finite as they are written."""
        ...


def refuse_not_finite(tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Check weights in the dtype in which they are written. ValueError if one of them is not finite."""
    if wrong := [name for name, tensor in tensors.items() if not tensor.isfinite().all()]:
        raise ValueError(
            f"{folder}: {len(wrong)} of {len(tensors)} tensors are not finite as they would be written, as {wrong[0]}; "
            f"no weights were written, {folder / CHECKPOINT} stays; lower the learning rate and use --restart"
        )

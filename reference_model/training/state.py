"""The state of a run: all that a resumed run needs to go on as if nothing had happened, in one file."""

import io
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reference_model.atomic import write_whole

CHECKPOINT = "checkpoint.pt"
_PARTS = {"fingerprint", "module", "average", "optimiser", "progress"}
# A pickle of any content may stop in any of these.
_UNREADABLE = (
    OSError,
    RuntimeError,
    EOFError,
    pickle.UnpicklingError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
)


@dataclass
class Progress:
    """Where a run is: stage, steps done and seconds spent in it, its settled length (0: not yet), steps in all."""

    stage: int = 0
    step: int = 0
    planned: int = 0
    seconds: float = 0.0
    total: int = 0


@dataclass
class Average:
    """Exponential moving average of all floating tensors of a module, in fp32; it warms up with the steps."""

    decay: float
    weights: dict[str, Tensor] = field(default_factory=dict)

    def reset(self, module: nn.Module) -> None:
        """Start from the module as it is."""
        self.weights = {name: t.detach().clone() for name, t in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take in the weights after `step` steps."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, tensor in module.state_dict().items():
            kept = self.weights[name]
            if tensor.is_floating_point():
                kept.lerp_(tensor, 1 - decay)
            else:
                kept.copy_(tensor)


def write_state(
    folder: Path,
    fingerprint: str,
    module: nn.Module,
    average: Average,
    optimiser: torch.optim.Optimizer,
    progress: Progress,
) -> None:
    """Write the checkpoint, whole or not at all."""
    buffer = io.BytesIO()
    state = {
        "fingerprint": fingerprint,
        "module": module.state_dict(),
        "average": average.weights,
        "optimiser": optimiser.state_dict(),
        "progress": progress.__dict__,
    }
    torch.save(state, buffer)
    write_whole(folder / CHECKPOINT, buffer.getvalue())


def read_state(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """Read the checkpoint of a folder; None if there is none.

    Raises:
        ValueError: it is damaged, or of another recipe, other data or other starting weights.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return None
    # What torch says of a damaged file is advice to trust it: it is not repeated.
    damaged = ValueError(
        f"{path} is damaged, or no checkpoint of a training; use --restart to begin anew, or another folder"
    )
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except _UNREADABLE as error:
        raise damaged from error
    if not isinstance(state, dict) or "fingerprint" not in state:
        raise damaged
    if state["fingerprint"] != fingerprint:
        raise ValueError(
            f"{path} is of another recipe, other data or other starting weights; use --restart, or another folder"
        )
    if not state.keys() >= _PARTS:
        raise damaged
    return state

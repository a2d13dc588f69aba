"""Strict loading of official weights into library classes that name their parameters differently."""

import pickle
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

_SHOWN = 6


class WeightsMismatchError(ValueError):
    """The tensors given are not the ones that a network has; all names are the official ones."""

    def __init__(
        self, network: str, missing: Sequence[str], unexpected: Sequence[str], misshapen: Sequence[str]
    ) -> None:
        """Hold sorted names; an item of `misshapen` also says the two shapes."""
        self.missing, self.unexpected, self.misshapen = tuple(missing), tuple(unexpected), tuple(misshapen)
        parts = [
            f"{len(names)} {kind}: {', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
            for kind, names in (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen))
            if names
        ]
        super().__init__(f"weights do not fit the {network}; " + "; ".join(parts))


def official_shapes(module: nn.Module, official_name: Callable[[str], str]) -> dict[str, tuple[int, ...]]:
    """Shape of each tensor of `module` under its official name; tied tensors share one name."""
    return {official_name(name): tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def load_official_names(
    module: nn.Module, tensors: Mapping[str, Tensor], official_name: Callable[[str], str], network: str
) -> None:
    """Put tensors under official names into `module`, which takes over their storage, dtype and device.

    `official_name` maps a name of `module` to the official one; several names may share one (tied weights).
    A module on the meta device is filled without a second copy of the weights.

    Raises:
        WeightsMismatchError: any tensor is missing, unexpected or of another shape. Nothing is loaded then.
    """
    expected = official_shapes(module, official_name)
    missing = sorted(expected.keys() - tensors.keys())
    unexpected = sorted(tensors.keys() - expected.keys())
    misshapen = [
        f"{name} {tuple(tensors[name].shape)} instead of {shape}"
        for name, shape in sorted(expected.items())
        if name in tensors and tuple(tensors[name].shape) != shape
    ]
    if missing or unexpected or misshapen:
        raise WeightsMismatchError(network, missing, unexpected, misshapen)
    renamed = {name: tensors[official_name(name)] for name in module.state_dict()}
    module.load_state_dict(renamed, strict=True, assign=True)


def read_pth(path: Path) -> dict[str, Tensor]:
    """Read a `.pth` state dict without running any code that it may carry; memory-mapped where possible.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or not a flat mapping of names to tensors and nothing more.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {path}")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} is damaged or holds more than tensors: {reason}") from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f"{path} is not a flat state dict (names to tensors)")
    return dict(content)

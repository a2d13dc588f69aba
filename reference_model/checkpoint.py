"""Reading and writing weights: strict, straight into a model that was built without memory.

Spec topic: state dict. A checkpoint is a folder with shards and their index (the official layout), with one
`.safetensors`, or with one `.pth` read as tensors only; `params.json` beside it says which model it is.
"""

import json
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from reference_model.attention import AttentionBackend, sdpa
from reference_model.model import UniAVGen
from reference_model.params import ModelParams, read_params, ti2v_5b, write_params

INDEX = "diffusion_pytorch_model.safetensors.index.json"
PARAMS = "params.json"
WEIGHTS = "model.safetensors"
_SHOWN = 8


class CheckpointError(ValueError):
    """Weights that do not fit the model; the three tuples name the tensors."""

    def __init__(
        self, missing: tuple[str, ...], unexpected: tuple[str, ...], misshapen: tuple[str, ...]
    ) -> None:
        self.missing, self.unexpected, self.misshapen = missing, unexpected, misshapen
        parts = [
            f"{len(names)} {kind}: {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"
            for kind, names in (("missing", missing), ("unexpected", unexpected), ("misshapen", misshapen))
            if names
        ]
        super().__init__("the weights do not fit the model; " + "; ".join(parts))


def build_on_meta(params: ModelParams, attention: AttentionBackend = sdpa) -> UniAVGen:
    """The model with names and shapes but no memory behind its weights."""
    with torch.device("meta"):
        return UniAVGen(params, attention).eval()


def load_official(
    source: Path | Mapping[str, Tensor],
    params: ModelParams | None = None,
    *,
    device: torch.device | str = "cpu",
    attention: AttentionBackend = sdpa,
) -> UniAVGen:
    """Load the official weights, or any with the same names, from a folder, a file or a state dict.

    Names and shapes are compared before anything is read; shards are then read one by one, each tensor straight to
    the device in the dtype it was stored in. `params` defaults to the released model, or to the folder's
    `params.json`. CheckpointError if a tensor is missing, unexpected or misshapen; FileNotFoundError if there are no
    weights; ValueError names a damaged file.
    """
    if isinstance(source, Mapping):
        shapes = {name: tuple(tensor.shape) for name, tensor in source.items()}
        model = build_on_meta(params or ti2v_5b(), attention)
        _compare(model, shapes)
        keep = torch.device("meta") if all(t.is_meta for t in source.values()) else torch.device(device)
        _assign(model, ((name, tensor.to(keep)) for name, tensor in source.items()))
        return model
    files = weight_files(source)
    if params is None:
        described = (source if source.is_dir() else source.parent) / PARAMS
        params = read_params(described) if described.exists() else ti2v_5b()
    model = build_on_meta(params, attention)
    compare_with_files(model, files)
    for file in files:
        _assign(model, _tensors(file, torch.device(device)))
    return model


def save(model: UniAVGen, folder: Path) -> None:
    """Write weights and params to a folder that `load_official` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    write_params(model.params, folder / PARAMS)
    save_file({name: t.detach().contiguous() for name, t in model.state_dict().items()}, folder / WEIGHTS)


def weight_files(source: Path) -> list[Path]:
    """The files that hold the weights of a folder, or the file itself.

    FileNotFoundError if there are none or several without an index; ValueError if the index is none.
    """
    if source.is_file():
        return [source]
    index = source / INDEX
    if index.is_file():
        try:
            names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
            elsewhere = [name for name in names if Path(name).name != name]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{index} is no index of shards: {error!r}") from error
        if elsewhere:
            raise ValueError(f"{index} names {elsewhere[0]!r}, which is no file beside it")
        return [source / name for name in names]
    kinds = (sorted(p for p in source.glob(ending) if p.is_file()) for ending in ("*.safetensors", "*.pth"))
    found = next((files for files in kinds if files), [])
    if len(found) != 1:
        raise FileNotFoundError(f"{source} holds {len(found)} weight files and no {INDEX}; name one file")
    return found


def compare_with_files(model: nn.Module, files: list[Path]) -> None:
    """Raise a CheckpointError where names or shapes in the files are not those of the model; ValueError if damaged."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        shapes.update(_shapes(file))
    _compare(model, shapes)


class Rows(Protocol):
    """A stored tensor of which rows are read."""

    def __getitem__(self, rows: slice) -> Tensor:
        """Return these rows."""


@contextmanager
def stored_rows(file: Path) -> Iterator[Mapping[str, Rows]]:
    """The tensors of a file by name; of each only those rows are read that are asked for."""
    if file.suffix == ".safetensors":
        with safe_open(file, "pt") as tensors:
            yield {name: tensors.get_slice(name) for name in tensors.keys()}  # noqa: SIM118
    else:
        yield _read_pth(file)


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    if file.suffix == ".safetensors":
        try:
            with safe_open(file, "pt") as tensors:
                return {name: tuple(tensors.get_slice(name).get_shape()) for name in tensors.keys()}  # noqa: SIM118
        except SafetensorError as error:
            raise ValueError(f"{file} is damaged: {error}") from error
    return {name: tuple(tensor.shape) for name, tensor in _read_pth(file).items()}


def _tensors(file: Path, device: torch.device) -> Iterator[tuple[str, Tensor]]:
    if file.suffix == ".safetensors":
        with safe_open(file, "pt", device=str(device)) as tensors:
            for name in tensors.keys():  # noqa: SIM118
                yield name, tensors.get_tensor(name)
    else:
        for name, tensor in _read_pth(file).items():
            yield name, tensor.to(device)


def _read_pth(file: Path) -> dict[str, Tensor]:
    try:
        state: Any = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
    except (pickle.UnpicklingError, EOFError, RuntimeError, LookupError, TypeError, AttributeError) as error:
        # What torch says is advice to trust the file: it is not repeated.
        raise ValueError(f"{file} is damaged or holds more than tensors; fetch or write it again") from error
    if not isinstance(state, dict) or not all(isinstance(t, Tensor) for t in state.values()):
        raise ValueError(f"{file} holds no tensors by name; fetch or write it again")
    return state


def _compare(model: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    missing = tuple(name for name in wanted if name not in shapes)
    unexpected = tuple(name for name in shapes if name not in wanted)
    misshapen = tuple(
        f"{name} {shape} instead of {wanted[name]}"
        for name, shape in shapes.items()
        if name in wanted and shape != wanted[name]
    )
    if missing or unexpected or misshapen:
        raise CheckpointError(missing, unexpected, misshapen)


def _assign(model: nn.Module, tensors: Iterator[tuple[str, Tensor]]) -> None:
    for name, tensor in tensors:
        owner, _, leaf = name.rpartition(".")
        setattr(
            model.get_submodule(owner), leaf, nn.Parameter(tensor, requires_grad=tensor.is_floating_point())
        )

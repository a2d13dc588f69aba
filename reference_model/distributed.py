"""The model over several processes: each keeps a share of every weight (FSDP2 of torch).

Before a layer runs, its rows are gathered from all processes, and dropped after it. The gathered weights are the
stored ones bit by bit, so a process computes what it would compute alone. Shares save memory, not time: every process
makes a clip of its own, and all of them have to run the same passes, for none can gather alone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch import distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, Shard

from reference_model.checkpoint import Rows, build_on_meta, compare_with_files, stored_rows, weight_files
from reference_model.model import UniAVGen
from reference_model.params import ModelParams
from reference_model.place import Place

LAUNCH = "torchrun --nproc-per-node N -m reference_model generate ... --shard"
"""How processes are started."""
_ENTRANCES = ("encode_texts", "remember")
"""Methods beside `forward` that read weights of the model's own; below, those of its parts."""


def place() -> Place:
    """The place of this process. ValueError outside torchrun."""
    if (found := Place.from_environment()) is None:
        raise ValueError(f"there are no processes to share a model; start them by {LAUNCH}")
    return found


@contextmanager
def joined(device: str, params: ModelParams) -> Iterator[DeviceMesh]:
    """The mesh of all processes that torchrun started, over NCCL on GPUs and Gloo elsewhere.

    ValueError outside torchrun, or as `check_processes` before any process waits for another.
    """
    here = place()
    check_processes(params, here.count)
    kind = torch.device(device).type
    if kind == "cuda":
        torch.cuda.set_device(torch.device(device))
    dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    try:
        yield init_device_mesh(kind, (here.count,))
    finally:
        dist.destroy_process_group()


def check_processes(params: ModelParams, count: int) -> None:
    """Raise a ValueError where some processes would have no row of any block of a branch."""
    rows = min(params.video.width, params.audio.width)
    if not 1 <= count <= rows:
        raise ValueError(f"{count} processes cannot share a model whose narrower branch has {rows} rows")


def shard(model: UniAVGen, mesh: DeviceMesh) -> UniAVGen:
    """Leave each process of a mesh of one dimension its rows of every weight; in place, for inference.

    Units are gathered one at a time: blocks, their text attentions, interactions, mask heads, and all else as one.
    ValueError if the mesh has more processes than rows, or more than one dimension.
    """
    if mesh.ndim != 1:
        raise ValueError(f"a model is shared along one dimension, the mesh has {mesh.ndim}")
    check_processes(model.params, mesh.size())
    model.requires_grad_(False)
    for block in (*model.blocks, *model.audio_blocks):
        # Keys and values of the texts are made before the block runs, so this part is a unit of its own.
        _unit(block.cross_attn, mesh, "context")
        _unit(block, mesh)
    for to_video in model.a2v_blocks:
        _unit(to_video.mask_head, mesh)
        _unit(to_video, mesh, "hear", "update")
    for to_audio in model.v2a_blocks:
        _unit(to_audio, mesh, "see", "update")
    fully_shard(model, mesh=mesh, reshard_after_forward=False)
    for name in _ENTRANCES:
        register_fsdp_forward_method(model, name)
    return model


def load_shard(
    source: Path, params: ModelParams, mesh: DeviceMesh, dtype: torch.dtype | None = None
) -> UniAVGen:
    """Load from a checkpoint only the rows that this process keeps, in the dtype they were stored in or in `dtype`.

    No process ever holds the whole model. Errors as `load_official` and `shard`.
    """
    files = weight_files(source)
    model = build_on_meta(params)
    compare_with_files(model, files)
    for file in files:
        with stored_rows(file) as stored:
            for name, rows in stored.items():
                _set_dtype(model, name, dtype or rows[:1].dtype)
    shard(model, mesh)
    model.to_empty(device=mesh.device_type)
    weights = dict(model.named_parameters())
    for file in files:
        with stored_rows(file) as stored:
            for name, rows in stored.items():
                _fill(weights[name], rows, mesh)
    return model


def _unit(module: nn.Module | Tensor, mesh: DeviceMesh, *entrances: str) -> None:
    assert isinstance(module, nn.Module)
    fully_shard(module, mesh=mesh)
    for name in entrances:
        register_fsdp_forward_method(module, name)


def _set_dtype(model: nn.Module, name: str, dtype: torch.dtype) -> None:
    owner, _, leaf = name.rpartition(".")
    part = model.get_submodule(owner)
    setattr(part, leaf, nn.Parameter(getattr(part, leaf).to(dtype), requires_grad=False))


def _fill(weight: Tensor, rows: Rows, mesh: DeviceMesh) -> None:
    assert isinstance(weight, DTensor)
    count, start = Shard.local_shard_size_and_offset(len(weight), mesh.size(), mesh.get_local_rank())
    local = weight.to_local()
    if count:
        local.copy_(rows[start : start + count])

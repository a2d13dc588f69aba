"""One process or several: torchrun's environment, and gradients that are averaged over processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn

from reference_model.place import Place, no_device
from reference_model.training.batches import Share


@dataclass(frozen=True)
class Processes:
    """This process among those that train together; `device` is its own."""

    share: Share
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.share.rank == 0

    def wrapped(self, module: nn.Module) -> nn.Module:
        """The module with gradients averaged over all processes."""
        if self.share.world == 1:
            return module
        on_gpu = self.device.type == "cuda"
        # A step may leave out a branch, the same one everywhere.
        return nn.parallel.DistributedDataParallel(
            module, device_ids=[self.device.index] if on_gpu else None, find_unused_parameters=True
        )

    def barrier(self) -> None:
        """Wait for the others."""
        if self.share.world > 1:
            distributed.barrier()

    def mean(self, values: dict[str, Tensor]) -> dict[str, float]:
        """Scalars as numbers, averaged over all processes."""
        if not values:
            return {}
        told = torch.stack([value.double() for value in values.values()])
        if self.share.world > 1:
            distributed.all_reduce(told)
            told /= self.share.world
        return dict(zip(values, told.tolist(), strict=True))

    def agreed(self, value: float) -> float:
        """The first process's value, in all of them."""
        if self.share.world == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64, device=self.device)
        distributed.broadcast(told, 0)
        return float(told[0])


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """Join the processes that torchrun started, or be the only one.

    Raises:
        ValueError: no such device, or the environment names no place among processes.
    """
    place = Place.from_environment() or Place(0, 1, 0)
    name = f"cuda:{place.local}" if device == "cuda" and place.count > 1 else device
    try:
        own = torch.device(name)
        torch.empty(0, device=own)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(no_device(name, error)) from error
    if place.count == 1:
        yield Processes(Share(), own)
        return
    if own.type == "cuda":
        torch.cuda.set_device(own)
    try:
        distributed.init_process_group("nccl" if own.type == "cuda" else "gloo")
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"the processes do not find each other; start them by torchrun: {error}") from error
    try:
        yield Processes(Share(place.number, place.count), own)
    finally:
        distributed.destroy_process_group()

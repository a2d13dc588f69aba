"""Which process this is among those that torchrun started; apart, for torch's distributed part is slow to import."""

import os
from dataclasses import dataclass

import torch

_VARIABLES = ("WORLD_SIZE", "RANK", "LOCAL_RANK")
_WAY_OUT = "torchrun sets them: start by it, or unset them to run alone"


@dataclass(frozen=True)
class Place:
    """Which of the processes this is that torchrun started together: of all, and of those on this machine."""

    number: int
    count: int
    local: int

    @staticmethod
    def from_environment() -> "Place | None":
        """What torchrun says; None outside of it. ValueError if its variables name no place among processes."""
        told = {name: value for name in _VARIABLES if (value := os.environ.get(name)) is not None}
        for name, value in told.items():
            if not value.isdecimal():
                raise ValueError(
                    "RANK, WORLD_SIZE and LOCAL_RANK have to be numbers, "
                    f"the environment has {name}={value!r}; {_WAY_OUT}"
                )
        count, number, local = (int(told[name]) if name in told else None for name in _VARIABLES)
        if count is None or (number is None and count == 1):
            return None
        if number is None:
            raise ValueError(f"the environment has WORLD_SIZE={count} and no RANK; {_WAY_OUT}")
        if number >= count:
            raise ValueError(f"the environment has RANK={number} of WORLD_SIZE={count}; {_WAY_OUT}")
        return Place(number, count, local or 0)

    def device(self, name: str) -> str:
        """The device of this process: on `cuda` the GPU of its number. ValueError if the machine has fewer."""
        if torch.device(name).type != "cuda":
            return name
        there = torch.cuda.device_count()
        if self.local >= there:
            raise ValueError(f"process {self.local} of this machine has no GPU: there are {there}")
        return f"cuda:{self.local}"


def no_device(name: str, error: Exception) -> str:
    """What to say where torch refuses a device: of the many lines that it prints the first sentence."""
    said = str(error).strip().partition("\n")[0].split(". ")[0]
    if said.startswith(("Invalid device string", "Expected one of")):
        return f"no device {name!r}; valid names are cpu, cuda, cuda:0"
    return f"no device {name!r}: {said}"

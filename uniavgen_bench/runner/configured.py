"""A system of a suite whose name is found and whose options are checked."""

from __future__ import annotations

from dataclasses import dataclass, field

from uniavgen_bench.core.located import Located
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.systems.system import SystemPlugin


@dataclass(frozen=True)
class ConfiguredSystem:
    """A system of the suite with its plugin and checked options.

    `varied`: it is there only as a cell of an ablation; the suite does not list it. `place`: where the suite has it.
    """

    info: SystemInfo
    plugin: SystemPlugin
    options: Frozen
    varied: bool = False
    place: Located | None = field(default=None, compare=False, repr=False)

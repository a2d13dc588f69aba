"""Plugins by entry point: the built-in ones are registered in the same way as a stranger's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from uniavgen_bench.core.errors import BenchError, unknown_name

Plugin = TypeVar("Plugin")

METRICS = "uniavgen_bench.metrics"
SYSTEMS = "uniavgen_bench.systems"
DATASETS = "uniavgen_bench.datasets"
JUDGES = "uniavgen_bench.judges"


class PluginError(BenchError):
    """A plugin cannot be loaded, or is not what its group asks for."""


class Registry(Generic[Plugin]):
    """All plugins of one entry-point group, loaded one by one when asked for.

    The name of an entry point is the name in suites; a name that two packages claim cannot be loaded, because a
    silent winner would put two methods under one name. The other names stay usable.
    """

    def __init__(self, group: str, kind: str, base: type[Plugin]) -> None:
        self.group, self.kind, self.base = group, kind, base

    def points(self) -> dict[str, tuple[EntryPoint, ...]]:
        """Return the entry points by name: one, or several different ones where packages claim the same name."""
        found: dict[str, tuple[EntryPoint, ...]] = {}
        for point in entry_points(group=self.group):
            others = found.get(point.name, ())
            if all(other.value != point.value for other in others):
                found[point.name] = (*others, point)
        return found

    def names(self) -> list[str]:
        """Return the sorted names of the group without loading anything."""
        return sorted(self.points())

    def load(self, name: str) -> Plugin:
        """Load one plugin.

        Raises:
            InputError: no such name; the message gives the nearest one.
            PluginError: two packages register the name, its module fails to import, or it gives something else than
                the group asks for.
        """
        points = self.points()
        if name not in points:
            raise unknown_name(self.kind, name, points)
        if len(points[name]) > 1:
            owners = " and ".join(sorted(p.dist.name if p.dist else "?" for p in points[name]))
            raise PluginError(f"{self.kind} {name!r} is registered twice, by {owners}")
        (point,) = points[name]
        owner = point.dist.name if point.dist else "unknown package"
        try:
            plugin: Any = point.load()
        except (Exception, SystemExit) as error:  # a stranger's module may raise anything
            raise PluginError(f"{self.kind} {name!r} of {owner} cannot be loaded: {error}") from error
        if not isinstance(plugin, self.base):
            raise PluginError(
                f"{self.kind} {name!r} of {owner} is a {type(plugin).__name__}, not a {self.base.__name__}"
            )
        return plugin

    def __iter__(self) -> Iterator[tuple[str, Plugin]]:
        """Yield every name with its loaded plugin."""
        for name in self.names():
            yield name, self.load(name)

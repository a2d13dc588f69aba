"""A suite file: what is run. Reading it checks everything that can be checked before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field

from uniavgen_bench.core.comparison import AblationBlock, CompareBlock, GateBlock
from uniavgen_bench.core.errors import InputError, Where, unknown_name
from uniavgen_bench.core.located import Located, Location, parse_yaml, read_text, validate
from uniavgen_bench.core.registry import DATASETS, METRICS, SYSTEMS, Plugin, Registry
from uniavgen_bench.core.sample import Role, SystemInfo, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin
from uniavgen_bench.metrics.catalogue import plain_name
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.systems.system import SystemPlugin


class SystemBlock(Frozen):
    """An entry of `systems:`; a plain name stands for `{use: name}`."""

    use: str
    id: str | None = Field(default=None, min_length=1)
    role: Role | None = None
    options: dict[str, Any] = Field(default_factory=dict)


def _named(value: Any) -> Any:
    return {"use": value} if isinstance(value, str) else value


class ReportBlock(Frozen):
    """`media`: how clips get beside the report: `link` (hard link, else a copy), `copy`, or `none`."""

    media: Literal["link", "copy", "none"] = "link"


class Suite(Frozen):
    """The schema of a suite file."""

    schema_version: Literal[1] = Field(alias="schema")
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    task: Task | None = None
    dataset: dict[str, Any]
    repeats: int = Field(default=1, ge=1, le=1000)
    seed: int = Field(default=2025, ge=0)
    systems: list[Annotated[SystemBlock, BeforeValidator(_named)]] = Field(min_length=1)
    metrics: list[str] = Field(min_length=1)
    compare: CompareBlock = CompareBlock()
    ablation: AblationBlock | None = None
    gate: GateBlock | None = None
    report: ReportBlock = ReportBlock()


@dataclass(frozen=True)
class ConfiguredSystem:
    """A system of the suite with its plugin and checked options."""

    info: SystemInfo
    plugin: SystemPlugin
    options: Frozen


@dataclass(frozen=True)
class ResolvedSuite:
    """A suite whose names are found, whose options are checked, and whose dataset is read.

    `lock` is the suite as plain data with everything resolved.
    """

    suite: Suite
    dataset: Dataset
    systems: tuple[ConfiguredSystem, ...]
    metrics: tuple[tuple[str, Metric], ...]
    lock: dict[str, Any]


def override(located: Located, settings: Sequence[str]) -> Located:
    """Apply `KEY=VALUE` settings of the command line; keys are dotted, values are YAML.

    Raises:
        InputError: no `=`, a bad value, or a key that leads into something that is not a mapping.
    """
    data, lines = located.data, dict(located.lines)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise InputError(f"{setting!r} is not KEY=VALUE", where=Where("--set"))
        value = parse_yaml(text, f"--set {key}").data
        data = _put(data, tuple(key.split(".")), value, key)
        lines = {at: line for at, line in lines.items() if at[: key.count(".") + 1] != tuple(key.split("."))}
    return replace(located, data=data, lines=lines)


def _put(data: Any, path: tuple[str, ...], value: Any, key: str) -> Any:
    if not path:
        return value
    head, rest = path[0], path[1:]
    if isinstance(data, list):
        if not head.isdecimal() or int(head) >= len(data):
            raise InputError(f"{head!r} is no item of the list", where=Where("--set", key=key))
        return [_put(item, rest, value, key) if i == int(head) else item for i, item in enumerate(data)]
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise InputError("leads into a plain value", where=Where("--set", key=key))
    return {**data, head: _put(data.get(head), rest, value, key)}


def read_suite(path: Path, settings: Sequence[str] = ()) -> tuple[Suite, Located]:
    """Read a suite file, apply `--set`, and check it; relative paths in it are relative to the file.

    Raises:
        InputError: names file, line, key and the nearest valid name.
    """
    located = parse_yaml(read_text(path), str(path))
    if isinstance(located.data, dict):
        located = replace(located, data=_absolute(located.data, path.parent))
    located = override(located, settings)
    return validate(Suite, located), located


def _absolute(data: dict[str, Any], base: Path) -> dict[str, Any]:
    """Make the dataset's paths in the file absolute, before the command line's are put in."""
    block = data.get("dataset")
    if not isinstance(block, dict):
        return data
    paths = {
        key: str(base / block[key]) for key in ("path", "root", "clips") if isinstance(block.get(key), str)
    }
    return {**data, "dataset": {**block, **paths}}


def resolve(suite: Suite, located: Located) -> ResolvedSuite:
    """Find plugins, check their options, read the dataset.

    Raises:
        InputError: an unknown name, a bad option, a bad dataset, a task that a system cannot do.
        PluginError: a plugin cannot be loaded.
    """
    plugins = Registry(DATASETS, "dataset", DatasetPlugin)
    name = suite.dataset.get("name")
    if not isinstance(name, str):
        raise InputError("is required", where=located.where(("dataset", "name")))
    plugin = _find(plugins, name, located, ("dataset", "name"))
    block = located.inside("dataset", without=frozenset({"name"}))
    dataset_options = validate(plugin.options, block)
    systems = tuple(_configure(suite, i, located) for i in range(len(suite.systems)))
    _distinct([s.info.id for s in systems], located)
    metrics = Registry(METRICS, "metric", Metric)
    names = [plain_name(name, metrics) for name in suite.metrics]
    chosen = [(n, _find(metrics, n, located, ("metrics", i))) for i, n in enumerate(names)]
    lock = suite.model_dump(mode="json", by_alias=True)
    lock["dataset"] = {"name": name, **dataset_options.model_dump(mode="json")}
    lock["systems"] = [s.info.model_dump(mode="json") for s in systems]
    lock["metrics"] = {n: metric.spec.name for n, metric in chosen}
    return ResolvedSuite(suite, plugin.load(dataset_options), systems, tuple(dict(chosen).items()), lock)


def _find(registry: Registry[Plugin], name: str, located: Located, at: Location) -> Plugin:
    if name not in registry.points():
        raise unknown_name(registry.kind, name, registry.names(), where=located.where(at))
    return registry.load(name)


def _configure(suite: Suite, index: int, located: Located) -> ConfiguredSystem:
    block = suite.systems[index]
    given = located.data["systems"][index]
    at: Location = ("systems", index) if isinstance(given, str) else ("systems", index, "use")
    plugin = _find(Registry(SYSTEMS, "system", SystemPlugin), block.use, located, at)
    if suite.task is not None and plugin.tasks is not None and suite.task not in plugin.tasks:
        can = ", ".join(plugin.tasks)
        raise InputError(f"{block.use} cannot do {suite.task.value}; it does {can}", where=located.where(at))
    if isinstance(given, dict) and "options" in given:
        options = validate(plugin.options, located.inside("systems", index, "options"))
    else:
        options = validate(plugin.options, Located({}, {}, located.file, ("systems", index, "options")))
    info = SystemInfo(
        id=block.id or block.use,
        use=block.use,
        role=block.role or plugin.role,
        options=options.model_dump(mode="json"),
    )
    return ConfiguredSystem(info, plugin, options)


def _distinct(names: list[str], located: Located) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            where = located.where(("systems", i))
            raise InputError(f"two systems are called {name!r}", where=where, way_out="give one an id")


def dump_lock(lock: dict[str, Any]) -> bytes:
    """Return suite.lock.yaml."""
    return yaml.safe_dump(lock, sort_keys=False, allow_unicode=True).encode()

"""A suite file: what is run. Reading it checks everything that can be checked before anything is computed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BeforeValidator, Field

from uniavgen_bench.core.comparison import AblationBlock, CompareBlock, GateBlock, level_text
from uniavgen_bench.core.errors import InputError, Where, unknown_name
from uniavgen_bench.core.located import Located, Location, parse_yaml, read_text, validate
from uniavgen_bench.core.published import PublishedBlock
from uniavgen_bench.core.registry import DATASETS, METRICS, SYSTEMS, Plugin, Registry
from uniavgen_bench.core.sample import Role, SystemInfo, Task
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin, options_for_task
from uniavgen_bench.metrics.catalogue import plain_name, unknown_metric
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.ablation import Asked, FactorOptions, asked_ablation, expand
from uniavgen_bench.runner.comparison_blocks import check_compare, check_gate, measured_by
from uniavgen_bench.runner.configured import ConfiguredSystem
from uniavgen_bench.runner.published_block import check_published, narrowed_published
from uniavgen_bench.runner.suite_path import absolute_paths
from uniavgen_bench.systems.precomputed import PrecomputedOptions
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
    published: PublishedBlock | None = None
    report: ReportBlock = ReportBlock()


@dataclass(frozen=True)
class ResolvedSuite:
    """A suite whose names are found, whose options are checked, and whose dataset is read.

    `lock` is the suite as plain data with everything resolved, and what each metric was `computed` by. `ablation` is
    the suite's or the command line's; its cells are among `systems`.
    """

    suite: Suite
    dataset: Dataset
    systems: tuple[ConfiguredSystem, ...]
    metrics: tuple[tuple[str, Metric], ...]
    lock: dict[str, Any]
    ablation: AblationBlock | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The systems that are cells of the ablation, in the order of the tables."""
        return tuple(s.info.id for s in self.systems if s.info.factors)

    @property
    def reference(self) -> str | None:
        """The system with every factor at its first level; None without an ablation."""
        if self.ablation is None:
            return None
        first = {name: level_text(levels[0]) for name, levels in self.ablation.factors.items()}
        return next((s.info.id for s in self.systems if s.info.factors == first), None)


def override(located: Located, settings: Sequence[str]) -> Located:
    """Apply `KEY=VALUE` settings of the command line; keys are dotted, values are YAML.

    Raises:
        InputError: no `=`, a bad value, or a key that leads into something that is not a mapping.
    """
    data, lines, given = located.data, dict(located.lines), set(located.given)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise InputError(f"{setting!r} is not KEY=VALUE", where=Where("--set"))
        value = parse_yaml(text, f"--set {key}").data
        data = _put(data, tuple(key.split(".")), value, key)
        lines = {at: line for at, line in lines.items() if at[: key.count(".") + 1] != tuple(key.split("."))}
        given.add(tuple(int(part) if part.isdecimal() else part for part in key.split(".")))
    return replace(located, data=data, lines=lines, given=frozenset(given))


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
        raise _plain(data, key, len(path))
    return {**data, head: _put(data.get(head), rest, value, key)}


def _plain(data: Any, key: str, below: int) -> InputError:
    """Return what to say of a key whose last `below` parts lead into a plain value."""
    parents = key.split(".")[:-below]
    if len(parents) == 2 and parents[0] == "systems" and isinstance(data, str):
        what = f"system {parents[1]} is the bare name {data}, which has no keys"
        way_out = f"write it as {{id: {data}, use: {data}, options: ...}}"
    else:
        there = ".".join(parents) or "the suite"
        what, way_out = f"leads into a plain value: {there} is {data!r}", None
    return InputError(what, where=Where("--set", key=key), way_out=way_out)


def read_suite(
    path: Path, settings: Sequence[str] = (), metrics: Sequence[str] = ()
) -> tuple[Suite, Located]:
    """Read a suite file, apply `--set`, and check it; relative paths in it are relative to the file.

    `metrics` take the place of the suite's; what it says of other metrics' fields is left out then.

    Raises:
        InputError: names file, line, key and the nearest valid name.
    """
    located = parse_yaml(read_text(path), str(path))
    if isinstance(located.data, dict):
        located = replace(located, data=absolute_paths(located.data, path.parent))
    chosen = [f"metrics=[{', '.join(metrics)}]"] if metrics else []
    located = override(located, [*settings, *chosen])
    suite = validate(Suite, located)
    return (_narrowed(suite, metrics) if metrics else suite), located


def _narrowed(suite: Suite, metrics: Sequence[str]) -> Suite:
    """Leave out the fields of metrics that were not chosen for this run."""
    fields = tuple(measured_by(suite.compare.fields, metrics))
    update: dict[str, Any] = {"compare": suite.compare.model_copy(update={"fields": fields})}
    if suite.gate is not None:
        kept = measured_by(list(suite.gate.margins), metrics)
        margins = {name: suite.gate.margins[name] for name in kept}
        update["gate"] = suite.gate.model_copy(update={"margins": margins})
    if suite.published is not None:
        update["published"] = narrowed_published(suite.published, metrics)
    return suite.model_copy(update=update)


def resolve(suite: Suite, located: Located, factors: FactorOptions | None = None) -> ResolvedSuite:
    """Find plugins, check their options, expand the ablation, read the dataset.

    `factors` is the ablation of the command line.

    Raises:
        InputError: an unknown name, a bad option, a bad dataset, a task that a system cannot do, an ablation that
            cannot be made, a comparison of what is not there.
        PluginError: a plugin cannot be loaded.
    """
    plugins = Registry(DATASETS, "dataset", DatasetPlugin)
    name = suite.dataset.get("name")
    if not isinstance(name, str):
        raise InputError("is required", where=located.where(("dataset", "name")))
    plugin = _find(plugins, name, located, ("dataset", "name"))
    block = located.inside("dataset", without=frozenset({"name"}))
    at = located.where(("dataset", "name"))
    dataset_options = options_for_task(plugin, validate(plugin.options, block), suite.task, at)
    systems = tuple(_configure(suite, i, located) for i in range(len(suite.systems)))
    _distinct([s.info.id for s in systems], located)
    metrics = Registry(METRICS, "metric", Metric)
    names = [plain_name(name, metrics) for name in suite.metrics]
    for i, name in enumerate(names):
        if name not in metrics.points():
            raise unknown_metric(name, metrics, located.where(("metrics", i)))
    chosen = [(n, _find(metrics, n, located, ("metrics", i))) for i, n in enumerate(names)]
    specs = [metric.spec for _, metric in chosen]
    own = Asked(suite.ablation, located.inside("ablation")) if suite.ablation is not None else None
    asked = asked_ablation(factors or FactorOptions(), own, systems)
    if asked is not None:
        systems = expand(asked, systems)
    dataset = plugin.load(dataset_options)
    _check_tasks(systems, dataset, located)
    ids = _names_of(systems, dataset)
    check_compare(suite.compare, located, ids, specs, dataset)
    if suite.gate is not None:
        check_gate(suite.gate, located, ids, specs)
    if suite.published is not None:
        check_published(suite.published, located, ids, specs)
    ablation = asked.block if asked is not None else None
    lock = suite.model_dump(mode="json", by_alias=True)
    lock["dataset"] = {"name": name, **dataset_options.model_dump(mode="json")}
    lock["systems"] = [s.info.model_dump(mode="json") for s in systems]
    lock["metrics"] = {n: metric.spec.name for n, metric in chosen}
    lock["computed"] = {metric.spec.name: _computed(metric) for _, metric in chosen}
    lock["ablation"] = ablation.model_dump(mode="json") if ablation is not None else None
    return ResolvedSuite(suite, dataset, systems, tuple(dict(chosen).items()), lock, ablation)


def _names_of(systems: Sequence[ConfiguredSystem], dataset: Dataset) -> list[str]:
    """Return the names of all systems that a run of the suite can have."""
    names: list[str] = []
    for system in systems:
        options = system.options
        if system.plugin.finished and not (isinstance(options, PrecomputedOptions) and options.clips):
            wanted = options.only if isinstance(options, PrecomputedOptions) else ()
            names += [clip.system for clip in dataset.clips if not wanted or clip.system in wanted]
        else:
            names.append(system.info.id)
    return list(dict.fromkeys(names))


def _computed(metric: Metric) -> dict[str, Any]:
    """Return what a metric's numbers come from beside its weights: the count of repairs and its parameters."""
    return {"code": metric.code, "params": json.loads(json.dumps(dict(metric.parameters), default=str))}


def _find(registry: Registry[Plugin], name: str, located: Located, at: Location) -> Plugin:
    if name not in registry.points():
        raise unknown_name(registry.kind, name, registry.names(), where=located.where(at))
    return registry.load(name)


def _configure(suite: Suite, index: int, located: Located) -> ConfiguredSystem:
    block = suite.systems[index]
    given = located.data["systems"][index]
    at: Location = ("systems", index) if isinstance(given, str) else ("systems", index, "use")
    plugin = _find(Registry(SYSTEMS, "system", SystemPlugin), block.use, located, at)
    if isinstance(given, dict) and "options" in given:
        options = validate(plugin.options, located.inside("systems", index, "options"))
    else:
        options = validate(
            plugin.options, Located({}, {}, located.file, ("systems", index, "options"), located.given)
        )
    _refuse_task(suite.task, block.use, plugin, options, located, at)
    info = SystemInfo(
        id=block.id or block.use,
        use=block.use,
        role=block.role or plugin.role,
        options=options.model_dump(mode="json"),
    )
    return ConfiguredSystem(info, plugin, options, place=located.inside("systems", index))


def _refuse_task(
    task: Task | None, name: str, plugin: SystemPlugin, options: Frozen, located: Located, at: Location
) -> None:
    tasks = plugin.tasks_of(options) if plugin.tasks_of is not None else plugin.tasks
    if task is not None and tasks is not None and task not in tasks:
        raise InputError(
            f"{name} cannot do {task.value}; it does {', '.join(tasks)}", where=located.where(at)
        )


def _check_tasks(systems: Sequence[ConfiguredSystem], dataset: Dataset, located: Located) -> None:
    """Refuse samples of a task that a system of another project cannot do, whatever the suite's own task says."""
    tasks = sorted({sample.task for sample in dataset.samples if sample.task is not None})
    for i, system in enumerate(s for s in systems if not s.varied):
        if system.plugin.own_stage:
            for task in tasks:
                _refuse_task(task, system.info.use, system.plugin, system.options, located, ("systems", i))


def _distinct(names: list[str], located: Located) -> None:
    for i, name in enumerate(names):
        if name in names[:i]:
            where = located.where(("systems", i))
            raise InputError(f"two systems are called {name!r}", where=where, way_out="give one an id")


def dump_lock(lock: dict[str, Any]) -> bytes:
    """Return suite.lock.yaml."""
    return yaml.safe_dump(lock, sort_keys=False, allow_unicode=True).encode()

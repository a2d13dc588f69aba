"""The datasets that are installed, as `dataset list` and `dataset show` print them."""

from __future__ import annotations

import json as jsonlib
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.located import Located, parse_yaml, validate
from uniavgen_bench.core.registry import DATASETS, PluginError, Registry
from uniavgen_bench.datasets.card import SetCard
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin

COUNTED = ("image", "caption", "speech", "reference_audio", "condition_audio", "condition_video")
MOST_CATEGORIES = 60


def show_list(*, json: bool) -> None:
    """Print every dataset with what it serves; one that cannot be loaded is shown with its error."""
    registry = Registry(DATASETS, "dataset", DatasetPlugin)
    plugins: dict[str, DatasetPlugin] = {}
    broken: dict[str, str] = {}
    for name in registry.names():
        try:
            plugins[name] = registry.load(name)
        except PluginError as error:
            broken[name] = str(error)
    if json:
        data = {name: _listed(plugin) for name, plugin in plugins.items()}
        _write({"datasets": data, "broken": broken})
        return
    console = Console()
    for name, plugin in plugins.items():
        card = plugin.card
        size = f" · {card.size} items" if card and card.counts else ""
        console.print(f"[bold]{escape(name)}[/]  {escape(_tasks(plugin))}{size}", highlight=False)
        console.print(f"  {escape(plugin.summary)}", highlight=False)
        if card is not None:
            facts = f"  licence: {card.licence} · cite: {card.citation}"
            console.print(f"[dim]{escape(facts)}[/]", highlight=False)
    for name, problem in broken.items():
        Console(stderr=True).print(f"[red]broken[/]  {escape(name)}: {escape(problem)}")


def show_dataset(name: str, settings: Sequence[str], *, json: bool) -> None:
    """Print the facts of a dataset, and with options the counts of what they name.

    Raises:
        InputError: no such dataset, a bad option, or a bad dataset.
    """
    plugin = Registry(DATASETS, "dataset", DatasetPlugin).load(name)
    dataset = _loaded(plugin, settings) if settings else None
    if json:
        data = _listed(plugin)
        if dataset is not None:
            data["copy"] = {
                "samples": len(dataset.samples),
                "clips": len(dataset.clips),
                "categories": counts_by_category(dataset),
                "facts": dataset.facts,
                "notes": list(dataset.notes),
            }
        _write({name: data})
        return
    console = Console()
    console.print(f"[bold]{escape(name)}[/]  {escape(plugin.summary)}", highlight=False)
    facts = {"tasks": _tasks(plugin), "options": ", ".join(plugin.options.model_fields)}
    for key, value in {**facts, **(_facts(plugin.card) if plugin.card else {})}.items():
        console.print(f"[dim]{key:>10}[/]  {escape(value)}", highlight=False)
    if dataset is not None:
        _print_counts(console, dataset)
    elif plugin.card is not None:
        console.print(f"count a local copy: uniavgen-bench dataset show {name} --set path=…", highlight=False)


def _loaded(plugin: DatasetPlugin, settings: Sequence[str]) -> Dataset:
    """Read a dataset; ways out name its options as this command takes them, without the suite's `dataset.`."""
    options = read_options(plugin, settings)
    try:
        return plugin.load(options)
    except InputError as error:
        way_out = error.way_out.replace("dataset.", "") if error.way_out else None
        raise InputError(error.what, where=error.where, way_out=way_out) from None


def read_options(plugin: DatasetPlugin, settings: Sequence[str]) -> Any:
    """Return the checked options of `KEY=VALUE` settings; raises InputError that names the key."""
    data: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise InputError(f"{setting!r} is not KEY=VALUE", where=Where("--set"))
        inner = data
        *parents, last = key.split(".")
        for parent in parents:
            inner = inner.setdefault(parent, {})
            if not isinstance(inner, dict):
                raise InputError("leads into a plain value", where=Where("--set", key=key))
        inner[last] = parse_yaml(text, f"--set {key}").data
    return validate(plugin.options, Located(data, {}, "--set", ()))


def counts_by_category(dataset: Dataset) -> dict[str, dict[str, int]]:
    """Return by category the number of samples, and of those that have each field; `total` is last."""
    found: dict[str, Counter[str]] = {}
    total: Counter[str] = Counter()
    for sample in dataset.samples:
        given = ["samples", *(field for field in COUNTED if getattr(sample, field) is not None)]
        found.setdefault(sample.facts.get("category", "-"), Counter()).update(given)
        total.update(given)
    columns = ("samples", *(field for field in COUNTED if total[field]))
    rows = {**dict(sorted(found.items())), "total": total}
    return {name: {column: counter[column] for column in columns} for name, counter in rows.items()}


def _print_counts(console: Console, dataset: Dataset) -> None:
    counts = counts_by_category(dataset)
    columns = list(counts["total"])
    table = Table("category", *columns, box=None, pad_edge=False, header_style="bold")
    shown = [*list(counts)[:-1][:MOST_CATEGORIES], "total"]
    for name in shown:
        table.add_row(escape(name), *(f"{counts[name][column]:,}" for column in columns))
    console.print(table)
    if len(counts) > len(shown):
        console.print(f"{len(counts) - len(shown)} more categories: --json lists them", highlight=False)
    if dataset.clips:
        console.print(f"{len(dataset.clips)} finished clips", highlight=False)
    for note in dataset.notes:
        console.print(f"[yellow]note[/]  {escape(note)}", highlight=False)


def _tasks(plugin: DatasetPlugin) -> str:
    return "any" if plugin.tasks is None else ", ".join(plugin.tasks) or "none of the five"


def _facts(card: SetCard) -> Mapping[str, str]:
    counts = ", ".join(f"{name} {count:,}" for name, count in card.counts.items())
    fields = "; ".join(f"{name}: {source}" for name, source in card.fields.items())
    return {
        "serves": card.serves,
        "home": card.home,
        "get": card.get,
        "layout": card.layout,
        "documented": counts or "nothing",
        "fields": fields,
        "licence": card.licence,
        "cite": card.citation,
        "read at": card.read_at,
    } | {f"trap {i}": trap for i, trap in enumerate(card.traps, start=1)}


def _listed(plugin: DatasetPlugin) -> dict[str, Any]:
    card = plugin.card
    data: dict[str, Any] = {
        "summary": plugin.summary,
        "tasks": list(plugin.tasks) if plugin.tasks is not None else ["any"],
        "options": {key: str(field.annotation) for key, field in plugin.options.model_fields.items()},
    }
    if card is not None:
        data |= {
            "title": card.title,
            "serves": card.serves,
            "home": card.home,
            "get": card.get,
            "layout": card.layout,
            "licence": card.licence,
            "citation": card.citation,
            "read_at": card.read_at,
            "counts": dict(card.counts),
            "fields": dict(card.fields),
            "traps": list(card.traps),
        }
    return data


def _write(data: Any) -> None:
    sys.stdout.write(jsonlib.dumps(data, indent=2, ensure_ascii=False) + "\n")

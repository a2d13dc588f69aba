"""The systems that are installed, as `systems list` prints them."""

from __future__ import annotations

import json as jsonlib
import sys
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.registry import SYSTEMS, PluginError, Registry
from uniavgen_bench.systems.external.checkout import commit_of, default_root, root_of
from uniavgen_bench.systems.external.external import External
from uniavgen_bench.systems.external.f5_tts import EXTERNAL as SPEECH
from uniavgen_bench.systems.system import SystemPlugin

BUILT_IN, ABSENT = "built in", "no checkout here"


def state(plugin: SystemPlugin) -> str:
    """Return whether a system can be found here: built in, or the commit of its checkout; of a cascade both."""
    if not isinstance(plugin.facts, External):
        return BUILT_IN
    external = plugin.facts
    if not external.home:
        return "ready"
    if "speech" not in plugin.options.model_fields:
        return _checkout_state(external)
    second = replace(external, name=external.name.removeprefix(f"{SPEECH.name}-"))
    stages = {stage.name: _checkout_state(stage) for stage in (SPEECH, second)}
    if set(stages.values()) == {ABSENT}:
        return ABSENT
    return "; ".join(f"{name}: {text}" for name, text in stages.items())


def _checkout_state(external: External) -> str:
    root = default_root(external.name)
    if root is None:
        return ABSENT
    try:
        root_of(external, external.options.model_construct(root=root))
    except InputError:
        return "wrong folder"
    commit = commit_of(root)
    known = commit.sha is not None and commit.sha.startswith(external.commit)
    return f"checkout {commit}" + ("" if known else f", known is {external.commit}")


def show_systems(*, json: bool) -> None:
    """Print every system with its role, tasks and options; one that cannot be loaded is shown with its error."""
    registry = Registry(SYSTEMS, "system", SystemPlugin)
    rows: list[dict[str, Any]] = []
    broken: dict[str, str] = {}
    for name in registry.names():
        try:
            plugin = registry.load(name)
        except PluginError as error:
            broken[name] = str(error)
            continue
        tasks = [t.value for t in plugin.tasks] if plugin.tasks is not None else ["any"]
        options = {key: str(field.annotation) for key, field in plugin.options.model_fields.items()}
        rows.append({"name": name, "summary": plugin.summary, "role": plugin.role.value, "tasks": tasks,
                     "fps": plugin.fps, "licence": plugin.licence or "this package", "state": state(plugin),
                     "options": options})  # fmt: skip
    if json:
        sys.stdout.write(
            jsonlib.dumps({"systems": rows, "broken": broken}, indent=2, ensure_ascii=False) + "\n"
        )
        return
    _show_table("part of this package", [r for r in rows if r["state"] == BUILT_IN], ("role", "options"))
    others = [r for r in rows if r["state"] != BUILT_IN]
    if others:
        Console().print()
        _show_table("of other projects, in checkouts of their own", others, ("fps", "licence", "state"))
    for name, problem in broken.items():
        Console(stderr=True).print(f"[red]broken[/]  {escape(name)}: {escape(problem)}")


def _show_table(title: str, rows: list[dict[str, Any]], columns: tuple[str, ...]) -> None:
    table = Table("system", "tasks", *columns, "what", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        cells = [", ".join(v) or "none" if not isinstance(v, str) else v for v in (row[c] for c in columns)]
        table.add_row(row["name"], ", ".join(row["tasks"]), *map(escape, cells), escape(row["summary"]))
    console = Console()
    console.print(title, style="bold")
    console.print(table)

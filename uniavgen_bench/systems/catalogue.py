"""The systems that are installed, as `systems list` prints them."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from uniavgen_bench.core.registry import SYSTEMS, PluginError, Registry
from uniavgen_bench.systems.system import SystemPlugin


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
                     "options": options})  # fmt: skip
    if json:
        sys.stdout.write(
            jsonlib.dumps({"systems": rows, "broken": broken}, indent=2, ensure_ascii=False) + "\n"
        )
        return
    table = Table("system", "role", "tasks", "options", "what", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(row["name"], row["role"], ", ".join(row["tasks"]), ", ".join(row["options"]) or "none",
                      escape(row["summary"]))  # fmt: skip
    Console().print(table)
    for name, problem in broken.items():
        Console(stderr=True).print(f"[red]broken[/]  {escape(name)}: {escape(problem)}")

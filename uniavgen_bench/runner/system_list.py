"""`systems list`: a line a system with its whole name, below what it is, and its licence."""

from __future__ import annotations

import json as jsonlib
import sys
import typing
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from uniavgen_bench.core.registry import SYSTEMS, PluginError, Registry
from uniavgen_bench.systems.catalogue import BUILT_IN, state
from uniavgen_bench.systems.system import SystemPlugin


def show_list(*, json: bool) -> None:
    """Print every system with its tasks, frame rate and state; one that cannot be loaded is shown with its error."""
    registry = Registry(SYSTEMS, "system", SystemPlugin)
    rows: list[dict[str, Any]] = []
    broken: dict[str, str] = {}
    for name in registry.names():
        try:
            rows.append(_row(registry.load(name)))
        except PluginError as error:
            broken[name] = str(error)
    if json:
        told = jsonlib.dumps({"systems": rows, "broken": broken}, indent=2, ensure_ascii=False)
        sys.stdout.write(told + "\n")
        return
    console = Console(soft_wrap=True, highlight=False)
    own = [row for row in rows if row["state"] == BUILT_IN]
    others = [row for row in rows if row["state"] != BUILT_IN]
    width = max((len(row["name"]) for row in rows), default=0)
    for title, members in (
        ("part of this package", own),
        ("of other projects, in checkouts of their own", others),
    ):
        if members:
            console.print(f"[bold]{title}[/]")
        for row in members:
            _print(console, row, width, max(40, Console().width))
    for name, problem in broken.items():
        Console(stderr=True).print(f"[red]broken[/]  {escape(name)}: {escape(problem)}")


def _row(plugin: SystemPlugin) -> dict[str, Any]:
    return {
        "name": plugin.name, "summary": plugin.summary, "role": plugin.role.value,
        "tasks": [t.value for t in plugin.tasks] if plugin.tasks is not None else ["any"],
        "fps": plugin.fps, "licence": plugin.licence or "this package", "state": state(plugin),
        "options": {key: type_text(field.annotation) for key, field in plugin.options.model_fields.items()},
    }  # fmt: skip


def _print(console: Console, row: dict[str, Any], width: int, columns: int) -> None:
    """Print two lines, or three where a licence is told; only what follows the name may be cut to the terminal."""
    tasks = ", ".join(row["tasks"]) or "none"
    about = [tasks, row["role"] if row["state"] == BUILT_IN else row["state"]]
    if row["fps"]:
        about.append(f"{row['fps']} fps" if row["fps"][0].isdigit() else f"fps: {row['fps']}")
    room = max(20, columns - width - 2)
    console.print(f"{escape(row['name']):<{width}}  {escape(_cut(' · '.join(about), room))}")
    console.print(f"[dim]{' ' * width}  {escape(_cut(row['summary'], room))}[/]")
    if row["state"] != BUILT_IN and row["licence"] != "this package":
        console.print(f"[dim]{' ' * width}  {escape(_cut(row['licence'], room))}[/]")


def _cut(text: str, room: int) -> str:
    return text if len(text) <= room or not sys.stdout.isatty() else text[: room - 1] + "…"


def type_text(annotation: Any) -> str:
    """Return a type as it is written: `float`, `list[str] | None`; choices as their values."""
    if annotation is type(None):
        return "null"
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return {"PosixPath": "path", Path.__name__: "path"}.get(annotation.__name__, annotation.__name__)
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return type_text(inner[0])
    if origin is typing.Literal:
        return " | ".join(jsonlib.dumps(value) for value in inner)
    texts = [type_text(part) for part in inner if part is not ...]
    if isinstance(origin, type) and origin.__name__ not in ("UnionType", "Union"):
        name = "list" if origin in (tuple, list) else origin.__name__
        return f"{name}[{', '.join(texts)}]"
    return " | ".join(texts) or str(annotation)

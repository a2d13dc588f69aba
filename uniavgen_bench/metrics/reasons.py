"""Why a metric's numbers may be missing: read from its code, so that the list is what the code can raise."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from uniavgen_bench.analysis.needs import needed_weights
from uniavgen_bench.core.result import Reason
from uniavgen_bench.core.spec import Artefact
from uniavgen_bench.metrics.metric import Metric

PICTURE = (Reason.NO_VIDEO,)
FACE = (Reason.NO_VIDEO, Reason.NO_FACE)
SOUND = (Reason.NO_AUDIO, Reason.BAD_AUDIO, Reason.SILENT)
OF_ARTEFACTS: Mapping[Artefact, tuple[Reason, ...]] = {
    Artefact.FRAMES: PICTURE,
    Artefact.FACES: FACE,
    Artefact.CROPS: FACE,
    Artefact.THUMBNAILS: PICTURE,
    Artefact.WHOLE_FRAMES: PICTURE,
    Artefact.PICTURES: PICTURE,
    Artefact.SPEECH: SOUND,
    Artefact.VOICE_ACTIVITY: SOUND,
    Artefact.TRANSCRIPT: (*SOUND, Reason.NO_SPEECH),
    Artefact.SPEAKER: (*FACE, Reason.SEVERAL_SPEAKERS),
}
"""What the artefacts of a clip raise; beside these every one raises `unreadable`."""
FOLLOWED = ("uniavgen_bench.metrics.", "uniavgen_bench.judges.", "uniavgen_bench.analysis.transcript")
"""Where functions are followed; what else they use of analysis is told by the artefacts that they read."""
OF_ANY = frozenset({Reason.UNREADABLE})


def reasons_of(metric: Metric) -> list[Reason]:
    """Return the reasons of what a metric reads and of what its functions raise, in the order of the closed list."""
    spec = metric.spec
    found = {reason for need in spec.needs for reason in OF_ARTEFACTS[need]}
    found |= {Reason.WEIGHTS} if needed_weights([spec]) else set()
    found |= {Reason.NOT_INSTALLED} if spec.extra else set()
    found |= raised(metric.measure)
    return [reason for reason in Reason if reason in found - OF_ANY]


def raised(function: Callable[..., Any]) -> set[Reason]:
    """Return the reasons in `Missing(…)` and `MissingError(…)` of a function and of all that it uses of this package.

    A class counts whole; whether a caller catches what is raised is not seen.
    """
    start = (function.__module__, function.__qualname__.partition(".")[0])
    found: set[Reason] = set()
    seen, waiting = {start}, [start]
    while waiting:
        module, name = waiting.pop()
        code = _code(module)
        node = code.defined.get(name)
        if node is None:
            continue
        found |= set(_reasons(node))
        new = set(_used(node, module, code)) - seen
        seen |= new
        waiting += new
    return found


@dataclass(frozen=True)
class _Code:
    """What a module defines at its top, and what it imports from where, by the name used in it."""

    defined: Mapping[str, ast.AST]
    imported: Mapping[str, tuple[str, str]]


@cache
def _code(module: str) -> _Code:
    file = getattr(sys.modules.get(module) or import_module(module), "__file__", None)
    tree = ast.parse(Path(file).read_bytes() if file else b"")
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    imported = {
        alias.asname or alias.name: (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    return _Code(defined, imported)


def _reasons(node: ast.AST) -> Iterator[Reason]:
    for call in ast.walk(node):
        if isinstance(call, ast.Attribute) and call.attr == "reference_speech":
            yield Reason.NO_REFERENCE
        elif isinstance(call, ast.Call) and getattr(call.func, "id", "") in ("Missing", "MissingError"):
            for part in ast.walk(call):
                if isinstance(part, ast.Attribute) and getattr(part.value, "id", "") == "Reason":
                    yield Reason[part.attr]


def _used(node: ast.AST, module: str, code: _Code) -> Iterator[tuple[str, str]]:
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute):
            if isinstance(part.value, ast.Name) and part.value.id in code.imported:
                package, name = code.imported[part.value.id]
                whole = f"{package}.{name}"
                if whole.startswith(FOLLOWED) and whole in sys.modules:
                    yield (whole, part.attr)
        elif isinstance(part, ast.Name):
            if part.id in code.defined:
                yield (module, part.id)
            elif code.imported.get(part.id, ("", ""))[0].startswith(FOLLOWED):
                yield code.imported[part.id]

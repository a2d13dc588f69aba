"""Texts that users write, read so that every error names file, line and key (`core.tables`: and column)."""

from __future__ import annotations

import stat
import types
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from uniavgen_bench.core.errors import InputError, Where, nearest

Schema = TypeVar("Schema", bound=BaseModel)
Location = tuple[str | int, ...]
MAX_BYTES = 64 << 20
MAX_YAML = 256 << 10
"""Characters of a YAML text: its parser reads a few hundred thousand in a second."""
MAX_NODES = 100_000
"""Keys, items and values of a YAML text, aliases followed: a few lines of aliases can stand for billions."""


@dataclass(frozen=True)
class Located:
    """Plain data with the line (from 1) of each of its keys and items; `given` came from the command line instead."""

    data: Any
    lines: Mapping[Location, int]
    file: str
    at: Location = ()
    given: frozenset[Location] = frozenset()

    def inside(self, *path: str | int, without: frozenset[str] = frozenset()) -> Located:
        """Return the part below a path that exists, less some of its keys; places still name the whole file."""
        data = self.data
        for part in path:
            data = data[part]
        if isinstance(data, dict):
            data = {key: value for key, value in data.items() if key not in without}
        return Located(data, self.lines, self.file, (*self.at, *path), self.given)

    def where(self, location: Location) -> Where:
        """Return the place of a key, or of its nearest parent that has one."""
        location = (*self.at, *location)
        key = ".".join(str(part) for part in location) or None
        if any(location[: len(given)] == given for given in self.given):
            return Where("--set" if location[0] != "metrics" else "--set or --metrics", None, key)
        at = location
        while at and at not in self.lines:
            at = at[:-1]
        return Where(self.file, self.lines.get(at), key)


def read_text(path: Path) -> str:
    """Read a UTF-8 file (a byte-order mark is allowed).

    Raises:
        InputError: as `read_given`, or not UTF-8 (the message names the line).
    """
    raw = read_given(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError("is not UTF-8", where=Where(path, line), way_out="save it as UTF-8") from None


def read_given(path: Path, most: int = MAX_BYTES) -> bytes:
    """Read a file that somebody gave; a pipe or device, of which reading may never end, is refused.

    Raises:
        InputError: absent, a folder, no regular file, unreadable, or larger than `most` bytes.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode) and not stat.S_ISDIR(state.st_mode):
            raise InputError("is a pipe or device, not a file", where=Where(path))
        if state.st_size > most:
            size = f"{most >> 20} MiB" if most >= 1 << 20 else f"{most >> 10} KiB"
            raise InputError(f"is larger than {size}", where=Where(path))
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError("no such file", where=Where(path), way_out=_sibling(path)) from None
    except IsADirectoryError:
        raise InputError("is a folder, not a file", where=Where(path)) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=Where(path)) from None
    except ValueError as error:  # a NUL, or half of a character, in the path
        raise InputError(f"cannot be a path: {error}", where=Where(repr(str(path)))) from None


def _sibling(path: Path) -> str | None:
    """Return a hint that names the most similar file in the same folder."""
    if not path.parent.is_dir():
        return None
    close = nearest(path.name, [p.name for p in path.parent.iterdir()])
    return f"did you mean {close!r}?" if close else None


def parse_yaml(text: str, file: str) -> Located:
    """Parse YAML with the safe tags only.

    Raises:
        InputError: bad syntax, a key given twice, an unknown tag; the message names the line.
    """
    if len(text) > MAX_YAML:
        raise InputError(f"is larger than {MAX_YAML >> 10} KiB", where=Where(file))
    try:
        loader = yaml.SafeLoader(text)
        root = loader.get_single_node()
        reader = _YamlReader(loader, file)
        data = reader.value(root, (), frozenset()) if root is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or "is not YAML"
        raise InputError(problem, where=Where(file, mark.line + 1 if mark else None)) from None
    except yaml.YAMLError as error:
        raise InputError(f"is not YAML: {error}", where=Where(file)) from None
    except RecursionError:
        raise InputError("is nested too deep", where=Where(file)) from None
    return Located(data, reader.lines, file)


class _YamlReader:
    """Makes plain data of the nodes of a document, and notes the line of each key and item."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self.loader, self.file = loader, file
        self.lines: dict[Location, int] = {}
        self.nodes = 0

    def value(self, node: yaml.Node, at: Location, above: frozenset[int]) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(at, line)
        self.nodes += 1
        if id(node) in above or len(at) > 40:
            raise InputError(
                "an alias contains itself, or the nesting is too deep", where=Where(self.file, line)
            )
        if self.nodes > MAX_NODES:
            what = f"stands for more than {MAX_NODES:,} values, aliases followed"
            raise InputError(what, where=Where(self.file, line))
        inside = above | {id(node)}
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, at, inside)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(n, (*at, i), inside) for i, n in enumerate(node.value)]
        try:
            value = self.loader.construct_object(node)
            if isinstance(value, bytes):
                raise ValueError("bytes stand in no suite")
            return value
        except ValueError as error:  # for example a date with a thirteenth month
            raise InputError(f"is not a value: {error}", where=Where(self.file, line)) from None
        except (
            LookupError,
            AttributeError,
            TypeError,
        ):  # a tag that does not fit: !!bool maybe, !!timestamp x
            raise InputError(f"is no {node.tag.rpartition(':')[2]}", where=Where(self.file, line)) from None

    def _mapping(self, node: yaml.MappingNode, at: Location, inside: frozenset[int]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key_line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise InputError("a key must be a plain word", where=Where(self.file, key_line))
            key = str(key_node.value)
            if key in mapping:
                raise InputError("the key is given twice", where=Where(self.file, key_line, key))
            self.lines[(*at, key)] = key_line
            mapping[key] = self.value(value_node, (*at, key), inside)
        return mapping


def read_yaml(path: Path) -> Located:
    """Read a YAML file; see `parse_yaml`."""
    return parse_yaml(read_text(path), str(path))


def validate(schema: type[Schema], located: Located) -> Schema:
    """Check data against a schema.

    Raises:
        InputError: the first problem, with file, line, key, and for an unknown key the nearest known one.
    """
    if not isinstance(located.data, dict):
        raise InputError("must hold keys and values", where=located.where(()))
    try:
        return schema.model_validate(located.data)
    except ValidationError as error:
        raise located_problem(schema, error, located) from None


def located_problem(schema: type[BaseModel], error: ValidationError, located: Located) -> InputError:
    """Turn the first problem of a schema error into a located one."""
    problems = error.errors(include_url=False)
    problem = next((p for p in problems if p["type"] == "extra_forbidden"), problems[0])  # a misspelt key
    location = _given(problem["loc"], located.data)
    if problem["type"] == "extra_forbidden":
        known = fields_at(schema, location[:-1])
        close = nearest(str(location[-1]), known)
        way_out = f"did you mean {close!r}?" if close else f"known: {', '.join(known)}"
        return InputError("unknown key", where=located.where(location), way_out=way_out)
    if problem["type"] == "missing":
        return InputError("is required", where=located.where((*location, problem["loc"][-1])))
    given = problem.get("input")
    if given is None:
        setting = ".".join(str(part) for part in (*located.at, *location))
        return InputError(
            "is not set", where=located.where(location), way_out=f"give it: --set {setting}=VALUE"
        )
    shown = f", got {given!r}" if isinstance(given, str | int | float | bool) else ""
    where = located.where(location)
    if problem["type"] == "string_type" and isinstance(given, int | float | bool):
        text = str(given).lower() if isinstance(given, bool) else str(given)
        return InputError(f"must be a text{shown}", where=where, way_out=f"put it in quotes: '\"{text}\"'")
    if problem["type"] in ("tuple_type", "list_type"):
        example = f"[{given}]" if isinstance(given, str | int | float) else "[A, B]"
        return InputError(f"must be a list{shown}", where=where, way_out=f"for example {example}")
    message = problem["msg"].removeprefix("Value error, ")
    return InputError(f"{message[0].lower()}{message[1:]}{shown}", where=located.where(location))


def _given(location: Location, data: Any) -> Location:
    """Keep the parts of a location that stand in the data; the rest are pydantic's names of union members."""
    kept: list[str | int] = []
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            continue
        kept.append(part)
    return tuple(kept)


def fields_at(schema: Any, location: Location) -> list[str]:
    """Return the names that a schema knows at a location, through lists, mappings, and unions."""
    models = _models(schema)
    for part in location:
        inner: list[type[BaseModel]] = []
        for model in models:
            for name, field in model.model_fields.items():
                if part in (name, field.alias):
                    inner += _models(field.annotation)
        models = inner or models
    return sorted({field.alias or name for model in models for name, field in model.model_fields.items()})


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, list, tuple, dict) or get_args(annotation):
        return [model for argument in get_args(annotation) for model in _models(argument)]
    return []

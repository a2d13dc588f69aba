"""Items of a prompt set, read so that whatever a file holds ends in a value or in one line that says where."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from uniavgen_bench.core.errors import InputError, Where, nearest
from uniavgen_bench.core.located import read_text
from uniavgen_bench.core.tables import read_rows

LONGEST_ID = 200
SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True)
class Item:
    """One row of a table or one object of a JSON file, with the place that messages name.

    `inside` is the path of the object within what stands at `line`, for example `speech_prompt[1]`.
    """

    file: Path
    line: int
    data: Mapping[str, Any]
    inside: str = ""

    def where(self, key: str = "") -> Where:
        """Return the place of a key or column."""
        return Where(self.file, self.line, ".".join(part for part in (self.inside, key) if part) or None)

    def text(self, key: str) -> str:
        """Return a text that must be there; raises InputError when it is absent, empty or no text."""
        value = self.optional(key)
        if value is None:
            raise InputError("is empty" if key in self.data else "is missing", where=self.where(key))
        return value

    def optional(self, key: str) -> str | None:
        """Return a text, or None when it is absent, null or blank; raises InputError for another type."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise InputError(f"must be a text, got {_kind(value)}", where=self.where(key))
        return clean(value, self.where(key)) or None

    def whole(self, key: str) -> int:
        """Return a whole number that must be there; digits in a text are taken too."""
        value = self.data.get(key)
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
            return int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 10**9:
            got = "nothing" if value is None else _kind(value)
            raise InputError(f"must be a whole number from 0 up, got {got}", where=self.where(key))
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts; one text is a list of one, and absent is empty; blank ones are left out."""
        value = self.data.get(key)
        values = value if isinstance(value, list) else [] if value is None else [value]
        found: list[str] = []
        for i, text in enumerate(values):
            where = self.where(f"{key}[{i}]" if isinstance(value, list) else key)
            if not isinstance(text, str):
                raise InputError(f"must be a text, got {_kind(text)}", where=where)
            found.append(clean(text, where))
        return tuple(text for text in found if text)

    def objects(self, key: str) -> tuple[Item, ...]:
        """Return the objects of a list; one object is a list of one, and absent is empty."""
        value = self.data.get(key)
        values = value if isinstance(value, list) else [] if value is None else [value]
        found: list[Item] = []
        for i, data in enumerate(values):
            at = f"{key}[{i}]" if isinstance(value, list) else key
            if not isinstance(data, dict):
                raise InputError(f"must be an object in braces, got {_kind(data)}", where=self.where(at))
            found.append(Item(self.file, self.line, data, ".".join(p for p in (self.inside, at) if p)))
        return tuple(found)

    def id(self, key: str) -> str:
        """Return a text that can name a sample: one line, not too long; `001` stays `001`."""
        return sample_id(self.text(key), self.where(key))


def sample_id(text: str, where: Where) -> str:
    """Return a text if it can name a sample; raises InputError when it has control characters or is too long."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise InputError("holds a line break or another control character", where=where)
    if len(text) > LONGEST_ID:
        raise InputError(f"is longer than {LONGEST_ID} characters", where=where, way_out="give it a short id")
    return text


def clean(text: str, where: Where) -> str:
    """Return a text without blanks at its ends; raises InputError for NUL and for halves of characters."""
    if "\0" in text:
        raise InputError("holds a NUL character", where=where)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError("holds half of a character (a lone surrogate)", where=where) from None
    return text.strip()


def _kind(value: Any) -> str:
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object in braces" if isinstance(value, dict) else "null")


def read_table(path: Path, columns: tuple[str, ...]) -> tuple[tuple[str, ...], list[Item]]:
    """Read a CSV, TSV or JSONL table that must have some columns: its columns, and its rows.

    Raises:
        InputError: names file, line and column of the first problem, and for a missing column the nearest one.
    """
    header, rows = read_rows(path)
    for name in columns:
        if name not in header:
            close = nearest(name, header)
            way_out = f"did you mean {close!r}?" if close else f"columns: {', '.join(header[:12])}"
            raise InputError(f"no column {name!r}", where=Where(path, 1), way_out=way_out)
    return header, [Item(path, row.line, {name: row.cells.get(name) for name in header}) for row in rows]


def read_json(path: Path) -> tuple[str, Any]:
    """Read a JSON file: its text, and its data.

    Raises:
        InputError: not JSON (names the line), a key that stands twice, NaN, nesting or a number without end.
    """
    text = read_text(path)

    def refuse(name: str) -> NoReturn:
        raise InputError(f"{name} is not JSON", where=Where(path))

    def pairs(entries: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(entries)
        if len(found) != len(entries):
            keys = [key for key, _ in entries]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"the key {twice!r} stands twice in one object", where=Where(path))
        return found

    try:
        return text, json.loads(text, object_pairs_hook=pairs, parse_constant=refuse)
    except json.JSONDecodeError as error:
        way_out = "the file may be cut off: get it again"
        raise InputError(
            f"is not JSON: {error.msg}", where=Where(path, error.lineno), way_out=way_out
        ) from None
    except RecursionError:
        raise InputError("is nested too deep", where=Where(path)) from None
    except ValueError as error:  # a number of thousands of digits
        raise InputError(f"is not JSON: {error}", where=Where(path)) from None


def json_list(path: Path) -> list[Item]:
    """Read a JSON file that holds a list of objects; every item knows its line.

    Raises:
        InputError: as `read_json`, or the file holds something else.
    """
    text, data = read_json(path)
    if not isinstance(data, list):
        raise InputError(f"must hold a list of objects, got {_kind(data)}", where=Where(path, 1))
    lines = _Lines(text)
    starts = _entry_starts(text, _skip(text, 0))
    items = []
    for value, start in zip(data, starts, strict=True):
        if not isinstance(value, dict):
            where = Where(path, lines.at(start))
            raise InputError(f"must be an object in braces, got {_kind(value)}", where=where)
        items.append(Item(path, lines.at(start), value))
    return items


def json_object(path: Path) -> Item:
    """Read a JSON file that holds one object; raises InputError as `read_json`, or when it holds something else."""
    _, data = read_json(path)
    if not isinstance(data, dict):
        raise InputError(f"must hold an object in braces, got {_kind(data)}", where=Where(path, 1))
    return Item(path, 1, data)


def json_groups(path: Path) -> dict[str, list[tuple[str, Item]]]:
    """Read a JSON file of the form group -> id -> object; every item knows its line.

    Raises:
        InputError: as `read_json`, or the file holds something else.
    """
    text, data = read_json(path)
    lines = _Lines(text)
    found: dict[str, list[tuple[str, Item]]] = {}
    for group, entries, start in _objects(path, data, text, 0, lines):
        inner = _objects(path, entries, text, start, lines)
        found[group] = [(key, Item(path, lines.at(at), value, f"{group}.{key}")) for key, value, at in inner]
        for _, item in found[group]:
            if not isinstance(item.data, dict):
                raise InputError(f"must be an object in braces, got {_kind(item.data)}", where=item.where())
    return found


def _objects(path: Path, data: Any, text: str, start: int, lines: _Lines) -> list[tuple[str, Any, int]]:
    start = _skip(text, start)
    if not isinstance(data, dict):
        raise InputError(
            f"must be an object in braces, got {_kind(data)}", where=Where(path, lines.at(start))
        )
    starts = _entry_starts(text, start)
    return [(key, value, at) for (key, value), at in zip(data.items(), starts, strict=True)]


class _Lines:
    """The line (from 1) of a place in a text."""

    def __init__(self, text: str) -> None:
        self.breaks = [match.start() for match in re.finditer("\n", text)]

    def at(self, place: int) -> int:
        return bisect_right(self.breaks, place) + 1


def _skip(text: str, at: int) -> int:
    match = SPACE.match(text, at)
    return match.end() if match else at


def _entry_starts(text: str, start: int) -> Iterator[int]:
    """Yield where each value directly inside the list or object at `start` begins; the text is JSON."""
    decode = json.JSONDecoder().raw_decode
    named = text[start] == "{"
    at = _skip(text, start + 1)
    while text[at] not in "]}":
        if named:
            at = _skip(text, _skip(text, decode(text, at)[1]) + 1)
        yield at
        at = _skip(text, decode(text, at)[1])
        if text[at] == ",":
            at = _skip(text, at + 1)

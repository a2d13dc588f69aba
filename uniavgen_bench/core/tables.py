"""Tables that users write (CSV, TSV, JSONL), read so that every error names file, line and column."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.located import read_text


@dataclass(frozen=True)
class Row:
    """A row of a table: its line in the file, and its non-empty cells by column."""

    line: int
    cells: Mapping[str, Any]


def read_rows(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """Read a table from `.csv`, `.tsv` or `.jsonl`: its columns and its rows; empty cells are left out.

    Raises:
        InputError: names file, line and column of the first problem.
    """
    text = read_text(path)
    suffix = path.suffix.lower()
    if suffix in {".csv", ".tsv"}:
        return _csv_rows(text, path, "\t" if suffix == ".tsv" else ",")
    if suffix == ".jsonl":
        rows = list(_json_rows(text, path))
        return tuple(dict.fromkeys(key for row in rows for key in row.cells)), rows
    raise InputError("has an unknown ending", where=Where(path), way_out="use .csv, .tsv or .jsonl")


def _csv_rows(text: str, path: Path, delimiter: str) -> tuple[tuple[str, ...], list[Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[Row] = []
    header: tuple[str, ...] = ()
    line = 1
    try:
        for cells in reader:
            start, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = tuple(cell.strip() for cell in cells)
                _separated(header, Where(path, start), delimiter)
                twice = next((name for name in header if header.count(name) > 1), None)
                if twice is not None:
                    raise InputError(
                        "the column stands twice", where=Where(path, start, twice or "(no name)")
                    )
                continue
            if len(cells) != len(header):
                what = f"the row has {len(cells)} cells, the header {len(header)}"
                raise InputError(
                    what, where=Where(path, start), way_out="quote cells that hold the separator"
                )
            pairs = zip(header, cells, strict=True)
            rows.append(Row(start, {name: cell.strip() for name, cell in pairs if cell.strip()}))
    except csv.Error as error:
        raise InputError(f"is not a table: {error}", where=Where(path, line)) from None
    if not header:
        raise InputError("is empty", where=Where(path), way_out="its first line must name the columns")
    return header, rows


def _separated(header: tuple[str, ...], where: Where, delimiter: str) -> None:
    """Refuse a header of one column that holds signs by which other tables are separated."""
    other = next(
        (sign for sign in ";\t|," if sign != delimiter and len(header) == 1 and sign in header[0]), None
    )
    if other is not None:
        shown = {"\t": "tabs"}.get(other, repr(other))
        wanted = "tabs" if delimiter == "\t" else repr(delimiter)
        raise InputError(
            f"it looks separated by {shown}, not by {wanted}", where=where,
            way_out="save it with commas as .csv, or with tabs as .tsv",
        )  # fmt: skip


def _json_rows(text: str, path: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            item = json.loads(line)
            if "\\ud" in line.lower():  # the escape of one half of a character, with or without the other
                json.dumps(item, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise InputError("holds half of a character", where=Where(path, number)) from None
        except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError
            raise InputError(f"is not JSON: {error}", where=Where(path, number)) from None
        if not isinstance(item, dict):
            raise InputError("must be an object in braces", where=Where(path, number))
        yield Row(number, {key: value for key, value in item.items() if value not in (None, "")})

"""Deterministic damage: of bytes, of texts, of the structure of JSON, YAML and tables, and of what lies in a folder."""

from __future__ import annotations

import csv
import io
import json
import random
import re
import struct
from collections.abc import Callable
from typing import Any

import yaml

from .hostile import NUMBERS, TEXTS, YAML_TEXTS

Mutation = Callable[[random.Random, bytes], bytes]


def flips(rng: random.Random, data: bytes) -> bytes:
    """Change single bytes."""
    changed = bytearray(data)
    for _ in range(min(len(changed), rng.choice((1, 1, 2, 4, 16, 64)))):
        changed[rng.randrange(len(changed))] = rng.choice((0, 255, 128, rng.randrange(256)))
    return bytes(changed)


def cut(rng: random.Random, data: bytes) -> bytes:
    """Leave the end away, or the start, or a part in the middle."""
    a, b = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    return rng.choice((data[:a], data[b:], data[:a] + data[b:]))


def doubled(rng: random.Random, data: bytes) -> bytes:
    """Put a part in once more, or many times."""
    a, b = sorted((rng.randrange(len(data) + 1), rng.randrange(len(data) + 1)))
    b = min(b, a + rng.choice((8, 256, 4096)))
    return data[:a] + data[a:b] * rng.choice((2, 2, 3, 50)) + data[b:]


def sizes(rng: random.Random, data: bytes) -> bytes:
    """Write extreme numbers over four or eight bytes, as lengths of boxes and chunks stand."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        kind = rng.choice((">I", "<I", ">Q", "<Q", ">H", "<H"))
        most = 256 ** struct.calcsize(kind) - 1
        value = rng.choice(
            (0, 1, 7, 8, most, most // 2, most // 2 + 1, len(data), len(data) - 8, rng.randrange(most))
        )
        at = rng.randrange(max(1, len(changed) - 8))
        packed = struct.pack(kind, max(0, min(value, most)))
        changed[at : at + len(packed)] = packed
    return bytes(changed)


def filled(rng: random.Random, data: bytes) -> bytes:
    """Put a block of one byte, or of noise, somewhere."""
    at, count = rng.randrange(len(data) + 1), rng.choice((1, 16, 1000, 70_000))
    block = rng.choice((b"\0" * count, b"\xff" * count, rng.randbytes(count)))
    return data[:at] + block + data[at + rng.choice((0, count)) :]


def digits(rng: random.Random, data: bytes) -> bytes:
    """Replace a number that stands as text by an extreme one."""
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?", data[:200_000]))
    if not found:
        return flips(rng, data)
    match = rng.choice(found)
    return data[: match.start()] + str(rng.choice(NUMBERS[:11] + NUMBERS[12:])).encode() + data[match.end() :]


def words(rng: random.Random, data: bytes) -> bytes:
    """Replace a word by a hostile text, or by another word of the file."""
    found = list(re.finditer(rb"[^\s,:\"'\[\]{}]+", data[:200_000]))
    if not found:
        return flips(rng, data)
    match = rng.choice(found)
    text = rng.choice(
        (rng.choice(TEXTS).encode(), rng.choice(YAML_TEXTS).encode(), rng.choice(found).group())
    )
    return data[: match.start()] + text + data[match.end() :]


def lines(rng: random.Random, data: bytes) -> bytes:
    """Double, drop, indent or move a line."""
    parts = data.split(b"\n")
    i, j = rng.randrange(len(parts)), rng.randrange(len(parts))
    match rng.randrange(5):
        case 0:
            parts.insert(j, parts[i])
        case 1:
            del parts[i]
        case 2:
            parts[i] = b"  " + parts[i]
        case 3:
            parts[i], parts[j] = parts[j], parts[i]
        case _:
            parts[i] = b"\t" + parts[i].strip()
    return b"\n".join(parts)


def encodings(rng: random.Random, data: bytes) -> bytes:
    """Write the text in another encoding, with other line ends, or with a mark in front."""
    text = data.decode("utf-8", "replace")
    return rng.choice(
        (
            text.encode("utf-16"),
            text.encode("utf-32"),
            b"\xef\xbb\xbf" + data,
            b"\xef\xbb\xbf" * 2 + data,
            data.replace(b"\n", b"\r"),
            data.replace(b"\n", b"\r\n"),
            data.replace(b"\n", "\u2028".encode()),
            data + b"\xff\xfe",
            text.encode("latin-1", "replace"),
        )
    )


def bombs(rng: random.Random, data: bytes) -> bytes:
    """Nest without end, or let aliases grow without end."""
    depth = rng.choice((30, 100, 1000, 20_000))
    layers = [f"b0: &b0 [{', '.join(['x'] * 9)}]"]
    layers += [f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 9)}]" for i in range(1, rng.choice((3, 6, 12)))]
    return rng.choice(
        (
            b"[" * depth + b"]" * depth,
            b'{"a":' * depth + b"1" + b"}" * depth,
            data + b"\nx: " + b"[" * depth + b"]" * depth,
            data + b"\nx: " + b"{a: " * depth + b"1" + b"}" * depth,
            ("\n".join(layers) + "\n").encode() + data,
            data + ("\n" + "\n".join(layers)).encode(),
            b"- " * depth + b"x",
            b"a: &a\n  b: *a\n" + data,
            data * 200,
            data + b"9" * 6000,
            b"".join(b"\n" + b" " * i + b"a:" for i in range(min(depth, 1000))),
            b"&a [*a, *a]",
            b'"' + b"\\" * depth,
        )
    )


BYTES: tuple[Mutation, ...] = (flips, cut, doubled, sizes, filled)
TEXT: tuple[Mutation, ...] = (flips, cut, doubled, digits, words, words, lines, encodings, bombs)


def value(rng: random.Random, depth: int = 0) -> Any:
    """Return any value that JSON can hold, and some that it cannot."""
    kind = rng.randrange(8)
    if kind == 0:
        return rng.choice(NUMBERS)
    if kind == 1:
        return rng.choice((None, True, False))
    if kind == 2 and depth < 3:
        return [value(rng, depth + 1) for _ in range(rng.choice((0, 1, 3)))]
    if kind == 3 and depth < 3:
        return {rng.choice(TEXTS)[:500]: value(rng, depth + 1) for _ in range(rng.choice((0, 1, 3)))}
    if kind == 4 and depth == 0:
        nested: Any = 1
        for _ in range(rng.choice((50, 400))):
            nested = [nested] if rng.random() < 0.5 else {"a": nested}
        return nested
    return rng.choice(TEXTS)


def restructured(rng: random.Random, data: Any) -> Any:
    """Change one place of plain data: another value or type, a key less, more, or under another name, an item twice."""
    places = list(_places(data))
    holder, key = rng.choice(places) if places else (None, None)
    if holder is None or rng.random() < 0.03:
        return value(rng)
    match rng.randrange(8):
        case 0 if isinstance(holder, dict):
            holder[rng.choice((str(key) + "x", str(key).upper(), rng.choice(TEXTS)[:300]))] = holder.pop(key)
        case 1:
            del holder[key]
        case 2 if isinstance(holder, dict):
            holder[rng.choice(TEXTS)[:300]] = value(rng)
        case 2:
            holder.insert(rng.randrange(len(holder) + 1), json.loads(json.dumps(holder[key])))
        case 3 if len(places) > 1:
            other, name = rng.choice(places)
            holder[key] = json.loads(
                json.dumps(other.get(name) if isinstance(other, dict) else dict(enumerate(other)).get(name))
            )
        case 4 if isinstance(holder, list):
            rng.shuffle(holder)
        case 5 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
            holder[key] = rng.choice(NUMBERS)
        case 6 if isinstance(holder[key], str):
            holder[key] = rng.choice(TEXTS)
        case _:
            holder[key] = value(rng)
    return data


def _places(data: Any) -> Any:
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, item in list(items):
        yield data, key
        yield from _places(item)


def structure(rng: random.Random, data: bytes, kind: str) -> bytes:
    """Change the structure of a JSON, JSONL, YAML or CSV text; what the format cannot hold is written all the same."""
    if b"*b0" in data:  # aliases without end would hold us here
        return words(rng, data)
    try:
        text = data.decode("utf-8")
        if kind == "jsonl":
            rows = text.rstrip("\n").split("\n")
            i = rng.randrange(len(rows))
            rows[i] = _json(restructured(rng, json.loads(rows[i])), rng)
            return "\n".join(rows).encode("utf-8", "replace")
        if kind in ("csv", "tsv"):
            return _table(rng, text, "\t" if kind == "tsv" else ",")
        if kind == "yaml":
            changed: Any = yaml.safe_load(text)
            for _ in range(rng.choice((1, 1, 2, 3))):
                changed = restructured(rng, changed)
            return yaml.safe_dump(changed, sort_keys=False, allow_unicode=rng.random() < 0.5).encode(
                "utf-8", "replace"
            )
        changed = json.loads(text)
        for _ in range(rng.choice((1, 1, 2))):
            changed = restructured(rng, changed)
        return _json(changed, rng).encode("utf-8", "replace")
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError, yaml.YAMLError, csv.Error):
        return words(rng, data)  # PyYAML has no one error for tags that do not fit


def _json(data: Any, rng: random.Random) -> str:
    text = json.dumps(data, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.1:
        text = re.sub(r'^\{("[^"]*"): ', r"{\1: 1, \1: ", text)  # a key twice
    return text.replace("z" * 100, "\\ud800", 1) if rng.random() < 0.02 else text


def _table(rng: random.Random, text: str, delimiter: str) -> bytes:
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    for _ in range(rng.choice((1, 1, 2, 4))):
        row = rng.choice(rows)
        match rng.randrange(6):
            case 0:
                row.append(rng.choice(TEXTS))
            case 1 if row:
                del row[rng.randrange(len(row))]
            case 2:
                rows.append(list(row))
            case _ if row:
                row[rng.randrange(len(row))] = str(
                    rng.choice(
                        (rng.choice(TEXTS), rng.choice(NUMBERS[:11]), rng.choice(rng.choice(rows) or [""]))
                    )
                )
    out = io.StringIO()
    csv.writer(
        out, delimiter=delimiter, lineterminator="\n", quoting=rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    ).writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def mutated(rng: random.Random, data: bytes, kind: str) -> bytes:
    """Return bytes with one to three changes; `kind`: `bytes`, `text`, `json`, `jsonl`, `yaml`, `csv` or `tsv`."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if kind == "bytes":
            data = rng.choice(BYTES)(rng, data)
        elif kind == "text" or rng.random() < 0.4:
            data = rng.choice(TEXT)(rng, data)
        else:
            data = structure(rng, data, kind)
        if not data:
            break
    return data[: 8 << 20]

"""Errors that a user can act on: what is wrong, where, and the way out."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Where:
    """A place in a text that a user wrote: file, line (from 1), and key or column."""

    file: Path | str
    line: int | None = None
    key: str | None = None

    def __str__(self) -> str:
        """Render as `file:line: key`, leaving out what is not known."""
        place = f"{self.file}:{self.line}" if self.line is not None else f"{self.file}"
        return f"{place}: {self.key}" if self.key else place


class PicklableError(Exception):
    """An error whose constructor takes other arguments than its message, and that still crosses process borders."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild from class, message and attributes: pickle would call the constructor with the message alone."""
        return _rebuilt, (type(self), self.args), vars(self)


def _rebuilt(kind: type[PicklableError], args: tuple[Any, ...]) -> PicklableError:
    error = kind.__new__(kind)
    error.args = args
    return error


LONGEST = 1500
"""Characters of a message; of a longer one beginning and end are kept, where place and way out stand."""


def one_line(text: str) -> str:
    """Return a text as one line that steers no terminal: what does not print is escaped, what is too long is cut."""
    shown = "".join(c if c.isprintable() else _visible(c) for c in text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 500]} … {shown[-480:]}"


def _visible(character: str) -> str:
    if character in "\n\r\t" or unicodedata.category(character) == "Zs":
        return " "
    return character.encode("unicode_escape").decode("ascii")


class BenchError(PicklableError):
    """Base of every error that ends a command with one clear line; `exit_code` is the process status."""

    exit_code = 2

    def __init__(self, text: str = "") -> None:
        super().__init__(one_line(text))


class InputError(BenchError):
    """Something that the user gave cannot be used.

    Renders as one line: `<where>: <what> (<way out>)`.
    """

    def __init__(self, what: str, *, where: Where | None = None, way_out: str | None = None) -> None:
        self.what, self.where, self.way_out = what, where, way_out
        prefix = f"{where}: " if where else ""
        suffix = f" ({way_out})" if way_out else ""
        super().__init__(" ".join(f"{prefix}{what}{suffix}".split()))


class NotInstalledError(BenchError):
    """An optional package is needed; the message names the extra that brings it."""

    def __init__(self, need: str, *, extra: str) -> None:
        super().__init__(f"{need} is not installed (pip install 'uniavgen-bench[{extra}]')")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name closest in spelling, or None when nothing is close."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return found[0] if found else None


def unknown_name(kind: str, name: str, known: Iterable[str], *, where: Where | None = None) -> InputError:
    """Build the error for an unknown name: it names the nearest valid one, or lists them all."""
    names = sorted(known)
    close = nearest(name, names)
    listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    otherwise = f"known: {listed}" if names else f"no {kind} is known"
    way_out = f"did you mean {close!r}?" if close else otherwise
    return InputError(f"unknown {kind} {name!r}", where=where, way_out=way_out)

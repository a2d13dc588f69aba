"""Texts with placeholders in braces: `{image}`, `{speech:json}`; every name is checked before anything is run."""

from __future__ import annotations

import csv
import io
import json
import string
from collections.abc import Callable, Collection, Mapping

from uniavgen_bench.core.errors import nearest


def _as_csv(value: str) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="", quoting=csv.QUOTE_ALL).writerow([value])
    return text.getvalue()


FORMS: Mapping[str, Callable[[str], str]] = {"": str, "json": json.dumps, "csv": _as_csv}
"""How a value is written: as it is, as a JSON string in quotes, as a cell of a CSV file in quotes."""


def placeholders(text: str) -> list[str]:
    """Return the names in a template.

    Raises:
        ValueError: a brace that stands alone, or an unknown form.
    """
    names = []
    for _, name, form, conversion in string.Formatter().parse(text):
        if name is None:
            continue
        if conversion or form not in FORMS:
            raise ValueError(f"{{{name}}} has an unknown form: write {{name}}, {{name:json}} or {{name:csv}}")
        names.append(name)
    return names


def checked_template(text: str, known: Collection[str]) -> str:
    """Return a template whose placeholders are all known.

    Raises:
        ValueError: an unknown one, with the nearest known name; or braces that do not fit.
    """
    try:
        names = placeholders(text)
    except ValueError as error:
        raise ValueError(f"{error} in {text!r} (a plain brace is written twice)") from None
    for name in names:
        if name not in known:
            close = nearest(name, known)
            hint = f"did you mean {{{close}}}?" if close else "known: " + ", ".join(sorted(known))
            raise ValueError(f"unknown placeholder {{{name}}}: {hint}")
    return text


def filled(text: str, value: Callable[[str], str]) -> str:
    """Return a template with every placeholder replaced by `value(name)` in its form."""
    parts = []
    for plain, name, form, _ in string.Formatter().parse(text):
        parts.append(plain)
        if name is not None:
            parts.append(FORMS[form or ""](value(name)))
    return "".join(parts)

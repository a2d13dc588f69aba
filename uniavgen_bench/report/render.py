"""Pages from templates: everything escaped, data as inert JSON, nothing from the network."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from markupsafe import Markup

from uniavgen_bench.report.links import with_sources, without_paths
from uniavgen_bench.report.shards import plain_json
from uniavgen_bench.stats.numbers import duration, number, percent

EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
"""Hash of an empty style element: the one that plotly.js adds and fills through the object model."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {EMPTY_STYLE}",
        "img-src 'self' data: blob:",
        "media-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


@cache
def environment() -> jinja2.Environment:
    """Return the template environment: autoescape on, an undefined name is an error."""
    env = jinja2.Environment(
        loader=jinja2.PackageLoader("uniavgen_bench.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(policy=POLICY, taken_ids=_style_ids)
    env.filters.update(
        number=number,
        percent=percent,
        duration=duration,
        json_data=json_data,
        with_sources=with_sources,
        without_paths=without_paths,
        plural=plural,
        breakable=breakable,
    )
    return env


def page(template: str, **context: Any) -> bytes:
    """Render a template to the bytes of a page."""
    return environment().get_template(template).render(**context).encode("utf-8", "replace")


def json_data(value: Any) -> Markup:
    """Return JSON for a `<script type="application/json">`: no character of it can end the element.

    Numbers that are not finite become null.
    """
    text = plain_json(value)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def breakable(name: str) -> Markup:
    """Return a name that may be broken after `_`, `=` or a dot that is no decimal point, and before `[`."""
    parts = re.split(r"(?<=[_=])(?=\w)|(?<=[^\W\d]\.)(?=\w)|(?<=.)(?=\[)", name)
    return Markup("<wbr>").join(parts)


def plural(count: int, one: str, many: str = "") -> str:
    """Render `1 clip`, `2 clips`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}".replace(",", "\u202f")


def asset_names() -> list[str]:
    """Return the names of our own scripts and style sheets."""
    folder = resources.files("uniavgen_bench.report") / "assets"
    return sorted(item.name for item in folder.iterdir() if item.name.endswith((".js", ".css")))


def asset(name: str) -> bytes:
    """Return the bytes of one of our own scripts or style sheets."""
    return (resources.files("uniavgen_bench.report") / "assets" / name).read_bytes()


@cache
def _style_ids() -> tuple[str, ...]:
    """Return the ids of style elements that plotly.js adds for maps, which the report has none of."""
    return tuple(
        sorted({i.decode() for i in re.findall(rb'getElementById\("([0-9a-f]{64})"\)', plotly_script())})
    )


@cache
def plotly_script() -> bytes:
    """Return plotly.min.js of the installed plotly package (the import is slow, so it happens here)."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs()).encode()

"""Reads a page as a browser's parser would see it: elements, attributes, texts, and the data in it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from uniavgen_bench.report.shards import read_shard


@dataclass
class Page:
    """A parsed page: `elements` as (tag, attributes), its visible `text`, and `data` by element id."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def all(self, tag: str) -> list[dict[str, str]]:
        """Return the attributes of all elements of a tag."""
        return [attributes for name, attributes in self.elements if name == tag]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self._script: dict[str, str] | None = None
        self._content = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.page.elements.append((tag, attributes))
        if tag == "script":
            self._script, self._content = attributes, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._script is not None:
            if self._script.get("type") == "application/json":
                self.page.data[self._script["id"]] = json.loads(self._content)
            elif self._content.strip():
                raise AssertionError(f"an inline script: {self._content[:80]!r}")
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.page.text += data
        else:
            self._content += data


def parse(path: Path) -> Page:
    """Parse a page; the white space of its text is made single."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    reader.page.text = " ".join(reader.page.text.split())
    return reader.page


def shards(report: Path) -> dict[str, Any]:
    """Read all data files of a report by their names."""
    return dict(read_shard(path.read_bytes()) for path in sorted((report / "data").iterdir()))

"""What is printed of files that somebody else wrote: no text in them can steer the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

CONTROLS = r"\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
"""Characters that move the cursor, begin an escape sequence, or turn the direction of writing; not the line feed."""
_STEERS = re.compile(f"[{CONTROLS}]")
_IN_JSON = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Return a text of one line without control characters, so that no name can steer the terminal."""
    return _STEERS.sub("\ufffd", text).replace("\n", "\ufffd")


def printable_json(text: str) -> str:
    """Return JSON that says the same and steers no terminal: what JSON lets stand as it is, is escaped."""
    return _IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class SafeConsole(Console):
    """A console that prints what it is given without control characters, whoever wrote the text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of something to print; those that are texts without control characters."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else _STEERS.sub("\ufffd", text), style, control)

"""What may stand in a page: relative links into the run, source references, and texts without machine paths."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from urllib.parse import quote

from markupsafe import Markup, escape

_URL = re.compile(r"https?://[^\s<>\"'`]+[^\s<>\"'`.,;:)\]]")
_POSIX = re.compile(r"(?:(?<![\w/.~\\-])|(?<=file://))(?:/[^/\s'\"<>|:;,()]+){2,}/?")
_SIMPLE = re.compile(r"[a-z0-9_-][a-z0-9_.-]*(?:/[a-z0-9_-][a-z0-9_.-]*)*")
_WINDOWS = re.compile(r"(?<!\w)[A-Za-z]:\\[^\s'\"<>|;,()]+")


def relative_url(path: str | None, *, up: int) -> str | None:
    """Return the URL of a file of the run from a page `up` folders below it, or None for a path that leads elsewhere.

    Every character that could end a path or start a scheme is quoted, so the result always is a relative path.
    """
    if not path or path.startswith("/"):
        return None
    if _SIMPLE.fullmatch(path):
        return "../" * up + path
    if PureWindowsPath(path).drive:
        return None
    parts = PurePosixPath(path).parts
    if ".." in parts:
        return None
    return "../" * up + "/".join(quote(part, safe="") for part in parts)


def without_paths(text: str) -> str:
    """Return a text with each absolute path cut down to its last part, so that a report tells nothing of a machine."""

    def cut(match: re.Match[str]) -> str:
        return "…/" + re.split(r"[/\\]", match.group().rstrip("/\\"))[-1]

    pieces, at = [], 0
    for url in _URL.finditer(text):
        pieces += [_POSIX.sub(cut, _WINDOWS.sub(cut, text[at : url.start()])), url.group()]
        at = url.end()
    return "".join([*pieces, _POSIX.sub(cut, _WINDOWS.sub(cut, text[at:]))])


def with_sources(text: str) -> Markup:
    """Return a text as HTML in which web addresses are links that a reader may follow; nothing fetches them."""
    parts, at = [], 0
    for url in _URL.finditer(text):
        parts.append(escape(text[at : url.start()]))
        parts.append(
            Markup('<a class="source" rel="noreferrer noopener" href="{0}">{0}</a>').format(url.group())
        )
        at = url.end()
    return Markup("").join([*parts, escape(text[at:])])


def file_name(source: str) -> str:
    """Return the last part of a path of any system."""
    return PureWindowsPath(source).name or source


def is_path(value: str) -> bool:
    """Tell facts that name a file of this machine: they serve metrics, and say nothing to a reader elsewhere."""
    return PurePosixPath(value).is_absolute() or PureWindowsPath(value).is_absolute()

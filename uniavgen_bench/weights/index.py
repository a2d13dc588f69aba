"""Find a source archive in the package indexes of the user's pip, without letting pip touch it.

pip runs code of a source archive to learn its metadata, even for a mere download; a weight needs only its bytes.
"""

from __future__ import annotations

import ast
import base64
import json
import re
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import Version

from uniavgen_bench.core.redaction import environment_of_tools
from uniavgen_bench.weights.archive import FetchError

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
PAGE_BYTES = 50_000_000
SECTIONS = ("global", "download", ":env:")


@dataclass(frozen=True)
class Indexes:
    """Where the user's pip looks: index URLs in order, and a file of certificates if one is set."""

    urls: tuple[str, ...]
    certificates: str | None = None

    def context(self) -> ssl.SSLContext | None:
        """Return the TLS settings for these indexes; None stands for the usual ones."""
        return ssl.create_default_context(cafile=self.certificates) if self.certificates else None


def configured_indexes(pip: Sequence[str]) -> Indexes:
    """Ask pip for its configuration (files and environment); without one, for its built-in index.

    Raises:
        FetchError: pip does not answer.
    """
    settings: dict[str, str] = {}
    for line in _ask([*pip, "config", "list"]).splitlines():
        key, _, shown = line.partition("=")
        section, _, name = key.rpartition(".")
        if section in SECTIONS:
            try:
                settings[name] = str(ast.literal_eval(shown))
            except (ValueError, SyntaxError):
                continue
    main = settings.get("index-url")
    if main is None:
        help_text = " ".join(_ask([*pip, "download", "--help"]).split())
        default = re.search(r"Python Package Index \(default (\S+?)\)", help_text)
        main = default[1] if default else ""
    urls = (main, *settings.get("extra-index-url", "").split())
    return Indexes(tuple(dict.fromkeys(u for u in urls if u)), settings.get("cert"))


def _ask(command: Sequence[str]) -> str:
    environment = {**environment_of_tools(), "COLUMNS": "200", "PYTHONIOENCODING": "utf-8"}
    answer = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False, timeout=60
    )
    if answer.returncode != 0:
        raise FetchError("pip does not tell its configuration")
    return answer.stdout


def find_sdist(name: str, version: str, indexes: Indexes, timeout: float) -> str:
    """Return the URL of the source archive `NAME==VERSION`.

    Raises:
        FetchError: no index has it; the first index's reason is given.
    """
    reasons = []
    for index in indexes.urls:
        page = f"{index.rstrip('/')}/{quote(canonicalize_name(name))}/"
        try:
            with open_url(page, timeout, indexes.context(), ACCEPT) as reply:
                data, kind = reply.read(PAGE_BYTES), reply.headers.get("Content-Type", "")
        except OSError as error:
            reasons.append(f"{hidden(page)} cannot be read: {getattr(error, 'reason', error)}")
            continue
        for filename, url in _links(data, kind, page):
            if _is_sdist(filename, name, version):
                return url
        reasons.append(f"no source archive of version {version} on {hidden(index)}")
    raise FetchError(reasons[0] if reasons else "no package index is configured")


def open_url(url: str, timeout: float, context: ssl.SSLContext | None, accept: str = "*/*") -> Any:
    """Open a URL; a user and password inside it go into the request's header.

    Raises:
        OSError: it cannot be opened (`urllib.error.URLError` and its kind).
    """
    parts = urlsplit(url)
    headers = {"Accept": accept, "User-Agent": "uniavgen-bench"}
    if parts.username:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    try:
        request = urllib.request.Request(url, headers=headers)
        return urllib.request.urlopen(request, timeout=timeout, context=context)
    except ValueError as error:
        raise urllib.error.URLError(str(error)) from error


def hidden(url: str) -> str:
    """Return a URL for messages: without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _is_sdist(filename: str, name: str, version: str) -> bool:
    try:
        found, number = parse_sdist_filename(filename)
    except InvalidSdistFilename:
        return False
    return found == canonicalize_name(name) and number == Version(version)


def _links(data: bytes, kind: str, page: str) -> Iterator[tuple[str, str]]:
    """Yield file names and URLs of a page of the Simple API, JSON (PEP 691) or HTML (PEP 503)."""
    if "json" in kind:
        try:
            for file in json.loads(data)["files"]:
                yield str(file["filename"]), urljoin(page, str(file["url"]))
        except (ValueError, KeyError, TypeError) as error:
            raise FetchError(f"{hidden(page)} gives no list of files: {error}") from error
        return
    anchors = _Anchors()
    anchors.feed(data.decode("utf-8", errors="replace"))
    for link in anchors.links:
        url = urljoin(page, link)
        yield unquote(urlsplit(url).path.rpartition("/")[2]), url


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value for key, value in attrs if tag == "a" and key == "href" and value]

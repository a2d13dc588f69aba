"""What of a run may be published: options without paths and secrets, and a last look for what tells of a machine."""

from __future__ import annotations

import contextlib
import getpass
import math
import platform
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from uniavgen_bench.core.entry_files import EntryBody, Plain, https_url
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.redaction import looks_like_token, secret_name
from uniavgen_bench.report.links import without_paths

PATH = "(a path)"
ADDRESS = "(an address)"
SECRET = "(not published)"
"""What stands in the place of a value that is not published."""

_ARCHITECTURE = re.compile(r"x86_64|amd64|aarch64|arm64|i686|riscv64|ppc64le", re.IGNORECASE)
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,40}\Z")

GENERIC = frozenset(
    {
        "root",
        "user",
        "test",
        "admin",
        "runner",
        "ubuntu",
        "debian",
        "docker",
        "localhost",
        "nobody",
        "build",
        "linux",
    }
)
"""Names of users and machines that tell nothing of anybody."""


def plain_options(options: Mapping[str, Any], before: str = "") -> dict[str, Plain | list[Plain]]:
    """Return options as flat, dotted keys; paths, addresses of machines and secrets are replaced by a word."""
    found: dict[str, Plain | list[Plain]] = {}
    for key, value in options.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            found |= plain_options(value, f"{name}.")
        elif _secret(str(key)) and isinstance(value, str) and value:
            found[name] = SECRET
        elif isinstance(value, list | tuple):
            found[name] = [_plain(item) for item in value]
        else:
            found[name] = _plain(value)
    return found


def _secret(key: str) -> bool:
    """Tell more often than `secret_name`: what is published cannot be taken back, and a word too much does no harm."""
    return (
        secret_name(key)
        or re.search("key|token|secret|passw|credential|auth", key, re.IGNORECASE) is not None
    )


def _plain(value: Any) -> Plain:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    text = str(value)
    if looks_like_token(text):
        return SECRET
    if "://" in text:
        try:
            return https_url(text.partition("?")[0])
        except ValueError:
            return ADDRESS
    return (
        PATH if "/" in text or "\\" in text or text.startswith("~") or PureWindowsPath(text).drive else text
    )


def plain_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of packages, and of the platform only its kind: a kernel's name may be a machine's."""
    found = {}
    for name, value in environment.items():
        if name == "platform":
            kind = re.match(r"[A-Za-z]+", value)
            architecture = _ARCHITECTURE.search(value)
            words = [kind.group() if kind else "", architecture.group() if architecture else ""]
            found[name] = " ".join(word for word in words if word)
        elif _VERSION.match(value):
            found[name] = value
    return found


def refuse_leaks(body: EntryBody) -> None:
    """Look at every text of an entry before it is signed, but for those that the submitter chose to publish.

    Raises:
        InputError: a text holds an absolute path, or the name of this machine or of its user.
    """
    chosen = body.model_dump(mode="json", exclude={"links", "submitter"})
    for system in (chosen["system"], *chosen["controls"]):
        del system["id"], system["label"]
    names = _names()
    home = str(Path.home())
    for place, text in _texts(chosen, ()):
        if without_paths(text) != text or (len(home) > 3 and home in text):
            what = "a path of a machine"
        elif names and not place.startswith("metrics") and (found := names.search(text)):
            what = f"the name {found.group()!r} of this machine or its user"
        else:
            continue
        raise InputError(
            f"the entry would publish {what} at {place}: {text[:80]!r}", way_out="rename it in the run"
        )


def _names() -> re.Pattern[str] | None:
    found = {platform.node(), platform.node().split(".")[0]}
    with contextlib.suppress(OSError, KeyError):  # a user without a name
        found.add(getpass.getuser())
    words = [re.escape(name) for name in sorted(found) if len(name) > 2 and name.lower() not in GENERIC]
    pattern = rf"(?<![A-Za-z0-9])(?:{'|'.join(words)})(?![A-Za-z0-9])"
    return re.compile(pattern, re.IGNORECASE) if words else None


def _texts(value: Any, place: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield ".".join(place), value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield ".".join((*place, "key")), str(key)
            yield from _texts(item, (*place, str(key)))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _texts(item, (*place, str(i)))

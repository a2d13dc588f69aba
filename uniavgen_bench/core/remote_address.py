"""Where a shared store lies: an address of fsspec, without its secrets wherever it is shown."""

from __future__ import annotations

import base64
import difflib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.redaction import ADDRESS_VARIABLE, HIDDEN, Redaction, split_address, told_address

VARIABLE = ADDRESS_VARIABLE
"""Names the address of a shared store for all runs."""
WHOLE = frozenset(
    {"memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "tos", "http", "https"}
)
"""Protocols by which an object appears whole or not at all; elsewhere a file is written aside and moved."""
COMMON = ("s3", "gs", "abfs", "https", "webhdfs", "sftp", "file")
"""Protocols that are named to who asks for an unknown one."""
LOCAL = frozenset({"file", "local"})
"""Protocols of folders of this machine."""
ACCESS = frozenset({"user", "username", "password"})
"""Options that fsspec takes from an address as they stand there, with signs in the form `%2F`."""
_KEYS = re.compile(r"(?P<scheme>s3a?)://(?P<key>[^:/@]+):(?P<secret>[^@]+)@(?P<rest>.*)")


@dataclass(frozen=True)
class RemoteAddress:
    """An address: as it was `given`, its `url` and `options` as fsspec takes them, and as people may see it.

    `relative`: it was named as a folder below the one that this process is in.
    """

    given: str = field(repr=False)
    url: str = field(repr=False)
    shown: str
    options: dict[str, str] = field(default_factory=dict, repr=False, hash=False)
    relative: bool = field(default=False, repr=False)
    _secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def protocol(self) -> str:
        """What stands before `://`."""
        return self.url.partition("://")[0]

    @property
    def folder(self) -> Path | None:
        """The folder of this machine that it names, or None."""
        from fsspec.implementations.local import LocalFileSystem

        if self.protocol not in LOCAL:
            return None
        return Path(str(LocalFileSystem._strip_protocol(self.url)))

    def connect(self) -> tuple[Any, str]:
        """Return a filesystem of its own and the folder in it; raises whatever the filesystem does."""
        from fsspec.registry import get_filesystem_class

        kind = get_filesystem_class(self.protocol)
        options = {**kind._get_kwargs_from_urls(self.url), **self.options}
        for name in options.keys() & ACCESS:
            options[name] = unquote(options[name])
        files = kind(skip_instance_cache=True, **options)
        return files, str(kind._strip_protocol(self.url)).rstrip("/")

    def hide(self, text: str) -> str:
        """Return a text without the secrets of the address."""
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return Redaction().text(text)

    def told(self, error: BaseException, path: str = "") -> str:
        """Return what an error says in one line, without secrets, and without the `path` of one entry."""
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        said = said.replace(path, "…") if path else said
        # Hidden before it is cut: half of a secret would not be known as one.
        lines = [line.strip() for line in self.hide(said).splitlines() if line.strip()]
        return lines[0][:200] if lines else type(error).__name__


def chosen_remote(given: str | None) -> RemoteAddress | None:
    """Return the address that an option names, else the variable `UNIAVGEN_BENCH_STORE`, or None.

    A folder of this machine is made if it is not there.

    Raises:
        InputError: it is no address, its protocol is unknown, the package for it is not installed, or it is no
            folder and cannot become one.
    """
    if given is not None and not given.strip():
        raise InputError("--store is empty", way_out="name a folder or an address, or leave it out")
    text, source = (given, "--store") if given else (os.environ.get(VARIABLE, ""), VARIABLE)
    if not text.strip():
        return None
    address = read_address(text, source)
    if address.folder is not None:
        try:
            address.folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            said = (
                "there is a file" if address.folder.is_file() else getattr(error, "strerror", None) or error
            )
            raise InputError(f"{source} {address.shown} cannot be a folder: {said}") from None
    return address


def remote_note(address: RemoteAddress) -> str | None:
    """Return what a user should know of an address before a run, or None."""
    if address.protocol == "memory":
        return f"the store {address.shown} lies in the memory of one process: nothing is shared"
    if address.relative:
        return f"the shared store is the folder {address.shown}"
    return None


def read_address(text: str, source: str = "--store") -> RemoteAddress:
    """Read an address such as `s3://bucket/folder`, or a folder of this machine; nothing is connected to.

    Raises:
        InputError: it is no address, its protocol is unknown, or the package for it is not installed.
    """
    shown = told_address(text)
    if "::" in text:
        raise InputError(f"{source} {shown}: chains of addresses are not read", way_out="name one address")
    if "://" not in text:
        folder = Path(text).expanduser().absolute()
        relative = not Path(text).expanduser().is_absolute()
        return RemoteAddress(str(folder), f"file://{folder}", str(folder), relative=relative)
    _check_protocol(text.partition("://")[0], f"{source} {shown}")
    keys = _KEYS.fullmatch(text)
    if keys is not None:
        key, secret = unquote(keys["key"]), unquote(keys["secret"])
        url, options = f"{keys['scheme']}://{keys['rest']}", {"key": key, "secret": secret}
        return RemoteAddress(text, url, shown, options, _secrets=_forms(text))
    return RemoteAddress(text, text, shown, _secrets=_forms(text))


def _forms(text: str) -> tuple[str, ...]:
    """Return what gives access by an address in the ways in which it may stand in a message, longest first."""
    _, access, rest = split_address(text)
    whole = {access, access.partition("@")[0]}  # whichever @ is the one that ends it
    asked = {part for sign in "?#" for part in (rest.partition(sign)[2],)}
    asked |= {each.partition("=")[2] for part in asked for each in re.split("[&#?]", part)}
    found = {*asked, *whole, *(part for each in whole for part in each.split(":", 1))}
    forms = {form for part in found for form in _written(part) if len(form) > 3}
    # Of a few characters a password is hidden where it stands with its user: alone it would be found everywhere.
    for each in whole - {""}:
        forms |= {form for form in _written(each) if ":" in form}
        forms |= {f"{form}@" for form in _written(each)}
        forms.add(base64.b64encode(unquote(each).encode()).decode())
        forms.add(base64.urlsafe_b64encode(unquote(each).encode()).decode())
    return tuple(sorted(forms, key=lambda form: (-len(form), form)))


def _written(part: str) -> set[str]:
    """Return the ways in which a part of an address may be written: as it is, for an address, in Python, in JSON."""
    plain = unquote(part)
    escaped = {
        form for one in (part, plain) for form in (repr(one)[1:-1], json.dumps(one)[1:-1], ascii(one)[1:-1])
    }
    return {part, plain, quote(plain, safe=""), quote(plain), *escaped} - {""}


def _check_protocol(protocol: str, named: str) -> None:
    from fsspec.registry import get_filesystem_class, known_implementations, registry

    if protocol not in registry and protocol not in known_implementations:
        close = difflib.get_close_matches(protocol, {*known_implementations, *registry}, n=1, cutoff=0.75)
        way_out = f"did you mean {close[0]!r}?" if close else f"for example {', '.join(COMMON)}, or a folder"
        raise InputError(f"{named}: unknown protocol {protocol!r}", way_out=way_out)
    try:
        get_filesystem_class(protocol)
    except ImportError as error:
        way_out = str(error).partition("\n")[0] or f"install the package of fsspec for {protocol}"
        raise InputError(f"{named}: a package is missing", way_out=way_out) from None

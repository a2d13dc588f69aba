"""The weights manifest: every file that a network needs, by hash, with its licence and where it can be had."""

from __future__ import annotations

import os
import re
import tomllib
from enum import StrEnum
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Self
from urllib.parse import quote

from pydantic import Field, ValidationError, model_validator

from uniavgen_bench.core.errors import InputError, Where, unknown_name
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.run_files import first_problem
from uniavgen_bench.core.spec import Frozen

SHA256 = r"^[0-9a-f]{64}$"
FILE_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
PATTERNS = {
    "pypi": re.compile(r"(?P<archive>[A-Za-z0-9._-]+==[A-Za-z0-9.!+_-]+):(?P<member>[^\\\0]+)"),
    "hf": re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[\w.-]+):(?P<file>[^\\\0]+)"),
    "github": re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{40}):(?P<file>[^\\\0]+)"),
    "https": re.compile(r"//[^/\s]+/\S+"),
}


class Scheme(StrEnum):
    """How a source is fetched."""

    PYPI = "pypi"
    HF = "hf"
    GITHUB = "github"
    HTTPS = "https"


class Source(Frozen):
    """One place that holds a file.

    `at` is `pypi:NAME==VERSION:MEMBER`, `hf:OWNER/REPO@REVISION:FILE`, `github:OWNER/REPO@COMMIT:FILE` or an
    https URL. `bytes` is the size of the download where that is more than the file (an archive).
    `tried` says whether the file with the manifest's hash was once really fetched from there.
    `then` names the places of the parts that follow, where an archive holds only the first part of the file.
    """

    at: str
    bytes: int | None = Field(default=None, gt=0)
    tried: bool = True
    then: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _readable(self) -> Self:
        scheme, _, rest = self.at.partition(":")
        if scheme not in PATTERNS or not PATTERNS[scheme].fullmatch(rest):
            raise ValueError(
                f"{self.at!r} is not pypi:NAME==VERSION:MEMBER, hf:…, github:…@COMMIT:… or https://…"
            )
        if any(part.then for part in self.then):
            raise ValueError(f"{self.at!r}: a part cannot have parts of its own")
        return self

    @property
    def parts(self) -> tuple[Source, ...]:
        """All that must be fetched to have the file, in the order of its bytes: mostly this source alone."""
        return (self, *self.then)

    @property
    def scheme(self) -> Scheme:
        """How it is fetched."""
        return Scheme(self.at.partition(":")[0])

    def _part(self, name: str) -> str:
        match = PATTERNS[self.scheme].fullmatch(self.at.partition(":")[2])
        assert match is not None  # the validator has seen it
        return match[name]

    @property
    def archive(self) -> str:
        """What is downloaded: `NAME==VERSION` of a package archive, or a URL."""
        return self._part("archive") if self.scheme is Scheme.PYPI else self.url

    @property
    def member(self) -> str | None:
        """The path of the file inside a package archive; None where the download is the file itself."""
        return self._part("member") if self.scheme is Scheme.PYPI else None

    @property
    def url(self) -> str:
        """The URL of a hub, GitHub or plain source; `HF_ENDPOINT` names a mirror of the hub."""
        if self.scheme is Scheme.HTTPS:
            return self.at
        repo, revision, file = self._part("repo"), self._part("revision"), quote(self._part("file"))
        if self.scheme is Scheme.HF:
            hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")
            return f"{hub}/{repo}/resolve/{revision}/{file}"
        return f"https://raw.githubusercontent.com/{repo}/{revision}/{file}"


class WeightFile(Frozen):
    """One file: its name on disk, SHA-256, size in bytes, and its sources in the order of preference."""

    file: str = Field(pattern=FILE_NAME)
    sha256: str = Field(pattern=SHA256)
    bytes: int = Field(gt=0)
    sources: tuple[Source, ...] = Field(min_length=1)


class Weight(Frozen):
    """What a metric asks for by `name`: one file, or a folder of several files.

    `note` says what a user must know before use, such as a licence for research only.
    """

    name: str = Field(pattern=FILE_NAME)
    purpose: str
    licence: str
    home: str
    research_only: bool = False
    note: str = ""
    files: tuple[WeightFile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct_files(self) -> Self:
        names = [f.file for f in self.files]
        if len(set(names)) != len(names):
            raise ValueError(f"{self.name} lists a file twice: {names}")
        return self

    @property
    def is_folder(self) -> bool:
        """Whether the name stands for a folder of files."""
        return len(self.files) > 1

    @property
    def bytes(self) -> int:
        """The size on disk in bytes."""
        return sum(f.bytes for f in self.files)

    @property
    def sha256(self) -> str:
        """The file's SHA-256; of a folder, the hash of its files' names and hashes."""
        return sha256_json({f.file: f.sha256 for f in self.files}) if self.is_folder else self.files[0].sha256

    @property
    def tried(self) -> bool:
        """Whether every file has a source that is known to give it."""
        return all(any(s.tried for s in f.sources) for f in self.files)


class Manifest(Frozen):
    """All weights that the suite knows."""

    schema_version: int = Field(default=1, ge=1, le=1)
    weight: tuple[Weight, ...]

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        names = [w.name for w in self.weight]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"the weight {twice[0]!r} is declared twice")
        return self

    @cached_property
    def by_name(self) -> dict[str, Weight]:
        """The entries by their names."""
        return {w.name: w for w in self.weight}

    def __getitem__(self, name: str) -> Weight:
        """Return an entry; raises `InputError` with the nearest name when there is none."""
        found = self.by_name.get(name)
        if found is None:
            raise unknown_name("weight", name, self.by_name)
        return found


def load_manifest(path: Path | None = None) -> Manifest:
    """Read a manifest, by default the one of the package.

    Raises:
        InputError: the file is absent, no TOML, or does not fit the schema.
    """
    shown = path or "weights/manifest.toml"
    try:
        text = (path or files(__package__) / "manifest.toml").read_text(encoding="utf-8")
        return Manifest.model_validate(tomllib.loads(text))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=Where(shown)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"is not TOML: {error}", where=Where(shown)) from error
    except ValidationError as error:
        raise InputError(first_problem(error), where=Where(shown)) from error

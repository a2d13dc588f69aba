"""Download what a source names: a package archive through pip, or a URL. Nothing is installed or executed."""

from __future__ import annotations

import importlib.util
import ssl
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path

from uniavgen_bench.core.hashing import CHUNK
from uniavgen_bench.core.redaction import environment_of_tools
from uniavgen_bench.weights.archive import FetchError
from uniavgen_bench.weights.index import configured_indexes, find_sdist, hidden, open_url
from uniavgen_bench.weights.manifest import Scheme, Source

Tick = Callable[[int], None]
"""Called with the number of bytes that have come since the last call."""

Fetcher = Callable[[Source, int, Path, Tick], Path]
"""`fetch(source, limit, folder, tick)` downloads at most about `limit` bytes into an empty folder and returns the
downloaded file; raises `FetchError`."""

POLL_SECONDS = 0.1
CONNECT_SECONDS = 15.0
SLACK = 1.05
ARCHIVE_ENDINGS = (".whl", ".tar.gz", ".zip")


def pip_command() -> list[str]:
    """Return the command that runs pip: the environment's own, else the one that comes with Python.

    Raises:
        FetchError: this Python has neither.
    """
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    spec = importlib.util.find_spec("ensurepip")
    places = [Path(p) / "_bundled" for p in (spec.submodule_search_locations or [])] if spec else []
    bundled = sorted(wheel for place in places for wheel in place.glob("pip-*.whl"))
    if not bundled:
        raise FetchError("this Python has no pip")
    return [sys.executable, str(bundled[-1] / "pip")]


def fetch_package(source: Source, limit: int, folder: Path, tick: Tick) -> Path:
    """Download a package archive under the user's own pip configuration (index, mirror, proxy, certificates).

    pip itself is asked for wheels only, because it runs code of a source archive to learn its metadata; a source
    archive is looked up in pip's indexes and downloaded as a file.
    """
    try:
        return _fetch_wheel(source, limit, folder, tick)
    except NoWheelError as no_wheel:
        name, _, version = source.archive.partition("==")
        indexes = configured_indexes(pip_command())
        try:
            url = find_sdist(name, version, indexes, CONNECT_SECONDS)
        except FetchError as error:
            raise FetchError(f"{no_wheel}; {error}") from error
        return download(url, limit, folder / "sdist", tick, indexes.context())


class NoWheelError(FetchError):
    """pip found no wheel of the version asked for."""


def _fetch_wheel(source: Source, limit: int, folder: Path, tick: Tick) -> Path:
    temporary = folder / "tmp"
    temporary.mkdir()
    command = [*pip_command(), "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += [
        "--disable-pip-version-check",
        "--no-input",
        "--no-cache-dir",
        "--progress-bar=off",
        "--retries=2",
    ]
    command += ["--quiet", "--dest", str(folder), source.archive]
    log = folder / "pip.log"
    environment = {
        **environment_of_tools(),
        "TMPDIR": str(temporary),
        "TEMP": str(temporary),
        "TMP": str(temporary),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=environment
        )
        try:
            _watch(process, limit, folder, tick)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    found = sorted(p for p in folder.iterdir() if p.name.endswith(ARCHIVE_ENDINGS))
    if process.returncode != 0 or not found:
        reason = _last_error(log)
        kind = NoWheelError if "No matching distribution" in reason else FetchError
        raise kind(f"pip: {reason}")
    return found[0]


def _watch(process: subprocess.Popen[bytes], limit: int, folder: Path, tick: Tick) -> None:
    seen = 0
    while process.poll() is None:
        time.sleep(POLL_SECONDS)
        size = _downloaded(folder)
        tick(max(0, size - seen))
        seen = max(seen, size)
        if size > limit * SLACK:
            raise FetchError(f"the archive is larger than the {limit} bytes of the manifest")


def _downloaded(folder: Path) -> int:
    """Return the bytes of the archive so far; pip moves the file when it is complete."""
    sizes = [0]
    for path in folder.rglob("*"):
        if path.name.endswith(ARCHIVE_ENDINGS):
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:
                continue
    return max(sizes)


def _last_error(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    errors = [line for line in lines if line.startswith("ERROR:")] or [line for line in lines if line]
    return errors[-1].removeprefix("ERROR:").strip() if errors else "it gave no file and no reason"


def fetch_url(source: Source, limit: int, folder: Path, tick: Tick) -> Path:
    """Download a URL; proxies and certificates come from the usual environment variables."""
    return download(source.url, limit, folder / "download", tick)


def download(url: str, limit: int, target: Path, tick: Tick, context: ssl.SSLContext | None = None) -> Path:
    """Write what a URL gives to `target`, at most `limit` bytes.

    Raises:
        FetchError: it cannot be reached, breaks off, or gives more.
    """
    size, shown = 0, hidden(url)
    try:
        with open_url(url, CONNECT_SECONDS, context) as reply, target.open("xb") as out:
            while block := reply.read(CHUNK):
                size += len(block)
                if size > limit * SLACK:
                    raise FetchError(f"{shown} gives more than the {limit} bytes of the manifest")
                out.write(block)
                tick(len(block))
    except urllib.error.HTTPError as error:
        raise FetchError(f"{shown} answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise FetchError(f"{shown} cannot be reached: {error.reason}") from error
    except (TimeoutError, ConnectionError, HTTPException) as error:
        raise FetchError(f"{shown} broke off after {size} bytes: {error}") from error
    return target


FETCHERS: Mapping[Scheme, Fetcher] = {
    Scheme.PYPI: fetch_package,
    Scheme.HF: fetch_url,
    Scheme.GITHUB: fetch_url,
    Scheme.HTTPS: fetch_url,
}

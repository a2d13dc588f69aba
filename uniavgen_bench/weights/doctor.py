"""`uniavgen-bench doctor`: what this machine has, what it lacks, and the way out of each problem."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path

import typer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict

PACKAGE = "uniavgen-bench"
DECODERS = {
    "video": ("h264", "hevc", "vp8", "vp9", "av1", "mpeg1video", "mpeg2video", "mpeg4", "mjpeg", "prores"),
    "audio": ("aac", "mp3", "mp2", "opus", "vorbis", "flac", "alac", "pcm_s16le"),
}
ENCODERS = ("libx264", "flac", "aac")
TIGHT_BYTES = 2_000_000_000
"""Free disk below which a run may not finish."""


class Standing(StrEnum):
    """How a fact stands: fine, worth knowing, or in the way."""

    FINE = "fine"
    NOTE = "note"
    PROBLEM = "problem"


class Finding(BaseModel):
    """One fact about this machine; a note or problem has its way out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: str
    name: str
    value: str
    standing: Standing = Standing.FINE
    way_out: str = ""


def examine() -> list[Finding]:
    """Look at everything that a run depends on. A part that cannot be looked at is itself a finding."""
    parts: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
        ("system", _system),
        ("packages", _packages),
        ("devices", _devices),
        ("storage", _storage),
        ("media", _media),
        ("plugins", _plugins),
        ("weights", _weights),
    )
    findings: list[Finding] = []
    for group, part in parts:
        try:
            for finding in part():  # one by one: what was found before a failure stays
                findings.append(finding)
        except Exception as error:  # noqa: BLE001 - a broken package may raise anything, and this command reports it
            text = " ".join(f"{type(error).__name__}: {error}".split())
            findings.append(
                Finding(group=group, name=group, value=text, standing=Standing.PROBLEM, way_out=_reinstall())
            )
    return findings


def doctor(*, json: bool = False) -> None:
    """Print the findings; exit status 1 when there is a problem."""
    findings = examine()
    if json:
        from pydantic import TypeAdapter

        typer.echo(TypeAdapter(list[Finding]).dump_json(findings, indent=2).decode())
    else:
        _print(findings)
    if any(f.standing is Standing.PROBLEM for f in findings):
        raise typer.Exit(1)


def _reinstall() -> str:
    return f"{Path(sys.executable).name} -m pip install --force-reinstall {PACKAGE}"


def _system() -> Iterator[Finding]:
    version = platform.python_version()
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        group="system",
        name="Python",
        value=f"{version} ({sys.executable})",
        standing=Standing.FINE if good else Standing.PROBLEM,
        way_out="" if good else "make an environment with Python 3.11, 3.12 or 3.13",
    )
    yield Finding(group="system", name="platform", value=platform.platform())


def _packages() -> Iterator[Finding]:
    """The packages that the project declares: needed ones must be here, those of an extra may be absent."""
    for requirement in map(Requirement, importlib.metadata.requires(PACKAGE) or []):
        extra = _extra(requirement)
        if extra in {"test", "dev"} or canonicalize_name(requirement.name) == PACKAGE:
            continue
        if extra is None and requirement.marker and not requirement.marker.evaluate():
            continue
        name = requirement.name if extra is None else f"{requirement.name} [{extra}]"
        install = f"pip install '{PACKAGE}{f'[{extra}]' if extra else ''}'"
        needed = Standing.PROBLEM if extra is None else Standing.NOTE
        try:
            found = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding(group="packages", name=name, value="absent", standing=needed, way_out=install)
            continue
        fits = requirement.specifier.contains(found, prereleases=True)
        yield Finding(
            group="packages",
            name=name,
            value=found if fits else f"{found}, but {requirement.specifier} is asked for",
            standing=Standing.FINE if fits else needed,
            way_out="" if fits else install,
        )


def _extra(requirement: Requirement) -> str | None:
    """Return the extra that a requirement belongs to, or None for a needed package."""
    if requirement.marker is None or "extra" not in str(requirement.marker):
        return None
    known = importlib.metadata.metadata(PACKAGE).get_all("Provides-Extra") or []
    return next((e for e in known if requirement.marker.evaluate({"extra": e})), None)


def _devices() -> Iterator[Finding]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    yield Finding(group="devices", name="cpu", value=f"{usable} processors for this process")
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        yield Finding(group="devices", name="memory", value=f"{memory / 1e9:.1f} GB")
    torch = importlib.import_module("torch")
    if not torch.cuda.is_available():
        yield Finding(
            group="devices", name="cuda", value=f"none (torch {torch.__version__}); runs use the cpu"
        )
        return
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        value = f"{facts.name}, {facts.total_memory / 1e9:.0f} GB, CUDA {torch.version.cuda}"
        yield Finding(group="devices", name=f"cuda:{index}", value=value)


def _storage() -> Iterator[Finding]:
    from uniavgen_bench.core.store import home
    from uniavgen_bench.weights.search import SEARCH_VARIABLE, search_folders

    folder = home().absolute()
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    writable = existing.is_dir() and os.access(existing, os.W_OK)
    yield Finding(
        group="storage",
        name="home",
        value=str(folder) if writable else f"{folder} cannot be written",
        standing=Standing.FINE if writable else Standing.PROBLEM,
        way_out="" if writable else "name another folder with UNIAVGEN_BENCH_HOME",
    )
    free = shutil.disk_usage(existing).free
    tight = free < TIGHT_BYTES
    yield Finding(
        group="storage",
        name="free disk",
        value=f"{free / 1e9:.1f} GB",
        standing=Standing.NOTE if tight else Standing.FINE,
        way_out=f"make room: weights and caches take about {TIGHT_BYTES / 1e9:.0f} GB" if tight else "",
    )
    for place in search_folders():
        here = place.is_dir()
        yield Finding(
            group="storage",
            name="weights folder",
            value=str(place) if here else f"{place} is not a folder",
            standing=Standing.FINE if here else Standing.PROBLEM,
            way_out="" if here else f"mend {SEARCH_VARIABLE}",
        )


def _media() -> Iterator[Finding]:
    av = importlib.import_module("av")
    for kind, names in DECODERS.items():
        yield _codecs(av, f"{kind} decoders", names, "r")
    yield _codecs(av, "encoders", ENCODERS, "w")


def _codecs(av: object, name: str, wanted: tuple[str, ...], mode: str) -> Finding:
    codec = importlib.import_module("av.codec").Codec
    absent = []
    for each in wanted:
        try:
            codec(each, mode)
        except ValueError:
            absent.append(each)
    version = getattr(av, "__version__", "?")
    if not absent:
        return Finding(group="media", name=name, value=f"{', '.join(wanted)} (PyAV {version})")
    return Finding(
        group="media",
        name=name,
        value=f"PyAV {version} lacks {', '.join(absent)}",
        standing=Standing.PROBLEM,
        way_out="pip install --force-reinstall --only-binary=:all: av (the wheel brings all of them)",
    )


def _plugins() -> Iterator[Finding]:
    from uniavgen_bench.core.registry import DATASETS, METRICS, SYSTEMS, Registry

    for group, kind in ((METRICS, "metric"), (SYSTEMS, "system"), (DATASETS, "dataset")):
        names = Registry(group, kind, object).names()
        yield Finding(
            group="plugins",
            name=f"{kind}s",
            value=", ".join(names) or "none",
            standing=Standing.FINE if names else Standing.PROBLEM,
            way_out="" if names else _reinstall(),
        )


def _weights() -> Iterator[Finding]:
    from uniavgen_bench.weights.locate import State, WeightLocator, way_out

    for status in WeightLocator().status():
        weight = status.weight
        size = f"{weight.bytes / 1e6:.1f} MB"
        if status.state is State.HERE:
            yield Finding(group="weights", name=weight.name, value=f"{size}, {_short(status.path)}")
            continue
        wrong = status.state is State.WRONG
        yield Finding(
            group="weights",
            name=weight.name,
            value=status.problem if wrong else f"absent ({size})",
            standing=Standing.PROBLEM if wrong else Standing.NOTE,
            way_out=way_out(weight),
        )


def _short(path: Path | None) -> str:
    """Return a path with the user's own folder as `~`."""
    try:
        return f"~{os.sep}{path.relative_to(Path.home())}" if path else ""
    except ValueError:
        return str(path)


def _print(findings: list[Finding]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    style = {Standing.FINE: "green", Standing.NOTE: "yellow", Standing.PROBLEM: "red"}
    console = Console()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("", "what", "found", "way out"):
        table.add_column(column, overflow="fold")
    group = ""
    for finding in findings:
        if finding.group != group:
            group = finding.group
            table.add_row("", Text(group, style="bold"), "", "")
        standing = Text(finding.standing.value, style=style[finding.standing])
        table.add_row(standing, Text(finding.name), Text(finding.value), Text(finding.way_out))
    console.print(table)
    problems = sum(f.standing is Standing.PROBLEM for f in findings)
    console.print(
        "no problem found" if not problems else f"{problems} problems; the last column says the way out"
    )

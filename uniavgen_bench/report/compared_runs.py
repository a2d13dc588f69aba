"""The runs that `compare` is given: read, named, and refused where there is nothing to compare."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.run_files import ClipRecord, MetricComputed, RunDirectory, RunManifest
from uniavgen_bench.core.sample import SystemInfo
from uniavgen_bench.report.computed import read_computed


@dataclass(frozen=True)
class ComparedRun:
    """A run that takes part. `name` tells it from the others; `computed` is by what its metrics were computed."""

    name: str
    directory: RunDirectory
    manifest: RunManifest
    records: tuple[ClipRecord, ...]
    scores: pd.DataFrame
    computed: Mapping[str, MetricComputed]

    @property
    def systems(self) -> dict[str, SystemInfo]:
        """The systems with clips, in the order of the run's tables."""
        present = dict.fromkeys(record.system for record in self.records)
        known = {info.id: info for info in self.manifest.systems}
        order = [name for name in known if name in present] + [name for name in present if name not in known]
        return {name: known.get(name, SystemInfo(id=name, use=name)) for name in order}

    @cached_property
    def _first_repeats(self) -> dict[str, dict[str, ClipRecord]]:
        found: dict[str, dict[str, ClipRecord]] = {}
        for record in self.records:
            found.setdefault(record.system, {}).setdefault(record.sample.id, record)
        return found

    def samples(self, system: str) -> dict[str, ClipRecord]:
        """Return the samples of a system with the record of their first repeat."""
        return self._first_repeats.get(system, {})

    def clip_page(self, system: str, sample: str, folder: Path) -> str | None:
        """Return the address of a sample's first clip in the run's report, from a folder; None when there is none."""
        record = self.samples(system).get(sample)
        if record is None:
            return None
        key = slug(f"{system}/{sample}/{record.repeat}")
        report = self.directory.root.resolve() / "report"
        page, mark = report / "clips" / f"{key}.html", ""
        if not page.is_file():
            page, mark = report / "clip.html", f"#{key}"
        if not page.is_file():
            return None
        relative = Path(os.path.relpath(page, folder.resolve()))
        return "/".join(quote(part, safe="") for part in relative.parts) + mark


def read_compared(paths: Sequence[Path]) -> tuple[ComparedRun, ...]:
    """Read the runs, the first of which is what the others are compared with.

    Raises:
        InputError: fewer than two, one twice, a folder that is no run, an unfinished or an empty run, or runs of
            different suites.
    """
    if len(paths) < 2:
        raise InputError("one run is compared with nothing", way_out="give two run directories or more")
    names = _names(paths)
    runs = tuple(_read(path, name) for path, name in zip(paths, names, strict=True))
    first = runs[0]
    for run in runs[1:]:
        if run.manifest.suite != first.manifest.suite:
            raise InputError(
                f"{paths[0]} is a run of the suite {first.manifest.suite!r}, {run.directory.root} of "
                f"{run.manifest.suite!r}: they do not measure the same thing"
            )
    return runs


def _read(path: Path, name: str) -> ComparedRun:
    directory = RunDirectory(path)
    manifest = directory.manifest()
    if manifest.status != "complete":
        raise InputError(f"{path} has not finished", way_out="start it again: it goes on where it stopped")
    records = tuple(directory.clips())
    if not records or not manifest.metrics:
        what = "no metrics" if records else "no clips"
        raise InputError(f"{path} is empty: it has {what}")
    return ComparedRun(name, directory, manifest, records, directory.scores(), read_computed(path))


def _names(paths: Sequence[Path]) -> list[str]:
    """Return the shortest ends of the paths that tell them apart."""
    whole = [path.resolve() for path in paths]
    for i, path in enumerate(whole):
        if path in whole[:i]:
            raise InputError(f"{paths[i]} is given twice")
    longest = max(len(path.parts) for path in whole)
    for length in range(1, longest + 1):
        names = ["/".join(path.parts[-length:]) for path in whole]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in whole]

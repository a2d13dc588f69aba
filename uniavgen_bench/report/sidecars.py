"""What lies in a run beside its clips: what systems of other projects delivered, and the logs of their jobs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.located import read_given
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.validity_files import Tolerant

JOBS = "jobs"
LOG = "log.txt"
NAMED_LOG = re.compile(rf"\b{JOBS}/[a-z0-9_.-]+(?:/[a-z0-9_.-]+)*/{LOG}\b")
"""A log as a reason names it; the folders below `jobs` are slugs and numbers."""

Clip = tuple[str, str, int]
"""System, sample, repeat."""


class DeliveredFacts(Tolerant):
    """What a system delivered: px, frames/s, s, Hz, dB of full scale; None where there is no such thing."""

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    video_codec: str | None = None
    video_seconds: float | None = None
    audio_codec: str | None = None
    audio_rate: int | None = None
    audio_seconds: float | None = None
    level_db: float | None = None


class StageNotes(Tolerant):
    """What was done to the inputs of an earlier stage, for example of the speech of a cascade."""

    inputs: tuple[str, ...] = ()


class Sidecar(Tolerant):
    """The part of the file beside a made clip that the report shows."""

    sha256: str = ""
    delivered: DeliveredFacts | None = None
    departures: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    speech: StageNotes = StageNotes()

    @property
    def done_to_inputs(self) -> tuple[str, ...]:
        """What was done to all inputs, in the order of the stages."""
        return (*(f"speech: {note}" for note in self.speech.inputs), *self.inputs)


class Sidecars:
    """Reads them once: a file per made clip, and the list of clips of every job."""

    def __init__(self, root: Path, records: Iterable[ClipRecord], systems: Iterable[str]) -> None:
        self._root, self._records, self._systems = root, tuple(records), tuple(systems)

    @cached_property
    def made(self) -> Mapping[Clip, Sidecar]:
        """By clip what lies beside it, as far as it can be read and says what was delivered."""
        found = {}
        for record in self._records:
            folder = self._root / "clips" / slug(record.system) / slug(record.sample.id)
            try:
                sidecar = Sidecar.model_validate_json(read_given(folder / f"{record.repeat}.json"))
            except (InputError, OSError, ValidationError):
                continue
            if sidecar.delivered is not None:
                found[record.system, record.sample.id, record.repeat] = sidecar
        return found

    @cached_property
    def _jobs(self) -> Mapping[Clip, Mapping[str, str]]:
        """By clip the log of the last job of each stage that was started for it, relative to the run."""
        found: dict[Clip, dict[str, str]] = {}
        for system in self._systems:
            told = [
                p
                for p in (self._root / JOBS / slug(system)).rglob("command.json")
                if p.parent.name.isdecimal()
            ]
            for path in sorted(told, key=lambda p: (p.parents[1], int(p.parent.name))):
                log = path.with_name(LOG)
                if not log.is_file():
                    continue
                for sample, repeat in _items(path):
                    stage = found.setdefault((system, sample, repeat), {})
                    stage[str(path.parents[1])] = log.relative_to(self._root).as_posix()
        return found

    def logs(self, clip: Clip, problem: str = "") -> tuple[str, ...]:
        """Return the logs of a clip, relative to the run: the one that its reason names, else of its last jobs."""
        named = NAMED_LOG.search(problem)
        if named and ".." not in named.group() and (self._root / named.group()).is_file():
            return (named.group(),)
        return tuple(self._jobs.get(clip, {}).values())


def _items(path: Path) -> list[tuple[str, int]]:
    """Return sample and repeat of the clips of a job; none where its file is damaged."""
    try:
        items = json.loads(read_given(path))["items"].values()
        return [(str(item["sample"]), int(item["repeat"])) for item in items]
    except (InputError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return []

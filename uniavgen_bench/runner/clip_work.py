"""What the driver and its workers hand each other: settings of a run, a clip to be scored, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.remote_store import Shared
from uniavgen_bench.core.result import Missing
from uniavgen_bench.core.run_files import ClipRecord
from uniavgen_bench.core.sample import ClipKey, Sample
from uniavgen_bench.runner.score_clip import Scored


@dataclass(frozen=True)
class WorkerConfig:
    """What all clips of a run share; small and picklable, so that it travels with each clip.

    `remote`: address of a store that `store` is in front of (`core.remote_store`).
    """

    run: Path
    store: Path
    metrics: tuple[str, ...]
    systems: tuple[tuple[str, str], ...]
    device: str
    threads: int
    media: str
    remote: Shared | str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ClipWork:
    """A clip to be scored: a finished file at `path`, or one that system number `system` makes from `sources`.

    `made`: what a stage before gave for it, a file or the reason why there is none. `part`: it is tried metric by
    metric, and this is one of them: its evidence travels with its outcome, and is placed with that of the others.
    """

    key: ClipKey
    sample: Sample
    path: Path | None
    system: int | None = None
    sources: tuple[Path, ...] = ()
    seed: int = 0
    only_metrics: tuple[str, ...] | None = None
    made: Path | Missing | None = None
    part: bool = False


@dataclass(frozen=True)
class ClipOutcome:
    """All that a run keeps of a clip. `timings`: seconds by stage, for the profile. `problems`: for the log.

    `entries`: keys of the store's entries that it used. `notes`: what the user should be told, once in a run.
    """

    record: ClipRecord
    scored: tuple[Scored, ...]
    timings: dict[str, float] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def clip_folder(key: ClipKey) -> Path:
    """Return the folder of a clip below `clips/` or `evidence/` of a run."""
    return Path(slug(key.system)) / slug(key.sample)

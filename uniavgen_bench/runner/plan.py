"""From a resolved suite to the list of clips that a run has, in a fixed order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from uniavgen_bench.core.errors import InputError, unknown_name
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.ids import slug
from uniavgen_bench.core.sample import ClipKey, Sample, SystemInfo
from uniavgen_bench.datasets.dataset import Dataset, FinishedClip
from uniavgen_bench.runner.configured import ConfiguredSystem
from uniavgen_bench.runner.suite import ResolvedSuite
from uniavgen_bench.systems.finished_clips import Matched, match_clips
from uniavgen_bench.systems.precomputed import PrecomputedOptions


@dataclass(frozen=True)
class PlannedClip:
    """A clip of the run: a finished one has its `path`; one to be made has the system's index and its sources."""

    key: ClipKey
    sample: Sample
    path: Path | None = None
    system: int | None = None
    sources: tuple[ClipKey, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Plan:
    """All clips of a run, and the systems that stand in its tables.

    Clips of derived systems come after those that they are derived from.
    """

    systems: tuple[SystemInfo, ...]
    clips: tuple[PlannedClip, ...]
    notes: tuple[str, ...] = ()


def clip_seed(seed: int, sample: str, repeat: int) -> int:
    """Return the seed of a clip, 0 … 2^31 - 1: the same for every system, so that comparisons are paired."""
    return int(sha256_json([seed, sample, repeat])[:8], 16) & 0x7FFF_FFFF


def make_plan(resolved: ResolvedSuite, *, limit: int | None = None, only: Sequence[str] = ()) -> Plan:
    """List the clips of a run.

    `limit` keeps the first N samples; with a dataset of finished clips, N of each system. `only` keeps the systems
    of these names, and what they are derived from is still read; a system that an ablation is of brings its cells.
    A control of all systems takes those that the suite lists, not the cells of an ablation.

    Raises:
        InputError: nothing is left to do, `only` or `of` names an unknown system, or a finished clip's system has
            the name of another system of the suite.
    """
    dataset, suite = resolved.dataset, resolved.suite
    if resolved.ablation is not None and resolved.ablation.of in only:
        only = tuple(dict.fromkeys([*only, *resolved.cells]))
    varied = {s.info.id for s in resolved.systems if s.varied}
    samples = {s.id: s for s in dataset.samples}
    infos: dict[str, SystemInfo] = {}
    clips: list[PlannedClip] = []
    taken = {s.info.id for s in resolved.systems if not s.plugin.finished or has_own_clips(s)}
    notes = list(dataset.notes)
    for index, system in enumerate(resolved.systems):
        if has_own_clips(system):
            infos[system.info.id] = system.info
            matched = matched_clips(system, dataset, suite.repeats)
            notes.append(matched.note(system.info.id))
            for sample in dataset.samples[:limit]:
                for repeat in range(suite.repeats):
                    key = ClipKey(system=system.info.id, sample=sample.id, repeat=repeat)
                    path = matched.clips.get((sample.id, repeat))
                    clips.append(PlannedClip(key, sample, path, None if path is not None else index))
        elif system.plugin.finished:
            found = _finished(system, dataset, limit)
            for clip in found:
                if clip.system in taken:
                    raise InputError(
                        f"the dataset has clips of a system {clip.system!r}, which is a system of the suite as well",
                        way_out="rename one of them, or leave that control out",
                    )
                infos.setdefault(clip.system, SystemInfo(id=clip.system, use="precomputed", role=clip.role))
                key = ClipKey(system=clip.system, sample=clip.sample, repeat=clip.repeat)
                clips.append(PlannedClip(key, samples[clip.sample], path=clip.path))
        elif not system.plugin.derived:
            infos[system.info.id] = system.info
            for sample in dataset.samples[:limit]:
                for repeat in range(suite.repeats):
                    key = ClipKey(system=system.info.id, sample=sample.id, repeat=repeat)
                    seed = clip_seed(suite.seed, sample.id, repeat)
                    clips.append(PlannedClip(key, sample, system=index, seed=seed))
    plain = {name for name in only if name in infos}
    made = tuple(clip for clip in clips if not plain or clip.key.system in plain)
    for index, system in enumerate(resolved.systems):
        if system.plugin.derived:
            infos[system.info.id] = system.info
            clips += _derived(index, system, made, varied, suite.seed)
    if only:
        for name in only:
            if name not in infos:
                raise unknown_name("system", name, infos)
        infos = {name: info for name, info in infos.items() if name in only}
    kept = tuple(clip for clip in clips if clip.key.system in infos)
    if not kept:
        raise InputError(f"suite {suite.name!r} has nothing to do: the dataset has no clip for these systems")
    _check_folders(kept)
    return Plan(tuple(infos.values()), kept, tuple(notes))


def _check_folders(clips: Sequence[PlannedClip]) -> None:
    """Refuse ids whose names on disk are one: the hashes in them are short, and somebody may look for equal ones."""
    seen: dict[tuple[str, str, int], ClipKey] = {}
    for clip in clips:
        key = clip.key
        other = seen.setdefault((slug(key.system).lower(), slug(key.sample).lower(), key.repeat), key)
        if other != key:
            raise InputError(
                f"{other.system}/{other.sample} and {key.system}/{key.sample} would share a folder",
                way_out="rename one of them",
            )


def has_own_clips(system: ConfiguredSystem) -> bool:
    """Whether a system's finished clips lie in a folder or table of its own, not in the dataset."""
    return isinstance(system.options, PrecomputedOptions) and system.options.clips is not None


def matched_clips(system: ConfiguredSystem, dataset: Dataset, repeats: int) -> Matched:
    """Match the finished clips of a system to the samples.

    Raises:
        InputError: they cannot be read, or two fit one sample.
    """
    options = system.options
    if not isinstance(options, PrecomputedOptions) or options.clips is None:
        raise TypeError(f"{system.info.id} has no clips of its own")
    return match_clips(
        options.clips, dataset.samples, match=options.match, name=options.name, repeats=repeats
    )


def _finished(system: ConfiguredSystem, dataset: Dataset, limit: int | None) -> list[FinishedClip]:
    wanted = system.options.only if isinstance(system.options, PrecomputedOptions) else ()
    known = {clip.system for clip in dataset.clips}
    for name in wanted:
        if name not in known:
            raise unknown_name("system of the dataset", name, known)
    counts: dict[str, int] = {}
    kept = []
    for clip in dataset.clips:
        if wanted and clip.system not in wanted:
            continue
        counts[clip.system] = counts.get(clip.system, 0) + 1
        if limit is None or counts[clip.system] <= limit:
            kept.append(clip)
    return kept


def _derived(
    index: int, system: ConfiguredSystem, made: Sequence[PlannedClip], varied: Collection[str], seed: int
) -> list[PlannedClip]:
    """Plan the clips of a control: one for every clip of the systems that it is taken `of`.

    A control of several systems keeps their clips apart by putting the system's name before the sample's; the
    upper controls (recordings) take part too, because a floor is a floor for all.
    """
    of = str(system.info.options.get("of") or "")
    systems = {clip.key.system for clip in made}
    if of and of not in systems:
        raise unknown_name("system", of, systems)
    sources = [c for c in made if c.key.system == of or (not of and c.key.system not in varied)]
    several = len({clip.key.system for clip in sources}) > 1
    keys = [clip.key for clip in sources]
    maker = system.plugin.make(system.options)
    planned = []
    for clip in sources:
        name = f"{clip.key.system}/{clip.key.sample}" if several and not of else clip.key.sample
        key = ClipKey(system=system.info.id, sample=name, repeat=clip.key.repeat)
        sample = clip.sample.model_copy(update={"id": name})
        at = maker.sources(clip.key, keys, seed)
        planned.append(
            PlannedClip(key, sample, system=index, sources=at, seed=clip_seed(seed, name, key.repeat))
        )
    return planned

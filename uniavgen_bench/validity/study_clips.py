"""The clips of a study: the portrait world by its options, or finished clips of a folder or manifest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from uniavgen_bench.core.errors import InputError, Where
from uniavgen_bench.core.hashing import sha256_json
from uniavgen_bench.core.located import Located, parse_yaml, validate
from uniavgen_bench.core.registry import DATASETS, Registry
from uniavgen_bench.datasets.dataset import Dataset, DatasetPlugin
from uniavgen_bench.validity.perturb import SEED, StudyClip

WORLD = "portraits"
WORLD_DEFAULTS: dict[str, Any] = {"samples": 24, "seconds": 3.0, "size": 128, "fps": 16}
"""Long enough for every embedded metric; as small as it may be, because every change is written anew."""


@dataclass(frozen=True)
class ClipSet:
    """Clips of one origin. `name` stands in front of their checks, `about` says what they are."""

    name: str
    about: str
    clips: tuple[StudyClip, ...]


def dataset_clips(name: str, settings: Sequence[str], limit: int | None) -> ClipSet:
    """Return the true clips of the portrait world, or the finished clips of another dataset.

    `settings`: options of the dataset as `KEY=VALUE`.

    Raises:
        InputError: an unknown dataset or option, or one without finished clips.
    """
    plugin = Registry(DATASETS, "dataset", DatasetPlugin).load(name)
    options: dict[str, Any] = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            raise InputError(f"{setting!r} is not KEY=VALUE", where=Where("--set"))
        options[key] = parse_yaml(text, f"--set {key}").data
    if name == WORLD:
        options = {**WORLD_DEFAULTS, **options}
        if limit is not None:
            options["samples"] = min(limit, int(options["samples"]))
    data = plugin.load(validate(plugin.options, Located(options, {}, "--set")))
    if name == WORLD:
        return _world(data, options)
    return _finished(data, limit, name)


def _world(data: Dataset, options: dict[str, Any]) -> ClipSet:
    from uniavgen_bench.datasets.portraits.dataset import clip_of

    clips = tuple(
        StudyClip(sample, clip_of(sample), sample.facts["identity"], world=True) for sample in data.samples
    )
    said = ", ".join(f"{key} {value}" for key, value in options.items() if key != "samples")
    people = len({clip.cluster for clip in clips})
    return ClipSet(
        "portrait world", f"{len(clips)} clips of {people} people of the portrait world ({said})", clips
    )


def folder_clips(folder: Path, limit: int | None) -> ClipSet:
    """Return the finished clips of a folder: those that its `clips.csv` lists, else every media file.

    Raises:
        InputError: no such folder, a file, or no clip in it.
    """
    if folder.is_file():
        raise InputError("is a file", where=Where(folder), way_out="name the folder that holds the clips")
    from uniavgen_bench.datasets.folder import FolderOptions, load_folder
    from uniavgen_bench.datasets.manifest import ManifestOptions, load_manifest

    manifest = folder / "clips.csv"
    if manifest.is_file():
        return _finished(load_manifest(ManifestOptions(path=manifest)), limit, folder.name)
    return _finished(load_folder(FolderOptions(path=folder)), limit, folder.name)


def _finished(data: Dataset, limit: int | None, name: str) -> ClipSet:
    samples = {sample.id: sample for sample in data.samples}
    clips: list[StudyClip] = []
    for clip in data.clips:
        sample = samples[clip.sample]
        if sample.facts.get("single_face", "yes") == "yes":
            # Several systems may have a clip for one sample; a study needs a name for each clip.
            named = sample.model_copy(update={"id": f"{clip.system}/{clip.sample}"})
            clips.append(StudyClip(named, clip.path, _cluster(sample.facts, clip.path)))
    if not clips:
        raise InputError(
            f"{name} has no finished clips with one face", way_out="name a folder or manifest of clips"
        )
    chosen = _spread(clips, limit)
    owners = len({clip.cluster for clip in chosen})
    return ClipSet("clips", f"{len(chosen)} clips of {owners} owners of the folder {name}", chosen)


def _cluster(facts: dict[str, str], path: Path) -> str:
    """Return who published a clip: recordings and systems of one owner are not independent."""
    if "identity" in facts:
        return facts["identity"]
    return facts["source_repo"].split("/")[0] if "source_repo" in facts else path.parent.name


def _spread(clips: Sequence[StudyClip], limit: int | None) -> tuple[StudyClip, ...]:
    """Take clips owner by owner in turn, and each owner's system by system, so that a limit leaves as many as can be.

    Those with published scores come first; among equals the order is drawn by a seed that depends on the clip's name
    alone, because neighbours of a list are often one speaker's. A higher limit keeps what a lower one chose.
    """
    drawn = sorted(clips, key=lambda clip: sha256_json([SEED, clip.sample.id]))
    by_system = _turns(drawn, lambda clip: (clip.cluster, bool(clip.sample.published), _system(clip)))
    inside = sorted(drawn, key=lambda clip: (not clip.sample.published, by_system[clip.sample.id]))
    by_owner = _turns(inside, lambda clip: clip.cluster)
    order = sorted(inside, key=lambda clip: (by_owner[clip.sample.id], not clip.sample.published))
    return tuple(order[: limit or len(order)])


def _system(clip: StudyClip) -> str:
    return clip.sample.id.partition("/")[0]


def _turns(clips: Sequence[StudyClip], group: Callable[[StudyClip], object]) -> dict[str, int]:
    """Return for every clip how many of its group stand before it."""
    before: dict[object, int] = {}
    turns: dict[str, int] = {}
    for clip in clips:
        turns[clip.sample.id] = before.get(group(clip), 0)
        before[group(clip)] = turns[clip.sample.id] + 1
    return turns

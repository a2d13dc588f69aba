"""Shards for training: pictures, sound and texts of many clips as tensors, to be read without the suite."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.hashing import sha256_file, sha256_json
from uniavgen_bench.core.spec import Frozen

from .clip_cache import MOST_WORKERS, world_version
from .clip_maker import ClipMaker, MadeClip, in_order_of_people
from .clip_progress import ClipProgress
from .dataset import PortraitsOptions
from .espeak import library_files
from .face_state import EMOTIONS
from .recipe import Recipe
from .speech import SPEECH_RATE
from .truth import LANDMARKS, Truth

INDEX = "index.json"
SHARD_LAYOUT = 2
"""Raise it when shards get other tensors, so that older ones are made again."""


class ShardEntry(Frozen):
    """A shard: its file beside the index, how many clips, the SHA-256 of its bytes, and of what it was made from."""

    file: str
    clips: int
    sha256: str
    key: str


class ShardIndex(Frozen):
    """index.json of an export.

    Every shard is a safetensors file of n clips, grouped by person, so shuffle over shards. Tensors: `frames` UInt8
    [n, T, S, S, 3]; `reference` UInt8 [n, S, S, 3], another moment of the person; `audio` Int16 [n, N] at
    `sample_rate`, exactly as long as the frames; `reference_audio` Int16 [n, M], padded with zeros, and its
    `reference_samples` Int64 [n]; `mask` UInt8 [n, T, S, S], 1 on the face; `opening` Float32 [n, T], of the mouth
    over the distance between the eyes; `mouth` Float32 [n, T, 4], left, top, right and bottom of the lips in pixels;
    `identity` Int64 [n]; `emotion` Int64 [n], index into `emotions`; `intensity`
    Float32 [n]; `stylised` UInt8 [n]. The metadata's `clips` is JSON with `texts`: `id`, `speech`, `caption`,
    `reference_text`, each a list of n.
    """

    schema_version: Literal[1] = 1
    options: PortraitsOptions
    world: str
    clips: int
    identities: int
    frames: int
    fps: int
    size: int
    sample_rate: int
    emotions: tuple[str, ...]
    shards: tuple[ShardEntry, ...]


def export_portraits(
    options: PortraitsOptions, out: Path, *, clips_per_shard: int = 64, workers: int | None = None
) -> ShardIndex:
    """Write shards and `index.json` into a folder; shards that are there already are kept, so a killed export goes on.

    Args:
        options: which clips, as for the dataset; `task` plays no part.
        out: the folder; it may hold nothing but an export of the same options.
        clips_per_shard: clips in a shard, at most.
        workers: how many processes make clips (None: one per core); the bytes do not depend on it.

    Raises:
        InputError: the folder holds something else, or clips that cannot be made.
        NotInstalledError: the extra `portraits` is not installed.
        BenchError: the folder cannot be written.
    """
    if clips_per_shard < 1:
        raise InputError("clips_per_shard must be at least 1")
    library_files()
    recipes = in_order_of_people(options.recipes())
    parts = [recipes[i : i + clips_per_shard] for i in range(0, len(recipes), clips_per_shard)]
    try:
        _refuse_strangers(out)
        jobs = [(part, out / shard_name(part)) for part in parts]
        known = _known_shards(out)
        left = [(part, path) for part, path in jobs if not _is_here(path, part, known)]
        with ClipProgress(sum(len(part) for part, _ in left), out) as progress:
            for count in _written(left, workers):
                for _ in range(count):
                    progress.advance()
        entries = tuple(_entry(path, part) for part, path in jobs)
        kept = {entry.file for entry in entries}
        for stale in out.glob("shard-*.safetensors"):
            if stale.name not in kept:
                stale.unlink()
        form = recipes[0].form
        index = ShardIndex(
            options=options,
            world=world_version(),
            clips=len(recipes),
            identities=len({recipe.identity for recipe in recipes}),
            frames=form.frames,
            fps=form.fps,
            size=form.size,
            sample_rate=SPEECH_RATE,
            emotions=EMOTIONS,
            shards=entries,
        )
        write_json(out / INDEX, index.model_dump(mode="json"))
    except OSError as error:
        raise BenchError(f"shards cannot be kept in {out}: {error.strerror or error}") from error
    return index


def read_index(folder: Path) -> ShardIndex:
    """Read the index of an export.

    Raises:
        InputError: the folder holds no export, or a damaged one.
    """
    try:
        return ShardIndex.model_validate_json((folder / INDEX).read_bytes())
    except (OSError, ValidationError) as error:
        raise InputError(f"{folder} holds no export of portraits, or a damaged one") from error


def shard_key(recipes: Sequence[Recipe]) -> str:
    """Return the hash of what a shard is made from."""
    return sha256_json([SHARD_LAYOUT, world_version(), [asdict(recipe) for recipe in recipes]])


def shard_name(recipes: Sequence[Recipe]) -> str:
    """Return the file name of a shard: it says what is in it, so that another export's shard is never taken for it."""
    return f"shard-{shard_key(recipes)[:20]}.safetensors"


def shard_bytes(clips: Sequence[MadeClip], key: str) -> bytes:
    """Return a shard of clips of one format."""
    from safetensors.numpy import save

    facts = [clip.facts for clip in clips]
    references = [clip.reference.samples for clip in clips]
    padded = np.zeros((len(clips), max(len(r) for r in references)), np.int16)
    for row, reference in zip(padded, references, strict=True):
        row[: len(reference)] = reference
    tensors: dict[str, NDArray[np.generic]] = {
        "frames": np.stack([clip.seen.pictures for clip in clips]),
        "reference": np.stack([clip.image for clip in clips]),
        "audio": np.stack([clip.timeline.sound for clip in clips]),
        "reference_audio": padded,
        "reference_samples": np.array([len(r) for r in references], np.int64),
        "mask": np.stack([clip.seen.truth.mask for clip in clips]).astype(np.uint8),
        "opening": np.stack([clip.seen.truth.opening for clip in clips]),
        "mouth": np.stack([mouth_box(clip.seen.truth) for clip in clips]),
        "identity": np.array([f.identity for f in facts], np.int64),
        "emotion": np.array([EMOTIONS.index(clip.timeline.recipe.emotion) for clip in clips], np.int64),
        "intensity": np.array([f.intensity for f in facts], np.float32),
        "stylised": np.array([f.domain == "stylised" for f in facts], np.uint8),
    }
    texts = {
        "id": [f.sample for f in facts],
        "speech": [f.speech for f in facts],
        "caption": [f.caption for f in facts],
        "reference_text": [f.reference_text for f in facts],
    }
    # One entry only: the library writes several in an order that changes from process to process.
    described = json.dumps({"key": key, "texts": texts}, ensure_ascii=False)
    return bytes(save(tensors, metadata={"clips": described}))


def mouth_box(truth: Truth) -> NDArray[np.float32]:
    """Return left, top, right and bottom of the lips in pixels [T, 4]."""
    names = ("mouth_left", "mouth_right", "lip_top", "lip_low")
    left, right, top, low = (truth.landmarks[:, LANDMARKS.index(name)] for name in names)
    box = [np.minimum(left, right)[:, 0], top[:, 1], np.maximum(left, right)[:, 0], low[:, 1]]
    return np.stack(box, axis=1).astype(np.float32)


def write_shard(recipes: list[Recipe], path: Path) -> int:
    """Make the clips of a shard and write it, whole or not at all; return how many clips."""
    maker = ClipMaker()
    write_atomic(path, shard_bytes([maker.make(recipe) for recipe in recipes], shard_key(recipes)))
    return len(recipes)


def _written(jobs: list[tuple[list[Recipe], Path]], workers: int | None) -> Iterator[int]:
    count = min(workers or os.cpu_count() or 1, MOST_WORKERS, len(jobs))
    if count <= 1:
        for recipes, path in jobs:
            yield write_shard(recipes, path)
        return
    from concurrent.futures import as_completed
    from multiprocessing import get_context

    from pebble import ProcessExpired, ProcessPool

    with ProcessPool(max_workers=count, context=get_context("spawn")) as pool:
        futures = [pool.schedule(write_shard, args=[recipes, path]) for recipes, path in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except ProcessExpired as error:
            pool.stop()  # type: ignore[no-untyped-call]
            raise BenchError(
                "a process that makes clips died (run it again: what is made is kept)"
            ) from error
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise


def _refuse_strangers(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file, not a folder to export to")
    out.mkdir(parents=True, exist_ok=True)
    strangers = [
        p.name for p in out.iterdir() if p.name != INDEX and not p.name.lstrip(".").startswith("shard-")
    ]
    if strangers:
        raise InputError(f"{out} holds other things ({sorted(strangers)[0]})", way_out="give an empty folder")


def _known_shards(out: Path) -> dict[str, str]:
    """Return file -> SHA-256 of the shards that the last index lists."""
    if not (out / INDEX).is_file():
        return {}
    try:
        return {entry.file: entry.sha256 for entry in read_index(out).shards}
    except InputError:
        return {}


def _is_here(path: Path, recipes: Sequence[Recipe], known: dict[str, str]) -> bool:
    """Say whether a shard is here and whole: by its hash when an index lists it, else by its own header."""
    if not path.is_file():
        return False
    if path.name in known:
        return sha256_file(path) == known[path.name]
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as shard:
            described = json.loads((shard.metadata() or {}).get("clips", "{}"))
            return bool(described.get("key") == shard_key(recipes))
    except (SafetensorError, OSError, ValueError):
        return False


def _entry(path: Path, recipes: Sequence[Recipe]) -> ShardEntry:
    return ShardEntry(file=path.name, clips=len(recipes), sha256=sha256_file(path), key=shard_key(recipes))

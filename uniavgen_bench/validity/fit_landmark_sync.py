"""Train the weights of `lipsync.landmark_sync` and write them; `measure_landmark_sync` writes their model card.

    python -m uniavgen_bench.validity.fit_landmark_sync CLIPS_CSV [CLIPS_CSV …] --portraits SHARDS

Only clips under Apache-2.0, MIT, CC BY 4.0 or CC0 with one face are used, by what the manifests say, and procedural
heads of an export of portraits. Landmarks are kept in the store, so that a second run costs only the training.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.hashing import sha256_bytes, sha256_file, sha256_json
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.metrics.landmark_sync_model import (
    MODEL_FILE,
    LandmarkSyncModel,
    load_model,
    model_bytes,
    save_model,
)
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace, read_clips
from uniavgen_bench.validity.fit_mouth_audio import gather, template_of
from uniavgen_bench.validity.landmark_sync_material import lesson_of, minutes, portrait_faces
from uniavgen_bench.validity.landmark_sync_training import Progress, TrainSettings, train
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

SHARDS = 2
FIT_VERSION = 1
"""Raise it whenever a change of code changes what a training gives."""


def fit_on(
    faces: Sequence[TalkingFace],
    portraits: Sequence[TalkingFace],
    settings: TrainSettings | None = None,
    say: Progress = lambda text: None,
) -> LandmarkSyncModel:
    """Train template, basis and network on faces of clips, and on portraits when there are any."""
    template = template_of(faces)
    lessons, made = ([lesson_of(face, template) for face in some] for some in (faces, portraits))
    return train(lessons, made, template, settings, say)


def kept_fit(
    faces: Sequence[TalkingFace],
    portraits: Sequence[TalkingFace],
    settings: TrainSettings,
    store: Store,
    say: Progress = lambda text: None,
) -> LandmarkSyncModel:
    """Train as `fit_on`, or take what the same training gave before, so that a study that was stopped goes on.

    The address is made from the faces and sounds themselves and the settings; raise `FIT_VERSION` for another training.
    """
    parts = [[_digest(face) for face in some] for some in (faces, portraits)]
    key = sha256_json(["landmark-sync-fit", FIT_VERSION, asdict(settings), *parts])
    data = store.get(key)
    if data is None:
        data = model_bytes(fit_on(faces, portraits, settings, say), {})
        store.put(key, data)
    return load_model(data)


def _digest(face: TalkingFace) -> str:
    arrays = (face.times, face.landmarks, face.samples, np.array(face.sound_start))
    return sha256_bytes(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays))


def listed_beside(manifests: Sequence[Path]) -> list[ListedClip]:
    """Read manifests whose clips lie beside them."""
    return [clip for manifest in manifests for clip in read_clips(manifest.parent, manifest)]


def facts_of(
    faces: Sequence[TalkingFace], portraits: Sequence[TalkingFace], settings: TrainSettings
) -> dict[str, str]:
    """Return what the weights were trained on, for their header: a line per source, with licence and minutes."""
    facts = {"settings": ", ".join(f"{name} {value}" for name, value in asdict(settings).items())}
    for source, licence in sorted({(f.clip.source, f.clip.licence) for f in faces}):
        chosen = [f for f in faces if (f.clip.source, f.clip.licence) == (source, licence)]
        real = sum(f.clip.real for f in chosen)
        facts[f"source {source} | {licence}"] = f"{len(chosen)} | {minutes(chosen):.1f} | {real}"
    if portraits:
        shards = sorted({f.clip.path.name for f in portraits})
        facts["portraits"] = f"{len(portraits)} | {minutes(portraits):.1f}"
        facts["portrait shards"] = f"{len(shards)}, sha256 of their names {sha256_json(shards)}"
    return facts


def fit_and_write(
    clips: Sequence[ListedClip],
    portraits: Sequence[TalkingFace],
    store: Store,
    models: Models,
    out: Path,
    say: Progress = lambda text: None,
) -> str:
    """Train on the permitted clips, write the weights, and return their sha256.

    Raises:
        InputError: no clip may be trained on, or too few can be used.
    """
    permitted = [clip for clip in clips if clip.may_be_trained_on]
    if not permitted:
        raise InputError(
            "no clip of the manifests may be trained on", way_out="see the columns licence, single_face"
        )
    material = gather(permitted, store, models)
    say(f"{len(material.faces)} of {len(permitted)} permitted clips and {len(portraits)} portraits")
    settings = TrainSettings()
    model = fit_on(material.faces, portraits, settings, say)
    save_model(model, out, facts_of(material.faces, portraits, settings))
    return sha256_file(out)


def main(
    manifests: Annotated[list[Path], typer.Argument(help="CSV manifests; the clips lie beside them.")],
    portraits: Annotated[
        Path | None, typer.Option(help="Folder of exported portraits; without it there are none.")
    ] = None,
    shards: Annotated[int, typer.Option(help="How many of its shards, by name.")] = SHARDS,
    out: Annotated[Path, typer.Option(help="Where the weights go.")] = MODEL_FILE,
    store: Annotated[Path | None, typer.Option(help="Where artefacts are kept.")] = None,
) -> None:
    """Train the network of lipsync.landmark_sync on permitted clips and portraits and write its weights."""
    import torch

    # More threads add up in another order: the bytes would differ.
    torch.set_num_threads(1)
    try:
        models, kept = Models(WeightLocator()), Store(store or home() / "store")
        made = portrait_faces(portraits, shards, kept, models) if portraits else []
        digest = fit_and_write(
            listed_beside(manifests), made, kept, models, out, lambda text: typer.echo(text, err=True)
        )
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    typer.echo(f"{out}: sha256 {digest} (MODEL_SHA256 of landmark_sync_model.py must say so)")


if __name__ == "__main__":
    typer.run(main)

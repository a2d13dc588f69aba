"""Measure `lipsync.landmark_sync` beside `lipsync.mouth_audio` on clips that the weights did not see; write its card.

    python -m uniavgen_bench.validity.measure_landmark_sync CLIPS_CSV --training CSV --portraits SHARDS

Each clip is scored by weights trained without the clips of its source's owner; clips of owners that are not trained on
are scored by the shipped weights. Portraits of the split `test` show other people than those trained on.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from uniavgen_bench.core.errors import BenchError, InputError
from uniavgen_bench.core.store import Store, home
from uniavgen_bench.datasets.portraits.dataset import PortraitsOptions, clip_of, load_portraits
from uniavgen_bench.metrics.landmark_sync_model import load_shipped_model
from uniavgen_bench.metrics.lipsync_mouth_audio import load_shipped_map
from uniavgen_bench.validity import fit_mouth_audio
from uniavgen_bench.validity.clip_sets import ListedClip, TalkingFace
from uniavgen_bench.validity.fit_landmark_sync import SHARDS, kept_fit, listed_beside
from uniavgen_bench.validity.fit_mouth_audio import gather
from uniavgen_bench.validity.landmark_sync import Ear, ear_of, mouth_audio_ear, studies_of
from uniavgen_bench.validity.landmark_sync_card import card_text
from uniavgen_bench.validity.landmark_sync_conditions import Measured, cut_studies, encoded_anew, halves
from uniavgen_bench.validity.landmark_sync_folds import FOLDS, NOBODY, folds_of, studied_by_folds
from uniavgen_bench.validity.landmark_sync_material import PORTRAITS, portrait_faces
from uniavgen_bench.validity.landmark_sync_training import Progress, TrainSettings
from uniavgen_bench.weights.locate import WeightLocator
from uniavgen_bench.weights.models import Models

CARD = Path("reports") / "models" / "landmark_sync.md"
LENGTHS = (3.0, 6.0)
ENCODED = 12
"""As many clips are encoded anew, spread over the list."""
PEOPLE = 32


@dataclass(frozen=True)
class Material:
    """Faces that are scored, all faces that may teach or are scored, portraits of both splits, and who is missing."""

    scored: tuple[TalkingFace, ...]
    faces: tuple[TalkingFace, ...]
    portraits: tuple[TalkingFace, ...]
    people: tuple[TalkingFace, ...]
    missing: dict[str, int]


def look(
    scored: Sequence[ListedClip],
    training: Sequence[ListedClip],
    portraits: Sequence[TalkingFace],
    store: Store,
    models: Models,
) -> Material:
    """Look at all clips with one face; what was looked at before comes from the store.

    Raises:
        InputError: too few clips can be scored.
    """
    single = [clip for clip in scored if clip.single_face]
    paths = {clip.path for clip in single}
    taught = [clip for clip in training if clip.path not in paths and clip.may_be_trained_on]
    material = gather([*single, *taught], store, models)
    faces = tuple(face for face in material.faces if face.clip.path in paths)
    if len(faces) < 3:
        raise InputError(f"{len(faces)} of {len(single)} clips can be scored: too few for a study")
    missing = Counter(reason.split(":")[0] for clip, reason in material.missing if clip.path in paths)
    people = gather(portraits_of_other_people(PEOPLE), store, models).faces if portraits else ()
    return Material(faces, material.faces, tuple(portraits), people, dict(missing))


def portraits_of_other_people(count: int) -> list[ListedClip]:
    """Return portraits of the split `test` as the suites have them: 2 s, each person a source."""
    dataset = load_portraits(PortraitsOptions(split="test", samples=count), workers=1)
    return [
        ListedClip(
            path=clip_of(sample),
            sample=sample,
            system=PORTRAITS,
            source=f"{PORTRAITS}/{sample.facts['identity']}",
            licence="Apache-2.0",
            real=False,
            single_face=True,
        )
        for sample in dataset.samples
    ]


def measured(
    material: Material,
    models: Models,
    store: Store,
    settings: TrainSettings,
    say: Progress,
    *,
    parts: int = FOLDS,
    ablation: int | None = None,
) -> Measured:
    """Train for every fold, and for the fold `ablation` once more without portraits, and measure."""
    folds = folds_of(material.scored, parts)
    ears: dict[int, Ear] = {}

    def ours(teachers: Sequence[TalkingFace], fold: int) -> Ear:
        say(f"fold {fold}: {len(teachers)} clips to train on")
        model = (
            load_shipped_model()
            if fold == NOBODY
            else kept_fit(teachers, material.portraits, settings, store, say)
        )
        ears[fold] = ear_of(model)
        return ears[fold]

    def linear(teachers: Sequence[TalkingFace], fold: int) -> Ear:
        return mouth_audio_ear(fit_mouth_audio.fit_on(teachers).model)

    scored, faces = material.scored, material.faces
    studies = studied_by_folds(scored, faces, folds, ours)
    by_face = [ears[folds.fold(face)] for face in scored]
    chosen = range(0, len(scored), max(1, len(scored) // ENCODED))
    alike = [at for at, face in enumerate(scored) if folds.fold(face) == ablation]
    plain: Ear | None = None
    if alike and ablation is not None:
        say(f"fold {ablation} without portraits")
        plain = ear_of(kept_fit(folds.teachers(faces, ablation), [], settings, store, say))
    say("conditions")
    return Measured(
        studies=studies,
        linear=studied_by_folds(scored, faces, folds, linear),
        with_portraits=[studies[at] for at in alike],
        without_portraits=studies_of(scored, plain, alike) if plain else [],
        people=studies_of(material.people, ear_of(load_shipped_model())),
        people_linear=studies_of(material.people, mouth_audio_ear(load_shipped_map())),
        people_without=studies_of(material.people, plain) if plain else [],
        by_length={seconds: cut_studies(scored, by_face, seconds) for seconds in LENGTHS},
        halves=halves(scored, by_face),
        encoded=encoded_anew([scored[i] for i in chosen], [by_face[i] for i in chosen], models),
        missing=material.missing,
        groups=parts,
    )


def main(
    scored: Annotated[
        list[Path], typer.Argument(help="CSV manifests of clips to score; clips lie beside them.")
    ],
    training: Annotated[
        list[Path] | None, typer.Option(help="CSV manifests of further clips to train on.")
    ] = None,
    portraits: Annotated[Path | None, typer.Option(help="Folder of exported portraits.")] = None,
    shards: Annotated[int, typer.Option(help="How many of its shards, by name.")] = SHARDS,
    folds: Annotated[int, typer.Option(help="Owners are left out in so many groups.")] = FOLDS,
    ablation: Annotated[
        int | None, typer.Option(help="Train the weights for this group once more without portraits.")
    ] = 1,
    store: Annotated[Path | None, typer.Option(help="Where artefacts are kept.")] = None,
    card: Annotated[Path, typer.Option(help="Where the model card goes.")] = CARD,
) -> None:
    """Measure lipsync.landmark_sync on clips that its weights did not see, and write its model card."""
    import torch

    torch.set_num_threads(1)

    def say(text: str) -> None:
        typer.echo(text, err=True)

    try:
        models, kept = Models(WeightLocator()), Store(store or home() / "store")
        made = portrait_faces(portraits, shards, kept, models) if portraits else []
        material = look(listed_beside(scored), listed_beside(training or []), made, kept, models)
        say(f"{len(material.scored)} clips to score, {len(material.faces)} faces, {len(made)} portraits")
        found = measured(material, models, kept, TrainSettings(), say, parts=folds, ablation=ablation)
    except BenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(card_text(found), encoding="utf-8")
    typer.echo(str(card))


if __name__ == "__main__":
    typer.run(main)
